"""The struct of mcts_model.h as ctypes sees it, so that tests can spoil it field by field."""

from __future__ import annotations

import ctypes
from typing import Any

NAME = b"mcts_service.model.v1"

_HEAD = [
    ("abi_version", ctypes.c_uint32),
    ("struct_size", ctypes.c_uint32),
    ("flags", ctypes.c_uint64),
    ("ctx", ctypes.c_void_p),
    ("discount", ctypes.c_double),
    ("min_return", ctypes.c_double),
    ("max_return", ctypes.c_double),
]
_SIZES = [
    "state_bytes",
    "key_bytes",
    "action_bytes",
    "observation_bytes",
    "num_actions",
    "max_actions",
    "max_outcomes",
    "num_players",
]
_FUNCTIONS = [
    *("enter", "leave", "context_new", "context_free", "retain", "release", "error_text"),
    *("key", "validate", "terminal", "player", "actions"),
    *("sample", "transitions", "sample_action", "rollout_action", "rollout", "evaluate"),
    *("observation_density", "step_batch", "evaluate_batch"),
]


class ModelStruct(ctypes.Structure):
    """mcts_model, functions as addresses."""

    _fields_ = [
        *_HEAD,
        *((name, ctypes.c_uint32) for name in _SIZES),
        *((name, ctypes.c_void_p) for name in _FUNCTIONS),
    ]


#: Capsules do not own their struct here: the tests' structs live as long as the tests.
_kept: list[ModelStruct] = []

_new = ctypes.pythonapi.PyCapsule_New
_new.restype = ctypes.py_object
_new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def capsule_of(struct: ModelStruct, name: bytes | None = NAME) -> Any:
    """A capsule of the struct; `name` must live as long as it does, as a constant does."""
    _kept.append(struct)
    return _new(ctypes.addressof(struct), name, None)
