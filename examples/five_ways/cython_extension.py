"""The inventory of inventory_cython.pyx, an extension module that is built and imported."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
from compiling import c_of_cython, shared_library

from mcts_service.models import NativeModel

__all__ = ["model"]


def model(folder: Path) -> NativeModel[int]:
    """The model, as a planner takes it; the extension is built in `folder`."""
    source = c_of_cython(Path(__file__).with_name("inventory_cython.pyx"), folder)
    library = shared_library(source, folder / "inventory_cython.so")
    spec = spec_from_file_location("inventory_cython", library)
    assert spec is not None
    assert spec.loader is not None
    extension = module_from_spec(spec)
    spec.loader.exec_module(extension)
    return NativeModel.from_capsule(extension.capsule(), state_dtype=np.int64)
