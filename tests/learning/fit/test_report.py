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
    with pytest.raises(InvalidRequest, match=r"trajectories\[0\]\.states\[1\]: is 7"):
        report_of(table, [Trajectory([0, 7], [0], [0.0], False)])


def test_a_report_is_drawn(lake_report, pole_report, tmp_path):
    pytest.importorskip("matplotlib")
    for name, report in (("lake", lake_report), ("pole", pole_report)):
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
