"""What importing loads, and which way imports run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPILED = tuple(
    f"mcts_service.{name}" for name in ("_core", "_learning", "_models", "_solvers", "_sweeping")
)
WIRE = ("grpc", "google.protobuf")


def _modules_loaded_by(statement: str) -> set[str]:
    """Names in `sys.modules` after a fresh interpreter has run one statement."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return set(json.loads(result.stdout))


def test_importing_the_package_loads_no_compiled_module_and_no_grpc() -> None:
    assert _modules_loaded_by("import mcts_service").isdisjoint((*COMPILED, *WIRE))


def test_importing_the_client_loads_no_compiled_module() -> None:
    loaded = _modules_loaded_by("import mcts_client; mcts_client.PlannerClient")
    assert loaded.isdisjoint(COMPILED)


@pytest.mark.parametrize(
    "statement", ["from mcts_service import MCTS", "import mcts_service.models"]
)
def test_planning_in_process_loads_no_grpc(statement: str) -> None:
    assert _modules_loaded_by(statement).isdisjoint(WIRE)


def test_imports_keep_the_contracts_of_pyproject(checkout: Path) -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=checkout,
        # The linter reads packages where they lie, which the finder of an editable install hides.
        env={
            **os.environ,
            "MESONPY_EDITABLE_SKIP": str(checkout / "build"),
            "PYTHONPATH": str(checkout / "clients" / "python"),
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
