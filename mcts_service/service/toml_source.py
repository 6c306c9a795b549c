"""A TOML file that is read into dataclasses, its errors with the line and the key."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["KeyPath", "TomlSource", "build_dataclass", "dotted"]

T = TypeVar("T", bound="DataclassInstance")
#: Where a value stands: table names, keys, and positions in arrays of tables.
KeyPath = tuple["str | int", ...]


def build_dataclass(
    source: TomlSource,
    kind: type[T],
    path: KeyPath,
    table: Any,
    *,
    make: Callable[..., T] | None = None,
    more_keys: Sequence[str] = (),
    inner_tables: Mapping[str, Callable[[KeyPath, Any], Any]] = MappingProxyType({}),
) -> T:
    """A dataclass from the table of its fields.

    A field whose metadata say `is_path` is a path, relative to the folder of the file; one that
    they say is not `is_setting` has no key.

    Args:
      path: where the table stands in the file.
      make: gives the dataclass when it is called with what the table sets; None: `kind`.
      more_keys: that `make` takes and `kind` has no field for.
      inner_tables: how the fields that are tables themselves are built, by name.
    Raises:
      InvalidRequest: names the file, the line and the key.
    """
    if not isinstance(table, Mapping):
        source.refuse(path, f"is {shown(table)}; must be a table")
    fields = [f for f in dataclasses.fields(kind) if f.metadata.get("is_setting", True)]
    source.require_known(path, table, [*more_keys, *(field.name for field in fields)])
    values = dict(table)
    for field in fields:
        given = values.get(field.name)
        if field.metadata.get("is_path") and isinstance(given, str) and given:
            values[field.name] = str(source.folder / given)
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
class TomlSource:
    """The text of a TOML file, and where in it things stand.

    Attributes:
      name: the path of the file.
      text: all of it.
      tables: what it says.
    """

    name: str
    text: str
    tables: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return Path(self.name).parent

    @classmethod
    def read(cls, path: Path) -> TomlSource:
        """Reads a file.

        Raises:
          InvalidRequest: it cannot be read, or is not TOML.
        """
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
        return f"{self.name}:{self._line(path)}: {dotted(path)}"

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


def dotted(path: KeyPath) -> str:
    """("models", 0, "name") as people write it: models[0].name."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")


def _syntax_error(path: Path, text: str, message: str) -> InvalidRequest:
    """The parser's own words, with its line put where ours stands."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", message)
    reason, line = (found[1], found[2]) if found else (message, None)
    number = int(line) if line else text.count("\n") + 1
    return InvalidRequest(f"{path}:{number}", f"is not TOML: {reason}")
