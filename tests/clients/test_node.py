"""The Node.js example, installed as its README says and run against a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="needs Node.js and npm, which are not installed here",
    ),
]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with its packages, beside a copy of the .proto file."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copytree(REPOSITORY / "proto", copy / "proto")
    shutil.copytree(
        REPOSITORY / "examples" / "node",
        copy / "examples" / "node",
        ignore=shutil.ignore_patterns("node_modules"),
    )
    folder = copy / "examples" / "node"
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder


def plan_js(folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "plan.js", target], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_node_plans_a_lake_and_a_game(example: Path, real_server: str) -> None:
    done = plan_js(example, real_server)
    assert done.returncode == 0, done.stderr
    lake, four = done.stdout.splitlines()
    assert re.fullmatch(r"frozen_lake_4x4: action [0-3], value \d\.\d{3}, \d+ simulations", lake)
    assert re.fullmatch(r"connect_four: action [0-6], value 1\.000, \d+ simulations", four)


def test_node_says_when_there_is_no_server(example: Path) -> None:
    done = plan_js(example, "127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("plan.js: 14 UNAVAILABLE")
