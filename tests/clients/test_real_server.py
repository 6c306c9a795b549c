"""Both clients, and the load test, against `mcts-service serve`."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcts_client import (
    BudgetTooLarge,
    DeadlineExpired,
    InvalidRequest,
    ModelFault,
    NoLegalAction,
    Overloaded,
    Plan,
    PlannerClient,
    ReplicaLost,
    SearchOptions,
    StopReason,
    TerminalState,
    UnknownModel,
)
from mcts_service.planning import SearchConfig

Ask = Callable[..., Any]
BUILT_IN = {
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
# Crosses to move; the last cell of the first row wins.
WINS_IN_ONE = np.array([[1, 1, 0], [-1, -1, 0], [0, 0, 0]], dtype=np.int8)


def without_times(plan: Plan) -> dict[str, Any]:
    return {key: value for key, value in vars(plan).items() if not key.endswith("_time")}


def test_the_built_in_models_are_there(ask: Ask, real_server: str) -> None:
    assert {model.name for model in ask(real_server, "list_models")} >= BUILT_IN


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_model_plans_from_its_own_example(ask: Ask, real_server: str, name: str) -> None:
    info = ask(real_server, "get_model", name)
    example = info.state_spec.example
    plan = ask(real_server, "plan", name, example, simulations=50, early_stop=False)
    assert plan.model.name == name
    assert plan.simulations == 50
    assert plan.action in range(info.action_spec.num_actions)
    assert plan.stop_reason is StopReason.SIMULATIONS
    assert plan.recipe in ("uct", "graph")
    assert plan.recipe_reason
    assert any(action.visits for action in plan.actions)


def test_a_model_tells_the_form_of_its_states(ask: Ask, real_server: str) -> None:
    info = ask(real_server, "get_model", "connect_four")
    assert (info.state_spec.kind, info.state_spec.dtype) == ("tensor", np.int8)
    assert info.state_spec.shape == info.state_spec.example.shape == (6, 7)
    assert (info.action_spec.kind, info.action_spec.num_actions) == ("discrete", 7)
    assert info.num_players == 2
    assert info.max_budget.simulations is not None


@pytest.mark.parametrize(
    "state",
    [
        WINS_IN_ONE,
        WINS_IN_ONE.astype(">i1"),
        np.asfortranarray(WINS_IN_ONE),
        np.repeat(WINS_IN_ONE, 2, axis=1)[:, ::2],
        WINS_IN_ONE.tolist(),
        "1425",
    ],
    ids=["array", "big-endian", "Fortran order", "with holes", "nested list", "moves"],
)
def test_a_state_is_the_same_in_each_of_its_forms(ask: Ask, real_server: str, state: Any) -> None:
    plan = ask(real_server, "plan", "tic_tac_toe", state, simulations=500, seed=1)
    assert plan.action == 2
    expected = ask(real_server, "plan", "tic_tac_toe", WINS_IN_ONE, simulations=500, seed=1)
    assert without_times(plan) == without_times(expected)
    assert plan.deterministic


def test_the_choice_can_be_narrowed(ask: Ask, real_server: str) -> None:
    plan = ask(
        real_server, "plan", "connect_four", "", simulations=100, allowed_actions=np.array([6, 0])
    )
    assert {action.action for action in plan.actions} == {0, 6}


@pytest.mark.parametrize(
    ("settings", "recipe"),
    [
        ({}, "graph"),
        ({"preset": "uct"}, "uct"),
        ({"preset": "graph"}, "graph"),
        ({"preset": "graph", "sharing": "depth"}, "dp_uct"),
        ({"selection": "ucb1", "evaluation": "trial", "backup": "bellman", "sharing": "state"},
         "graph"),
        ({"preset": "dp_uct", "evaluation": "rollout"}, "ucb1, rollout, bellman, shared by depth"),
    ],
    ids=str,
)  # fmt: skip
def test_the_search_can_be_chosen(
    ask: Ask, real_server: str, settings: dict[str, str], recipe: str
) -> None:
    plan = ask(real_server, "plan", "frozen_lake_4x4", 0, simulations=100, seed=4, **settings)
    assert plan.recipe == recipe
    assert (plan.simulations, plan.reused_simulations) == (100, 0)


def test_a_search_that_knows_the_answer_stops(ask: Ask, real_server: str) -> None:
    plan = ask(real_server, "plan", "taxi", 328, simulations=1_000, horizon=1, preset="dp_uct")
    assert plan.stop_reason is StopReason.SOLVED
    assert plan.simulations < 1_000
    assert plan.value == -1.0
    assert all(math.isnan(action.standard_error) for action in plan.actions)


def test_a_search_that_is_decided_stops(ask: Ask, real_server: str) -> None:
    settings = {"simulations": 1_000, "seed": 1, "preset": "uct"}
    plan = ask(real_server, "plan", "connect_four", "1212", **settings)
    whole = ask(real_server, "plan", "connect_four", "1212", **settings, early_stop=False)
    assert plan.stop_reason is StopReason.DECIDED
    assert plan.simulations < whole.simulations == 1_000
    assert plan.action == whole.action


def test_a_plan_tells_the_priors_and_bounds_of_its_actions(ask: Ask, real_server: str) -> None:
    settings = {"preset": "puct", "evaluation": "rollout", "simulations": 100}
    actions = ask(real_server, "plan", "connect_four", "1", **settings).actions
    assert sum(action.prior for action in actions) == pytest.approx(1)
    for action in actions:
        assert math.isnan(action.value) or action.lower <= action.value <= action.upper


def test_a_model_tells_how_it_is_searched(ask: Ask, real_server: str) -> None:
    options = ask(real_server, "get_model", "taxi").default_options
    assert options == SearchOptions(**dataclasses.asdict(SearchConfig()))


def test_a_time_limit_stops_the_search(ask: Ask, real_server: str) -> None:
    plan = ask(real_server, "plan", "connect_four", "", time_limit=0.05, early_stop=False)
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert plan.simulations >= 1
    assert not plan.deterministic


def test_a_timeout_is_a_time_limit_too(ask: Ask, real_server: str) -> None:
    settings = {"simulations": 10_000_000, "timeout": 0.5, "early_stop": False}
    plan = ask(real_server, "plan", "connect_four", "", **settings)
    assert plan.stop_reason is StopReason.TIME_LIMIT


# ---- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "state", "arguments", "field"),
    [
        ("connect_four", np.zeros((7, 6), np.int8), {}, "state"),
        ("connect_four", np.zeros((6, 7)), {}, "state"),
        ("connect_four", 5, {}, "state"),
        ("taxi", 500, {}, "state"),
        ("taxi", "somewhere", {}, "state"),
        ("cart_pole", np.array([0.0, np.nan, 0.0, 0.0]), {}, "state"),
        ("taxi", 328, {"simulations": 0}, "budget.simulations"),
        ("taxi", 328, {"time_limit": -1.0}, "budget.time_limit"),
        ("taxi", 328, {"max_bytes": 1}, "budget.max_bytes"),
        ("taxi", 328, {"horizon": 0}, "horizon"),
        ("taxi", 328, {"exploration": -1.0}, "options.exploration"),
        ("taxi", 328, {"max_depth": 0}, "options.max_depth"),
        ("taxi", 328, {"preset": "grahp"}, "options.preset"),
        ("taxi", 328, {"root_noise": 1.5}, "options.root_noise"),
        ("taxi", 328, {"preset": "ments", "backup": "mean"}, "options.selection"),
        ("taxi", 328, {"evaluation": "trial", "backup": "mean"}, "options.evaluation"),
        ("taxi", 328, {"preset": "graph", "backup": "mean"}, "options.evaluation"),
        ("connect_four", "4455", {"backup": "bellman"}, "options.backup"),
        ("connect_four", "4455", {"preset": "graph"}, "options.backup"),
        ("taxi", 328, {"allowed_actions": []}, "allowed_actions"),
        ("taxi", 328, {"allowed_actions": [9]}, "allowed_actions"),
        ("taxi", 328, {"allowed_actions": [1, 1]}, "allowed_actions"),
    ],
    ids=lambda value: None,
)
def test_a_wrong_field_is_named(
    ask: Ask, real_server: str, model: str, state: Any, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(real_server, "plan", model, state, **arguments)
    assert caught.value.violations[0].field.startswith(field)


def test_a_state_larger_than_the_server_takes_is_the_callers_mistake(
    ask: Ask, real_server: str
) -> None:
    with pytest.raises(InvalidRequest, match="larger than max"):
        ask(real_server, "plan", "connect_four", np.zeros(2**23, np.int8))


def test_an_unknown_model_lists_the_names(ask: Ask, real_server: str) -> None:
    for method, arguments in (("plan", (0,)), ("get_model", ())):
        with pytest.raises(UnknownModel, match="connect_four") as caught:
            ask(real_server, method, "chess", *arguments)
        assert caught.value.name == "chess"


def test_a_game_that_is_over_is_a_terminal_state(ask: Ask, real_server: str) -> None:
    with pytest.raises(TerminalState):
        ask(real_server, "plan", "tic_tac_toe", "14253", simulations=10)


def test_a_full_column_is_no_legal_action(ask: Ask, real_server: str) -> None:
    with pytest.raises(NoLegalAction):
        ask(real_server, "plan", "connect_four", "111111", simulations=10, allowed_actions=[0])


def test_too_large_a_budget_is_refused_at_once(ask: Ask, real_server: str) -> None:
    with pytest.raises(BudgetTooLarge, match=r"budget\.simulations"):
        ask(real_server, "plan", "taxi", 328, simulations=10**15)


def test_a_time_in_which_nothing_fits_is_told(ask: Ask, real_server: str) -> None:
    with pytest.raises(DeadlineExpired):
        ask(real_server, "plan", "taxi", 328, time_limit=1e-9)


BROKEN_MODEL = """
class Broken:
    num_actions = 2

    def initial_state(self, rng=None):
        return 0

    def sample(self, state, action, rng):
        raise RuntimeError("the secret of this model")
"""
CONFIGURATION = """
[server]
workers = 1
max_waiting = 0
at_once_seconds = 0

[[models]]
name = "broken"
factory = "broken_model:Broken"
"""


def test_a_model_that_breaks_shows_nothing_of_itself(
    ask: Ask, start_real_server: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "broken_model.py").write_text(BROKEN_MODEL)
    (tmp_path / "server.toml").write_text(CONFIGURATION)
    server = start_real_server("--config", "server.toml", folder=tmp_path)
    with pytest.raises(ModelFault) as caught:
        ask(server.target, "plan", "broken", 0)
    assert "secret" not in str(caught.value)
    assert ask(server.target, "plan", "taxi", 328, simulations=10).simulations == 10


def test_a_server_with_no_room_says_when_to_come_back(
    ask: Ask, start_real_server: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "broken_model.py").write_text(BROKEN_MODEL)
    (tmp_path / "server.toml").write_text(CONFIGURATION)
    target = start_real_server("--config", "server.toml", folder=tmp_path).target
    busy = PlannerClient(target)
    with ThreadPoolExecutor(1) as thread, busy:
        long_search = thread.submit(busy.plan, "connect_four", "", time_limit=30.0)

        def keep_asking() -> None:
            while not long_search.done():
                ask(target, "plan", "taxi", 328, simulations=1, options={"max_attempts": 1})

        with pytest.raises(Overloaded) as caught:
            keep_asking()
        assert caught.value.retry_after > 0
        busy.close()  # ends the long search


def test_a_server_that_ended_is_lost(ask: Ask, start_real_server: Callable[..., Any]) -> None:
    server = start_real_server()
    ask(server.target, "list_models")
    server.stop()
    with pytest.raises(ReplicaLost, match=server.target):
        ask(server.target, "plan", "taxi", 328, options={"max_attempts": 2})


def test_a_client_finds_its_server_again(start_real_server: Callable[..., Any]) -> None:
    server = start_real_server()
    with PlannerClient(server.target, wait_for_ready=True, timeout=60) as client:
        first = client.plan("taxi", 328, simulations=100, seed=1)
        server.stop()
        start_real_server("--port", server.target.rpartition(":")[2])
        assert without_times(client.plan("taxi", 328, simulations=100, seed=1)) == without_times(
            first
        )


# ---- the load test ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, str(Path(__file__).parents[2] / "clients" / "load_test.py")],
        [str(Path(sys.executable).with_name("mcts-load-test"))],
    ],
    ids=["file in the checkout", "installed command"],
)
def test_the_load_test_measures_a_real_server(
    command: list[str], real_server: str, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    arguments = (
        "--target", real_server, "--model", "connect_four", "--simulations", "100", "--rate", "50",
        "--warmup", "0.2", "--duration", "1", "--connections", "2", "--json", str(file),
        "--max-lag", "60",
    )  # fmt: skip
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result = json.loads(file.read_text())
    assert result["calls"] == 50
    assert result["statuses"] == {"OK": 50}
    assert result["simulations_per_second"] == pytest.approx(100 * result["throughput"])
    assert "50.0/s asked" in done.stdout
