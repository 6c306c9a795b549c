"""Updates of whole trajectories, on numbers worked out by hand and beside their textbook form."""

from __future__ import annotations

import numpy as np
import pytest
from small_trajectories import (
    CUT,
    ENDED,
    Q_TABLE,
    RNG,
    TILES,
    V_TABLE,
    Q,
    V,
    change_of,
    tiled_trajectory,
)

from mcts_service.errors import InvalidRequest
from mcts_service.learning import (
    TD,
    LinearQ,
    LinearV,
    MonteCarlo,
    NStep,
    Sarsa,
    TDLambda,
    lifted,
    one_by_one,
)
from mcts_service.protocols import Trajectory


def test_monte_carlo_moves_towards_the_returns():
    # Discount 0.5: returns 1 + 1 - 0.25 = 1.75, 2 - 0.5 = 1.5, -1.
    change = change_of(MonteCarlo(V, 0.5), ENDED, V_TABLE)
    assert change == pytest.approx([(1.75 - 0.5) + (-1 - 0.5), 1.5 + 1.0, 0.0])


def test_the_first_visit_alone_counts_where_that_is_asked():
    change = change_of(MonteCarlo(V, 0.5, first_visit=True), ENDED, V_TABLE)
    assert change == pytest.approx([1.75 - 0.5, 1.5 + 1.0, 0.0])
    # (0, 1) comes twice too, and other actions of a state are visits of their own.
    change = change_of(MonteCarlo(Q, 0.5, first_visit=True), ENDED, Q_TABLE)
    assert change == pytest.approx(np.array([[0, 1.75 - 2], [1.5 - 3, 0], [0, 0]]))
    other = Trajectory([0, 0, 2], [0, 1], [1.0, 1.0], True)
    change = change_of(MonteCarlo(Q, 1.0, first_visit=True), other, Q_TABLE)
    assert change == pytest.approx(np.array([[2 - 1, 1 - 2], [0, 0], [0, 0]]))


def test_where_state_values_are_cut_the_last_state_stands_for_the_rest():
    # Returns with v(2) = 4 behind them: 1 + 1 - 0.25 + 0.5 = 2.25, 2 - 0.5 + 1 = 2.5, -1 + 2 = 1.
    change = change_of(MonteCarlo(V, 0.5), CUT, V_TABLE)
    assert change == pytest.approx([(2.25 - 0.5) + (1 - 0.5), 2.5 + 1.0, 0.0])


def test_where_action_values_are_cut_the_last_action_stands_for_the_rest():
    # The last step is left out, and q(0, 1) = 2 stands behind the second: 1 + 1 + 0.5, 2 + 1.
    change = change_of(MonteCarlo(Q, 0.5), CUT, Q_TABLE)
    assert change == pytest.approx(np.array([[0, 2.5 - 2], [3 - 3, 0], [0, 0]]))
    alone = Trajectory([0, 1], [1], [1.0], False)
    assert not change_of(MonteCarlo(Q, 0.5), alone, Q_TABLE).any()


def test_n_steps_reach_to_the_value_after_them():
    # Two steps, discount 0.5: 1 + 1 + 0.25 * v(0) = 2.125; 2 - 0.5 = 1.5; -1.
    change = change_of(NStep(V, 0.5, 2), ENDED, V_TABLE)
    assert change == pytest.approx([(2.125 - 0.5) + (-1 - 0.5), 1.5 + 1.0, 0.0])


@pytest.mark.parametrize("trajectory", [ENDED, CUT], ids=["ended", "cut"])
def test_one_step_and_all_steps_are_methods_known_by_other_names(trajectory):
    for values, table, one_step in ((V, V_TABLE, TD(V, 0.9)), (Q, Q_TABLE, Sarsa(Q, 0.9))):
        expected = change_of(lifted(one_step), trajectory, table)
        assert change_of(NStep(values, 0.9, 1), trajectory, table) == pytest.approx(expected)
        assert change_of(TDLambda(values, 0.9, 0.0), trajectory, table) == pytest.approx(expected)
        expected = change_of(MonteCarlo(values, 0.9), trajectory, table)
        assert change_of(NStep(values, 0.9, 3), trajectory, table) == pytest.approx(expected)
        assert change_of(NStep(values, 0.9, 99), trajectory, table) == pytest.approx(expected)
        assert change_of(TDLambda(values, 0.9, 1.0), trajectory, table) == pytest.approx(expected)


def forward_view(values, rewards, discount, trace_decay):
    """Lambda-returns as equation 12.3 of Sutton and Barto (2018) writes them, less the values."""
    count = len(rewards)

    def n_step(t, n):
        end = min(t + n, count)
        discounted = sum(discount ** (k - t) * rewards[k] for k in range(t, end))
        return discounted + discount ** (end - t) * values[end]

    errors = []
    for t in range(count):
        weighted = sum(trace_decay ** (n - 1) * n_step(t, n) for n in range(1, count - t))
        whole = trace_decay ** (count - t - 1) * n_step(t, count - t)
        errors.append((1 - trace_decay) * weighted + whole - values[t])
    return errors


def backward_view(along, discount, trace_decay, size):
    """Accumulating traces, as the algorithm of section 12.2 runs, at fixed parameters."""
    trace, total = np.zeros(size), np.zeros(size)
    for t, reward in enumerate(along.rewards):
        trace *= discount * trace_decay
        np.add.at(trace, along.indices[t], 1.0)
        total += (reward + discount * along.values[t + 1] - along.values[t]) * trace
    return total


@pytest.mark.parametrize("terminated", [True, False])
@pytest.mark.parametrize("trace_decay", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("kind", ["states", "actions"])
def test_looking_forward_and_traces_backward_are_one(kind, trace_decay, terminated):
    values = LinearV(TILES) if kind == "states" else LinearQ(TILES, 3)
    parameters = np.random.default_rng(5).normal(size=values.initial().shape)
    trajectory = tiled_trajectory(1, terminated=terminated)
    found = change_of(TDLambda(values, 0.95, trace_decay), trajectory, parameters)
    along = values.along(parameters, trajectory)
    backward = backward_view(along, 0.95, trace_decay, parameters.size)
    assert found.reshape(-1) == pytest.approx(backward, abs=1e-11)
    errors = forward_view(along.values, along.rewards, 0.95, trace_decay)
    forward = np.zeros(parameters.size)
    for error, indices in zip(errors, along.indices, strict=True):
        np.add.at(forward, indices, error)
    assert found.reshape(-1) == pytest.approx(forward, abs=1e-11)


@pytest.mark.parametrize("value", [LinearV(TILES), LinearQ(TILES, 3)], ids=["V", "Q"])
def test_gradients_are_those_of_finite_differences(value):
    rng = np.random.default_rng(2)
    parameters, state = rng.normal(size=value.initial().shape), rng.random(2)
    where = [state] if isinstance(value, LinearV) else [state, 1]

    def at(moved):
        found = value(moved)(state)
        return found if isinstance(value, LinearV) else found[1]

    gradient = np.zeros(parameters.size)
    change = value.gradient(parameters, *where)
    np.add.at(gradient, change.indices, change.values)
    for index in {*change.indices, *rng.integers(0, parameters.size, 20)}:
        moved = parameters.copy()
        moved.reshape(-1)[index] += 1e-6
        assert (at(moved) - at(parameters)) / 1e-6 == pytest.approx(gradient[index], abs=1e-6)


def test_initial_parameters_give_every_state_the_value():
    assert LinearV(TILES).initial(3.0)[0] == 3.0 / 8
    assert LinearV(TILES)(LinearV(TILES).initial(3.0))([0.3, 0.7]) == pytest.approx(3.0)
    q = LinearQ(TILES, 3)
    assert q(q.initial(-2.0))([0.3, 0.7]) == pytest.approx([-2.0] * 3)


def wrong(**changes):
    fields = {"states": [0, 1, 2], "actions": [0, 1], "rewards": [0.0, 1.0], "terminated": True}
    return Trajectory(**(fields | changes))


@pytest.mark.parametrize(
    ("trajectory", "said"),
    [
        (Trajectory([0], [], [], True), "trajectory: is empty"),
        (wrong(states=[0, 1]), "has 2 states, 2 actions and 2 rewards; must have T \\+ 1, T and T"),
        (wrong(rewards=[0.0]), "has 3 states, 2 actions and 1 rewards"),
        (wrong(rewards=[0.0, np.inf]), r"trajectory.rewards\[1\]: is inf"),
        (wrong(rewards=[0.0, None]), "trajectory.rewards"),
        (wrong(rewards=[(0.0, 1.0), (0.0, 1.0)]), "trajectory.rewards: .* for one player"),
        (wrong(rewards=["a", "b"]), "trajectory.rewards: must be T numbers"),
        (wrong(actions=[0, 2]), r"trajectory.actions\[1\]: is 2; must be integers from 0 to 1"),
        (wrong(actions=[0, -1]), r"trajectory.actions\[1\]: is -1"),
        (wrong(actions=["go", "on"]), "trajectory.actions: are 'go'"),
        (wrong(states=[0, 3, 2]), "state: is 3"),
        (wrong(states=[0, 1.5, 2]), "states: must be integers"),
    ],
)
def test_trajectories_that_are_not_whole_are_refused(trajectory, said):
    with pytest.raises(InvalidRequest, match=said):
        MonteCarlo(Q, 0.9)(trajectory, Q_TABLE, RNG)
    with pytest.raises(InvalidRequest, match=said):
        one_by_one(Sarsa(Q, 0.9))(trajectory, Q_TABLE, 0.1, RNG)


def test_observations_that_are_not_finite_are_refused():
    trajectory = tiled_trajectory(0)
    trajectory.states[5][1] = np.nan
    with pytest.raises(InvalidRequest, match=r"state: is \[.*nan\]; must be 2 finite numbers"):
        MonteCarlo(LinearV(TILES), 0.9)(trajectory, LinearV(TILES).initial(), RNG)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: NStep(V, 0.9, 0), "steps: is 0"),
        (lambda: NStep(V, 2.0, 1), "discount: is 2.0"),
        (lambda: TDLambda(V, 0.9, 1.5), "trace_decay: is 1.5"),
        (lambda: MonteCarlo(V, -1), "discount: is -1"),
    ],
)
def test_settings_out_of_range_are_refused(make, said):
    with pytest.raises(InvalidRequest, match=said):
        make()
