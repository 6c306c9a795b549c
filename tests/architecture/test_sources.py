"""Rules for the sources themselves."""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

NOT_OURS = {"build", "dist", "node_modules", "__pycache__"}
#: An absolute path that exists on somebody's machine only.
FOREIGN_PATH = re.compile(r"(?<![\w.$})/-])/(?:work|home|root|Users)/")
COMPILED = ["_core", "_learning", "_models", "_solvers", "_sweeping"]


def _sources(checkout: Path) -> Iterator[Path]:
    """Every text file that belongs to the project, hidden folders of tools left out."""
    for folder, folders, files in os.walk(checkout):
        folders[:] = [
            name
            for name in folders
            if name not in NOT_OURS and (not name.startswith(".") or name == ".ci")
        ]
        yield from (Path(folder, name) for name in files if not name.endswith((".pyc", ".so")))


def test_sources_name_no_path_outside_the_checkout(checkout: Path) -> None:
    found = [
        f"{path.relative_to(checkout)}: {match[0]}"
        for path in _sources(checkout)
        if path != Path(__file__)
        for match in FOREIGN_PATH.finditer(path.read_text(errors="ignore"))
    ]
    assert not found


@pytest.mark.parametrize("folder", ["core", "learning", "models", "solvers", "sweeping", "include"])
def test_native_code_below_the_bindings_does_not_know_python(checkout: Path, folder: str) -> None:
    files = sorted((checkout / "csrc" / folder).glob("*.[ch]"))
    assert files
    assert not [path.name for path in files if "Python.h" in path.read_text()]


@pytest.mark.parametrize("name", COMPILED)
def test_stub_of_a_compiled_module_names_only_what_exists(checkout: Path, name: str) -> None:
    module = importlib.import_module(f"mcts_service.{name}")
    tree = ast.parse((checkout / "mcts_service" / f"{name}.pyi").read_text())
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            described = getattr(module, node.name)
            for member in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(member, ast.FunctionDef):
                    assert hasattr(described, member.name), f"{node.name}.{member.name}"
