"""A library of compiled functions, good and bad, and the callers who hand them over."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cffi
import numpy as np
import pytest
from abi_struct import ModelStruct, capsule_of

import mcts_service
from mcts_service.models import NativeModel

HERE = Path(__file__).parent
#: Of models that are made of C functions named as in functions.c, by a caller's own means.
Build = Callable[..., NativeModel[int]]
CALLERS = ["address", "ctypes function", "ctypes pointer", "cffi", "capsule"]


def compiler() -> list[str]:
    """The one that the build would use."""
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


@pytest.fixture(scope="session")
def library_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("abi") / "functions.so"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    include = f"-I{mcts_service.get_include()}"
    command = [*compiler(), *flags, include, HERE / "functions.c", "-o", path]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="session")
def library(library_path: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(library_path))


def address(library: ctypes.CDLL, name: str) -> int:
    found = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    assert found
    return found


@pytest.fixture(scope="session")
def cffi_functions(library_path: Path) -> Callable[[str], Any]:
    ffi = cffi.FFI()
    names = set(re.findall(r"^(?:SAMPLE\(|(?:int|void|const char \*) ?)(\w+)", _source(), re.M))
    ffi.cdef("".join(f"void {name}(void);" for name in names - {"name"}))
    opened = ffi.dlopen(str(library_path))
    return lambda name: ffi.addressof(opened, name)


def _source() -> str:
    return (HERE / "functions.c").read_text()


@pytest.fixture
def make_struct(library: ctypes.CDLL) -> Callable[..., ModelStruct]:
    """A copy of `good_model`, with fields set: functions by their names in functions.c."""

    def make_struct(**fields: Any) -> ModelStruct:
        struct = ModelStruct.from_buffer_copy(ModelStruct.in_dll(library, "good_model"))
        for field, value in fields.items():
            setattr(struct, field, address(library, value) if isinstance(value, str) else value)
        return struct

    return make_struct


@pytest.fixture(params=CALLERS)
def build(
    request: pytest.FixtureRequest,
    library: ctypes.CDLL,
    cffi_functions: Callable[[str], Any],
    make_struct: Callable[..., ModelStruct],
) -> Build:
    """A model of functions of the library, the sizes given as numbers."""
    convert: dict[str, Callable[[str], Any]] = {
        "address": lambda name: address(library, name),
        "ctypes function": lambda name: getattr(library, name),
        "ctypes pointer": lambda name: ctypes.c_void_p(address(library, name)),
        "cffi": cffi_functions,
    }

    def by_functions(*, sample: str = "good", **fields: Any) -> NativeModel[int]:
        given = {"sample": sample, **fields}
        handed = {
            field: convert[request.param](value) if isinstance(value, str) else value
            for field, value in given.items()
        }
        return NativeModel.from_functions(num_actions=2, state_dtype=np.int64, **handed)

    def by_capsule(**fields: Any) -> NativeModel[int]:
        values = {"flags": 8} if "evaluate" in fields else {}
        struct = make_struct(**fields, **values)
        return NativeModel.from_capsule(capsule_of(struct), state_dtype=np.int64)

    return by_capsule if request.param == "capsule" else by_functions
