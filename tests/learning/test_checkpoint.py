"""A run that is interrupted goes on to the same numbers; a broken file is told as one."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.learning import (
    Checkpoint,
    Checkpoints,
    DoubleQ,
    Evaluation,
    JsonLines,
    LinearQ,
    OneHot,
    Sarsa,
    load_checkpoint,
    one_by_one,
    save_checkpoint,
    train,
)
from mcts_service.learning.safe_file import FileFormat, read_safe_file, write_safe_file
from mcts_service.learning.schedules import inverse, linear
from mcts_service.models import EnvironmentModel, make
from mcts_service.policies import EpsilonGreedy, Greedy

FORMAT = FileFormat("mcts_service.checkpoint", 1, "a checkpoint")
Q = LinearQ(OneHot(16), 4)
DOUBLE = DoubleQ(Q, 0.99)


def lake():
    return EnvironmentModel("FrozenLake-v1")


def run(iterations, *, rng=None, resume=None, callbacks=(), model=None, double=False, begin=None):
    """Everything that might be forgotten: schedules, chance in the model, policy and update."""
    values = DOUBLE.mean if double else Q
    if begin is None:
        begin = (Q.initial(1.0), Q.initial(1.0)) if double else Q.initial(1.0)
    return train(
        begin,
        model=make("frozen_lake_4x4") if model is None else model,
        policy=lambda parameters, i: EpsilonGreedy(values(parameters), linear(1.0, 0.1, 15)(i)),
        improve=one_by_one(DOUBLE if double else Sarsa(Q, 0.99)),
        step_size=inverse(0.5, 10.0),
        iterations=iterations,
        rng=np.random.default_rng(3) if rng is None else rng,
        callbacks=callbacks,
        resume=resume,
    )


def flat(parameters):
    """The bytes of all numbers."""
    if isinstance(parameters, tuple):
        return b"".join(flat(part) for part in parameters)
    return parameters.tobytes()


@pytest.mark.parametrize("model", [None, lake], ids=["model", "environment"])
@pytest.mark.parametrize("double", [False, True], ids=["one table", "two tables"])
def test_twenty_iterations_are_ten_and_ten_more(tmp_path, double, model):
    made = model and model()
    whole = run(20, model=made, double=double)
    run(10, model=made, double=double, callbacks=[Checkpoints(tmp_path / "run.npz", every=10)])
    checkpoint = load_checkpoint(tmp_path / "run.npz")
    assert checkpoint.iteration == 10
    # With another seed, which the checkpoint replaces.
    rng = np.random.default_rng(99)
    resumed = run(20, model=made, double=double, rng=rng, resume=checkpoint)
    assert flat(resumed.parameters) == flat(whole.parameters)
    assert flat(whole.parameters) != flat(checkpoint.parameters)
    assert (resumed.iterations, resumed.steps) == (whole.iterations, whole.steps)


def test_metrics_and_evaluations_go_on_as_if_nothing_had_been(tmp_path):
    def callbacks(name):
        return [
            Evaluation(lake(), lambda w: Greedy(Q(w)), every=4, episodes=2),
            JsonLines(tmp_path / name),
            Checkpoints(tmp_path / f"{name}.npz", every=5),
        ]

    run(20, callbacks=callbacks("whole"))
    # Killed in iteration 14: lines up to 13, the checkpoint of 10, and a line cut short.
    run(13, callbacks=callbacks("broken")[:2])
    run(10, callbacks=callbacks("other"))
    with (tmp_path / "broken").open("a") as file:
        file.write('{"iteration": 14, "ret')
    resume = load_checkpoint(tmp_path / "other.npz")
    run(20, callbacks=callbacks("broken"), resume=resume)
    assert (tmp_path / "broken").read_text() == (tmp_path / "whole").read_text()
    lines = [json.loads(line) for line in (tmp_path / "whole").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == list(range(1, 21))
    assert [line["iteration"] for line in lines if "evaluation_return" in line] == [
        4, 8, 12, 16, 20
    ]  # fmt: skip


def test_the_loop_is_saved_at_its_intervals_and_where_it_ends(tmp_path):
    path, seen = tmp_path / "run.npz", []

    def look(done):
        seen.append(load_checkpoint(path).iteration if path.exists() else 0)
        return done.number == 8

    run(99, callbacks=[Checkpoints(path, every=3), look])
    assert seen == [0, 0, 3, 3, 3, 6, 6, 6]
    assert load_checkpoint(path).iteration == 8
    assert os.listdir(tmp_path) == ["run.npz"], "nothing is left beside it"


def test_what_was_whole_is_kept_when_the_loop_fails(tmp_path):
    def fail(done):
        if done.number == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(9, callbacks=[Checkpoints(tmp_path / "run.npz"), fail])
    resumed = run(9, resume=load_checkpoint(tmp_path / "run.npz"))
    assert flat(resumed.parameters) == flat(run(9).parameters)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_any_generator_of_numpy_comes_back(tmp_path, kind):
    rng = np.random.Generator(kind(5))
    rng.random(3)
    nested = (np.arange(6.0).reshape(2, 3), (np.array(7.0), np.zeros((0, 2))))
    path = tmp_path / "one.npz"
    save_checkpoint(Checkpoint(nested, 2, 30, rng.bit_generator.state), path)
    found = load_checkpoint(path)
    assert (found.iteration, found.steps) == (2, 30)
    first, (second, third) = found.parameters
    assert np.array_equal(first, nested[0])
    assert (second.shape, float(second), third.shape) == ((), 7.0, (0, 2))
    again = np.random.Generator(kind(6))
    again.bit_generator.state = found.rng_state
    assert again.random() == rng.random()


def saved(path, **changes):
    """A checkpoint's file, with some of its settings changed; it holds its checksum."""
    settings = {
        "format": "mcts_service.checkpoint",
        "version": 1,
        "iteration": 1,
        "steps": 1,
        "form": 0,
        "rng_state": np.random.default_rng(0).bit_generator.state,
    }
    write_safe_file(path, FORMAT, settings | changes, {"parameters_0": Q.initial()})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "is of version 2; this release reads 1"),
        ({"format": "other"}, "is no file of a checkpoint"),
        ({"form": 7}, "is no checkpoint of this release: KeyError"),
        ({"form": "x"}, "is no checkpoint of this release: KeyError"),
        ({"iteration": -1}, "is no checkpoint of this release: .*iteration: is -1"),
        ({"steps": None}, "is no checkpoint of this release: .*steps: is None"),
        ({"rng_state": 3}, "is no checkpoint of this release: TypeError"),
        ({"rng_state": {"array": ["a"], "dtype": "S999999999"}}, "a state of type"),
        ({"rng_state": {"array": [1], "dtype": {}}}, "is no checkpoint of this release"),
    ],
)
def test_a_file_of_another_kind_or_version_is_refused(tmp_path, changes, said):
    saved(tmp_path / "one.npz", **changes)
    with pytest.raises(InvalidRequest, match=rf"one\.npz: {said}|{said}"):
        load_checkpoint(tmp_path / "one.npz")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_told_as_one(tmp_path, share):
    path = tmp_path / "one.npz"
    saved(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidRequest, match=r"one\.npz: is damaged"):
        load_checkpoint(path)


def test_what_is_no_checkpoint_at_all_is_refused(tmp_path):
    with pytest.raises(InvalidRequest, match=r"missing\.npz: cannot be read: No such file"):
        load_checkpoint(tmp_path / "missing.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "arrays.npz", weights=np.zeros(3))
    (tmp_path / "text.npz").write_text("hello")
    for name in ("array.npy", "arrays.npz", "text.npz"):
        with pytest.raises(InvalidRequest, match="is damaged, or no file of a checkpoint"):
            load_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (np.zeros((4, 4)), r"resume: has parameters of shape \[16, 4\]; must be \[4, 4\]"),
        ((Q.initial(),), r"resume: has parameters of shape \[16, 4\]; must be \(\[16, 4\],\)"),
    ],
)
def test_parameters_of_another_form_do_not_go_on(begin, said):
    state = np.random.default_rng(0).bit_generator.state
    with pytest.raises(InvalidRequest, match=said):
        run(3, begin=begin, resume=Checkpoint(Q.initial(), 1, 1, state))


def test_another_kind_of_generator_does_not_go_on():
    state = np.random.default_rng(0).bit_generator.state
    with pytest.raises(InvalidRequest, match="rng: is a MT19937; must be a 'PCG64'"):
        run(
            3,
            rng=np.random.Generator(np.random.MT19937(0)),
            resume=Checkpoint(Q.initial(), 1, 1, state),
        )


def test_a_state_without_a_form_in_json_is_refused_and_the_earlier_file_kept(tmp_path):
    path = tmp_path / "one.npz"
    saved(path)
    before = path.read_bytes()
    with pytest.raises(InvalidRequest, match="rng: has a state that cannot be saved"):
        save_checkpoint(Checkpoint(Q.initial(), 1, 1, {"state": object()}), path)
    assert path.read_bytes() == before


def test_parameters_that_are_not_finite_are_neither_saved_nor_read(tmp_path):
    path = tmp_path / "one.npz"
    saved(path)
    before = path.read_bytes()
    state = np.random.default_rng(0).bit_generator.state
    with pytest.raises(InvalidRequest, match="parameters: are not finite"):
        save_checkpoint(Checkpoint((Q.initial(), np.array([np.nan])), 1, 1, state), path)
    assert path.read_bytes() == before
    settings, _ = read_safe_file(path, FORMAT)
    write_safe_file(path, FORMAT, settings, {"parameters_0": np.array([np.inf])})
    with pytest.raises(InvalidRequest, match="ValueError: parameters that are not finite"):
        load_checkpoint(path)


def test_whatever_byte_is_changed_a_file_is_whole_or_refused(tmp_path):
    path = tmp_path / "one.npz"
    saved(path)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.choice(len(data), 300, replace=False).tolist():
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            found = load_checkpoint(path)
        except InvalidRequest:
            continue
        assert (found.iteration, found.steps) == (1, 1)
        assert np.array_equal(found.parameters, Q.initial())
