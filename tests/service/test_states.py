import math

import numpy as np
import pytest
from served_models import Corridor, Grid, Panel, Point, Switches, entry_of

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.spec import StateSpec
from mcts_service.service.states import (
    discrete_state,
    expected,
    json_state,
    opaque_state,
    require_finite,
)


class Board:
    """States are int8[2,2], or a text."""

    num_actions = 4
    state_spec = StateSpec("tensor", np.dtype(np.int8), (2, 2), description="cells")

    def sample(self, state, action, rng):
        return state, 0.0, False

    def state_from_json(self, value):
        if value == "broken":
            raise ZeroDivisionError
        if not isinstance(value, str) or set(value) - set("1234"):
            raise ValueError("must be a text of cells, 1 to 4")
        return np.zeros((2, 2), np.int8)


def of_dtype(dtype, shape):
    model = Board()
    model.state_spec = StateSpec("tensor", np.dtype(dtype), shape)
    return entry_of(model)


def test_the_expected_form_is_told_in_words():
    assert expected(entry_of(Corridor(), "corridor")) == (
        "model corridor takes discrete, an integer from 0 to 9 (the place)"
    )
    assert expected(entry_of(Board(), "board")) == "model board takes tensor, int8[2,2] (cells)"


def test_a_number_is_a_discrete_state():
    entry = entry_of(Corridor())
    assert discrete_state(entry, 9, "state.discrete") == 9
    assert json_state(entry, 3.0, "state.json") == 3


@pytest.mark.parametrize("value", [-1, 10, 3.5, "3", None, [3], True, math.inf])
def test_what_is_no_discrete_state_is_refused_with_the_range(value):
    with pytest.raises(InvalidRequest, match=r"state.json: .*takes discrete, an integer from 0"):
        json_state(entry_of(Corridor()), value, "state.json")


def test_nested_lists_are_an_array():
    state = json_state(entry_of(Board()), [[1, 0.0], [-1, 0]], "state.json")
    assert state.dtype == np.int8
    assert state.tolist() == [[1, 0], [-1, 0]]
    assert json_state(of_dtype(np.float32, ()), 0.5, "s") == np.float32(0.5)
    assert json_state(of_dtype(bool, (2,)), [True, 0], "s").tolist() == [True, False]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 0]], "has a list of 1 where 2 belong"),
        ([[1, 0], [1]], "has a list of 1 where 2 belong"),
        ([[1, 0], 1], "has 1 where 2 belong"),
        ([[1, 0], [1, [0]]], r"has \[0\]; model"),
        ([[1, 0], [1, "x"]], "has 'x'; model"),
        ([[1, 0], [1, 0.5]], "has 0.5, which is not an integer"),
        ([[1, 0], [1, 128]], "has 128; int8 is from -128 to 127"),
        ([[1, 0], [1, 10**40]], "has 10+; int8 is from -128 to 127"),
        ([[1, 0], [1, math.nan]], "has nan, which is not an integer"),
    ],
)
def test_lists_that_are_no_such_array_are_refused(value, message):
    with pytest.raises(InvalidRequest, match=f"state.json: {message}"):
        json_state(entry_of(Board()), value, "state.json")


def test_a_truth_value_of_two_is_refused():
    with pytest.raises(InvalidRequest, match="has 2; bool is from 0 to 1"):
        json_state(of_dtype(bool, (1,)), [2], "state.json")


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 1e300, 10**400], ids=["nan", "inf", "float", "int"]
)
def test_a_number_that_the_array_cannot_hold_is_refused(value):
    with pytest.raises(InvalidRequest, match=r"state.json: "):
        json_state(of_dtype(np.float32, (1,)), [value], "state.json")


def test_the_model_reads_what_only_it_can():
    assert json_state(entry_of(Board()), "12", "state.json").shape == (2, 2)
    assert json_state(entry_of(Panel()), "02", "state.json") == Switches(frozenset({0, 2}))
    assert opaque_state(entry_of(Panel()), b"\x01", "state.opaque") == Switches(frozenset({1}))


def test_what_the_model_refuses_is_told_in_its_words():
    with pytest.raises(InvalidRequest, match=r"state.json: is 'abc'; must be a text of cells"):
        json_state(entry_of(Board()), "abc", "state.json")
    with pytest.raises(InvalidRequest, match=r"state.opaque: is .*; a switch is 0, 1 or 2"):
        opaque_state(entry_of(Panel()), b"\x07", "state.opaque")


def test_a_reader_that_breaks_is_the_models_fault():
    with pytest.raises(ModelFault, match="state_from_json raised ZeroDivisionError"):
        json_state(entry_of(Board()), "broken", "state.json")


def test_bytes_that_only_a_codec_reads_cannot_be_json():
    model = Panel()
    model.state_from_json = None
    with pytest.raises(InvalidRequest, match="is 'AAE='; model model takes opaque, bytes"):
        json_state(entry_of(model), "AAE=", "state.json")


@pytest.mark.parametrize(
    ("example", "value", "state"),
    [
        ((0, 0), [3.0, 4.0], (3, 4)),
        ((0.5, 0), [3, 4.0], (3.0, 4)),
        ([0], [1.0, 2.0], [1, 2]),
        (((0, 0.5), "x"), [[1, 2], "y"], ((1, 2.0), "y")),
        ({"at": (0, 0), "fuel": 1.0}, {"at": [1, 2], "fuel": 3}, {"at": (1, 2), "fuel": 3.0}),
        ("", "abc", "abc"),
        (None, [1.0, [2.5, None]], (1, (2.5, None))),
    ],
)
def test_a_json_state_gets_the_types_of_the_initial_one(example, value, state):
    model = Grid()
    model.initial_state = lambda rng=None: example
    read = json_state(entry_of(model), value, "state.json")

    def typed(value):
        if isinstance(value, dict):
            return {key: typed(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value), [typed(item) for item in value]
        return type(value), value

    assert typed(read) == typed(state)


def test_the_first_element_that_is_not_finite_is_named():
    array = np.zeros((2, 3))
    array[1, 2] = math.nan
    with pytest.raises(InvalidRequest, match=r"data: has nan at \[1, 2\]; .* must be finite"):
        require_finite(array, "data")


def test_the_state_of_a_point_is_an_array():
    assert json_state(entry_of(Point()), [1, 0.5], "state.json").tolist() == [1.0, 0.5]
