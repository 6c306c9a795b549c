"""A table learned by counting: maximum likelihood, or the mean of a Dirichlet posterior."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from mcts_service.checks import require_number
from mcts_service.learning.fit.labels import Labels, TableOfLabels
from mcts_service.learning.fit.numbered import NumberedSteps
from mcts_service.learning.fit.outcomes import Outcomes
from mcts_service.learning.fit.posterior import assumed_next, sampled_weights, table_of, weights_of
from mcts_service.learning.fit.unseen import Assumed, Unseen, assumed_of, described
from mcts_service.models import TabularModel
from mcts_service.models.pass_on import PassesOn
from mcts_service.protocols import Trajectory

__all__ = ["LearnedTable"]

#: States that are looked at for what a plan could meet.
_MOST_REACHED = 100_000
_KEPT_WARNINGS = 4096


class LearnedTable(PassesOn):
    """A finite problem as the data show it: a distribution model over the native table.

    The probability of an outcome (next state, and whether the episode ends there) is its share of
    what was seen, or with a prior the mean of its posterior. The reward of an outcome is the mean
    of what was seen. What is asked of it beside the names below is asked of `model`.

    Attributes:
      level: "distribution".
      model: the compiled table; its states are those of the data.
      labels: the states by their numbers, where they are no numbers themselves; else None.
      outcomes: what was seen, and how often.
      counts: how often each action was taken in each state, int64[num_states, num_actions].
      prior: concentration of the Dirichlet prior of each next state.
      unseen: how an action is taken that was never tried in a state.
    Source: Sutton and Barto (2018), section 8.1; Strens (2000) for the posterior.
    """

    level: Literal["distribution"] = "distribution"

    def __init__(
        self,
        outcomes: Outcomes,
        initial: np.ndarray,
        *,
        prior: float,
        unseen: Unseen,
        discount: float,
        labels: Labels | None = None,
    ) -> None:
        """The table of outcomes that were counted; see `fit_table`.

        Args:
          initial: the probability of each state to start in, float64[num_states].
        """
        self.outcomes = outcomes
        self.prior = prior
        self.unseen: Unseen = unseen
        self.labels = labels
        self.counts = outcomes.taken
        self._initial = initial
        self._discount = require_number("discount", discount, 0, 1)
        self._terminal = outcomes.terminal(initial)
        self.model = self._table(weights_of(outcomes, prior))
        self._warnings = lru_cache(_KEPT_WARNINGS)(self._warnings_within)

    @property
    def num_states(self) -> int:
        """As many as the data show, or as was said."""
        return self.outcomes.num_states

    @property
    def num_actions(self) -> int:
        """Actions are the integers 0 .. num_actions - 1."""
        return self.outcomes.num_actions

    @property
    def discount(self) -> float:
        """Per step."""
        return self._discount

    @property
    def numbered_table(self) -> TabularModel:
        """The compiled table with numbers as states, whatever they are called."""
        return self.model.table if isinstance(self.model, TableOfLabels) else self.model

    @property
    def initial_distribution(self) -> np.ndarray:
        """The share of the episodes that began in each state, float64[num_states]."""
        return self._initial

    def sample_posterior(self, rng: np.random.Generator) -> TabularModel | TableOfLabels:
        """A table that may be the true one, given the data.

        The probabilities of each action are drawn from their Dirichlet posterior: `prior` for each
        state and one more for each time that the outcome was seen. With a prior of 0 that is what
        was seen alone (the Bayesian bootstrap). Rewards are the means, not drawn.

        Args:
          rng: the only source of randomness.
        Source: Strens (2000), "A Bayesian framework for reinforcement learning"; Osband, Russo
          and Van Roy (2013) plan by it.
        """
        return self._table(sampled_weights(self.outcomes, self.prior, rng))

    def log_likelihood(self, trajectories: Iterable[Trajectory[Any]]) -> np.ndarray:
        """As of `LearnedModel`: logarithms of probabilities.

        An action that cannot be taken has none: -inf.
        """
        steps = self._numbered(trajectories)
        rows = steps.states * self.num_actions + steps.actions
        place = self.outcomes.find(rows, steps.next_states, steps.terminated)
        seen = np.where(place >= 0, self.outcomes.counts[place], 0).astype(np.float64)
        expected = self.prior * (steps.terminated == self._terminal[steps.next_states])
        taken = self.counts.ravel()[rows]
        total = taken + self.prior * self.outcomes.num_states
        with np.errstate(divide="ignore", invalid="ignore"):
            probability = (seen + expected) / total
        probability = np.where(total > 0, probability, self._is_assumed(steps))
        # A terminal state stays as it is, ended, whatever is done in it.
        over = self._terminal[steps.states]
        stays = (steps.next_states == steps.states) & steps.terminated
        probability = np.where(over, stays, probability)
        with np.errstate(divide="ignore"):
            logarithms: np.ndarray = np.log(probability)
        return logarithms

    def predictions(self, trajectories: Iterable[Trajectory[Any]]) -> tuple[np.ndarray, np.ndarray]:
        """As of `LearnedModel`."""
        steps = self._numbered(trajectories)
        rows = steps.states * self.num_actions + steps.actions
        counts, rewards = np.zeros((2, len(rows))), np.zeros((2, len(rows)))
        for ended in (0, 1):
            place = self.outcomes.find(rows, steps.next_states, np.full(len(rows), bool(ended)))
            counts[ended] = np.where(place >= 0, self.outcomes.counts[place], 0)
            rewards[ended] = self.outcomes.rewards[place]
        total = counts.sum(axis=0)
        weighted = (counts * rewards).sum(axis=0) / np.maximum(total, 1)
        reward = np.where(total > 0, weighted, self.outcomes.mean_rewards()[rows])
        ends = np.where(
            total > 0, counts[1] / np.maximum(total, 1), self._terminal[steps.next_states]
        )
        return reward, ends

    def plan_warnings(self, state: Any, depth: int) -> Sequence[str]:
        """What a plan from a state must tell: the actions within its reach that were never tried.

        Args:
          state: where the plan begins.
          depth: how many steps it looked ahead, at most.
        """
        number = self.labels.number(state) if self.labels is not None else int(state)
        return self._warnings(number, depth)

    # ---- parts

    def _table(self, weights: np.ndarray) -> TabularModel | TableOfLabels:
        table = table_of(
            self.outcomes,
            weights,
            self.prior,
            self._terminal,
            self._assumed,
            is_legal=self.unseen != "illegal",
            initial=self._initial,
            discount=self._discount,
        )
        return table if self.labels is None else TableOfLabels(table, self.labels)

    @property
    def _assumed(self) -> Assumed:
        worst, best = self.outcomes.reward_range
        return assumed_of(self.unseen, worst, best, self._discount)

    def _is_assumed(self, steps: NumberedSteps) -> np.ndarray:
        """Whether each step is what is assumed, and so is sure, where nothing is known: bool[N]."""
        following = assumed_next(steps.states, self._assumed, self._terminal)
        is_it: np.ndarray = (steps.next_states == following) & (
            steps.terminated == self._assumed.terminated
        )
        if self.unseen != "illegal":
            return is_it
        # Legal all the same where no action is known.
        is_unknown: np.ndarray = (self.counts == 0).all(axis=1)
        sure: np.ndarray = is_it & is_unknown[steps.states]
        return sure

    def _numbered(self, trajectories: Iterable[Trajectory[Any]]) -> NumberedSteps:
        return NumberedSteps.of(
            trajectories,
            labels=self.labels,
            num_states=self.outcomes.num_states,
            num_actions=self.num_actions,
        )

    def _warnings_within(self, state: int, depth: int) -> Sequence[str]:
        reached = self._reached(state, depth)
        acting = reached[~self._terminal[reached]]
        never = self.counts[acting] == 0
        if not never.any():
            return ()
        where = int(never.any(axis=1).sum())
        assumed = (
            "their outcomes are those of the prior"
            if self.prior > 0
            else described(self.unseen, self._assumed)
        )
        text = (
            f"{int(never.sum())} of {never.size} actions within {depth} steps, in {where} of "
            f"{len(acting)} states, were never seen in the data; {assumed}"
        )
        own = np.flatnonzero(self.counts[state] == 0).tolist()
        if not own:
            return (text,)
        return (text, f"in the planned state itself, never seen: actions {own}")

    def _reached(self, state: int, depth: int) -> np.ndarray:
        """States that what was seen leads to, within so many steps: int64[R], `state` first."""
        start = self.outcomes.row_start[:: self.num_actions]
        known = np.zeros(self.outcomes.num_states, np.bool_)
        known[state] = True
        layers = [np.array([state])]
        count = 1
        for _ in range(depth):
            entries = [np.arange(start[s], start[s + 1]) for s in layers[-1].tolist()]
            place = np.concatenate(entries).astype(np.int64)
            place = place[~self.outcomes.terminated[place]]
            following = np.unique(self.outcomes.next_states[place])
            following = following[~known[following]]
            if not len(following) or count > _MOST_REACHED:
                break
            known[following] = True
            layers.append(following)
            count += len(following)
        return np.concatenate(layers)
