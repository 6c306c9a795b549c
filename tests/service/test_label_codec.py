"""Labels of actions as they travel, and back."""

import json
from enum import Enum, IntEnum
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcts_service.errors import InvalidRequest
from mcts_service.service.label_codec import label_encoder, label_from_json, label_kind

to_json = label_encoder(None, "json")


class Move(NamedTuple):
    piece: str
    to: int


class Colour(str, Enum):
    RED = "red"


class Side(IntEnum):
    LEFT = 1


labels = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda parts: st.lists(parts, max_size=4).map(tuple),
    max_leaves=12,
)


@given(label=labels)
def test_what_json_gives_back_is_the_label(label: Any) -> None:
    back = label_from_json(json.loads(json.dumps(to_json(label))), "f")
    assert back == label
    assert hash(back) == hash(label)


@pytest.mark.parametrize(
    ("label", "sent"),
    [
        (("a", (1, None)), ["a", [1, None]]),
        (Move("knight", 3), ["knight", 3]),
        (Colour.RED, "red"),
        (Side.LEFT, 1),
        (np.int64(4), 4),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        ((), []),
    ],
)
def test_labels_of_pythons_own_kinds_are_what_they_equal(label: Any, sent: Any) -> None:
    assert to_json(label) == sent
    assert label_from_json(sent, "f") == label


@pytest.mark.parametrize(
    ("label", "says"),
    [
        (frozenset({1}), "is of type frozenset, which JSON has not"),
        (b"x", "is of type bytes"),
        (1j, "is of type complex"),
        (object, "is of type type"),
        (("a", frozenset()), "is of type frozenset"),
        (float("nan"), "nan is no number of JSON"),
        (float("-inf"), "-inf is no number of JSON"),
        (2**53 + 1, r"is beyond ±2\*\*53, where JSON is not exact"),
        (-(10**300), "an integer of 997 bits is beyond"),
        ("\ud800", "is not Unicode text"),
    ],
    ids=repr,
)
def test_a_label_that_json_cannot_hold_says_why(label: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        to_json(label)


def test_a_label_of_very_many_levels_is_refused() -> None:
    label: Any = ()
    for _ in range(33):
        label = (label,)
    with pytest.raises(ValueError, match="tuples in more than 32 levels"):
        to_json(label)


def test_an_object_is_no_label() -> None:
    with pytest.raises(InvalidRequest, match=r"f\[1\]: is \{'a': 1\}; a label is a string"):
        label_from_json(["x", {"a": 1}], "f")


def test_both_halves_of_a_codec_are_needed() -> None:
    class Half:
        def encode_action(self, label: Any) -> bytes:
            return b""

    class Whole(Half):
        def decode_action(self, data: bytes) -> Any:
            return None

    assert label_kind(Half()) == "json"
    assert label_kind(Whole()) == "opaque"


def test_a_codec_that_gives_no_bytes_is_told() -> None:
    class Wrong:
        def encode_action(self, label: Any) -> Any:
            return "text"

    with pytest.raises(ValueError, match="encode_action gives 'text' for 'a'; must be bytes"):
        label_encoder(Wrong(), "opaque")("a")
