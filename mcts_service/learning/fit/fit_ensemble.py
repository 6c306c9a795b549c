"""From trajectories to an ensemble of small networks, trained by torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.steps import Steps, steps_of
from mcts_service.learning.fit.ensemble import Ensemble, Layer, Scalings
from mcts_service.learning.fit.regression import Scaling
from mcts_service.learning.fit.vector_model import Origin, RewardFunction, TerminalFunction
from mcts_service.protocols import Trajectory

__all__ = ["Training", "fit_ensemble", "held_rows"]

_MOST_ACTIONS, _MOST_MEMBERS, _MOST_UNITS, _MOST_EPOCHS = 2**16, 1024, 2**16, 10**9


@dataclass(frozen=True)
class Training:
    """How networks are trained.

    Attributes:
      epochs: passes over the data, at most.
      patience: epochs without a better loss on the held-out steps after which it ends.
      held_out: share of the steps that are not trained on, above 0 and below 1: whole trajectories,
        as steps of one are alike; of a single trajectory, its end.
      batch: steps of one update.
      learning_rate: of Adam.
      weight_decay: of Adam, decoupled.
    """

    epochs: int = 200
    patience: int = 20
    held_out: float = 0.1
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-5

    def __post_init__(self) -> None:
        require_integer("epochs", self.epochs, 1, _MOST_EPOCHS)
        require_integer("patience", self.patience, 1, _MOST_EPOCHS)
        require_integer("batch", self.batch, 1, 2**31)
        require_number("learning_rate", self.learning_rate, 0, 1)
        require_number("weight_decay", self.weight_decay, 0, 1)
        if not 0 < require_number("held_out", self.held_out, 0, 1) < 1:
            raise InvalidRequest(
                "held_out", f"is {shown(self.held_out)}; must be above 0 and below 1"
            )


def fit_ensemble(
    trajectories: Iterable[Trajectory[Any]],
    num_actions: int | None = None,
    *,
    rng: np.random.Generator,
    members: int = 5,
    hidden: Sequence[int] = (64, 64),
    probabilistic: bool = True,
    discount: float = 0.99,
    training: Training | None = None,
    reward: RewardFunction | None = None,
    terminal: TerminalFunction | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> Ensemble:
    """Bootstrapped networks that predict change, reward and end: trajectories -> sample model.

    Each member is trained on its own resample of the steps, and keeps the weights that were best
    on steps held out from all.

    Args:
      trajectories: states are vectors of D numbers.
      num_actions: actions are the integers below it; None: one more than the greatest.
      rng: of the initial weights, the resamples and the order of the steps.
      members: how many networks.
      hidden: units of the hidden layers.
      probabilistic: whether the variance of the changes is learned and drawn, too.
      discount: per step.
      training: how; default `Training()`.
      reward: (states, actions, next_states) -> float64[N], in place of learning it.
      terminal: next_states -> bool[N], in place of learning it.
      progress: called after each epoch with its number from 1, the most there are, and the mean
        loss of the members on the steps held out.
    Raises:
      InvalidRequest: torch is not installed, an argument is wrong, or a trajectory is empty,
        ragged or not finite: names the trajectory, the step and the field.
    """
    from mcts_service.learning.fit._network import train  # checks for torch

    training = training or Training()
    require_integer("members", members, 1, _MOST_MEMBERS)
    if not hidden:
        raise InvalidRequest("hidden", "is empty; must have the units of one layer at least")
    for position, units in enumerate(hidden):
        require_integer(f"hidden[{position}]", units, 1, _MOST_UNITS)
    if num_actions is not None:
        require_integer("num_actions", num_actions, 1, _MOST_ACTIONS)
    steps = steps_of(trajectories, num_actions)
    if len(steps) < 2:
        raise InvalidRequest("trajectories", "have one step; must have two, one to be held out")
    count = num_actions or 1 + int(steps.actions.max())
    scalings = Scalings(
        Scaling.of(np.concatenate([steps.states, steps.next_states])),
        Scaling.of(steps.next_states - steps.states),
        Scaling.of(steps.rewards[:, np.newaxis]),
    )
    inputs, targets = _rows(steps, scalings, count)
    is_held = held_rows(steps.first, len(steps), training.held_out, rng)
    layers, log_variance = train(
        inputs, targets, is_held, rng, training, members, hidden, probabilistic, progress
    )
    return Ensemble(
        Origin.of(steps, count),
        scalings,
        [Layer(*layer) for layer in layers],
        probabilistic=probabilistic,
        log_variance=log_variance,
        never_ended=not steps.terminated.any(),
        discount=discount,
        reward=reward,
        terminal=terminal,
    )


def held_rows(first: np.ndarray, count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which steps are held out: about that share of them, and at least one; not all.

    Args:
      first: which steps begin a trajectory: int64[E], ascending from 0.
      count: how many steps there are, at least 2.
      share: above 0 and below 1.
      rng: the order of the trajectories.
    Returns:
      bool[count]; the steps of a trajectory are held out together, unless there is only one.
    """
    wanted = max(1, round(share * count))
    if len(first) == 1:
        return np.arange(count) >= count - min(wanted, count - 1)
    lengths = np.diff(first, append=count)
    order = rng.permutation(len(first))
    # As many as come closest to what is wanted.
    held = np.cumsum(lengths[order])[:-1]
    is_held = np.zeros(len(first), np.bool_)
    is_held[order[: 1 + int(np.abs(held - wanted).argmin())]] = True
    return np.repeat(is_held, lengths)


def _rows(steps: Steps, scalings: Scalings, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What the networks take, [N, D + num_actions], and what they are to give, [N, D + 2]."""
    inputs = [scalings.states(steps.states), np.eye(count)[steps.actions]]
    targets = [
        scalings.changes(steps.next_states - steps.states),
        scalings.rewards(steps.rewards[:, np.newaxis]),
        steps.terminated[:, np.newaxis].astype(np.float64),
    ]
    return np.concatenate(inputs, axis=1), np.concatenate(targets, axis=1)
