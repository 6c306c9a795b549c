"""`__all__` of every public module is its real surface."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = {"mcts_service": CHECKOUT, "mcts_client": CHECKOUT / "clients" / "python"}
#: Written by a generator, which knows no `__all__`.
GENERATED = "mcts_service.v1"


def _module_name(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _public_modules() -> dict[str, Path]:
    """Every module whose name, and whose packages' names, do not start with an underscore."""
    modules = {}
    for package, base in PACKAGES.items():
        for path in sorted((base / package).rglob("*.py")):
            name = _module_name(path, base)
            private = any(part.startswith("_") for part in name.split("."))
            if not private and not name.startswith(GENERATED):
                modules[name] = path
    return modules


MODULES = _public_modules()
INITS = {name: path for name, path in MODULES.items() if path.name == "__init__.py"}


def _definitions(path: Path) -> set[str]:
    """Names of the functions and classes that a file defines at its top level."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, kinds)}


@pytest.mark.parametrize("name", MODULES)
def test_every_name_in_all_exists_once(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        getattr(module, public)


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_every_public_function_and_class_of_a_module(name: str) -> None:
    public = {word for word in _definitions(MODULES[name]) if not word.startswith("_")}
    missing = public - set(importlib.import_module(name).__all__)
    assert not missing, f"{name} defines them without an underscore and leaves them out of __all__"


@pytest.mark.parametrize("name", INITS)
def test_an_init_file_only_hands_names_on(name: str) -> None:
    assert _definitions(INITS[name]) <= {"__getattr__", "__dir__"}


@pytest.mark.parametrize("name", INITS)
def test_names_that_an_init_file_hands_on_are_public_where_they_are_defined(name: str) -> None:
    package = importlib.import_module(name)
    for public in set(package.__all__) - {"__version__"}:
        home = getattr(getattr(package, public), "__module__", None)
        if home in MODULES and home != name:
            assert public in importlib.import_module(home).__all__, f"{public} of {home}"
