"""Models in Python as users write them, good and bad, for the tests of the service."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mcts_service.models.spec import StateSpec
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.entry import ModelEntry, describe_model


class Corridor:
    """A walk on 0 .. 9 with a reward at the far end; slips one time in ten."""

    num_actions = 2
    discount = 0.9
    default_simulations = 200
    state_spec = StateSpec("discrete", num_values=10, description="the place")

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        step = 1 if (action == 1) != (rng.random() < 0.1) else -1
        following = min(max(state + step, 0), 9)
        return following, float(following == 9), following == 9

    def is_terminal(self, state: int) -> bool:
        return state == 9

    def initial_state(self, rng: Any = None) -> int:
        return 4


class Grid:
    """A walk on a plane; its states are tuples and come as JSON."""

    num_actions = 4
    steps = ((-1, 0), (0, 1), (1, 0), (0, -1))

    def sample(
        self, state: tuple[int, int], action: int, rng: Any
    ) -> tuple[tuple[int, int], float, bool]:
        following = (state[0] + self.steps[action][0], state[1] + self.steps[action][1])
        return following, float(following == (2, 2)), following == (2, 2)

    def initial_state(self, rng: Any = None) -> tuple[int, int]:
        return (0, 0)


class Point:
    """A point on a line that is pushed; its states are arrays."""

    num_actions = 2

    def sample(self, state: np.ndarray, action: int, rng: Any) -> tuple[np.ndarray, float, bool]:
        following = state + np.array([0.1 if action else -0.1, 0.0])
        return following, -abs(float(following[0])), False

    def initial_state(self, rng: Any = None) -> np.ndarray:
        return np.array([0.5, 0.0])


class Herd:
    """Points that are pushed, a row each; it answers in batches only."""

    num_actions = 3

    def sample_batch(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        following = states + 0.1 * (actions[:, None] - 1) + 0.05 * rng.random(states.shape)
        return following, -np.abs(following).sum(axis=1), np.abs(following[:, 0]) > 1

    def is_terminal_batch(self, states: np.ndarray) -> np.ndarray:
        return np.abs(states[:, 0]) > 1

    def initial_state(self, rng: Any = None) -> np.ndarray:
        return np.array([0.5, 0.0])


@dataclass(frozen=True)
class Switches:
    """A state of `Panel`."""

    on: frozenset[int]


class Panel:
    """Three switches, all to be on; its states travel by a codec of its own."""

    num_actions = 3

    def sample(self, state: Switches, action: int, rng: Any) -> tuple[Switches, float, bool]:
        following = Switches(state.on ^ {action})
        done = len(following.on) == 3
        return following, float(done), done

    def initial_state(self, rng: Any = None) -> Switches:
        return Switches(frozenset())

    def encode_state(self, state: Switches) -> bytes:
        return bytes(sorted(state.on))

    def decode_state(self, data: bytes) -> Switches:
        if any(number > 2 for number in data):
            raise ValueError("a switch is 0, 1 or 2")
        return Switches(frozenset(data))

    def state_from_json(self, value: Any) -> Switches:
        return Switches(frozenset(int(letter) for letter in value))


class Streets:
    """Three by three crossings; the ways that exist have names. The far corner pays."""

    ways: ClassVar = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}

    def actions(self, state: tuple[int, int]) -> list[str]:
        return [name for name in self.ways if all(0 <= at <= 2 for at in self._after(state, name))]

    def sample(self, state: tuple[int, int], action: str, rng: Any) -> tuple[Any, float, bool]:
        following = self._after(state, action)
        return following, 1.0 if following == (2, 2) else -0.1, following == (2, 2)

    def is_terminal(self, state: tuple[int, int]) -> bool:
        return state == (2, 2)

    def initial_state(self, rng: Any = None) -> tuple[int, int]:
        return (0, 1)

    def _after(self, state: tuple[int, int], action: str) -> tuple[int, int]:
        down, right = self.ways[action]
        return state[0] + down, state[1] + right


class Orders:
    """A store of 0 .. 5; labels of every kind that JSON holds: ("ship", 2), 1.5, 7, True, None."""

    state_spec = StateSpec("discrete", num_values=6)

    def actions(self, state: int) -> tuple[Any, ...]:
        ships = tuple(("ship", number, ("by", "road")) for number in range(1, min(state, 2) + 1))
        return (*ships, "buy", 1.5, 7, True, None)

    def sample(self, state: int, action: Any, rng: Any) -> tuple[int, float, bool]:
        if isinstance(action, tuple):
            return state - action[1], float(action[1]), rng.random() < 0.2
        return min(state + (action == "buy"), 5), -0.1, rng.random() < 0.2

    def initial_state(self, rng: Any = None) -> int:
        return 3


class Crew:
    """Who goes out, of three: sets, which JSON has not, so they travel as bytes."""

    state_spec = StateSpec("discrete", num_values=3)
    crews: ClassVar = [frozenset({0}), frozenset({1}), frozenset({0, 2})]

    def actions(self, state: int) -> list[frozenset[int]]:
        return self.crews

    def sample(self, state: int, action: frozenset[int], rng: Any) -> tuple[int, float, bool]:
        return (state + len(action)) % 3, float(state in action), rng.random() < 0.2

    def initial_state(self, rng: Any = None) -> int:
        return 0

    def encode_action(self, action: frozenset[int]) -> bytes:
        return bytes(sorted(action))

    def decode_action(self, data: bytes) -> Any:
        if any(number > 2 for number in data):
            raise ValueError("a member is 0, 1 or 2")
        return frozenset(data) if data else []  # of nothing what is no label


class Slow(Corridor):
    """A corridor whose steps take a while and end soon; counts them."""

    def __init__(self, seconds: float = 0.001) -> None:
        self.seconds = seconds
        self.steps = 0
        self.asked = threading.Event()

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        self.asked.set()
        self.steps += 1
        time.sleep(self.seconds)
        following, reward, terminated = super().sample(state, action, rng)
        return following, reward, terminated or rng.random() < 0.5


class Gated(Corridor):
    """A corridor that gives no answer before its gate is opened."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gate = threading.Event()

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        self.asked.set()
        self.gate.wait()
        return super().sample(state, action, rng)


class Faulty(Corridor):
    """A corridor that fails in the way that it is told."""

    SECRET = "the wires are crossed at /etc/secret"

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def sample(self, state: int, action: int, rng: Any) -> Any:
        following, reward, terminated = super().sample(state, action, rng)
        if self.fault == "raises":
            raise RuntimeError(self.SECRET)
        if self.fault == "exits":
            raise SystemExit(self.SECRET)
        if self.fault == "stops iteration":
            raise StopIteration(self.SECRET)
        return {
            "wrong length": (following, reward),
            "no tuple": None,
            "NaN reward": (following, float("nan"), terminated),
            "text reward": (following, self.SECRET, terminated),
            "illegal next state": (-1, reward, terminated),
            "no next state": (None, reward, terminated),
        }[self.fault]

    def validate_state(self, state: int) -> None:
        if not 0 <= state <= 9:
            raise ValueError(f"is {state}; must be from 0 to 9")


FAULTS = (
    "raises",
    "exits",
    "stops iteration",
    "wrong length",
    "no tuple",
    "NaN reward",
    "text reward",
    "illegal next state",
    "no next state",
)


def entry_of(model: Any, name: str = "model", **limits: Any) -> ModelEntry:
    """A model in service, with the limits that differ from the default ones."""
    return describe_model(name, model, limits=BudgetLimits(**limits))
