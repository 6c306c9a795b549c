"""A TOML file whose errors name the line and the key.

The server's configuration has the same messages from `mcts_service.service.config_file`, which a
client must not import.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mcts_client._checks import shown
from mcts_client.errors import InvalidRequest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["KeyPath", "TomlFile"]

#: Where a value stands: names of tables and keys, and positions in arrays.
KeyPath = tuple["str | int", ...]


@dataclass(frozen=True)
class TomlFile:
    """What a file says, and where in it.

    Attributes:
      path: of the file.
      text: its text.
      tables: its content.
    """

    path: Path
    text: str
    tables: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Reads a file.

        Raises:
          InvalidRequest: it cannot be read, or is not TOML.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidRequest.of_field(
                str(path), f"cannot be read: {error.strerror or error}"
            ) from error
        except UnicodeDecodeError as error:
            raise InvalidRequest.of_field(str(path), "is not UTF-8") from error
        try:
            return cls(path, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(path, text, str(error)) from error

    def table(self, path: KeyPath, value: Any, known: Iterable[str]) -> Mapping[str, Any]:
        """`value`, which stands at `path`, as a table with no other keys than the known ones.

        Raises:
          InvalidRequest: it is none, or has another key.
        """
        if not isinstance(value, Mapping):
            self.refuse(path, f"is {shown(value)}; must be a table")
        names = list(known)
        for key in value:
            if key not in names:
                self.refuse((*path, key), f"is not a setting; settings: {', '.join(names)}")
        return value

    def refuse(self, path: KeyPath, description: str) -> NoReturn:
        """Raises InvalidRequest that names the file, the line and the key."""
        raise InvalidRequest.of_field(self.place(path), description)

    def place(self, path: KeyPath) -> str:
        """The file, the line and the key, as a message begins: load.toml:7: work[0].weight."""
        return f"{self.path}:{self._line(path)}: {_dotted(path)}"

    def _line(self, path: KeyPath) -> int:
        """The line that sets `path`; that of what it stands in, where the file does not set it.

        Found by parsing ever longer beginnings of the file: the statement that ends the first
        one with the path in it is the one. It is slow, and cannot be fooled by what strings and
        comments hold.
        """
        lines = self.text.splitlines(keepends=True)
        whole = 0  # lines of the longest beginning so far that is TOML
        for count in range(1, len(lines) + 1):
            try:
                tables = tomllib.loads("".join(lines[:count]))
            except tomllib.TOMLDecodeError:
                continue
            if _holds(tables, path):
                return _first_statement(lines, whole, count)
            whole = count
        return self._line(path[:-1]) if path else 1


def _first_statement(lines: list[str], begin: int, end: int) -> int:
    """The number, from 1, of the first of these lines with more than space and comments."""
    for index in range(begin, end):
        content = lines[index].strip()
        if content and not content.startswith("#"):
            return index + 1
    return end


def _holds(value: Any, path: KeyPath) -> bool:
    for key in path:
        if isinstance(key, int):
            if not isinstance(value, list) or key >= len(value):
                return False
        elif not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _dotted(path: KeyPath) -> str:
    """("work", 0, "name") as people write it: work[0].name."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")


def _syntax_error(path: Path, text: str, message: str) -> InvalidRequest:
    """The parser's words, its line put where ours stands."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", message)
    reason = found[1] if found else message.partition(" (at ")[0]
    line = int(found[2]) if found else text.count("\n") + 1
    return InvalidRequest.of_field(f"{path}:{line}", f"is not TOML: {reason}")
