"""How good a learned model is, on trajectories that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.rollouts import rollout_errors
from mcts_service.learning.fit.table import LearnedTable
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

    Attributes:
      level: of the model: "distribution" or "sample".
      num_steps: that were held out.
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
    """Judges a learned model by trajectories that it was not fitted to.

    Args:
      model: from `fit_table`, `fit_linear_gaussian`, `fit_ensemble` or `load`.
      trajectories: held out.
      rollout_steps: K, of the curve; fewer where no trajectory is so long.
      rollouts: how many, from places drawn among those with K steps left.
      rng: of the rollouts.
    Raises:
      InvalidRequest: a trajectory is empty, ragged, not finite, or not of the model's states and
        actions: names the trajectory, the step and the field.
    """
    require_integer("rollout_steps", rollout_steps, 1, _MOST_STEPS)
    require_integer("rollouts", rollouts, 1, _MOST_STARTS)
    kept = list(trajectories)
    if not kept:
        raise InvalidRequest("trajectories", "is empty; must have one at least")
    likelihoods = _log_likelihood(model, kept)
    possible = likelihoods[np.isfinite(likelihoods)]
    expected_rewards, expected_ends = model.predictions(kept)
    rewards = np.concatenate([np.asarray(t.rewards, np.float64) for t in kept])
    ends = np.concatenate(
        [np.append(np.zeros(len(t.actions) - 1), float(t.terminated)) for t in kept]
    )
    errors, baseline_errors = rollout_errors(model, kept, rollout_steps, rollouts, rng)
    return Report(
        level=model.level,
        num_steps=len(likelihoods),
        log_likelihood=float(likelihoods.mean()),
        possible_log_likelihood=float(possible.mean()) if len(possible) else float("nan"),
        baseline_log_likelihood=_baseline(model, kept, ends),
        impossible_steps=len(likelihoods) - len(possible),
        reward_error=_root_mean_square(rewards - expected_rewards),
        baseline_reward_error=float(rewards.std()),
        terminal_error=float(((ends - expected_ends) ** 2).mean()),
        baseline_terminal_error=float(ends.var()),
        rollout_errors=errors,
        baseline_rollout_errors=baseline_errors,
    )


def _log_likelihood(model: Any, trajectories: Sequence[Trajectory[Any]]) -> np.ndarray:
    """The model's, of each step: float64[N]."""
    if isinstance(model, LearnedTable):
        return model.log_likelihood(trajectories)
    changing = np.flatnonzero(_mean_squared_change(model, trajectories))
    likelihoods: np.ndarray = model.log_likelihood(trajectories, changing)
    return likelihoods


def _mean_squared_change(model: Any, trajectories: Sequence[Trajectory[Any]]) -> np.ndarray:
    """Of each component of the states: float64[D]."""
    steps = model.steps_of(trajectories)
    squares: np.ndarray = ((steps.next_states - steps.states) ** 2).mean(axis=0)
    return squares


def _baseline(model: Any, trajectories: Sequence[Trajectory[Any]], ends: np.ndarray) -> float:
    """The mean log-likelihood of that nothing changes."""
    share = ends.mean()
    if isinstance(model, LearnedTable):
        stays, num_states = _staying(model, trajectories), model.outcomes.num_states
        return _entropy(stays.mean(), max(1, num_states - 1)) + _entropy(share)
    variance = _mean_squared_change(model, trajectories)
    variance = variance[variance > 0]
    density = float(-0.5 * (np.log(2 * np.pi * variance) + 1.0).sum())
    return density if model.terminal is not None else density + _entropy(share)


def _staying(model: LearnedTable, trajectories: Sequence[Trajectory[Any]]) -> np.ndarray:
    """Which steps stay where they are: bool[N]."""
    number = model.labels.number if model.labels is not None else int
    numbers = [np.array([number(state) for state in t.states]) for t in trajectories]
    return np.concatenate([one[1:] == one[:-1] for one in numbers])


def _entropy(share: float, alternatives: int = 1) -> float:
    """The mean log-likelihood of a thing that happens so often, else one of so many others."""
    share = float(share)
    happens = share * np.log(share) if share > 0 else 0.0
    otherwise = (1 - share) * np.log((1 - share) / alternatives) if share < 1 else 0.0
    return float(happens + otherwise)


def _root_mean_square(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))
