"""The bare Python model: as many calls to `sample`, and no search."""

from __future__ import annotations

import ctypes
import time

import numpy as np
from models.grid10 import FORMS
from sides.work import Work

from mcts_service._core import SplitMix64

__all__ = ["CLoop", "PythonLoop"]


class PythonLoop(Work):
    """Episodes of actions drawn beforehand, in the plainest loop that Python has.

    Args:
      form: of grid10, one of its `FORMS`.
    """

    def __init__(self, horizon: int, form: str) -> None:
        self.horizon = horizon
        self.model = FORMS[form]()
        self.rng = np.random.Generator(SplitMix64(0))
        self.steps_an_episode = 0.0

    def turn(self, amount: int) -> float:
        draws = np.random.default_rng(0).integers(self.model.num_actions, size=self.horizon * 97)
        episodes = draws.reshape(97, self.horizon).tolist()
        sample, rng, steps = self.model.sample, self.rng, 0
        started = time.perf_counter()
        for episode in range(amount):
            state = self.model.initial_state()
            for action in episodes[episode % 97]:
                state, _, terminated = sample(state, action, rng)
                steps += 1
                if terminated:
                    break
        seconds = time.perf_counter() - started
        self.steps_an_episode = steps / amount
        return 1e9 * seconds / steps

    def counts(self) -> dict[str, float]:
        return {"steps": self.steps_an_episode}


class CLoop(PythonLoop):
    """The same from C, by the call that costs least.

    Args:
      form: of grid10, one of its `FORMS`.
      library: compiled from bare_loop.c.
    """

    def __init__(self, horizon: int, form: str, library: str) -> None:
        super().__init__(horizon, form)
        self.play = ctypes.PyDLL(library).bare_loop
        self.play.argtypes = [ctypes.py_object] * 4 + [ctypes.c_int64] * 2
        self.play.restype = ctypes.c_int64

    def turn(self, amount: int) -> float:
        start, actions = self.model.initial_state(), tuple(range(self.model.num_actions))
        started = time.perf_counter()
        steps = self.play(self.model.sample, start, actions, self.rng, self.horizon, amount)
        seconds = time.perf_counter() - started
        self.steps_an_episode = steps / amount
        return 1e9 * seconds / float(steps)
