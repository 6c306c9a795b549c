"""How good a learned model is, on trajectories that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.learning.data.steps import steps_of
from mcts_service.learning.fit.known_steps import (
    KnownSteps,
    are_vectors,
    identity_of,
    known_steps,
    level_of,
)
from mcts_service.learning.fit.rollouts import rollout_errors
from mcts_service.protocols import Trajectory

__all__ = ["Report", "held_out"]

_MOST_STEPS, _MOST_STARTS = 10_000, 1_000_000


@dataclass(frozen=True)
class Report:
    """A learned model against held-out trajectories, beside what takes no learning.

    The baseline predicts that nothing changes: of numbered states that a step stays where it is
    as often as it did, all else being as likely; of vectors that a change is normal around 0, with
    the variance that it had; an end as often, and a reward as large, as it was on average. It is
    given the held-out data themselves, so it is as good as such a baseline can be.

    A step that begins in a state which the model does not know is left out, as it cannot be asked
    about; one that leads into such a state is impossible, and its reward and end are not judged.

    Attributes:
      level: of the model: "distribution" or "sample".
      num_steps: that are judged.
      unknown_states: how many different states the model does not know.
      unknown_steps: steps that begin in one of them.
      log_likelihood: mean over the steps, of the next state and the end; -inf if a step was
        impossible. Components of vectors that never change in the held-out data are left out, of
        the baseline too: what predicts them for sure has no density.
      possible_log_likelihood: the same over the steps that were not impossible; NaN without any.
      baseline_log_likelihood: of the baseline.
      impossible_steps: those of likelihood 0.
      reward_error: root of the mean squared error, in reward units.
      baseline_reward_error: of the mean reward.
      terminal_error: Brier score: mean squared error of the probability of an end.
      baseline_terminal_error: of the share of steps that ended.
      rollout_errors: entry k - 1 is how far the model is from the trajectory after k of its
        actions: the energy score, which is the mean distance where the model is sure, and which no
        model keeps lower than the true one. float64[K]. Two numbered states are 1 apart; two
        vectors the quadratic mean of their components' distances, in standard deviations of the
        held-out states.
      baseline_rollout_errors: of staying where the rollout begins. float64[K].
    """

    level: str
    num_steps: int
    unknown_states: int
    unknown_steps: int
    log_likelihood: float
    possible_log_likelihood: float
    baseline_log_likelihood: float
    impossible_steps: int
    reward_error: float
    baseline_reward_error: float
    terminal_error: float
    baseline_terminal_error: float
    rollout_errors: np.ndarray
    baseline_rollout_errors: np.ndarray

    def __str__(self) -> str:
        impossible = f", {self.impossible_steps} impossible" if self.impossible_steps else ""
        if self.unknown_steps:
            impossible += f", {self.unknown_steps} more from {self.unknown_states} unknown states"
        last = len(self.rollout_errors)
        lines = [
            f"{self.num_steps:,} held-out steps{impossible}      model   baseline",
            f"log-likelihood a step   {self.possible_log_likelihood:10.4g} "
            f"{self.baseline_log_likelihood:10.4g}",
            f"reward error            {self.reward_error:10.4g} {self.baseline_reward_error:10.4g}",
            f"terminal error          {self.terminal_error:10.4g} "
            f"{self.baseline_terminal_error:10.4g}",
        ]
        lines += [
            f"rollout error at {k:<6} {self.rollout_errors[k - 1]:10.4g} "
            f"{self.baseline_rollout_errors[k - 1]:10.4g}"
            for k in sorted({1, max(1, last // 2), last})
        ]
        return "\n".join(lines)


def held_out(
    model: Any,
    trajectories: Sequence[Trajectory[Any]],
    *,
    rollout_steps: int = 20,
    rollouts: int = 500,
    rng: np.random.Generator,
) -> Report:
    """Judges a model by trajectories that it was not fitted to.

    Args:
      model: any sample model, with `sample` or `sample_batch`. What it is learned by does not
        matter; more is judged of one that can be asked for more, see `LearnedModel`:
        `log_likelihood` and `predictions`, without which likelihoods, or the errors of rewards and
        ends, are NaN; `validate_state`, without which it is taken to know all states. A model of
        vectors is asked log_likelihood(trajectories, components), int64[K] of those that change.
      trajectories: held out.
      rollout_steps: K, of the curve; fewer where no trajectory is so long.
      rollouts: how many, from places drawn among those with K steps left, and as many among those
        with fewer, which tell of the steps that they have.
      rng: of the rollouts.
    Raises:
      InvalidRequest: a trajectory is empty, ragged, not finite, or has an action that the model
        does not have: names the trajectory, the step and the field; or none has a step between
        states that the model knows.
    """
    require_integer("rollout_steps", rollout_steps, 1, _MOST_STEPS)
    require_integer("rollouts", rollouts, 1, _MOST_STARTS)
    steps = known_steps(model, list(trajectories))
    likelihoods = _log_likelihood(model, steps)
    possible = likelihoods[~np.isneginf(likelihoods)]
    rewards, ends = steps.rewards, steps.ends
    expected_rewards, expected_ends = _predictions(model, steps)
    errors, baseline_errors = rollout_errors(model, steps, rollout_steps, rollouts, rng)
    return Report(
        level=level_of(model),
        num_steps=len(likelihoods),
        unknown_states=steps.unknown_states,
        unknown_steps=steps.left_out,
        log_likelihood=float(likelihoods.mean()),
        possible_log_likelihood=float(possible.mean()) if len(possible) else float("nan"),
        baseline_log_likelihood=_baseline(model, steps),
        impossible_steps=len(likelihoods) - len(possible),
        reward_error=_root_mean_square(rewards - expected_rewards),
        baseline_reward_error=float(rewards.std()),
        terminal_error=float(((ends - expected_ends) ** 2).mean()),
        baseline_terminal_error=float(ends.var()),
        rollout_errors=errors,
        baseline_rollout_errors=baseline_errors,
    )


def _log_likelihood(model: Any, steps: KnownSteps) -> np.ndarray:
    """The model's, of each step that is judged: float64[N]; NaN where it does not tell."""
    count = len(steps.rewards)
    if not callable(getattr(model, "log_likelihood", None)):
        told = np.full(count, np.nan)
    elif are_vectors(model, steps.pieces):
        changing = np.flatnonzero(_mean_squared_change(steps))
        told = np.asarray(model.log_likelihood(steps.pieces, changing))
    else:
        told = np.asarray(model.log_likelihood(steps.pieces))
    return np.concatenate([told, np.full(steps.impossible, -np.inf)])


def _predictions(model: Any, steps: KnownSteps) -> tuple[np.ndarray, np.ndarray]:
    """(rewards, probabilities of an end), float64[N] each; NaN where the model does not tell."""
    if not callable(getattr(model, "predictions", None)):
        nothing = np.full(len(steps.rewards), np.nan)
        return nothing, nothing
    rewards, ends = model.predictions(steps.pieces)
    return np.asarray(rewards), np.asarray(ends)


def _mean_squared_change(steps: KnownSteps) -> np.ndarray:
    """Of each component of the states: float64[D]."""
    columns = steps_of(steps.pieces)
    squares: np.ndarray = ((columns.next_states - columns.states) ** 2).mean(axis=0)
    return squares


def _baseline(model: Any, steps: KnownSteps) -> float:
    """The mean log-likelihood of that nothing changes."""
    share = steps.ends.mean()
    if not are_vectors(model, steps.pieces):
        names = [[identity_of(model, state) for state in piece.states] for piece in steps.pieces]
        stays = sum(one == other for piece in names for one, other in pairwise(piece))
        distinct = len({name for piece in names for name in piece})
        others = max(1, getattr(model, "num_states", distinct) - 1)
        return _entropy(stays / (len(steps.rewards) + steps.impossible), others) + _entropy(share)
    variance = _mean_squared_change(steps)
    variance = variance[variance > 0]
    density = float(-0.5 * (np.log(2 * np.pi * variance) + 1.0).sum())
    has_own_end = getattr(model, "terminal", None) is not None
    return density if has_own_end else density + _entropy(share)


def _entropy(share: float, alternatives: int = 1) -> float:
    """The mean log-likelihood of a thing that happens so often, else one of so many others."""
    share = float(share)
    happens = share * np.log(share) if share > 0 else 0.0
    otherwise = (1 - share) * np.log((1 - share) / alternatives) if share < 1 else 0.0
    return float(happens + otherwise)


def _root_mean_square(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))
