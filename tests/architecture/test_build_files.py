"""What is said in two places is said alike."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import mcts_service

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def pyproject(checkout: Path) -> dict[str, Any]:
    return tomllib.loads((checkout / "pyproject.toml").read_text())


def test_makefile_installs_the_build_tools_of_pyproject(
    checkout: Path, pyproject: dict[str, Any]
) -> None:
    line = re.search(r"^BUILD_TOOLS := (.*)$", (checkout / "Makefile").read_text(), re.MULTILINE)
    assert line is not None
    tools = set(re.findall(r'"([^"]+)"', line[1]))
    assert tools > set(pyproject["build-system"]["requires"])
    assert tools <= set(pyproject["project"]["optional-dependencies"]["dev"])


def test_meson_pyproject_and_the_package_give_one_version(
    checkout: Path, pyproject: dict[str, Any]
) -> None:
    meson = re.search(r"^  version: '(.+)',$", (checkout / "meson.build").read_text(), re.MULTILINE)
    assert meson is not None
    assert meson[1] == pyproject["project"]["version"] == mcts_service.__version__


def test_ci_runs_the_linters_and_then_the_tests(checkout: Path) -> None:
    steps = re.findall(r"^step make (.+)$", (checkout / ".ci" / "run").read_text(), re.MULTILINE)
    assert steps == ["lint", "test"]
