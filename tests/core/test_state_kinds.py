"""States of any Python type: all plan alike, and are compared only where they must be."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from small_models import Chain

from mcts_service import MCTS, Budget, CancelFlag, SearchConfig

PRESETS = ["uct", "dp_uct", "graph"]
BUDGET = Budget(simulations=300)


@dataclass(frozen=True)
class Place:
    """A place of the chain, hashable."""

    position: int


class Pebble:
    """A place of the chain, with neither a hash nor a comparison of contents."""

    __hash__ = None

    def __init__(self, position: int) -> None:
        self.position = position


#: name -> (state of a position, position of a state)
KINDS: dict[str, tuple[Callable[[int], Any], Callable[[Any], int]]] = {
    "int": (lambda n: n, lambda s: s),
    "big int": (lambda n: n + 2**70, lambda s: s - 2**70),
    "tuple": (lambda n: (n, "here"), lambda s: s[0]),
    "str": (str, int),
    "bytes": (lambda n: bytes([n + 5]), lambda s: s[0] - 5),
    "float array": (lambda n: np.array([n, 0.5]), lambda s: int(s[0])),
    "negative zero": (lambda n: np.array([n * -1.0]), lambda s: int(-s[0])),
    "int array": (lambda n: np.full((2, 2), n, np.int8), lambda s: int(s[0, 0])),
    "strided array": (lambda n: np.arange(n, n + 6)[::2], lambda s: int(s[0])),
    "frozen dataclass": (Place, lambda s: s.position),
    "list": (lambda n: [n], lambda s: s[0]),
    "dict": (lambda n: {"at": n}, lambda s: s["at"]),
    "unhashable object": (Pebble, lambda s: s.position),
}


class DressedChain:
    """The chain, its positions dressed as states of some kind."""

    num_actions = 2

    def __init__(self, kind: str) -> None:
        self.dress, self.undress = KINDS[kind]
        if kind in ("list", "dict", "unhashable object"):
            self.state_key = self.undress

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, float, bool]:
        following, reward, terminated = Chain().sample(self.undress(state), action, rng)
        return self.dress(following), reward, terminated


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_state_gives_the_same_plan(
    kind: str, preset: str, deterministic: bool
) -> None:
    expected, plan = (
        MCTS(model, SearchConfig.preset(preset)).plan(state, BUDGET, seed=3)
        for model, state in (
            (self_driven(DressedChain("int"), deterministic), 0),
            (self_driven(DressedChain(kind), deterministic), KINDS[kind][0](0)),
        )
    )
    assert repr(plan.actions) == repr(expected.actions)
    assert repr(plan.principal_variation) == repr(expected.principal_variation)
    assert plan.nodes == expected.nodes


def self_driven(model: DressedChain, deterministic: bool) -> DressedChain:
    """The model, and without slips where it is to be deterministic."""
    if deterministic:
        model.deterministic = True
        slipping = model.sample
        model.sample = lambda state, action, rng: slipping(state, action, NoSlip())
    return model


class NoSlip:
    """A generator that never draws a slip."""

    def random(self) -> float:
        return 0.9


# ---- comparisons -----------------------------------------------------------------------------


class Counted:
    """A state that counts how often it is hashed and compared."""

    calls: ClassVar[Counter[str]] = Counter()

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        Counted.calls["hash"] += 1
        return self.number + 10**6  # hash(-1) is hash(-2)

    def __eq__(self, other: object) -> bool:
        Counted.calls["eq"] += 1
        return isinstance(other, Counted) and self.number == other.number


class CountedWalk:
    """A walk on the integers that draws a step of 1 or 2; deterministic: always 1."""

    num_actions = 2
    steps = 0

    def __init__(self, deterministic: bool) -> None:
        self.deterministic = deterministic

    def sample(self, state: Counted, action: int, rng: Any) -> tuple[Counted, float, bool]:
        self.steps += 1
        size = 1 if self.deterministic else int(rng.integers(1, 3))
        return Counted(state.number + (size if action else -size)), float(action), False


def count_comparisons(preset: str, deterministic: bool) -> tuple[CountedWalk, Any]:
    Counted.calls.clear()
    model = CountedWalk(deterministic)
    config = SearchConfig.preset(preset, max_depth=30)
    return model, MCTS(model, config).plan(Counted(0), BUDGET)


def test_deterministic_tree_compares_no_states() -> None:
    model, _ = count_comparisons("uct", deterministic=True)
    assert model.steps > 300
    assert not Counted.calls


def test_rollouts_compare_no_states() -> None:
    model, plan = count_comparisons("uct", deterministic=False)
    in_tree = Counted.calls["hash"]
    assert 0 < in_tree < model.steps / 2
    # One hash for each step down the tree, none for those of rollouts.
    assert in_tree <= plan.simulations * plan.depth
    assert Counted.calls["eq"] <= in_tree


def test_deterministic_graph_hashes_each_new_edge_once() -> None:
    model, _ = count_comparisons("graph", deterministic=True)
    # Every step of a trial in a deterministic graph makes an edge; the root is hashed too.
    assert Counted.calls["hash"] <= model.steps + 1


# ---- others at work --------------------------------------------------------------------------


def test_other_threads_run_while_two_python_searches_do() -> None:
    stop = CancelFlag()
    searching = threading.Barrier(3)

    def search() -> None:
        planner = MCTS(Chain())
        searching.wait()
        planner.plan(0, Budget(simulations=10**8, time_limit=60), cancel=stop)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    searching.wait()
    ticks = 0
    pause = threading.Event()
    while ticks < 20:
        pause.wait(0.001)
        assert all(thread.is_alive() for thread in threads)
        ticks += 1
    stop.cancel()
    for thread in threads:
        thread.join()
    assert ticks > 0
