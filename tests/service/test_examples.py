import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.service.examples import like_example


def typed(value):
    """The value with the type of every part of it."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [typed(item) for item in value]
    return type(value), value


@pytest.mark.parametrize(
    ("example", "value", "state"),
    [
        (0, 3.0, 3),
        (0, 3.5, 3.5),
        (0.5, 3, 3.0),
        (np.int64(0), 3.0, 3),
        (np.float32(0), 3, 3.0),
        ("", "abc", "abc"),
        (True, False, False),
        ((0, 0), [3.0, 4.0], (3, 4)),
        ((0.5, 0), [3, 4.0], (3.0, 4)),
        ((), [1.0, "x"], (1, "x")),
        ([0.0], [1, 2], [1.0, 2.0]),
        ([], [], []),
        (((0, 0.5), "x"), [[1, 2], "y"], ((1, 2.0), "y")),
        ({"at": (0, 0), "fuel": 1.0}, {"at": [1, 2], "fuel": 3}, {"at": (1, 2), "fuel": 3.0}),
        ({}, {"new": [1]}, {"new": (1,)}),
        (None, [1.0, [2.5, None]], (1, (2.5, None))),
        ((None, 0), ["anything", 1], ("anything", 1)),
    ],
)
def test_a_value_gets_the_types_of_the_example(example, value, state):
    assert typed(like_example(example, value, "state")) == typed(state)


@pytest.mark.parametrize(
    ("example", "value", "message"),
    [
        (0, "3", "state: is '3'; must be a number, such as 0"),
        (0, True, "state: is True; must be a number, such as 0"),
        (True, 1, "state: is 1; must be true or false, such as True"),
        ("a", 1, "state: is 1; must be a text, such as 'a'"),
        ((0, 0), {"x": 1}, "state: is {'x': 1}; must be a list, such as (0, 0)"),
        ((0, 0), None, "state: is None; must be a list, such as (0, 0)"),
        ((0, 0), [1], "state: has 1 elements; must have 2, such as (0, 0)"),
        ((0, 0), [1, "x"], "state[1]: is 'x'; must be a number, such as 0"),
        ([0], [1, 2, []], "state[2]: is []; must be a number, such as 0"),
        ({"at": (0, 0)}, {"at": 1}, "state.at: is 1; must be a list, such as (0, 0)"),
        ({"at": 0}, [1], "state: is [1]; must be an object, such as {'at': 0}"),
    ],
)
def test_another_form_is_refused_with_the_place_and_the_example(example, value, message):
    with pytest.raises(InvalidRequest) as caught:
        like_example(example, value, "state")
    assert str(caught.value) == message
