"""Shared nodes and Bellman backups agree with the reference, node by node and bit by bit."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from agreement import assert_graphs_agree
from reference_graph import ReferenceGraph
from small_models import FourRooms, Wheel

from mcts_service._core import Search
from mcts_service.models import make

RECIPES = [("mean", False), ("bellman", False), ("bellman", True)]


class Lake:
    """FrozenLake's table as the reference asks for it."""

    num_actions, discount, max_outcomes = 4, 0.99, 3

    def __init__(self) -> None:
        self.table = make("frozen_lake_4x4")

    def transitions(self, state: int, action: int) -> Any:
        return self.table.transitions(state, action)


@pytest.mark.parametrize("horizon", [None, 1, 6])
@pytest.mark.parametrize("sharing", ["none", "depth", "state"])
@pytest.mark.parametrize(("backup", "trial"), RECIPES)
@pytest.mark.parametrize(
    "model",
    [FourRooms(), FourRooms(slips=False), Wheel(), Wheel(3, True), Wheel(40, True)],
    ids=["rooms", "deterministic rooms", "wheel of 40", "known wheel of 3", "known wheel of 40"],
)
def test_graph_agrees(
    model: Any, backup: str, trial: bool, sharing: str, horizon: int | None
) -> None:
    evaluation = "trial" if trial else "rollout"
    search = Search(
        model, exploration=1.0, max_depth=15, evaluation=evaluation, backup=backup, sharing=sharing
    )
    for seed in (0, 3):
        search.begin(0, horizon=horizon or 0, allowed=None, seed=seed, max_bytes=2**28)
        search.run(300)
        reference = ReferenceGraph(
            model,
            0,
            sharing=sharing,
            backup=backup,
            trial=trial,
            seed=seed,
            exploration=1.0,
            max_depth=15,
            horizon=horizon,
        )
        reference.run(300)
        assert_graphs_agree(search, reference.root, lambda state: state)


@pytest.mark.parametrize("sharing", ["none", "depth", "state"])
@pytest.mark.parametrize("horizon", [None, 6])
def test_graph_of_a_native_table_agrees(sharing: str, horizon: int | None) -> None:
    model = make("frozen_lake_4x4")
    search = Search(
        model.handle,
        exploration=1.0,
        max_depth=15,
        evaluation="trial",
        backup="bellman",
        sharing=sharing,
    )
    search.begin(model.pack_state(0), horizon=horizon or 0, allowed=None, seed=5, max_bytes=2**28)
    search.run(300)
    reference = ReferenceGraph(
        Lake(),
        0,
        sharing=sharing,
        backup="bellman",
        trial=True,
        seed=5,
        exploration=1.0,
        max_depth=15,
        horizon=horizon,
    )
    reference.run(300)
    assert_graphs_agree(search, reference.root, lambda state: struct.unpack("q", state)[0])
