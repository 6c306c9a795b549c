"""The line of play that a plan holds best."""

from __future__ import annotations

from typing import Any

import pytest
from searching import run_search, to_the_end
from small_games import RaceOfThree, TicTacToe
from small_models import Chain, NoisyRewards, SlipperyGrid

from mcts_service import MCTS, Budget
from mcts_service.models import make


@pytest.mark.parametrize(
    ("model", "root"),
    [
        (Chain(), 0),
        (SlipperyGrid(), (0, 0)),
        (NoisyRewards(), 0),
        (TicTacToe(), TicTacToe.start),
        (RaceOfThree(), RaceOfThree.start),
    ],
)
def test_principal_variation_follows_the_most_visited_line_of_the_tree(
    model: Any, root: Any
) -> None:
    plan = MCTS(model, to_the_end("uct")).plan(root, Budget(simulations=1000), seed=1)
    node = run_search(model, root, 1000, seed=1, max_depth=200).tree()
    assert plan.principal_variation[0].action == plan.action
    assert plan.principal_variation[0].value == plan.value
    for step in plan.principal_variation:
        edge = max(node["edges"], key=lambda e: (e["visits"], e["value"]))
        assert (step.action, step.visits, step.value) == (
            edge["action"],
            edge["visits"],
            edge["value"],
        )
        most = max(visits for visits, _ in edge["outcomes"])
        [node, *_] = [child for visits, child in edge["outcomes"] if visits == most]
    assert not any(edge["visits"] for edge in node["edges"])


def test_principal_variation_of_a_solved_game_ends_with_the_win() -> None:
    model = make("tic_tac_toe")
    plan = MCTS(model, to_the_end("uct")).plan(
        model.state_from_json("1425"), Budget(simulations=1000)
    )
    assert [step.action for step in plan.principal_variation] == [2]
