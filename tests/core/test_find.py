"""`Search.advance_to` finds a state wherever a plain walk through the whole tree finds it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from searching import to_the_end
from small_games import RaceOfThree, TicTacToe
from small_models import Chain, Drift, FourRooms, KeyedChain, SlipperyGrid, StraightGrid, Wheel

from mcts_service.models import make
from mcts_service.models.identity import state_identity
from mcts_service.planning import MCTS, Budget
from mcts_service.planning.trees import Tree

SIMULATIONS, MOST = 200, 3


class Place(NamedTuple):
    """Where a walk has found a state: the nearest, then the most visited."""

    steps: int
    tries: int


CASES: list[tuple[str, Any, Any, str]] = [
    ("deterministic tree", StraightGrid(), (2, 2), "uct"),
    ("deterministic rooms, values backed up", FourRooms(slips=False), 0, "dp_uct"),
    ("chance", SlipperyGrid(), (2, 2), "uct"),
    ("chance, expected values", FourRooms(), 0, "dp_uct"),
    ("chance, by depth", Chain(), 0, "max_uct"),
    ("keyed chance", KeyedChain(), [0], "uct"),
    ("arrays with two zeros", Drift(), np.array([0.5, 0.0]), "uct"),
    ("many outcomes", Wheel(), 0, "uct"),
    ("graph", FourRooms(), 0, "graph"),
    ("keyed graph", KeyedChain(), [0], "graph"),
    ("game", TicTacToe(), TicTacToe.start, "uct"),
    ("three players and chance", RaceOfThree(), RaceOfThree.start, "uct"),
    ("native chance", make("frozen_lake_4x4"), 0, "uct"),
    ("native graph", make("taxi"), 328, "graph"),
    ("native game", make("connect_four"), make("connect_four").initial_state(), "uct"),
    ("native floats", make("cart_pole"), make("cart_pole").initial_state(), "uct"),
]


class Grown:
    """A tree that has been planned, and what a state of it is."""

    def __init__(self, model: Any, root: Any, preset: str) -> None:
        self.planner = MCTS(model, to_the_end(preset, max_depth=20), seed=1)
        self.planner.plan(root, Budget(simulations=SIMULATIONS))
        tree = self.planner._searches.trees._latest
        assert isinstance(tree, Tree)
        self.search, self.by_state = tree.search, tree.recipe.sharing == "state"
        self.graph = self.search.graph()
        self.is_native = getattr(model, "handle", None) is not None
        self.model = model

    def identity(self, state: Any) -> Hashable:
        if not self.is_native:
            return state_identity(self.model, state)
        if self.model.handle.state_bytes % 8 == 0 and hasattr(self.model, "state_spec"):
            dtype = self.model.state_spec.dtype
            if dtype is not None and dtype.kind == "f":
                return (np.frombuffer(state, dtype) + 0.0).tobytes()
        return bytes(state)

    def levels(self, most: int) -> Iterator[tuple[int, set[int]]]:
        """The nodes of each ply; of a graph of states all at once."""
        level = {next(iter(self.graph))}
        if self.by_state:
            yield 0, set(self.graph)
            return
        for steps in range(most + 1):
            yield steps, level
            edges = [edge for at in level for edge in self.graph[at]["edges"]]
            level = {child for edge in edges for _, child in edge["outcomes"]}

    def brute_force(self, wanted: Hashable, least: int, most: int) -> Place | None:
        for steps, level in self.levels(most):
            if steps < least and not self.by_state:
                continue
            tries = [
                sum(edge["visits"] for edge in self.graph[at]["edges"])
                for at in level
                if self.identity(self.graph[at]["state"]) == wanted
                and not self.graph[at]["terminal"]
            ]
            if tries and max(tries) > 0:
                return Place(steps, max(tries))
        return None


def states_of(grown: Grown, count: int) -> list[Any]:
    """The states of some nodes, whose places in the tree differ, one each."""
    found = {grown.identity(node["state"]): node["state"] for node in grown.graph.values()}
    states = list(found.values())
    return states[:: max(1, len(states) // count)][:count]


@pytest.mark.parametrize(("model", "root", "preset"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_a_state_is_found_where_a_walk_finds_it(model: Any, root: Any, preset: str) -> None:
    found = missed = 0
    for number, state in enumerate(states_of(Grown(model, root, preset), 9)):
        for least in (0, 1, MOST + 1):
            grown = Grown(model, root, preset)
            wanted = grown.identity(state)
            place = grown.brute_force(wanted, least, MOST)
            steps = grown.search.advance_to(state, least=least, most=MOST)
            found, missed = found + (place is not None), missed + (place is None)
            if place is None:
                assert steps == -1, (number, least)
                assert grown.search.graph() == grown.graph or not grown.is_native
                continue
            assert steps == place.steps or grown.by_state
            after = grown.search.graph()
            assert grown.identity(next(iter(after.values()))["state"]) == wanted
            assert len(after) == grown.search.nodes
            grown.search.resume(horizon=0, seed=2)
            assert grown.search.reused_simulations == place.tries
    assert found
    assert missed or preset == "graph"


def test_nothing_is_found_before_a_plan() -> None:
    planner = MCTS(StraightGrid(), to_the_end("uct"))
    [tree] = planner._searches.trees._idle_of(planner._reader.recipe((2, 2), None).config)
    assert tree.search.advance_to((2, 2), least=0, most=9) == -1
