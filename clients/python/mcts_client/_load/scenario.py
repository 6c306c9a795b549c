"""A mixture of work, and what must hold of it, from a TOML file.

thresholds = ["p99<50ms", "errors<0.1%"]

[[work]]
name = "opening"
weight = 3
model = "connect_four"
states = ["", "4455"]
simulations = 200

[[work]]
name = "many"
model = "tic_tac_toe"
mode = "batch"
rows = 64
states_file = "boards.npy"
time_limit = 0.05
search = {preset = "uct"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from mcts_client._checks import shown
from mcts_client._load.thresholds import Threshold
from mcts_client._load.toml_file import KeyPath, TomlFile
from mcts_client._load.work import Work
from mcts_client.errors import InvalidRequest

__all__ = ["Scenario", "as_json_state", "read_scenario"]

#: Of a plan that nobody has described.
_FEW_SIMULATIONS = 100
_KEYS = [*(field.name for field in fields(Work)), "states_file"]


@dataclass(frozen=True)
class Scenario:
    """What a file asks for.

    Attributes:
      work: kinds of work, one or more.
      places: where each stands in a file, as messages begin; empty without a file.
      thresholds: that must hold of the results.
    """

    work: tuple[Work, ...]
    places: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()

    @classmethod
    def of_model(cls, model: str) -> Scenario:
        """Short plans of one model, from its own example, for who asks for nothing special."""
        return cls((Work(name=model, model=model, simulations=_FEW_SIMULATIONS),))


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file.

    Raises:
      InvalidRequest: the file, or one that it names, cannot be read, or says what cannot be;
        with the line and the key.
    """
    file = TomlFile.read(path)
    tables = file.table((), file.tables, ["thresholds", "work"])
    listed = tables.get("work", [])
    if not isinstance(listed, list) or not listed:
        file.refuse(("work",), "is not there; write [[work]], once for each kind of call")
    work: list[Work] = []
    for position, table in enumerate(listed):
        one = _work(file, ("work", position), table)
        if one.name in [other.name for other in work]:
            file.refuse(("work", position, "name"), f"is {one.name!r}, which another kind has")
        work.append(one)
    places = tuple(file.place(("work", position)) for position in range(len(work)))
    return Scenario(tuple(work), places, _thresholds(file, tables.get("thresholds", []), work))


def as_json_state(value: Any) -> Any:
    """A state as people write it: its integers as floats, since an int would travel as discrete."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [as_json_state(element) for element in value]
    if isinstance(value, Mapping):
        return {key: as_json_state(element) for key, element in value.items()}
    return value


def _work(file: TomlFile, path: KeyPath, value: Any) -> Work:
    table = dict(file.table(path, value, _KEYS))
    if "model" not in table:
        file.refuse(path, "has no model, which it must have")
    table.setdefault("name", table["model"])
    if "states" in table and "states_file" in table:
        file.refuse((*path, "states_file"), "stands beside states; give one of them")
    if "states_file" in table:
        table["states"] = _states_file(file, (*path, "states_file"), table.pop("states_file"))
    elif "states" in table:
        table["states"] = _states(file, (*path, "states"), table["states"])
    if "search" in table and not isinstance(table["search"], Mapping):
        file.refuse((*path, "search"), f"is {shown(table['search'])}; must be a table")
    try:
        return Work(**table)
    except InvalidRequest as error:
        violation = error.violations[0]
        file.refuse((*path, violation.field), violation.description)


def _states(file: TomlFile, path: KeyPath, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not value:
        file.refuse(path, f"is {shown(value)}; must be a list of states, one or more")
    return tuple(as_json_state(state) for state in value)


def _states_file(file: TomlFile, path: KeyPath, name: Any) -> tuple[Any, ...]:
    """From rows of an array (.npy), or from lines of JSON, beside the scenario."""
    if not isinstance(name, str):
        file.refuse(path, f"is {shown(name)}; must be the name of a .npy or a .jsonl file")
    source = file.path.parent / name
    try:
        states = _rows(source) if source.suffix == ".npy" else _lines(source)
    except OSError as error:
        file.refuse(path, f"is {name!r}, which cannot be read: {error.strerror or error}")
    except ValueError as error:
        file.refuse(path, f"is {name!r}, which holds no states: {error}")
    if not states:
        file.refuse(path, f"is {name!r}, which is empty; must hold one state or more")
    return states


def _rows(source: Path) -> tuple[Any, ...]:
    array = np.load(source, allow_pickle=False)
    if array.ndim == 0:
        raise ValueError("its array is a single number")
    return tuple(array)


def _lines(source: Path) -> tuple[Any, ...]:
    states = []
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                states.append(as_json_state(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"line {number} is not JSON ({error})") from error
    return tuple(states)


def _thresholds(file: TomlFile, value: Any, work: list[Work]) -> tuple[Threshold, ...]:
    if not isinstance(value, list):
        file.refuse(("thresholds",), f"is {shown(value)}; must be a list")
    thresholds = []
    for position, text in enumerate(value):
        try:
            thresholds.append(Threshold.parse(text, [one.name for one in work]))
        except ValueError as error:
            file.refuse(("thresholds", position), str(error))
    return tuple(thresholds)
