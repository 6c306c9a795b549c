"""Python values to the wire and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mcts_client import InvalidRequest, MCTSServiceError
from mcts_client._values import read_value, write_value
from mcts_service.v1 import planner_pb2

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float32", "float64"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def over_the_wire(value: Any) -> Any:
    """What a server's parser, and then the client's reader, make of a value."""
    request = planner_pb2.PlanRequest(state=write_value(planner_pb2.State(), "state", value))
    return read_value(planner_pb2.PlanRequest.FromString(request.SerializeToString()).state)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of every dtype, byte order and rank, some of them views with holes."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES))).newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    array = draw(st_numpy.arrays(dtype, shape))
    steps = draw(st.sampled_from([1, 2, -1]))
    view = array[::steps] if array.ndim else array
    return view.T if draw(st.booleans()) else view


@given(arrays())
def test_arrays_come_back_whatever_their_layout(array: np.ndarray) -> None:
    back = over_the_wire(array)
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.dtype.isnative
    assert back.flags.writeable
    np.testing.assert_array_equal(back, array)


def test_a_tensor_is_little_endian_and_in_c_order() -> None:
    array = np.asfortranarray(np.array([[1, 2], [3, 4]], dtype=">i2"))
    tensor = write_value(planner_pb2.State(), "state", array).tensor
    assert tensor.dtype == planner_pb2.DTYPE_INT16
    assert list(tensor.shape) == [2, 2]
    assert tensor.data == bytes([1, 0, 2, 0, 3, 0, 4, 0])


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_come_back(value: int) -> None:
    assert over_the_wire(value) == value
    assert over_the_wire(np.int64(value)) == value


@given(st.binary())
def test_bytes_come_back(value: bytes) -> None:
    assert over_the_wire(value) == value
    assert over_the_wire(bytearray(value)) == value
    assert over_the_wire(memoryview(value)) == value


@given(JSON)
def test_json_comes_back(value: Any) -> None:
    assert over_the_wire(value) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, "discrete"),
        (np.uint8(3), "discrete"),
        (np.zeros(3), "tensor"),
        (np.array(3), "tensor"),
        (b"abc", "opaque"),
        ("4455", "json"),
        (3.0, "json"),
        (np.float32(3.0), "json"),
        (True, "json"),
        (np.bool_(True), "json"),
        (None, "json"),
        ([1, 2], "json"),
        ((1, 2), "json"),
        ({"a": 1}, "json"),
    ],
    ids=repr,
)
def test_each_type_has_its_form(value: Any, kind: str) -> None:
    assert write_value(planner_pb2.State(), "state", value).WhichOneof("kind") == kind
    assert write_value(planner_pb2.Action(), "action", value).WhichOneof("kind") == kind


def test_json_numbers_come_back_as_floats_so_that_their_form_is_kept() -> None:
    back = over_the_wire(5.0)
    assert type(back) is float
    assert write_value(planner_pb2.State(), "state", back).WhichOneof("kind") == "json"


def test_numpy_inside_json_becomes_plain_numbers() -> None:
    value = {"board": np.arange(4).reshape(2, 2), "turn": np.int8(1), "done": np.bool_(False)}
    assert over_the_wire(value) == {"board": [[0, 1], [2, 3]], "turn": 1, "done": False}


def nested(depth: int, wrap: Any) -> Any:
    value: Any = 1.0
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}], ids=["list", "dict"])
def test_json_nests_as_deep_as_a_parser_follows(wrap: Any) -> None:
    deepest = nested(30, wrap)
    assert over_the_wire(deepest) == deepest
    with pytest.raises(InvalidRequest, match="nested deeper"):
        over_the_wire(nested(40, wrap))


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidRequest, match="nested deeper"):
        over_the_wire(endless)


@pytest.mark.parametrize(
    ("value", "field", "says"),
    [
        (2**63, "state", "fit 64 bits"),
        (
            np.zeros(2, dtype=object),
            "state",
            "array of object; its dtype must be one of bool, int8",
        ),
        (np.zeros(2, dtype=complex), "state", "array of complex128"),
        (np.zeros(2, dtype=np.float16), "state", "array of float16"),
        (np.array(["a"]), "state", "array of <U1"),
        (np.zeros(1, dtype=[("x", int)]), "state", "must be one of bool"),
        (object(), "state", "is of type object; must be an int, a NumPy array"),
        ({1, 2}, "state", "is of type set"),
        (1j, "state", "is of type complex"),
        (math.nan, "state", "is nan; JSON has no such number"),
        ([0.0, math.inf], "state[1]", "is inf"),
        ({"a": {"b": object()}}, "state.a.b", "is of type object"),
        ({1: 2}, "state", "has the key 1; keys must be strings"),
        ([2**53 + 1], "state[0]", "within ±2**53"),
        ([10**5000], "state[0]", "is an integer of 16610 bits; an integer in JSON must be"),
        ("\ud800", "state", "Unicode"),
        ({"\ud800": 1}, "state", "Unicode"),
    ],
    ids=lambda value: None,
)
def test_what_no_form_holds_is_refused_by_name(value: Any, field: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        write_value(planner_pb2.State(), "state", value)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert says in violation.description


def test_an_error_message_quotes_a_huge_value_briefly() -> None:
    with pytest.raises(InvalidRequest) as caught:
        write_value(planner_pb2.State(), "state", 10**10_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "message",
    [
        planner_pb2.State(),
        planner_pb2.State(tensor=planner_pb2.Tensor(dtype=99, shape=[1], data=b"\0")),
        planner_pb2.State(
            tensor=planner_pb2.Tensor(dtype=planner_pb2.DTYPE_INT8, shape=[3], data=b"\0")
        ),
        planner_pb2.State(
            tensor=planner_pb2.Tensor(dtype=planner_pb2.DTYPE_INT16, shape=[1], data=b"\0")
        ),
    ],
    ids=["no form", "unknown dtype", "too few bytes", "half a number"],
)
def test_what_this_client_cannot_read_is_an_error_of_its_own(message: planner_pb2.State) -> None:
    with pytest.raises(MCTSServiceError, match="the server sent"):
        read_value(message)
