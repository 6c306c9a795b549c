"""Linear-Gaussian models, against a system whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest
from played import Played

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_linear_gaussian
from mcts_service.policies import Uniform
from mcts_service.protocols import Trajectory
from mcts_service.testing import assert_model

MATRIX = np.array([[0.9, 0.1], [-0.2, 0.8]])
PUSH = np.array([[0.0, 0.3], [0.0, -0.3]])
DEVIATION = np.array([0.05, 0.1])


class Line:
    """next = MATRIX state + PUSH[action] + noise; ends where the second number exceeds 1."""

    num_actions = 2

    def initial_state(self, rng=None):
        return np.zeros(2) if rng is None else 0.3 * rng.standard_normal(2)

    def sample(self, state, action, rng):
        following = MATRIX @ state + PUSH[action] + DEVIATION * rng.standard_normal(2)
        reward = 1.0 + 2.0 * state[0] - following[1]
        return following, reward, bool(following[1] > 1.0)


@pytest.fixture(scope="module")
def played():
    return collect(Played(Line(), 50), Uniform(2), 4000, np.random.default_rng(0))


@pytest.fixture(scope="module")
def model(played):
    return fit_linear_gaussian(played, 2)


def expected_change(model, state, action):
    """What the model says of a state on average: its own draw with the noise taken away."""
    rng = np.random.default_rng(0)
    drawn = [model.sample(np.array(state), action, rng)[0] for _ in range(4000)]
    return np.mean(drawn, axis=0)


def test_the_system_is_recovered(model):
    """Means of 4,000 draws, within 5 standard errors of them and of the fit: 1 in 10^5."""
    assert model.level == "sample"
    for action in (0, 1):
        for state in ([0.0, 0.0], [0.3, -0.4]):
            true = MATRIX @ state + PUSH[action]
            assert np.all(np.abs(expected_change(model, state, action) - true) < 0.02)
    assert np.sqrt(np.diag(model.noise @ model.noise.T)) == pytest.approx(DEVIATION, rel=0.05)


def test_rewards_that_are_linear_are_learned_exactly(model, played):
    rewards, _ = model.predictions(played)
    true = np.concatenate([t.rewards for t in played])
    assert np.abs(rewards - true).max() < 1e-6


def test_ends_are_learned(model, played):
    _, ends = model.predictions(played)
    true = np.concatenate([[*[False] * (len(t.actions) - 1), t.terminated] for t in played])
    assert np.abs(ends - true).mean() < 0.02
    assert ends[true].min() > 0.3


def test_the_likelihood_is_the_normal_density(model):
    walk = [Trajectory(np.array([[0.1, 0.2], [0.15, 0.3]]), [0], [1.0], False)]
    features = model.scaling(walk[0].states[:1])
    mean = walk[0].states[0] + np.append(features[0], 1.0) @ model.weights[0]
    covariance = model.noise @ model.noise.T
    error = walk[0].states[1] - mean
    density = -0.5 * error @ np.linalg.inv(covariance) @ error
    density -= 0.5 * np.log(np.linalg.det(2 * np.pi * covariance))
    (likelihood,) = model.log_likelihood(walk)
    assert likelihood == pytest.approx(density, abs=1e-3)  # the end, unlikely there, beside it


def test_it_keeps_the_contract_of_a_model(model):
    assert_model(model)


def test_rows_do_not_depend_on_one_another(model):
    from mcts_service.models.streams import generator_of_rows

    states = np.random.default_rng(0).standard_normal((257, 2))
    actions = np.arange(257) % 2
    together = model.sample_batch(states, actions, generator_of_rows(range(257)))
    for row in range(0, 257, 16):
        alone = model.sample_batch(states[row : row + 1], actions[row : row + 1],
                                   generator_of_rows([row]))  # fmt: skip
        assert all(np.array_equal(t[row], a[0]) for t, a in zip(together, alone, strict=True))


def test_features_and_functions_stand_in_for_what_is_learned(played):
    model = fit_linear_gaussian(
        played,
        features="quadratic",
        reward=lambda states, actions, next_states: next_states[:, 0],
        terminal=lambda next_states: next_states[:, 1] > 1.0,
    )
    state, reward, ended = model.sample(np.array([0.0, 5.0]), 0, np.random.default_rng(0))
    assert reward == state[0]
    assert ended
    assert_model(model)


def test_an_action_never_seen_is_told_of(played):
    model = fit_linear_gaussian(played, 3)
    config = SearchConfig(in_flight=8)
    plan = MCTS(model, config).plan(np.zeros(2), Budget(simulations=64), horizon=5)
    assert plan.warnings == (
        "actions [2] were never seen in the data; they are taken to do what all others do on "
        "average",
    )


def test_states_stay_finite_however_long_the_model_runs(played):
    model = fit_linear_gaussian(played, features="quadratic")
    rng, state = np.random.default_rng(0), np.array([1e3, -1e3])
    for _ in range(100):
        state, reward, _ = model.sample(state, 0, rng)
        assert np.isfinite(state).all()
        assert np.isfinite(reward)


def test_what_never_changes_has_hardly_any_noise():
    walk = [Trajectory(np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 1.0]]), [0, 0], [0.0, 0.0], False)]
    model = fit_linear_gaussian(walk)
    state, _, ended = model.sample(np.array([0.5, 1.0]), 0, np.random.default_rng(0))
    assert state[1] == pytest.approx(1.0)
    assert not ended
    assert model.continuing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": "cubic"}, "features: is 'cubic'; must be a function or one of linear"),
        ({"ridge": -1.0}, "ridge: is -1.0"),
        ({"discount": 2.0}, "discount: is 2.0"),
        ({"num_actions": 1}, r"trajectories\[\d+\]\.actions\[\d+\]: is 1"),
        ({"features": lambda rows: np.full((len(rows), 1), np.nan)}, "features: give what is not"),
    ],
)
def test_bad_arguments_are_named(played, arguments, message):
    with pytest.raises(InvalidRequest, match=message):
        fit_linear_gaussian(played, **arguments)


def test_data_that_always_end_are_refused():
    walks = [Trajectory(np.array([[0.0], [1.0]]), [0], [0.0], True)] * 3
    with pytest.raises(InvalidRequest, match="end after every step"):
        fit_linear_gaussian(walks)


def test_rewards_and_ends_are_those_of_the_state_within_the_bounds(played):
    model = fit_linear_gaussian(played, 2)
    far = np.full((1, 2), 100.0)
    rng = np.random.default_rng(0)
    next_states, rewards, _ = model.sample_batch(far, np.array([0]), rng)
    assert (next_states == np.clip(next_states, model.origin.low, model.origin.high)).all()
    assert np.isin(next_states, model.origin.high).any()
    # The reward is linear, and known: of the state that is given, and not of the one that was cut.
    assert rewards == pytest.approx(1.0 + 2.0 * far[:, 0] - next_states[:, 1], rel=1e-3)


def test_some_components_have_the_density_of_their_own_normal(model, played):
    first = played[0]
    # An integral over the other component, on a fine grid, by the model's own density of both.
    step = Trajectory(first.states[:2], first.actions[:1], [0.0], False)
    low, high = model.origin.low[0], model.origin.high[0]
    grid = np.linspace(low, high, 4001)
    moved = [
        Trajectory([step.states[0], np.array([x, step.states[1][1]])], step.actions, [0.0], False)
        for x in grid
    ]
    end = np.log(1.0 - model.predictions(moved)[1])
    integral = np.exp(model.log_likelihood(moved) - end).sum() * (grid[1] - grid[0])
    own = model.log_likelihood([step], np.array([1])) - np.log(1 - model.predictions([step])[1])
    assert np.log(integral) == pytest.approx(own[0], abs=1e-4)
