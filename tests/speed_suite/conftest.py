"""What the speed suite compiles, but for our extension, which is taken as it is installed."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from programs import Programs, compile_limit, compile_model

from mcts_service import _core


@pytest.fixture(scope="session")
def programs() -> Programs:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the limit program for UCT uses instructions of x86-64")
    grid10 = compile_model("grid10")
    return Programs(
        limit=compile_limit("roof_uct"),
        batch_limit=compile_limit("roof_puct"),
        grid10=grid10,
        grid10_native=grid10,
        grid1000=compile_model("grid1000"),
        latent=compile_model("latent"),
        bare_loop=compile_model("bare_loop"),
        native_extension=Path(_core.__file__).parent,
    )
