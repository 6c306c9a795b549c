"""Callbacks: evaluation, stopping, metrics as lines of JSON, and the bar."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.learning import (
    Evaluation,
    Iteration,
    JsonLines,
    LinearQ,
    OneHot,
    ProgressBar,
    QLearning,
    StopWhen,
    one_by_one,
    train,
)
from mcts_service.learning.schedules import constant, exponential, inverse, linear
from mcts_service.models import UnrolledModel, make
from mcts_service.policies import EpsilonGreedy, Greedy
from mcts_service.protocols import Trajectory

Q = LinearQ(OneHot(16), 4)
LAKE = UnrolledModel(make("frozen_lake_4x4", slippery=False), max_steps=100)


def run(callbacks, iterations=200):
    return train(
        Q.initial(1.0),
        model=LAKE,
        policy=lambda parameters, i: EpsilonGreedy(Q(parameters), 0.05),
        improve=one_by_one(QLearning(Q, 0.9)),
        step_size=1.0,
        iterations=iterations,
        rng=np.random.default_rng(0),
        callbacks=callbacks,
    )


def greedy(parameters):
    return Greedy(Q(parameters))


def test_learning_stops_when_the_evaluation_is_good_enough(tmp_path):
    evaluation = Evaluation(LAKE, greedy, every=5, episodes=3, discount=0.9)
    trained = run(
        [evaluation, StopWhen("evaluation_return", 0.9**5 - 1e-9), JsonLines(tmp_path / "log")]
    )
    assert trained.stopped
    assert trained.iterations < 200
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len(lines) == trained.iterations
    assert lines[-1]["evaluation_return"] == pytest.approx(0.9**5)
    assert lines[-1]["evaluation_standard_error"] == 0.0
    assert lines[-1]["steps"] == trained.steps == sum(line["length"] for line in lines)
    assert all(("evaluation_return" in line) == (line["iteration"] % 5 == 0) for line in lines)


def test_evaluation_changes_nothing_that_is_learned():
    plain = run([], iterations=10)
    watched = run([Evaluation(LAKE, greedy, every=1, episodes=1)], iterations=10)
    assert plain.parameters.tobytes() == watched.parameters.tobytes()


def test_the_standard_error_is_of_the_mean():
    class Pays:
        """Episodes of one step that pay 0 and 1 by turns."""

        def __init__(self):
            self.next = 1.0

        def trajectory(self, policy, rng):
            self.next = 1.0 - self.next
            return Trajectory([0, 15], [0], [self.next], True)

    seen = []
    run(
        [
            Evaluation(Pays(), greedy, every=1, episodes=4),
            lambda done: seen.append(done.metrics),
        ],
        iterations=1,
    )
    assert seen[0]["evaluation_return"] == 0.5
    # Deviations of 1/2 each: sqrt(4 * 1/4 / 3) / sqrt(4).
    assert seen[0]["evaluation_standard_error"] == pytest.approx(np.sqrt(1 / 3) / 2)


def test_a_new_run_begins_its_file_anew(tmp_path):
    path = tmp_path / "log"
    path.write_text("old\n")
    lines = JsonLines(path)
    for _ in range(2):
        run([lines], iterations=3)
        assert [json.loads(line)["iteration"] for line in path.read_text().splitlines()] == [
            1, 2, 3
        ]  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_shown_on_a_terminal_and_nothing_elsewhere():
    terminal, file = Terminal(), io.StringIO()
    run([ProgressBar("lake", stream=terminal), ProgressBar(stream=file)], iterations=20)
    assert "lake" in terminal.getvalue()
    assert "20/20" in terminal.getvalue()
    assert file.getvalue() == ""


def test_without_rich_a_line_is_written_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    terminal = Terminal()
    run([ProgressBar("lake", stream=terminal)], iterations=20)
    written = terminal.getvalue().split("\r")
    assert len(written) == 21
    assert written[-1].startswith("lake 20/20 return ")
    assert written[-1].endswith("\n")


@pytest.mark.parametrize("has_rich", [True, False])
def test_a_bar_can_do_without_an_end(has_rich, monkeypatch):
    if not has_rich:
        monkeypatch.setitem(sys.modules, "rich.progress", None)
    terminal = Terminal()
    bar = ProgressBar("maze", stream=terminal)
    walk, rng = Trajectory([0, 15], [0], [1.0], True), np.random.default_rng(0)
    bar(Iteration(3, None, 3, walk, greedy(Q.initial()), None, rng, {"return": 1.0}))
    bar.close()
    assert "maze" in terminal.getvalue()
    assert "3" in terminal.getvalue()


def test_the_bar_shows_a_running_mean():
    bar = ProgressBar()
    returns = []
    run([bar, lambda done: returns.append(done.metrics["return"])], iterations=30)
    expected = returns[0]
    for found in returns[1:]:
        expected += 0.1 * (found - expected)
    assert bar.recent == pytest.approx(expected)


def test_schedules_by_hand():
    assert [constant(0.3)(i) for i in (0, 9)] == [0.3, 0.3]
    assert [linear(1.0, 0.2, 4)(i) for i in (0, 1, 4, 9)] == pytest.approx([1.0, 0.8, 0.2, 0.2])
    assert [exponential(1.0, 0.5, 0.2)(i) for i in (0, 1, 2, 3)] == [1.0, 0.5, 0.25, 0.2]
    assert [inverse(0.6, 2.0)(i) for i in (0, 2, 4)] == pytest.approx([0.6, 0.3, 0.2])


@pytest.mark.parametrize(
    ("make_wrong", "said"),
    [
        (lambda: Evaluation(LAKE, greedy, every=0, episodes=1), "every: is 0"),
        (lambda: Evaluation(LAKE, greedy, every=1, episodes=0), "episodes: is 0"),
        (lambda: Evaluation(LAKE, greedy, every=1, episodes=1, discount=2), "discount: is 2"),
        (lambda: Evaluation(LAKE, greedy, every=1, episodes=1, seed=-1), "seed: is -1"),
        (lambda: Evaluation(3, greedy, every=1, episodes=1), "of no level"),
        (lambda: StopWhen("", 1.0), "metric"),
        (lambda: StopWhen("return", np.nan), "at_least: is"),
        (lambda: linear(1.0, 0.0, 0), "iterations: is 0"),
        (lambda: exponential(1.0, 1.1), "factor: is 1.1"),
        (lambda: inverse(1.0, 0.0), "half_at: is 0.0"),
        (lambda: constant(np.inf), "value: is inf"),
    ],
)
def test_settings_out_of_range_are_refused(make_wrong, said):
    with pytest.raises(InvalidRequest, match=said):
        make_wrong()


def test_whatever_a_metric_is_it_is_written_and_ends_nothing(tmp_path):
    def odd(done):
        done.metrics.update(
            nan=float("nan"),
            infinite=np.float64("inf"),
            small=np.float32(0.5),
            count=np.int64(3),
            each=np.array([1.0, np.nan]),
            parts={"a": (1, float("nan"))},
            other={1},
        )

    run([odd, JsonLines(tmp_path / "log")], iterations=2)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len(lines) == 2
    found = {name: lines[0][name] for name in ("nan", "infinite", "small", "count", "each")}
    assert found == {"nan": None, "infinite": None, "small": 0.5, "count": 3, "each": [1.0, None]}
    assert lines[0]["parts"] == {"a": [1, None]}
    assert lines[0]["other"] == "{1}"


def test_lines_that_were_cut_short_are_dropped_and_told_of(tmp_path, caplog):
    path = tmp_path / "log"
    path.write_text('{"iteration": 1}\n{"iteration": 2}\n{"iteration": 4}\n{"itera')
    lines = JsonLines(path)
    trajectory, rng = Trajectory([0, 15], [0], [1.0], True), np.random.default_rng(0)
    done = Iteration(3, 5, 3, trajectory, greedy(Q.initial()), Q.initial(), rng, {"return": 1.0})
    lines(done)
    lines.close()
    assert lines.cut_lines == 1
    assert "cut short, and dropped: 1" in caplog.text
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["iteration"] for line in found] == [1, 2, 3]
    assert list(tmp_path.iterdir()) == [path]
