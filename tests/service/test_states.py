import math

import numpy as np
import pytest
from served_models import Corridor, Grid, Panel, Point, Switches, entry_of

from mcts_service.errors import InvalidRequest
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


@pytest.mark.parametrize(
    ("entry", "value", "says"),
    [
        (entry_of(Corridor()), 1e300, "f: is an integer of 997 bits; model model takes discrete"),
        (entry_of(Corridor()), 10**400, "f: is an integer of 1329 bits; model model takes"),
        (of_dtype("int8", (1,)), [1e300], "f: has an integer of 997 bits; int8 is from -128 to"),
        (of_dtype("float32", (1,)), [10**400], "f: has a number that float32 cannot hold"),
    ],
    ids=["a float", "an int", "in an array", "in an array of floats"],
)
def test_an_integer_of_hundreds_of_digits_is_told_in_few_words(entry, value, says):
    with pytest.raises(InvalidRequest) as caught:
        json_state(entry, value, "f")
    assert str(caught.value).startswith(says)
    assert len(str(caught.value)) < 150


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


def test_a_value_that_trips_the_models_reader_is_refused_and_the_log_says_how(caplog):
    with pytest.raises(InvalidRequest, match=r"state.json: is 'broken'; the model cannot read it"):
        json_state(entry_of(Board()), "broken", "state.json")
    (record,) = caplog.records
    assert record.exc_info[0] is ZeroDivisionError


def test_bytes_that_only_a_codec_reads_cannot_be_json():
    model = Panel()
    model.state_from_json = None
    with pytest.raises(InvalidRequest, match="is 'AAE='; model model takes opaque, bytes"):
        json_state(entry_of(model), "AAE=", "state.json")


def test_a_json_state_gets_the_form_of_the_initial_one():
    entry = entry_of(Grid(), "grid")
    assert json_state(entry, [3.0, 4.0], "state.json") == (3, 4)
    with pytest.raises(InvalidRequest, match=r"state\.json: has 1 elements; must have 2, such as"):
        json_state(entry, [3.0], "state.json")
    assert expected(entry) == "model grid takes json, a value of JSON, such as (0, 0)"


def test_the_first_element_that_is_not_finite_is_named():
    array = np.zeros((2, 3))
    array[1, 2] = math.nan
    with pytest.raises(InvalidRequest, match=r"data: has nan at \[1, 2\]; .* must be finite"):
        require_finite(array, "data")


def test_the_state_of_a_point_is_an_array():
    assert json_state(entry_of(Point()), [1, 0.5], "state.json").tolist() == [1.0, 0.5]
