"""The inventory of inventory.c, a shared library, by way of ctypes."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from compiling import shared_library

from mcts_service.models import NativeModel

__all__ = ["model"]


def model(folder: Path) -> NativeModel[int]:
    """The model, as a planner takes it; the library is built in `folder`."""
    source = Path(__file__).with_name("inventory.c")
    library = ctypes.CDLL(str(shared_library(source, folder / "inventory.so")))
    return NativeModel.from_functions(
        sample=library.inventory_sample,
        num_actions=11,
        discount=0.95,
        state_dtype=np.int64,
        thread_safe=True,
    )
