"""Files of learned models: whole, or a clear error, whatever has happened to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from played import Played

from mcts_service.errors import InvalidRequest
from mcts_service.learning.data import collect
from mcts_service.learning.fit import (
    Ensemble,
    LearnedTable,
    LinearGaussian,
    fit_linear_gaussian,
    fit_table,
    load,
    save,
)
from mcts_service.learning.fit.ensemble import Layer, Scalings
from mcts_service.learning.fit.files import Contents, read_file, write_file
from mcts_service.learning.fit.regression import Scaling
from mcts_service.learning.fit.vector_model import Origin
from mcts_service.models import make
from mcts_service.models.streams import generator_of_rows
from mcts_service.policies import Uniform
from mcts_service.protocols import Trajectory
from mcts_service.testing import assert_model


def lake_table():
    played = collect(Played(make("frozen_lake_4x4")), Uniform(4), 300, np.random.default_rng(0))
    return fit_table(played, 16, 4, unseen="optimistic", discount=0.9)


def cart_pole_model():
    played = collect(Played(make("cart_pole")), Uniform(2), 300, np.random.default_rng(0))
    return fit_linear_gaussian(played, 2, features="quadratic")


def networks():
    """An ensemble that nobody has trained: a file of one takes no torch."""
    rng = np.random.default_rng(0)

    def drawn(*shape):
        return rng.standard_normal(shape).astype(np.float32).astype(np.float64)

    return Ensemble(
        Origin(drawn(3, 4), np.full(4, -9.0), np.full(4, 9.0), np.array([5, 6])),
        Scalings(*(Scaling(drawn(n), np.abs(drawn(n)) + 0.1) for n in (4, 4, 1))),
        [Layer(drawn(2, 6, 5), drawn(2, 5)), Layer(drawn(2, 5, 10), drawn(2, 10))],
        probabilistic=True,
        log_variance=drawn(4),
        never_ended=False,
        discount=0.95,
    )


MODELS = {"table": lake_table, "linear_gaussian": cart_pole_model, "ensemble": networks}
TYPES = {"table": LearnedTable, "linear_gaussian": LinearGaussian, "ensemble": Ensemble}


@pytest.fixture(scope="module", params=MODELS)
def saved(request, tmp_path_factory):
    """(kind, model, path) of each kind."""
    kind = request.param
    if kind == "ensemble":
        pytest.importorskip("safetensors")
    model = MODELS[kind]()
    ending = "safetensors" if kind == "ensemble" else "npz"
    path = tmp_path_factory.mktemp("models") / f"{kind}.{ending}"
    save(model, path)
    return kind, model, path


def require_same(one, other):
    """Two models of one kind answer alike."""
    assert type(one) is type(other)
    assert (one.num_actions, one.discount) == (other.num_actions, other.discount)
    if isinstance(one, LearnedTable):
        for state in range(one.num_states):
            for action in range(one.num_actions):
                assert one.transitions(state, action) == other.transitions(state, action)
        return
    states = 0.1 * np.random.default_rng(0).standard_normal((8, 4))
    answers = [
        model.sample_batch(states, np.arange(8) % 2, generator_of_rows(range(8)))
        for model in (one, other)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*answers, strict=True))


def test_a_model_comes_back_as_it_was(saved):
    kind, model, path = saved
    again = load(path)
    assert isinstance(again, TYPES[kind])
    require_same(model, again)
    assert_model(again)
    assert list(again.plan_warnings(again.initial_state(), 3)) == list(
        model.plan_warnings(model.initial_state(), 3)
    )


def test_another_kind_is_refused_where_one_is_asked_for(saved):
    kind, _, path = saved
    assert load(path, kind=kind)
    other = next(name for name in MODELS if name != kind)
    with pytest.raises(InvalidRequest, match=f"is of kind {kind}; must be {other}"):
        load(path, kind=other)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_file_is_an_error_or_the_same_model(saved, tmp_path_factory, data):
    _, model, path = saved
    content = bytearray(path.read_bytes())
    spoilt = tmp_path_factory.getbasetemp() / f"spoilt{path.suffix}"
    if data.draw(st.booleans(), "cut"):
        del content[data.draw(st.integers(0, len(content) - 1), "length") :]
    for _ in range(data.draw(st.integers(0, 3), "flips") if content else 0):
        place = data.draw(st.integers(0, len(content) - 1), "place")
        content[place] ^= 1 << data.draw(st.integers(0, 7), "bit")
    spoilt.write_bytes(content)
    try:
        again = load(spoilt)
    except InvalidRequest:
        return
    require_same(model, again)


def test_a_file_cut_short_says_that_it_is_damaged(saved, tmp_path):
    _, _, path = saved
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidRequest, match="is damaged"):
        load(cut)


def test_a_file_of_another_version_says_so(tmp_path, monkeypatch):
    from mcts_service.learning.fit import files

    path = tmp_path / "model.npz"
    monkeypatch.setattr(files, "_FORMAT", replace(files._FORMAT, version=2))
    save(lake_table(), path)
    monkeypatch.undo()
    with pytest.raises(InvalidRequest, match="is of version 2; this release reads 1"):
        load(path)


def test_a_file_of_a_kind_that_is_not_known_says_so(tmp_path):
    path = tmp_path / "model.npz"
    write_file(Contents("oracle", {}, {}), path)
    with pytest.raises(InvalidRequest, match="is of kind 'oracle'; must be one of table, linear"):
        load(path)


def test_a_whole_file_without_what_the_model_needs_is_refused(tmp_path):
    path = tmp_path / "model.npz"
    contents = read_file_of(lake_table(), tmp_path)
    arrays = dict(contents.arrays)
    del arrays["rewards"]
    write_file(Contents("table", contents.settings, arrays), path)
    with pytest.raises(InvalidRequest, match="is no table of this release: KeyError: 'rewards'"):
        load(path)


def read_file_of(model, folder):
    save(model, folder / "whole.npz")
    return read_file(folder / "whole.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "it is empty"),
        (b"not a model", "is damaged, or no file of a learned model"),
        (b"PK not a model", "is damaged, or no file of a learned model"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, content, message):
    path = tmp_path / "model.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=message):
        load(path)


def test_a_model_is_saved_under_the_ending_of_its_format(tmp_path):
    with pytest.raises(InvalidRequest, match=r"must end in \.npz"):
        save(lake_table(), tmp_path / "model.pickle")
    with pytest.raises(InvalidRequest, match=r"must end in \.safetensors"):
        save(networks(), tmp_path / "model.npz")
    with pytest.raises(InvalidRequest, match="must be a learned model"):
        save(make("taxi"), tmp_path / "model.npz")
    with pytest.raises(InvalidRequest, match="cannot be written: No such file"):
        save(lake_table(), tmp_path / "nowhere" / "model.npz")
    assert not list(tmp_path.iterdir())


def test_functions_must_be_given_again(tmp_path):
    path = tmp_path / "model.npz"
    played = collect(Played(make("cart_pole")), Uniform(2), 200, np.random.default_rng(0))
    functions = {
        "features": lambda states: states**3,
        "terminal": lambda states: np.abs(states[:, 2]) > 0.2095,
    }
    model = fit_linear_gaussian(played, 2, **functions)
    save(model, path)
    with pytest.raises(InvalidRequest, match=r"features: is missing; .*fitted with a function"):
        load(path)
    with pytest.raises(InvalidRequest, match=r"reward: is given; .*was not fitted"):
        load(path, reward=len, **functions)
    require_same(model, load(path, **functions))


def test_names_of_states_are_kept(tmp_path):
    states = ["a", ("b", 2, None), np.array([1.0, 2.0]), 2.5]
    table = fit_table([Trajectory(states, [0, 1, 0], [1.0, 2.0, 3.0], False)])
    save(table, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    for state in states:
        assert again.labels.number(state) == table.labels.number(state)
    (outcome,) = again.transitions("a", 0)
    assert outcome == (1.0, ("b", 2, None), 1.0, False)


def test_states_that_a_file_cannot_hold_are_refused(tmp_path):
    table = fit_table([Trajectory([frozenset({1}), "b"], [0], [1.0], False)])
    with pytest.raises(InvalidRequest, match=r"has the state frozenset\(\{1\}\); to be saved"):
        save(table, tmp_path / "model.npz")


def written(model, folder, name, change):
    """A file of the model with one array or setting changed; it holds its checksum."""
    contents = read_file_of(model, folder)
    settings, arrays = dict(contents.settings), dict(contents.arrays)
    holder = arrays if name in arrays else settings
    holder[name] = change(holder[name])
    path = folder / "changed.npz"
    write_file(Contents(contents.kind, settings, arrays), path)
    return path


def with_first(value):
    def change(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return change


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("unseen", lambda _: "hopeful", "unseen: is 'hopeful'"),
        ("unseen", lambda _: {}, "TypeError|unseen"),
        ("prior", lambda _: -1.0, "prior: is -1"),
        ("prior", lambda _: "1", "prior: is '1'"),
        ("discount", lambda _: None, "discount"),
        ("num_states", lambda _: 10**30, "num_states: is an integer|num_states: is 1000"),
        ("num_states", lambda _: 17, "initial is float64"),
        ("num_actions", lambda _: 2**31 - 2, "MemoryError|not in order"),
        ("labels", lambda _: [1, 2], "labels are not one for each state"),
        ("labels", lambda _: 3, "TypeError"),
        ("counts", with_first(0), "counts are less than 1"),
        ("counts", lambda a: a.astype(np.float64), r"counts is float64\[\d+\]; must be int64"),
        ("rows", with_first(-1), "rows are out of range"),
        ("rows", lambda a: a[::-1], "rows are not in order"),
        ("rows", lambda a: a[:, np.newaxis], "rows is int64"),
        ("next_states", with_first(16), "next_states are out of range"),
        ("terminated", lambda a: a[1:], "terminated is bool"),
        ("rewards", with_first(np.nan), "rewards has a number that is not finite"),
        ("initial", with_first(-1.0), "initial is no distribution"),
        ("initial", lambda a: a * 0, "initial is no distribution"),
    ],
)
def test_a_table_that_somebody_else_wrote_is_checked(tmp_path, name, change, said):
    path = written(lake_table(), tmp_path, name, change)
    with pytest.raises(InvalidRequest, match=rf"is no table of this release: .*({said})"):
        load(path)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("features", lambda _: "cubic", "features: is 'cubic'"),
        ("features", lambda _: "linear", "mean is float64"),
        ("mean", with_first(np.inf), "mean has a number that is not finite"),
        ("scale", with_first(0.0), "scale is not above 0"),
        ("weights", lambda a: a[1:], "weights is float64"),
        ("noise", lambda a: a.T + np.eye(4), "noise is no lower triangle"),
        ("noise", lambda a: -a, "noise is no lower triangle"),
        ("reward_weights", lambda a: a[:, 1:], "reward_weights is float64"),
        ("end_weights", lambda a: a[1:], "end_weights is float64"),
        ("taken", lambda a: a[1:], "weights is float64"),
        ("taken", with_first(-1), "taken is less than 0"),
        ("low", with_first(1e300), "low is above high"),
        ("high", lambda a: a[1:], "high is float64"),
        ("initial_states", lambda a: a[:0], "initial_states is float64"),
    ],
)
def test_a_linear_model_that_somebody_else_wrote_is_checked(tmp_path, name, change, said):
    path = written(cart_pole_model(), tmp_path, name, change)
    with pytest.raises(InvalidRequest, match=rf"is no linear_gaussian of this release: .*{said}"):
        load(path)


@pytest.mark.parametrize("functions", [3, ["other"], [[]], "reward"])
def test_functions_that_a_file_cannot_need_are_refused(tmp_path, functions):
    path = written(cart_pole_model(), tmp_path, "functions", lambda _: functions)
    with pytest.raises(InvalidRequest, match="names the functions"):
        load(path)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("layers", lambda _: 3, "KeyError"),
        ("layers", lambda _: 1, "layers.0.weights is float32"),
        ("layers", lambda _: 10**9, "layers: is 1000000000"),
        ("probabilistic", lambda _: 1, "probabilistic: is 1"),
        ("layers.0.weights", lambda a: a[:, 1:], "layers.0.weights is float32"),
        ("layers.1.bias", lambda a: a[1:], "layers.1.bias is float32"),
        ("layers.1.weights", with_first(np.nan), "layers.1.weights has a number that is not"),
        ("rewards.scale", with_first(-1.0), "rewards.scale is not above 0"),
        ("log_variance", lambda a: a[1:], "log_variance is float64"),
    ],
)
def test_networks_that_somebody_else_wrote_are_checked(tmp_path, monkeypatch, name, change, said):
    # Of whatever format: here of the one that takes no library.
    monkeypatch.setattr("mcts_service.learning.fit.files.suffix_of", lambda kind: ".npz")
    path = written(networks(), tmp_path, name, change)
    with pytest.raises(InvalidRequest, match=rf"is no ensemble of this release: .*{said}"):
        load(path)
