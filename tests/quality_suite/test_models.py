"""The problems are what their papers and their RDDL say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.quality.factored_problems import INSTANCES, factored_model, read_factored
from benchmarks.quality.finite import FiniteProblem
from benchmarks.quality.racetrack import racetrack
from benchmarks.quality.random_mdp import random_mdp
from benchmarks.quality.sailing import sailing
from mcts_service.models import TabularModel
from mcts_service.testing import assert_model

NORTH, NORTH_EAST, EAST, SOUTH, WEST = 0, 1, 2, 4, 6
STARBOARD = 2


@pytest.fixture(scope="module")
def lake() -> TabularModel:
    return sailing(4)


def place(x: int, y: int, tack: int, wind: int) -> int:
    return ((x * 4 + y) * 3 + tack) * 8 + wind


# ---- sailing ----------------------------------------------------------------------------


def test_no_boat_sails_into_the_wind_or_ashore(lake: TabularModel) -> None:
    assert lake.legal_actions(place(0, 0, 0, SOUTH)) == [NORTH_EAST, EAST]
    assert lake.legal_actions(place(0, 0, 0, NORTH)) == [NORTH, NORTH_EAST, EAST]
    assert lake.legal_actions(place(1, 1, 0, NORTH)) == [0, 1, 2, 3, 5, 6, 7]
    assert lake.is_terminal(place(3, 3, 1, 5))


@pytest.mark.parametrize(
    ("tack", "wind", "heading", "time"),
    [
        (0, NORTH, NORTH, 1.0),
        (0, NORTH, NORTH_EAST, 2.0 * math.sqrt(2)),
        (0, NORTH, EAST, 3.0),
        (0, SOUTH, NORTH_EAST, 4.0 * math.sqrt(2)),
        (STARBOARD, NORTH, EAST, 3.0 + 3.0),
        (STARBOARD, NORTH, WEST, 3.0),
        (STARBOARD, NORTH, NORTH, 1.0),
    ],
)
def test_time_of_a_leg(lake: TabularModel, tack: int, wind: int, heading: int, time: float) -> None:
    rewards = [reward for _, _, reward, _ in lake.transitions(place(1, 1, tack, wind), heading)]
    assert rewards == pytest.approx([-time] * len(rewards))


def test_the_wind_turns_by_an_eighth_at_most(lake: TabularModel) -> None:
    outcomes = lake.transitions(place(1, 1, 0, NORTH), EAST)
    assert {(s, p) for p, s, _, _ in outcomes} == {
        (place(2, 1, 1, 0), 0.4),
        (place(2, 1, 1, 1), 0.3),
        (place(2, 1, 1, 7), 0.3),
    }
    assert all(end for _, _, _, end in lake.transitions(place(2, 3, 0, EAST), EAST))


def test_an_episode_starts_in_the_corner_with_any_wind(lake: TabularModel) -> None:
    assert np.flatnonzero(lake.initial_distribution).tolist() == [
        place(0, 0, 0, w) for w in range(8)
    ]


# ---- racetrack and random MDP -------------------------------------------------------------


def test_a_car_that_stands_moves_as_it_accelerates_or_skids() -> None:
    track = racetrack()
    start = int(track.initial_state())
    for action in range(track.num_actions):
        outcomes = track.transitions(start, action)
        assert sum(p for p, s, _, _ in outcomes if s == start) >= (0.1 if action != 4 else 1.0)
        assert {reward for _, _, reward, _ in outcomes} == {-1.0}
    # Straight up the track: no wall near.
    assert [p for p, _, _, _ in track.transitions(start, 1)] == pytest.approx([0.9, 0.1])


def test_a_car_off_the_track_starts_again() -> None:
    track = racetrack()
    start = int(track.initial_state())
    back = {s: p for p, s, _, _ in track.transitions(start, 3)}  # to the left, off the track
    starts = np.flatnonzero(track.initial_distribution)
    assert set(back) == set(starts.tolist())
    assert back[start] == pytest.approx(0.9 / 5 + 0.1)


def test_the_random_mdp_has_the_shape_asked_for() -> None:
    model = random_mdp(60, 4, 5, seed=3)
    assert (model.num_states, model.num_actions) == (60, 4)
    for state in range(60):
        for action in range(4):
            outcomes = model.transitions(state, action)
            assert len({s for _, s, _, _ in outcomes}) == 5
            assert len({r for _, _, r, _ in outcomes}) == 1
    assert model.transitions(0, 0) != random_mdp(60, 4, 5, seed=4).transitions(0, 0)


@pytest.mark.parametrize("model", [sailing(3), racetrack(), random_mdp()], ids=["s", "r", "m"])
def test_they_keep_the_contract_of_models(model: Any) -> None:
    assert_model(model)


# ---- factored ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", INSTANCES)
def test_rows_are_what_the_compiled_model_says(
    name: str, finite: Callable[[str], FiniteProblem]
) -> None:
    model, rows = factored_model(read_factored(name)), finite(name)
    rng = np.random.default_rng(0)
    for _ in range(20):
        state = rng.integers(2, size=len(model.probabilities)).astype(bool)
        action = int(rng.integers(model.num_actions))
        row = rows.index(state) * model.num_actions + action
        entries = slice(rows.row_start[row], rows.row_start[row + 1])
        found = dict(zip(rows.next_states[entries], rows.probabilities[entries], strict=True))
        outcomes = model.transitions(state, action)
        assert found == pytest.approx({rows.index(s): p for p, s, _, _ in outcomes})
        assert rows.rewards[rows.index(state), action] == pytest.approx(outcomes[0][2])


def test_outcomes_of_an_action_are_at_most_so_many() -> None:
    found = {name: factored_model(read_factored(name)).max_outcomes for name in INSTANCES}
    assert found == {"sysadmin_1": 1024, "game_of_life_1": 512, "navigation_1": 16}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INSTANCES)
def test_compiled_factors_are_what_the_rddl_says(name: str) -> None:
    pytest.importorskip("pyRDDLGym")
    pytest.importorskip("rddlrepository")
    from benchmarks.quality.rddl import RDDLProblem

    problem, stored = RDDLProblem(*INSTANCES[name]), read_factored(name)
    assert stored["variables"] == problem.variables
    assert stored["actions"] == problem.actions
    assert stored["initial"] == problem.initial.astype(int).tolist()
    assert (stored["horizon"], stored["discount"]) == (problem.horizon, problem.discount)
    model = factored_model(stored)
    states = np.random.default_rng(0).integers(2, size=(20, len(problem.variables))).astype(bool)
    states[0] = problem.initial
    means = np.stack([factor.values(states) for factor in model.probabilities], axis=-1)
    rewards = np.sum([factor.values(states) for factor in model.rewards], axis=0)
    for row, state in enumerate(states):
        for action in range(model.num_actions):
            expected, reward = problem.evaluate(state, action)
            np.testing.assert_allclose(means[row, action], expected, rtol=1e-14)
            assert rewards[row, action] == pytest.approx(reward, rel=1e-14)
