"""All that solves or learns a table is asked by the same names."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.learning import DynaQ, DynaSweeping
from mcts_service.models import TabularModel, UnrolledModel
from mcts_service.planning import (
    PrioritizedSweeping,
    backward_induction,
    modified_policy_iteration,
    policy_iteration,
    prioritized_sweeping,
    value_iteration,
)

#: From 0 and 1 action 1 leads on, to the end in 2 for 1; action 0 stays.
WAY = TabularModel.from_transitions(
    {
        0: {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 1, 0.0, False)]},
        1: {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 2, 1.0, True)]},
        2: {},
    },
    discount=0.5,
)
LEGAL = np.array([[True, True], [True, True], [False, False]])


def swept():
    sweeping = PrioritizedSweeping(3, 2, discount=0.5, legal=LEGAL, threshold=0.0)
    learner = DynaSweeping(sweeping, epsilon=0.5, planning_steps=100)
    learner.run(WAY, np.random.default_rng(0), episodes=30)
    return sweeping, learner


def dyna():
    learner = DynaQ(3, 2, discount=0.5, legal=LEGAL, step_size=1.0, epsilon=0.5)
    learner.run(WAY, np.random.default_rng(0), episodes=30)
    return learner


MADE = {
    "value iteration": lambda: value_iteration(WAY),
    "policy iteration": lambda: policy_iteration(WAY),
    "modified policy iteration": lambda: modified_policy_iteration(WAY),
    "backward induction": lambda: backward_induction(WAY, 5),
    "swept model": lambda: prioritized_sweeping(WAY, np.random.default_rng(0)),
    "prioritized sweeping": lambda: swept()[0],
    "Dyna by sweeping": lambda: swept()[1],
    "Dyna-Q": dyna,
}


@pytest.fixture(scope="module", params=MADE)
def found(request):
    return MADE[request.param]()


def test_values_and_actions_are_arrays_by_the_numbers_of_the_states(found):
    values, actions = found.values, found.actions
    if values.ndim == 2:  # with so many steps left: all of them
        values, actions = values[-1], actions[-1]
    assert values == pytest.approx([0.5, 1.0, 0.0])
    assert actions.dtype == np.int64
    assert actions.tolist() == [1, 1, -1]
    assert found.q.shape == (3, 2)
    assert found.q[:2] == pytest.approx(np.array([[0.25, 0.5], [0.5, 1.0]]))
    assert np.isneginf(found.q[2]).all()


def test_it_is_asked_for_the_value_of_a_state(found):
    assert [found.value(state) for state in range(3)] == pytest.approx([0.5, 1.0, 0.0])
    assert found.index(1) == 1
    with pytest.raises(InvalidRequest):
        found.value(3)


def test_its_policy_acts(found):
    rng = np.random.default_rng(0)
    assert [found.policy.action(state, rng) for state in (0, 1)] == [1, 1]
    walk = UnrolledModel(WAY).trajectory(found.policy, rng)
    assert walk.actions == [1, 1]


def test_as_policy_is_a_table_over_the_numbers(found):
    assert found.as_policy().table.tolist() == [[0, 1], [0, 1], [0.5, 0.5]]


def test_all_but_learners_that_explore_give_their_best_action(found):
    if not hasattr(found, "epsilon"):
        assert [found.action(state) for state in (0, 1)] == [1, 1]
        with pytest.raises(TerminalState):
            found.action(2)
