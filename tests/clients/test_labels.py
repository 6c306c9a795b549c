"""A model that labels its actions, from both clients and over a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcts_client import InvalidRequest, NoLegalAction

Ask = Callable[..., Any]
MODEL = '''
class Store:
    """A store of 0 .. 3 that ships and buys."""

    def actions(self, state):
        return [("ship", number) for number in range(1, state + 1)] + ["buy"]

    def sample(self, state, action, rng):
        if action == "buy":
            return min(state + 1, 3), -0.1, False
        return state - action[1], float(action[1]), rng.random() < 0.2

    def is_terminal(self, state):
        return state < 0

    def initial_state(self, rng=None):
        return 2
'''
CONFIGURATION = """
[[models]]
name = "store"
factory = "store_model:Store"
"""


@pytest.fixture
def store(start_real_server: Callable[..., Any], tmp_path: Path) -> str:
    """The address of a server with `Store`."""
    (tmp_path / "store_model.py").write_text(MODEL)
    (tmp_path / "server.toml").write_text(CONFIGURATION)
    return start_real_server("--config", "server.toml", folder=tmp_path).target


def test_a_plan_answers_in_labels_that_can_be_sent_again(ask: Ask, store: str) -> None:
    info = ask(store, "get_model", "store")
    assert (info.action_spec.kind, info.action_spec.num_actions) == ("json", 0)
    plan = ask(store, "plan", "store", 2, simulations=100, seed=1)
    assert [row.action for row in plan.actions] == [["ship", 1], ["ship", 2], "buy"]
    again = ask(store, "plan", "store", 2, simulations=100, allowed_actions=[("ship", 2), "buy"])
    assert [row.action for row in again.actions] == [["ship", 2], "buy"]
    with pytest.raises(NoLegalAction):
        ask(store, "plan", "store", 2, allowed_actions=[["ship", 3]])
    with pytest.raises(InvalidRequest, match="repeats action 'buy'"):
        ask(store, "plan", "store", 2, allowed_actions=["buy", "buy"])


def test_a_batch_answers_in_labels(ask: Ask, store: str) -> None:
    plans = ask(store, "plan_batch", "store", [2, -1, 0], simulations=100, seeds=[1, 2, 3])
    one = ask(store, "plan", "store", 2, simulations=100, seed=1)
    assert plans.actions.tolist() == [one.action, None, "buy"]
    assert plans.labelled[0] == one.actions
    assert plans.labelled[1] == ()
    assert [row.action for row in plans.labelled[2]] == ["buy"]
    assert plans.visits.shape == plans.legal.shape == plans.action_values.shape == (3, 0)
    assert isinstance(plans.errors[1], InvalidRequest)
