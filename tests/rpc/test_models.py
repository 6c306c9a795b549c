"""ListModels and GetModel."""

import pytest
from google.protobuf.duration_pb2 import Duration

from mcts_service.planning.config import CHOICES
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import Budget, GetModelRequest, ListModelsRequest, State


@pytest.fixture
def get_model(served):
    return lambda name: served.stub.GetModel(GetModelRequest(model=name), timeout=60)


def test_models_are_listed_with_a_line_about_each(served):
    models = served.stub.ListModels(ListModelsRequest(), timeout=60).models
    assert [model.model.name for model in models] == [
        entry.name for entry in served.registry.entries
    ]
    assert all(model.model.version == "1" for model in models)
    assert all(model.description and "\n" not in model.description for model in models)


def test_the_built_in_models_are_there(served):
    names = {entry.name for entry in served.registry.entries}
    assert names >= {
        "frozen_lake_4x4",
        "frozen_lake_8x8",
        "cliff_walking",
        "taxi",
        "cart_pole",
        "mountain_car",
        "acrobot",
        "tic_tac_toe",
        "connect_four",
        "game_2048",
    }


def test_the_example_of_every_model_can_be_planned(served, get_model):
    for entry in served.registry.entries:
        if entry.name.startswith("faulty"):
            continue
        example = get_model(entry.name).state_spec.example
        budget = Budget(simulations=2)
        assert served.plan(entry.name, example, budget=budget).simulations == 2


def test_a_discrete_model_is_described(get_model):
    taxi = get_model("taxi")
    assert taxi.model == planner_pb2.ModelId(name="taxi", version="1")
    assert taxi.state_spec.kind == planner_pb2.VALUE_KIND_DISCRETE
    assert taxi.state_spec.num_values == 500
    assert taxi.action_spec.kind == planner_pb2.VALUE_KIND_DISCRETE
    assert taxi.action_spec.num_actions == 6
    assert taxi.num_players == 1
    assert taxi.discount == 0.99


def test_a_game_is_described(get_model):
    game = get_model("connect_four")
    assert game.state_spec.kind == planner_pb2.VALUE_KIND_TENSOR
    assert game.state_spec.dtype == planner_pb2.DTYPE_INT8
    assert list(game.state_spec.shape) == [6, 7]
    assert game.state_spec.example.tensor.data == bytes(42)
    assert game.action_spec.num_actions == 7
    assert game.num_players == 2
    assert "deterministic" in game.capabilities


def test_budgets_and_options_are_told(get_model):
    corridor = get_model("corridor")
    assert corridor.default_budget == Budget(simulations=200)
    assert corridor.max_budget == Budget(
        simulations=10_000_000, time_limit=Duration(seconds=60), max_bytes=2**30
    )
    assert corridor.max_batch == 1024
    assert corridor.default_options.exploration == 1.0
    assert corridor.default_options.max_depth == 200
    assert corridor.default_options.in_flight == 1
    assert {getattr(corridor.default_options, field) for field in CHOICES} == {1}


def test_models_in_python_are_described_too(get_model):
    assert get_model("corridor").state_spec.example == State(discrete=4)
    assert get_model("panel").state_spec.example == State(opaque=b"")
    grid = get_model("grid").state_spec
    assert grid.kind == planner_pb2.VALUE_KIND_JSON
    assert [value.number_value for value in grid.example.json.list_value.values] == [0, 0]
    assert get_model("point").state_spec.dtype == planner_pb2.DTYPE_FLOAT64
