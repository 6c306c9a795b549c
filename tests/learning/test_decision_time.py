"""From logged play to a learned model, to background planning, to better plans."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_table
from mcts_service.models import UnrolledModel, make, with_evaluation
from mcts_service.planning import evaluate_policy, value_iteration
from mcts_service.policies import Uniform

LAKE = make("frozen_lake_4x4")
DISCOUNT = 0.99


def learned_from(steps):
    """A table of random play."""
    log = collect(UnrolledModel(LAKE, max_steps=200), Uniform(4), steps, np.random.default_rng(0))
    return fit_table(log.trajectories, LAKE.num_states, 4, discount=DISCOUNT)


def value_of_plans(model, config, simulations):
    """The exact value on the true lake of plans in a model."""
    planner = MCTS(model, config)
    actions = np.zeros(LAKE.num_states, np.int64)
    for state in range(LAKE.num_states):
        if not LAKE.is_terminal(state):
            budget = Budget(simulations=simulations)
            actions[state] = planner.plan(state, budget, seed=state).action
    return float(evaluate_policy(LAKE, actions, DISCOUNT)[0])


@pytest.fixture(scope="module")
def learned():
    return learned_from(60_000)


def test_background_planning_makes_few_simulations_enough(learned):
    solution = value_iteration(learned, DISCOUNT)
    # What the model's own optimal policy is worth on the true lake: 0.48 of 0.54 at best.
    best = float(evaluate_policy(LAKE, np.maximum(solution.actions, 0), DISCOUNT)[0])
    assert best > 0.4
    alone = value_of_plans(learned, SearchConfig.preset("uct"), 64)
    by_value = with_evaluation(learned, value=solution.values)
    of_value = value_of_plans(by_value, SearchConfig.preset("uct", evaluation="value"), 256)
    # Half of the prior is uniform: it is a hint, not an order.
    prior = 0.5 * solution.as_policy().table + 0.125
    by_both = with_evaluation(learned, value=solution.values, prior=prior)
    of_both = value_of_plans(by_both, SearchConfig.preset("puct"), 16)
    # Rollouts hardly ever come to the goal.
    assert alone < 0.5 * best
    assert of_value > 0.9 * best
    assert of_both > 0.9 * best


def test_priors_are_those_of_the_policy(learned):
    solution = value_iteration(learned, DISCOUNT)
    prior = 0.5 * solution.as_policy().table + 0.125
    evaluated = with_evaluation(learned, value=solution.values, prior=prior)
    plan = MCTS(evaluated, SearchConfig.preset("puct")).plan(6, Budget(simulations=8), seed=0)
    assert [row.prior for row in plan.actions] == pytest.approx(prior[6].tolist())


def test_a_solution_of_a_learned_table_has_the_numbers_of_its_states(learned):
    # Whether they can be reached or not: so its arrays evaluate the same table.
    solution = value_iteration(learned, DISCOUNT)
    assert len(solution.values) == LAKE.num_states
    of_table = value_iteration(learned.model, DISCOUNT)
    assert np.array_equal(solution.values, of_table.values)


def test_plans_in_an_evaluated_model_still_warn_of_what_was_never_seen():
    few = learned_from(60)
    evaluated = with_evaluation(few, value=value_iteration(few, DISCOUNT).values)
    budget = Budget(simulations=100)
    assert MCTS(few).plan(0, budget, seed=0).warnings
    assert MCTS(evaluated).plan(0, budget, seed=0).warnings
