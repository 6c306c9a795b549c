"""The latent model of latent.c: as it is compiled, and once more in NumPy."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from models.native_library import open_model

from mcts_service.models import NativeModel

__all__ = ["LatentTable", "NumpyLatent", "native_latent"]

STATES, ACTIONS = 64, 4


class LatentTable(ctypes.Structure):
    """The struct of latent_table.h."""

    _fields_ = (
        ("next", ctypes.c_int32 * ACTIONS * STATES),
        ("reward", ctypes.c_float * ACTIONS * STATES),
        ("value", ctypes.c_float * STATES),
        ("prior", ctypes.c_float * ACTIONS * STATES),
    )

    @classmethod
    def of(cls, library: Path | str) -> LatentTable:
        """The numbers in a library compiled from latent.c."""
        return cls.in_dll(ctypes.CDLL(str(library)), "latent_numbers")

    def column(self, name: str, dtype: Any) -> np.ndarray:
        """A copy of one field: [64] or [64, 4]."""
        return np.ctypeslib.as_array(getattr(self, name)).astype(dtype)


def native_latent(library: Path | str) -> NativeModel[int]:
    """The model in a library compiled from latent.c; states are 0 .. 63."""
    return open_model(library, "latent", np.int64, 0)


class NumpyLatent:
    """The same model as a batch model: each answer is a row of a table.

    Args:
      library: compiled from latent.c, for its numbers.
    """

    num_actions = ACTIONS
    discount = 0.997
    deterministic = True
    gives_priors = True

    def __init__(self, library: Path | str) -> None:
        table = LatentTable.of(library)
        self.following = table.column("next", np.int64)
        self.rewards = table.column("reward", np.float64)
        self.values = table.column("value", np.float64)
        self.priors = table.column("prior", np.float64)

    def initial_state(self, rng: Any = None) -> np.int64:
        """The first."""
        return np.int64(0)

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        """One step a row; nothing ends."""
        ends = np.zeros(len(states), np.bool_)
        return self.following[states, actions], self.rewards[states, actions], ends

    def evaluate_batch(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(priors, values) of each row."""
        return self.priors[states], self.values[states]
