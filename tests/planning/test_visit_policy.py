"""A planner is a distribution over actions by the visits of its search."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest
from mcts_service.models import UnrolledModel, make
from mcts_service.planning import VisitPolicy
from mcts_service.protocols import StochasticPolicy


class Bandit:
    """Action 2 is not legal; the others pay 0.2, 0.8 and 0.4 on average."""

    num_actions = 4
    discount = 1.0

    def legal_actions(self, state):
        return [0, 1, 3]

    def sample(self, state, action, rng):
        return state, float(rng.random() < (0.2, 0.8, 0.0, 0.4)[action]), True


@pytest.fixture
def planner():
    return MCTS(Bandit(), SearchConfig.preset("uct", early_stop=False))


BUDGET = Budget(simulations=200)


def test_probabilities_are_the_shares_of_the_visits(planner):
    plan = planner.plan(0, BUDGET, seed=5)
    visits = {tried.action: tried.visits for tried in plan.actions}
    shares = VisitPolicy(planner, budget=BUDGET, seed=5).probabilities(0)
    assert shares == pytest.approx([visits[0] / 200, visits[1] / 200, 0.0, visits[3] / 200])


@pytest.mark.parametrize("temperature", [0.25, 0.5, 2.0])
def test_temperature_sharpens_or_flattens(planner, temperature):
    plain = VisitPolicy(planner, budget=BUDGET).probabilities(0)
    bent = VisitPolicy(planner, budget=BUDGET, temperature=temperature).probabilities(0)
    assert bent == pytest.approx(plain ** (1 / temperature) / (plain ** (1 / temperature)).sum())


def test_temperature_zero_takes_the_action_of_the_plan(planner):
    policy = VisitPolicy(planner, budget=BUDGET, temperature=0.0)
    assert policy.probabilities(0).tolist() == [0, 1, 0, 0]
    assert policy.action(0, np.random.default_rng(0)) == 1


def test_the_same_state_has_the_same_probabilities_and_rng_draws_the_actions(planner):
    policy = VisitPolicy(planner, budget=BUDGET)
    assert isinstance(policy, StochasticPolicy)
    assert policy.probabilities(0).tolist() == policy.probabilities(0).tolist()
    runs = [
        [policy.action(0, rng) for _ in range(20)]
        for rng in (np.random.default_rng(1), np.random.default_rng(1), np.random.default_rng(2))
    ]
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) <= {0, 1, 3}


def test_it_plays_where_any_policy_does():
    model = make("frozen_lake_4x4", slippery=False)
    policy = VisitPolicy(MCTS(model), budget=Budget(simulations=3_000), temperature=0.0)
    trajectory = UnrolledModel(model, max_steps=100).trajectory(policy, np.random.default_rng(0))
    assert (trajectory.states[-1], len(trajectory.actions)) == (15, 6)


def test_labels_are_played_and_have_no_probabilities():
    class Words:
        def actions(self, state):
            return ["good", "bad"]

        def sample(self, state, action, rng):
            return state, float(action == "good"), True

    policy = VisitPolicy(MCTS(Words()), budget=BUDGET, temperature=0.0)
    assert policy.action(0, np.random.default_rng(0)) == "good"
    with pytest.raises(InvalidRequest, match="planner: is of a model that labels its actions"):
        policy.probabilities(0)


@pytest.mark.parametrize("temperature", [-1.0, np.nan, np.inf, "hot"])
def test_a_temperature_out_of_range_is_refused(planner, temperature):
    with pytest.raises(InvalidRequest, match="temperature: is"):
        VisitPolicy(planner, temperature=temperature)
