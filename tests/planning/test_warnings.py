"""A plan tells what its model warns of."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import ModelFault
from mcts_service.planning import Belief

BUDGET = Budget(simulations=20)


class Walk:
    """A walk to 9 that remembers what it was asked for warnings of."""

    num_actions = 2

    def __init__(self):
        self.asked = []

    def sample(self, state, action, rng):
        return state + 1 + action, 1.0, state + 1 + action >= 9

    def sample_batch(self, states, actions, rng):
        following = states + 1 + actions
        return following, np.ones(len(states)), following >= 9

    def observe(self, action, next_state, rng):
        return next_state

    def plan_warnings(self, state, depth):
        self.asked.append((state, depth))
        return [f"from {state}"]


def test_the_model_is_asked_once_for_each_plan_with_its_state_and_depth():
    model = Walk()
    plan = MCTS(model).plan(3, BUDGET)
    assert plan.warnings == ("from 3",)
    assert model.asked == [(3, plan.depth)]


def test_rows_of_a_batch_have_their_own():
    model = Walk()
    plans = MCTS(model, SearchConfig(in_flight=4)).plan_batch(np.array([2, 5]), BUDGET)
    assert [plan.warnings for plan in plans] == [("from 2",), ("from 5",)]


def test_a_plan_from_a_belief_has_none():
    model = Walk()
    assert MCTS(model).plan(Belief([2, 3]), BUDGET, horizon=3).warnings == ()
    assert model.asked == []


def test_a_tree_that_is_kept_warns_of_the_state_that_it_was_advanced_to():
    planner = MCTS(Walk())
    planner.plan(0, BUDGET)
    assert planner.advance(0, 1)
    assert planner.plan(1, BUDGET).warnings == ("from 1",)


def test_a_model_without_warnings_gives_none():
    model = Walk()
    model.plan_warnings = None
    assert MCTS(model).plan(3, BUDGET).warnings == ()


class Faulty(Walk):
    """Warnings that are none."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def plan_warnings(self, state, depth):
        return self.answer()


def raising():
    raise ValueError("no such state")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (raising, "plan_warnings raised ValueError: no such state"),
        (lambda: "one line", "plan_warnings gives 'one line'; must give a sequence of lines"),
        (lambda: [3], "plan_warnings gives .*; must give a sequence of lines"),
    ],
)
def test_warnings_that_fail_are_the_models_fault(answer, text):
    with pytest.raises(ModelFault, match=text):
        MCTS(Faulty(answer)).plan(3, BUDGET)
