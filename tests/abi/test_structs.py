"""Structs and capsules that cannot be used as a model, each refused with its reason."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from abi_struct import ModelStruct, capsule_of

from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import NativeModel, StateSpec

Make = Callable[..., ModelStruct]


def model_of(struct: ModelStruct, **form: Any) -> NativeModel[Any]:
    return NativeModel.from_capsule(capsule_of(struct), **(form or {"state_dtype": np.int64}))


def test_the_tests_know_the_struct_as_the_compiler_does(make_struct: Make) -> None:
    assert make_struct().struct_size == ctypes.sizeof(ModelStruct)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"abi_version": 0}, "abi_version is not 1"),
        ({"abi_version": 2}, "abi_version is not 1"),
        ({"struct_size": 0}, "struct_size is below sizeof"),
        ({"struct_size": ctypes.sizeof(ModelStruct) - 8}, "struct_size is below sizeof"),
        ({"sample": None}, "sample is missing"),
        ({"discount": 0.0}, "discount is not in"),
        ({"discount": 1.5}, "discount is not in"),
        ({"discount": float("nan")}, "discount is not in"),
        ({"state_bytes": 0}, "state_bytes is not from 1"),
        ({"max_actions": 0}, "max_actions is not from 1"),
        ({"max_actions": 1}, "num_actions is above max_actions"),
        ({"num_actions": 0}, "num_actions is 0 and actions is missing"),
        ({"num_players": 0}, "num_players is not from 1 to 255"),
        ({"num_players": 2}, "player is missing in a game"),
        ({"key": "writes_no_key"}, "key and key_bytes do not go together"),
        ({"key_bytes": 8}, "key and key_bytes do not go together"),
        ({"transitions": "no_outcomes"}, "max_outcomes is not from 1"),
        ({"enter": "counts_enter"}, "enter and leave do not go together"),
        ({"retain": "keeps"}, "retain and release do not go together"),
        ({"retain": "keeps", "release": "drops"}, "states that are handles cannot be shown"),
        ({"flags": 8}, "evaluate is missing"),
        ({"flags": 32}, "step_batch is missing"),
        ({"action_bytes": 8}, "action_bytes above 0 is not searched"),
        ({"observation_bytes": 2**24 + 1}, "observation_bytes is above 16777216"),
    ],
)
def test_a_struct_that_is_wrong_is_refused(
    make_struct: Make, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^model: .*{message}"):
        model_of(make_struct(**fields))


def test_a_longer_struct_of_a_later_version_is_accepted(make_struct: Make) -> None:
    model = model_of(make_struct(struct_size=ctypes.sizeof(ModelStruct) + 64))
    assert model.num_actions == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (b"mcts_service.model.v2", "is a capsule named 'mcts_service.model.v2'"),
        (None, "is a capsule without a name"),
    ],
)
def test_a_capsule_of_another_name_is_refused(
    make_struct: Make, name: bytes | None, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"{message}; must be .* 'mcts_service.model.v1'"):
        NativeModel.from_capsule(capsule_of(make_struct(), name), state_dtype=np.int64)


@pytest.mark.parametrize("value", [None, 0, "model", object()])
def test_something_else_than_a_capsule_is_refused(value: Any) -> None:
    with pytest.raises(
        InvalidRequest, match=f"model: is {type(value).__name__}; must be a capsule"
    ):
        NativeModel.from_capsule(value, state_dtype=np.int64)


@pytest.mark.parametrize(
    "form",
    [
        {"state_dtype": np.int32},
        {"state_dtype": np.int64, "state_shape": (2,)},
        {"state_spec": StateSpec("tensor", np.dtype(np.float32), (3,))},
    ],
)
def test_a_form_of_other_bytes_than_the_structs_is_refused(
    make_struct: Make, form: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match=r"makes \d+ bytes; the model's states have 8"):
        model_of(make_struct(), **form)


def test_a_spec_says_how_many_states_there_are(make_struct: Make) -> None:
    model = model_of(make_struct(), state_spec=StateSpec("discrete", num_values=4))
    assert model.unpack_state(model.pack_state(3)) == 3
    with pytest.raises(InvalidRequest, match=r"^state: is 4; must be an integer from 0 to 3"):
        model.pack_state(4)


def test_questions_stand_between_enter_and_leave(make_struct: Make) -> None:
    counts = (ctypes.c_int32 * 2)()
    model = model_of(
        make_struct(enter="counts_enter", leave="counts_leave", ctx=ctypes.addressof(counts))
    )
    model.sample(0, 0, np.random.default_rng(0))
    entered, left = counts
    assert entered == left > 0


def test_an_enter_that_fails_is_a_fault_of_the_model(make_struct: Make) -> None:
    model = model_of(make_struct(enter="fails_to_enter", leave="counts_leave"))
    with pytest.raises(ModelFault, match="enter returned status -1"):
        model.sample(0, 0, np.random.default_rng(0))
    with pytest.raises(ModelFault, match="enter returned status -1"):
        MCTS(model).plan(0, Budget(simulations=5))
