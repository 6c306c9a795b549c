"""Models that do what no model should, each in the way that it is told, for tests of isolation."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from served_models import Corridor, Herd

from mcts_service.models import UnbatchedModel
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.entry import ModelEntry, describe_model


def raise_error() -> None:
    raise RuntimeError("the wires are crossed at /etc/secret")


def sleep_for_ever() -> None:
    time.sleep(1e6)


def loop_in_python() -> None:
    while True:
        pass


def loop_in_c() -> None:
    """Never lets go of the interpreter: one instruction of it that takes hours."""
    9 ** (9**9)


def allocate_in_python() -> None:
    held = []
    while True:
        held.append(bytearray(2**20))


def allocate_in_c() -> None:
    """What C++ does where `new` fails."""
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    while malloc(ctypes.c_size_t(2**24)):
        pass
    ctypes.CDLL(None).abort()


def exit_at_once() -> None:
    os._exit(7)


def exit_like_a_lost_worker() -> None:
    os._exit(255)


def exit_in_python() -> None:
    sys.exit("enough")


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def print_without_end() -> None:
    while True:
        print("so it goes " * 10)


def print_one_long_line() -> None:
    for _ in range(2000):
        print("x" * 10_000, end="")
    print()


def start_threads() -> None:
    for _ in range(4):
        threading.Thread(target=sleep_for_ever).start()


def start_process() -> None:
    if os.fork() == 0:
        sleep_for_ever()


def close_all_files() -> None:
    os.closerange(3, 1000)
    sleep_for_ever()


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def recurse() -> None:
    recurse()


MISDEEDS = {
    deed.__name__: deed
    for deed in (
        raise_error,
        sleep_for_ever,
        loop_in_python,
        loop_in_c,
        allocate_in_python,
        allocate_in_c,
        exit_at_once,
        exit_like_a_lost_worker,
        exit_in_python,
        segfault,
        abort,
        print_without_end,
        print_one_long_line,
        start_threads,
        start_process,
        close_all_files,
        stop_itself,
        recurse,
    )
}
#: What the misdeeds are done in: all others are as of `Corridor`.
BAD_STATE = 6


class Misbehaving(Corridor):
    """A corridor that does its misdeed wherever a search begins in `BAD_STATE`.

    Args:
      deed: one of `MISDEEDS`, or "nan".
      marks: a folder in which every worker that begins it leaves a file named by its process.
    """

    def __init__(self, deed: str, marks: str | None = None) -> None:
        self.deed, self.marks = deed, marks

    def is_terminal(self, state: int) -> bool:
        return state == 9 or state == 5

    def sample(self, state: int, action: int, rng: Any) -> Any:
        if state == BAD_STATE:
            if self.marks is not None:
                Path(self.marks, str(os.getpid())).touch()
            if self.deed == "nan":
                return state, float("nan"), False
            MISDEEDS[self.deed]()
        following, reward, terminated = super().sample(state, action, rng)
        return following, reward, terminated or following == 5


#: A state of `Stampede` for which it does its misdeed.
BAD_POINT = np.array([0.5, 9.0])


class Stampede(Herd):
    """A herd that does its misdeed when it is asked about `BAD_POINT`; for others it may wait.

    Its plans say how many rows the largest call had: "rows: 8".

    Args:
      deed: as of `Misbehaving`.
      seconds: that each call takes.
    """

    def __init__(self, deed: str, seconds: float = 0.0) -> None:
        self.deed, self.seconds, self.most = deed, seconds, 0

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        self.most = max(self.most, len(states))
        time.sleep(self.seconds)
        if (states[:, 1] > 5).any():
            MISDEEDS[self.deed]()
        return super().sample_batch(states, actions, rng)

    def plan_warnings(self, state: Any, depth: int) -> list[str]:
        return [f"rows: {self.most}"]


class Twofold(Herd):
    """A herd that answers for one point, too."""

    def sample(self, state: Any, action: int, rng: Any) -> Any:
        return UnbatchedModel(Herd()).sample(state, action, rng)

    def is_terminal(self, state: Any) -> bool:
        return bool(abs(state[0]) > 1)


class Greedy(Herd):
    """A herd that weighs much: as many bytes for each point as a state has."""

    state_size_bytes = 2**16

    def initial_state(self, rng: Any = None) -> np.ndarray:
        return np.full(2**13, 0.5)


class Linear(Herd):
    """A herd whose calls take 20 ms for each row."""

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        time.sleep(0.02 * len(states))
        return super().sample_batch(states, actions, rng)


def misbehaving_when_built(deed: str) -> Any:
    """A factory that does its misdeed."""
    MISDEEDS[deed]()
    return Corridor()


def built_once(marks: str, deed: str) -> Any:
    """A factory that gives a model for the first time, and does a misdeed for all others."""
    try:
        Path(marks, "built").touch(exist_ok=False)
    except FileExistsError:
        MISDEEDS[deed]()
    return Misbehaving("exit_at_once")


def in_service(name: str, factory: Any, *arguments: Any, **limits: Any) -> ModelEntry:
    """What a worker builds."""
    return describe_model(name, factory(*arguments), limits=BudgetLimits(**limits))
