"""Reports on held-out data, against what is known of the data."""

from __future__ import annotations

import numpy as np
import pytest
from played import Played

from mcts_service.errors import InvalidRequest
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_linear_gaussian, fit_table, held_out, plot
from mcts_service.models import make
from mcts_service.policies import Uniform
from mcts_service.protocols import Trajectory


def lake_data(steps, seed):
    return collect(Played(make("frozen_lake_4x4")), Uniform(4), steps, np.random.default_rng(seed))


def pole_data(steps, seed):
    return collect(Played(make("cart_pole")), Uniform(2), steps, np.random.default_rng(seed))


def report_of(model, data, **arguments):
    return held_out(model, data, rng=np.random.default_rng(0), **arguments)


@pytest.fixture(scope="module")
def lake_report():
    return report_of(fit_table(lake_data(10_000, 0), 16, 4), lake_data(2_000, 1), rollout_steps=5)


@pytest.fixture(scope="module")
def pole_report():
    model = fit_linear_gaussian(pole_data(2_000, 0), 2, features="quadratic")
    return report_of(model, pole_data(1_000, 1), rollout_steps=8)


def test_a_table_is_judged_by_probabilities(lake_report):
    """A step of the lake has at best -log 3 = -1.099 where its three ways differ, and more at the
    rim, where two of them meet; 2,000 steps keep the mean between -1.0 and -0.6 by far.
    """
    assert lake_report.level == "distribution"
    assert lake_report.num_steps == 2_000
    assert -1.0 < lake_report.possible_log_likelihood < -0.6
    assert lake_report.possible_log_likelihood > lake_report.baseline_log_likelihood + 0.5
    assert lake_report.impossible_steps <= 5
    assert lake_report.rollout_errors.shape == (5,)
    assert (lake_report.rollout_errors < lake_report.baseline_rollout_errors).all()


def test_errors_of_a_deterministic_table_are_zero():
    # A ring of three states: action 0 goes on, action 1 stays.
    def ring(actions):
        states = [0]
        for action in actions:
            states.append((states[-1] + (action == 0)) % 3)
        return Trajectory(states, actions, [float(s == 2) for s in states[1:]], False)

    report = report_of(
        fit_table([ring([0, 1] * 3 + [0, 0, 1])]), [ring([0, 0, 1, 0, 1, 1])], rollout_steps=4
    )
    assert report.log_likelihood == 0.0
    assert report.reward_error == 0.0
    assert report.rollout_errors.tolist() == [0.0] * 4
    # Half of the six steps stay; the others could have gone to either of two states.
    assert report.baseline_log_likelihood == pytest.approx(np.log(0.5) + 0.5 * np.log(0.5))
    assert report.baseline_rollout_errors[0] > 0


def test_steps_that_a_table_holds_impossible_are_counted():
    table = fit_table([Trajectory([0, 1, 0], [0, 0], [0.0, 0.0], False)])
    report = report_of(table, [Trajectory([0, 0, 1], [0, 0], [0.0, 0.0], False)])
    assert report.impossible_steps == 1
    assert report.log_likelihood == -np.inf
    assert report.possible_log_likelihood == 0.0
    assert "1 impossible" in str(report)


def test_a_model_of_vectors_beats_the_baseline(pole_report):
    assert pole_report.level == "sample"
    assert pole_report.log_likelihood > pole_report.baseline_log_likelihood + 5
    assert (pole_report.rollout_errors < 0.5 * pole_report.baseline_rollout_errors).all()
    assert pole_report.terminal_error < pole_report.baseline_terminal_error
    assert "held-out steps" in str(pole_report)


def test_the_baseline_of_vectors_is_the_normal_density():
    data = pole_data(500, 3)
    report = report_of(fit_linear_gaussian(data, 2), data)
    changes = np.concatenate([np.diff(np.stack(t.states), axis=0) for t in data])
    variance = (changes**2).mean(axis=0)
    density = -0.5 * (changes**2 / variance + np.log(2 * np.pi * variance)).sum(axis=1).mean()
    share = np.mean([t.terminated for t in data]) * len(data) / 500
    ends = share * np.log(share) + (1 - share) * np.log(1 - share)
    assert report.baseline_log_likelihood == pytest.approx(density + ends)


def test_a_curve_is_no_longer_than_the_trajectories():
    table = fit_table([Trajectory([0, 1, 0], [0, 0], [0.0, 0.0], False)])
    report = report_of(table, [Trajectory([0, 1], [0], [0.0], False)], rollout_steps=50)
    assert report.rollout_errors.shape == (1,)


def test_nothing_held_out_is_refused():
    table = fit_table([Trajectory([0, 1, 0], [0, 0], [0.0, 0.0], False)])
    with pytest.raises(InvalidRequest, match="trajectories: is empty"):
        report_of(table, [])
    with pytest.raises(InvalidRequest, match="have no step between states that the model knows"):
        report_of(table, [Trajectory([0, 7], [0], [0.0], False)])
    with pytest.raises(InvalidRequest, match=r"trajectories\[0\]\.actions\[0\]: is 3"):
        report_of(table, [Trajectory([0, 1], [3], [0.0], False)])


@pytest.mark.parametrize("names", [(0, 1, 7, 8), ("a", "b", "c", "d")])
def test_states_that_the_model_never_saw_are_counted(names):
    a, b, c, d = names
    table = fit_table([Trajectory([a, b, a], [0, 0], [1.0, 0.0], False)])
    walks = [
        # Known, into an unknown one, out of it, known, into another unknown one.
        Trajectory([a, b, c, a, b, d], [0, 0, 0, 0, 0], [1.0, 9.0, 9.0, 1.0, 9.0], True),
        Trajectory([c, c, a], [0, 0], [9.0, 9.0], False),
    ]
    report = report_of(table, walks, rollout_steps=3)
    assert (report.unknown_states, report.unknown_steps) == (2, 3)
    assert (report.num_steps, report.impossible_steps) == (4, 2)
    assert report.possible_log_likelihood == 0.0
    assert (report.reward_error, report.terminal_error) == (0.0, 0.0)
    # Of the four steps that are judged none stays where it is.
    assert report.baseline_log_likelihood == 0.0
    # From a and b alike; the next state is the true one of two of four.
    assert report.rollout_errors[0] == pytest.approx(0.5, abs=0.1)
    assert "2 impossible, 3 more from 2 unknown states" in str(report)


class Coin:
    """A model that is no learned one: heads or tails, whatever is done, and nothing else said."""

    num_actions = 1

    def sample(self, state, action, rng):
        return "heads" if rng.random() < 0.5 else "tails", 0.0, False


def test_any_sample_model_can_be_judged():
    flips = np.random.default_rng(0).choice(["heads", "tails"], 201).tolist()
    report = report_of(Coin(), [Trajectory(flips, [0] * 200, [0.0] * 200, False)])
    assert report.level == "sample"
    # The energy score of a fair coin: wrong half of the time, less half of that.
    assert report.rollout_errors.mean() == pytest.approx(0.25, abs=0.03)
    assert np.isnan([report.log_likelihood, report.reward_error, report.terminal_error]).all()
    assert (report.num_steps, report.impossible_steps) == (200, 0)
    assert report.baseline_log_likelihood < 0


class Drift:
    """A model of vectors, asked one at a time: it moves by 1, and knows how likely that is."""

    num_actions = 1

    def sample(self, state, action, rng):
        return state + 1.0, 0.5, False

    def log_likelihood(self, trajectories, components=None):
        return np.zeros(sum(len(t.actions) for t in trajectories))

    def predictions(self, trajectories):
        count = sum(len(t.actions) for t in trajectories)
        return np.full(count, 0.5), np.zeros(count)


def test_any_model_of_vectors_can_be_judged():
    states = np.arange(8.0)[:, np.newaxis] * np.ones(3)
    report = report_of(Drift(), [Trajectory(states, [0] * 7, [0.5] * 7, False)], rollout_steps=4)
    assert report.rollout_errors.tolist() == pytest.approx([0.0] * 4)
    assert (report.log_likelihood, report.reward_error) == (0.0, 0.0)
    assert (np.diff(report.baseline_rollout_errors) > 0).all()


def test_a_true_table_can_be_judged():
    report = report_of(make("frozen_lake_4x4"), lake_data(500, 2), rollout_steps=3)
    assert report.level == "distribution"
    assert (report.rollout_errors < report.baseline_rollout_errors).all()
    assert np.isnan(report.log_likelihood)


def test_short_trajectories_count_for_the_steps_that_they_have():
    # One long walk goes on; nine short ones stay, which the table holds for impossible.
    table = fit_table([Trajectory([0, 1, 2, 3, 0], [0] * 4, [0.0] * 4, False)])
    walks = [Trajectory([0, 1, 2, 3], [0] * 3, [0.0] * 3, False)]
    walks += [Trajectory([0, 0], [0], [0.0], False)] * 9
    report = report_of(table, walks, rollout_steps=3)
    # 3 places of the long walk, and the 9, have a step left; 2 have two, and 1 has all three.
    assert report.rollout_errors[0] == pytest.approx(9 / 12, abs=0.05)
    assert report.rollout_errors[1:].tolist() == [0.0, 0.0]


def test_a_report_is_drawn(lake_report, pole_report, tmp_path):
    pytest.importorskip("matplotlib")
    bare = report_of(make("frozen_lake_4x4"), lake_data(100, 2), rollout_steps=3)
    for name, report in (("lake", lake_report), ("pole", pole_report), ("bare", bare)):
        plot(report, tmp_path / f"{name}.png", title=name)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_what_never_changes_is_judged_neither_of_the_model_nor_of_the_baseline():
    # A column of zeros beside: it would have almost no noise, and a density of 1e12.
    def with_constant(data):
        return [
            Trajectory([np.append(s, 0.0) for s in t.states], t.actions, t.rewards, t.terminated)
            for t in data
        ]

    fitted, judged = pole_data(500, 4), pole_data(300, 5)
    plain = report_of(fit_linear_gaussian(fitted, 2), judged)
    beside = report_of(fit_linear_gaussian(with_constant(fitted), 2), with_constant(judged))
    assert beside.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-3)
    assert beside.baseline_log_likelihood == pytest.approx(plain.baseline_log_likelihood)
