"""The toy-text tables are Gymnasium's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from gymnasium.envs.toy_text import CliffWalkingEnv, FrozenLakeEnv, TaxiEnv

from mcts_service.errors import InvalidRequest
from mcts_service.models.toy_text import cliff_walking, frozen_lake, taxi
from mcts_service.testing import assert_model

PROBLEMS = [
    pytest.param(frozen_lake(size, slippery), FrozenLakeEnv(map_name=size, is_slippery=slippery))
    for size in ("4x4", "8x8")
    for slippery in (True, False)
] + [pytest.param(cliff_walking(), CliffWalkingEnv()), pytest.param(taxi(), TaxiEnv())]


def merged(outcomes):
    """Probabilities of outcomes that are the same put together."""
    total = {}
    for probability, *outcome in outcomes:
        total[tuple(outcome)] = total.get(tuple(outcome), 0.0) + probability
    return total


@pytest.mark.parametrize(("model", "env"), PROBLEMS)
def test_every_outcome_is_gymnasiums(model, env):
    assert (model.num_states, model.num_actions) == (len(env.P), env.action_space.n)
    for state, actions in env.P.items():
        for action, outcomes in actions.items():
            expected = pytest.approx(merged(outcomes), abs=1e-12)
            assert merged(model.transitions(state, action)) == expected, (state, action)


@pytest.mark.parametrize(("model", "env"), PROBLEMS)
def test_every_initial_state_is_gymnasiums(model, env):
    # 1,000 draws bring 289 of Taxi's 300 initial states on average, standard deviation 3; fewer
    # than 251 by chance for less than one seed in 10^9. The other problems have one.
    rng = np.random.default_rng(0)
    drawn = {model.initial_state(rng) for _ in range(1_000)}
    assert drawn <= set(np.flatnonzero(env.initial_state_distrib))
    assert len(drawn) > 250 or len(drawn) == np.count_nonzero(env.initial_state_distrib)


@pytest.mark.parametrize(("model", "env"), PROBLEMS)
def test_model_keeps_the_contract(model, env):
    assert model.discount == 0.99
    assert_model(model)


def test_best_way_along_the_cliff_takes_thirteen_steps():
    model = cliff_walking()
    rng = np.random.default_rng(0)
    state, total = model.initial_state(rng), 0.0
    for action in [0, *[1] * 11, 2]:
        state, reward, terminated = model.sample(state, action, rng)
        total += reward
    assert (state, total, terminated) == (47, -13.0, True)


def test_fall_costs_a_hundred_and_goes_back_to_the_start():
    assert cliff_walking().transitions(36, 1) == [(1.0, 36, -100.0, False)]


def test_taxi_is_paid_for_the_right_drop_off_only():
    in_taxi_at_red = 4 * 4  # row 0, column 0, in the taxi, to red
    assert taxi().transitions(in_taxi_at_red, 5) == [(1.0, 0, 20.0, True)]
    assert taxi().transitions(in_taxi_at_red + 1, 5) == [(1.0, 1, -1.0, False)]
    assert taxi().transitions(in_taxi_at_red, 4) == [(1.0, in_taxi_at_red, -10.0, False)]


def test_discount_is_the_callers():
    assert taxi(discount=1.0).discount == 1.0


def test_unknown_map_is_refused_with_the_known_ones():
    with pytest.raises(InvalidRequest, match="size: is '5x5'; must be one of 4x4, 8x8"):
        frozen_lake("5x5")


def test_problems_need_no_gymnasium(tmp_path):
    code = "import sys; sys.modules['gymnasium'] = None; from mcts_service.models import toy_text"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_taxi_ends_with_the_passenger_at_a_destination() -> None:
    """Standing on a landmark, passenger and destination there: reached by dropping off alone."""
    model = taxi()
    assert [s for s in range(model.num_states) if model.is_terminal(s)] == [0, 85, 410, 475]
