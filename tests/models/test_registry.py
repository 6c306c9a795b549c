"""The built-in models by name."""

from __future__ import annotations

from typing import Any

import pytest

from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.models import make, names
from mcts_service.testing import assert_model

NAMES = [
    "acrobot",
    "cart_pole",
    "cliff_walking",
    "connect_four",
    "frozen_lake_4x4",
    "frozen_lake_8x8",
    "game_2048",
    "mountain_car",
    "taxi",
    "tic_tac_toe",
]


def test_the_names_are_known() -> None:
    assert names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_built_in_model_keeps_the_contract(name: str) -> None:
    model = make(name)
    assert model.description
    assert model.state_spec.description
    assert model.action_spec.num_actions == model.num_actions
    assert_model(model)


def test_sizes_of_the_lakes_differ() -> None:
    assert make("frozen_lake_4x4").state_spec.num_values == 16
    assert make("frozen_lake_8x8").state_spec.num_values == 64


def test_arguments_reach_the_model() -> None:
    model = make("frozen_lake_4x4", slippery=False, discount=0.5)
    assert (model.deterministic, model.discount) == (True, 0.5)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownModel, match="'chess' is not known; known models: acrobot, cart_pole"
    ):
        make("chess")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("cart_pole", {"size": 4}, "size: is not an argument of cart_pole, which takes no arg"),
        ("tic_tac_toe", {"size": 4}, "size: is not an argument of tic_tac_toe, which takes decis"),
        ("taxi", {"gamma": 1}, "gamma: is not an argument of taxi, which takes discount"),
        ("frozen_lake_4x4", {"size": "8x8"}, "size: is not an argument of frozen_lake_4x4, which"),
        ("taxi", {"discount": 2}, "discount: is 2; must be a number above 0 and at most 1"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        make(name, **arguments)
