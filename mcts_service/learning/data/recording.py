"""Trajectories that were recorded, checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, overload

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.steps import require_finite
from mcts_service.protocols import Trajectory

__all__ = ["Recording", "check_trajectory", "kept"]


@dataclass(frozen=True)
class Recording(Sequence[Trajectory[Any]]):
    """Trajectories, and what of their source could not be kept.

    Attributes:
      trajectories: each of at least one step.
      dropped_steps: steps of the source that are in no trajectory.
      problems: why they are not, a line each.
    """

    trajectories: tuple[Trajectory[Any], ...]
    dropped_steps: int = 0
    problems: tuple[str, ...] = ()

    @property
    def num_steps(self) -> int:
        """Of all trajectories together."""
        return sum(len(trajectory.actions) for trajectory in self.trajectories)

    def __len__(self) -> int:
        return len(self.trajectories)

    @overload
    def __getitem__(self, index: int) -> Trajectory[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Trajectory[Any], ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.trajectories[index]

    def __iter__(self) -> Iterator[Trajectory[Any]]:
        return iter(self.trajectories)

    def split(self, share: float, rng: np.random.Generator) -> tuple[Recording, Recording]:
        """Two parts by whole trajectories, drawn at random: to fit a model, and to judge it.

        Args:
          share: of the trajectories that go into the first part, above 0 and below 1. Each part
            has one at least.
          rng: the order.
        Raises:
          InvalidRequest: there are fewer than two trajectories, or the share is none.
        """
        if not 0 < share < 1:
            raise InvalidRequest("share", f"is {shown(share)}; must be above 0 and below 1")
        if len(self) < 2:
            raise InvalidRequest("trajectories", f"has {len(self)}; to split takes two")
        order = rng.permutation(len(self))
        count = min(max(round(share * len(self)), 1), len(self) - 1)
        parts = (order[:count], order[count:])
        first, second = (tuple(self.trajectories[i] for i in part) for part in parts)
        return replace(self, trajectories=first), Recording(second)


def check_trajectory(
    trajectory: Trajectory[Any], number: int, num_actions: int | None = None
) -> None:
    """Checks one of many trajectories.

    Args:
      number: which one, for the message.
      num_actions: actions must be integers below it; None: any integer from 0 on.
    Raises:
      InvalidRequest: it is empty or ragged, or something in it is not finite or no action;
        names the trajectory, the step and the field.
    """
    name = f"trajectories[{number}]"
    if not len(trajectory.actions):
        raise InvalidRequest(f"{name}.actions", "is empty; a trajectory must have a step")
    _check_lengths(name, trajectory)
    if not _all_actions(trajectory.actions, num_actions):
        for step, action in enumerate(trajectory.actions):
            if problem := _wrong_action(action, num_actions):
                raise InvalidRequest(f"{name}.actions[{step}]", problem)
    if not _all_finite(trajectory.rewards):
        for step, reward in enumerate(trajectory.rewards):
            if not isinstance(reward, Real) or not np.isfinite(float(reward)):
                raise InvalidRequest(
                    f"{name}.rewards[{step}]", f"is {shown(reward)}; must be finite"
                )
    _check_states(name, trajectory.states)


def _check_lengths(name: str, trajectory: Trajectory[Any]) -> None:
    steps = len(trajectory.actions)
    for field, right in (("rewards", steps), ("states", steps + 1)):
        length = len(getattr(trajectory, field))
        if length != right:
            raise InvalidRequest(
                f"{name}.{field}", f"has {length}; must have {right}, as there are {steps} actions"
            )


def _all_actions(actions: Any, num_actions: int | None) -> bool:
    """True if the actions are an array of right ones, which most are: each alone takes long."""
    if not isinstance(actions, np.ndarray) or actions.dtype.kind not in "iu":
        return False
    return bool(actions.min() >= 0 and (num_actions is None or actions.max() < num_actions))


def _all_finite(rewards: Any) -> bool:
    """True if the rewards are an array of finite numbers."""
    is_numeric = isinstance(rewards, np.ndarray) and rewards.dtype.kind in "iuf"
    return is_numeric and bool(np.isfinite(rewards).all())


def _wrong_action(action: Any, num_actions: int | None) -> str:
    """What is wrong with an action; nothing: ""."""
    is_number = isinstance(action, Integral) and not isinstance(action, bool)
    if is_number and action >= 0 and (num_actions is None or action < num_actions):
        return ""
    limit = "0 on" if num_actions is None else f"0 to {num_actions - 1}"
    return f"is {shown(action)}; must be an integer from {limit}"


def _check_states(name: str, states: Any) -> None:
    # One look at the whole array, which is mostly in order; else the first state that is not.
    if (
        isinstance(states, np.ndarray)
        and states.dtype.kind in "fciub"
        and np.isfinite(states).all()
    ):
        return
    first = states[0]
    for step, state in enumerate(states):
        are_arrays = isinstance(state, np.ndarray) and isinstance(first, np.ndarray)
        if are_arrays and first.shape != state.shape:
            raise InvalidRequest(
                f"{name}.states[{step}]",
                f"has the shape {state.shape}; must have {first.shape}, as the first",
            )
        require_finite(f"{name}.states[{step}]", state)


def kept(
    trajectories: Iterable[Trajectory[Any]], num_actions: int | None, *, keep_whole: bool
) -> Recording:
    """The trajectories that are in order.

    Args:
      num_actions: as of `check_trajectory`.
      keep_whole: whether a trajectory with something wrong is cut before the first step that is,
        and the loss counted; else it is an error.
    Raises:
      InvalidRequest: something is wrong and `keep_whole` is False, or nothing is left.
    """
    whole: list[Trajectory[Any]] = []
    problems: list[str] = []
    dropped = 0
    for number, trajectory in enumerate(trajectories):
        try:
            check_trajectory(trajectory, number, num_actions)
        except InvalidRequest as error:
            if not keep_whole:
                raise
            problems.append(str(error))
            steps = max(len(trajectory.actions), len(trajectory.rewards))
            good = _good_steps(trajectory, num_actions)
            dropped += steps - good
            if not good:
                continue
            trajectory = _cut(trajectory, good)
        whole.append(trajectory)
    if not whole:
        raise InvalidRequest("trajectories", "has none with a whole step; must have one")
    return Recording(tuple(whole), dropped, tuple(problems))


def _good_steps(trajectory: Trajectory[Any], num_actions: int | None) -> int:
    """How many steps from the first on are in order."""
    low, high = (
        0,
        min(len(trajectory.actions), len(trajectory.rewards), max(0, len(trajectory.states) - 1)),
    )
    # What is wrong stays wrong in every longer beginning, so the longest good one is bisected.
    while low < high:
        middle = (low + high + 1) // 2
        try:
            check_trajectory(_cut(trajectory, middle), 0, num_actions)
            low = middle
        except InvalidRequest:
            high = middle - 1
    return low


def _cut(trajectory: Trajectory[Any], steps: int) -> Trajectory[Any]:
    """Its first steps; it did not end there, unless nothing is cut off."""
    whole = (len(trajectory.states) - 1, len(trajectory.actions), len(trajectory.rewards))
    return Trajectory(
        trajectory.states[: steps + 1],
        trajectory.actions[:steps],
        trajectory.rewards[:steps],
        bool(trajectory.terminated) and whole == (steps, steps, steps),
    )
