"""A peer: pomdp-py's POUCT, the state observed in full, over the compiled model's samples.

python -m benchmarks.quality.pomdp_py_planner    a process as `peer_worker` says
"""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pomdp_py

from benchmarks.quality.peer_worker import serve
from benchmarks.quality.problem import Problem
from mcts_service._core import SplitMix64

__all__ = ["PomdpPyPlanner"]


class _Packed:
    """The bytes of a state, compared and hashed as they are."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __hash__(self) -> int:
        return hash(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Packed) and self.data == other.data


class _State(_Packed, pomdp_py.State):
    pass


class _Seen(_Packed, pomdp_py.Observation):
    pass


class _Action(pomdp_py.Action):
    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Action) and self.number == other.number


class _Blackbox(pomdp_py.BlackboxModel):
    """The compiled model. pomdp-py knows no terminal states: a step from one takes more steps than
    are left, which ends the simulation.
    """

    def __init__(self, handle: Any, steps_to_the_end: int) -> None:
        self.handle, self.steps_to_the_end = handle, steps_to_the_end
        stream: Any = SplitMix64(random.getrandbits(63))
        self.rng = np.random.Generator(stream)

    def sample(self, state: _State, action: _Action) -> tuple[_State, _Seen, float, int]:
        if self.handle.is_terminal(state.data):
            return state, _Seen(state.data), 0.0, self.steps_to_the_end
        data, [reward], _ = self.handle.sample(state.data, action.number, self.rng)
        return _State(data), _Seen(data), reward, 1


class _UniformRollout(pomdp_py.RolloutPolicy):
    def __init__(self, handle: Any, num_actions: int) -> None:
        self.actions = [_Action(number) for number in range(num_actions)]
        self.handle = handle

    def get_all_actions(self, state: Any = None, history: Any = None) -> list[_Action]:
        legal = [self.actions[number] for number in self.handle.legal_actions(state.data)]
        return legal or self.actions  # of a terminal state any

    def rollout(self, state: _State, history: tuple[Any, ...]) -> _Action:
        return random.choice(self.get_all_actions(state))


class PomdpPyPlanner:
    """Plans with the model's discount to the end of the episode.

    Exploration is on returns as they are; ours is scaled by the range of returns, so its constant
    is ours, 1, times the range from random to best play.
    """

    def __init__(self, problem: Problem) -> None:
        self._model = problem.model
        self._exploration = problem.span

    def decide(self, state: Any, left: int, simulations: int, seed: int) -> tuple[Any, float]:
        started = time.process_time()
        random.seed(seed)
        handle = self._model.handle
        policy = _UniformRollout(handle, self._model.num_actions)
        root = _State(self._model.pack_state(state))
        agent = pomdp_py.Agent(
            pomdp_py.Histogram({root: 1.0}),
            policy,
            blackbox_model=_Blackbox(handle, left + 1),
        )
        search = pomdp_py.POUCT(
            max_depth=left,
            num_sims=simulations,
            discount_factor=self._model.discount,
            exploration_const=self._exploration,
            rollout_policy=policy,
        )
        action = search.plan(agent).number
        return action, time.process_time() - started


if __name__ == "__main__":
    serve(PomdpPyPlanner)
