"""Reads a server's configuration from a TOML file.

Every error names the file, the line and the key, and what would be right:

    server.toml:7: server.workers: is -1; must be an integer from 1 to 1024
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig, ServerSettings
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.remote_options import RemoteOptions
from mcts_service.service.search_changes import changed_search

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["read_config"]

#: What a model comes from: one of these.
_MODEL_SOURCES = ("factory", "file", "remote")

T = TypeVar("T", bound="DataclassInstance")
#: Where a value stands: table names, keys, and positions in arrays of tables.
KeyPath = tuple["str | int", ...]


def read_config(path: str | Path) -> ServerConfig:
    """The configuration in a file.

    Raises:
      InvalidRequest: the file cannot be read, is not TOML, or says what cannot be.
    """
    source = _Source.read(Path(path))
    tables = source.tables
    source.require_known((), tables, [field.name for field in dataclasses.fields(ServerConfig)])
    budget = _build(source, BudgetLimits, ("budget",), tables.get("budget", {}))
    return ServerConfig(
        server=_build(source, ServerSettings, ("server",), tables.get("server", {})),
        deadline_margin=_build(
            source, DeadlineMargin, ("deadline_margin",), tables.get("deadline_margin", {})
        ),
        budget=budget,
        models=_models(source, budget, tables.get("models", [])),
    )


def _models(source: _Source, budget: BudgetLimits, tables: Any) -> tuple[ModelConfig, ...]:
    if not isinstance(tables, list):
        source.refuse(("models",), "is one table; write [[models]], once for each model")
    models: dict[str, ModelConfig] = {}
    for position, table in enumerate(tables):
        where: KeyPath = ("models", position)
        if isinstance(table, Mapping) and table.keys().isdisjoint(_MODEL_SOURCES):
            source.refuse(where, "has no factory, file or remote; must have one of them")
        model = _build(
            source,
            ModelConfig,
            where,
            table,
            budget=lambda path, inner: _build(
                source, BudgetLimits, path, inner, make=partial(dataclasses.replace, budget)
            ),
            search=lambda path, inner: _build(
                source, SearchConfig, path, inner, make=_search, more_keys=["preset"]
            ),
            remote_options=lambda path, inner: _build(source, RemoteOptions, path, inner),
        )
        if "remote_options" in table and model.remote is None:
            source.refuse((*where, "remote_options"), "are given, and no remote that they are of")
        file = None if model.file is None else str(source.folder / model.file)
        model = dataclasses.replace(model, file=file, source=source.place(where))
        if model.name in models:
            source.refuse((*where, "name"), f"is {shown(model.name)}, which another model has")
        models[model.name] = model
    return tuple(models.values())


def _search(preset: Any = None, **settings: Any) -> SearchConfig:
    return changed_search(SearchConfig(), preset, settings)


def _build(
    source: _Source,
    kind: type[T],
    path: KeyPath,
    table: Any,
    *,
    make: Callable[..., T] | None = None,
    more_keys: Sequence[str] = (),
    **inner_tables: Callable[[KeyPath, Any], Any],
) -> T:
    """A dataclass from the table of its fields.

    Args:
      path: where the table stands in the file.
      make: gives the dataclass when it is called with what the table sets; None: `kind`.
      more_keys: that `make` takes and `kind` has no field for.
      inner_tables: how the fields that are tables themselves are built, by name.
    """
    if not isinstance(table, Mapping):
        source.refuse(path, f"is {shown(table)}; must be a table")
    fields = [f for f in dataclasses.fields(kind) if f.metadata.get("is_setting", True)]
    source.require_known(path, table, [*more_keys, *(field.name for field in fields)])
    values = dict(table)
    for key, build in inner_tables.items():
        values[key] = build((*path, key), values.get(key, {}))
    for field in fields:
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in values:
            source.refuse(path, f"has no {field.name}, which it must have")
    try:
        return (make or kind)(**values)
    except InvalidRequest as error:
        violation = error.violations[0]
        source.refuse((*path, violation.field), violation.description)


@dataclasses.dataclass(frozen=True)
class _Source:
    """The text of a configuration file, and where in it things stand."""

    name: str
    text: str
    tables: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return Path(self.name).parent

    @classmethod
    def read(cls, path: Path) -> _Source:
        try:
            text = path.read_bytes().decode("utf-8")
            return cls(str(path), text, tomllib.loads(text))
        except OSError as error:
            raise InvalidRequest(str(path), f"cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise InvalidRequest(f"{path}:{line}", "is not UTF-8") from error
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(path, text, str(error)) from error

    def require_known(self, path: KeyPath, table: Mapping[str, Any], known: list[str]) -> None:
        """Raises InvalidRequest for a key that nothing reads."""
        for key in table:
            if key not in known:
                self.refuse((*path, key), f"is not a setting; settings: {', '.join(known)}")

    def refuse(self, path: KeyPath, description: str) -> NoReturn:
        """Raises InvalidRequest that names the file, the line and the key."""
        raise InvalidRequest(self.place(path), description)

    def place(self, path: KeyPath) -> str:
        """The file, the line and the key, as a message begins."""
        return f"{self.name}:{self._line(path)}: {_dotted(path)}"

    def _line(self, path: KeyPath) -> int:
        """The line on which `path` is set; that of its table where it is not.

        The file is parsed line by line anew: the first beginning of it that is whole and has
        the path ends with the statement that sets it. Slow, and exact where a search for the
        text would be fooled by strings, comments and dotted keys.
        """
        lines = self.text.splitlines(keepends=True)
        statement = 0
        for count in range(1, len(lines) + 1):
            try:
                tables = tomllib.loads("".join(lines[:count]))
            except tomllib.TOMLDecodeError:
                continue
            if _has(tables, path):
                return _first_line_of_text(lines, statement, count)
            statement = count
        return self._line(path[:-1]) if path else 1


def _first_line_of_text(lines: list[str], start: int, end: int) -> int:
    """The first line from `start` on (from 0) that is not blank or a comment, from 1."""
    for index in range(start, end):
        content = lines[index].strip()
        if content and not content.startswith("#"):
            return index + 1
    return end


def _has(tables: Any, path: KeyPath) -> bool:
    for key in path:
        if isinstance(tables, Mapping) and key in tables:
            tables = tables[str(key)]
        elif isinstance(tables, list) and isinstance(key, int) and key < len(tables):
            tables = tables[key]
        else:
            return False
    return True


def _dotted(path: KeyPath) -> str:
    """("models", 0, "name") as people write it: models[0].name."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")


def _syntax_error(path: Path, text: str, message: str) -> InvalidRequest:
    """The parser's own words, with its line put where ours stands."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", message)
    reason, line = (found[1], found[2]) if found else (message, None)
    number = int(line) if line else text.count("\n") + 1
    return InvalidRequest(f"{path}:{number}", f"is not TOML: {reason}")
