"""What a simulator says of its states, kept for as long as the search may ask.

An answer about a step says of where it leads whatever will be asked about it; the search asks for
that piece by piece, a moment or some simulations later.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.v1 import model_pb2

__all__ = ["COLUMNS", "Facts", "KnownFacts", "read_facts"]

#: The columns of StateFacts: dtype, and whether an entry is one for each action or player.
COLUMNS: dict[str, tuple[Any, str]] = {
    "legal": (np.bool_, "actions"),
    "terminal": (np.bool_, ""),
    "players": (np.int64, ""),
    "values": (np.float64, "players"),
    "priors": (np.float64, "actions"),
    "keys": (np.int64, ""),
}
#: Memory of what is known, about.
_MAX_BYTES = 64 * 2**20
#: Of an entry beside its state and its numbers.
_ENTRY_BYTES = 200


@dataclass(frozen=True, eq=False)
class Facts:
    """Of some states; None: not known.

    Attributes:
      columns: for each of `COLUMNS` an array [N], [N, actions] or [N, players].
      row_bytes: of a row of all of them.
    """

    columns: dict[str, np.ndarray]
    row_bytes: int


def read_facts(
    message: model_pb2.StateFacts,
    count: int,
    widths: dict[str, int],
    required: frozenset[str],
    welcome: frozenset[str],
) -> Facts:
    """The facts of so many states.

    Args:
      widths: how many "actions" and "players" there are.
      required: columns that must be there.
      welcome: those that may; all others are not looked at.
    Raises:
      InvalidRequest: a column has another length; names it.
    """
    columns = {}
    for name in required | welcome:
        dtype, by = COLUMNS[name]
        given = getattr(message, name)
        if not given and name not in required:
            continue
        due = count * widths.get(by, 1)
        if len(given) != due:
            raise InvalidRequest(f"facts.{name}", f"has {len(given)} entries; must have {due}")
        column = np.array(given, dtype)
        columns[name] = column.reshape(count, -1) if by else column
    row_bytes = sum(column.nbytes // max(count, 1) for column in columns.values())
    return Facts(columns, row_bytes)


class KnownFacts:
    """The facts of the states that were met last. Any threads may use it."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        """Keeps about so many bytes."""
        # Of each state the answers that say of it what no later one does.
        self._known: OrderedDict[bytes, list[tuple[Facts, int]]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes, self._max_bytes = 0, max_bytes

    def learn(self, identities: Sequence[bytes], facts: Facts, rows: Sequence[int]) -> None:
        """Keeps the facts of those rows, and forgets what was met longest ago."""
        if not facts.columns:
            return
        with self._lock:
            for row in rows:
                identity = identities[row]
                before = self._forget(identity)
                kept = [old for old in before if old[0].columns.keys() - facts.columns.keys()]
                self._known[identity] = [(facts, row), *kept]
                self._bytes += _weight(identity, self._known[identity])
            while self._bytes > self._max_bytes and len(self._known) > len(rows):
                self._forget(next(iter(self._known)))

    def find(self, identities: Sequence[bytes], column: str) -> list[Any]:
        """What a column says of each state; None where that is not known."""
        with self._lock:
            return [
                next(
                    (
                        facts.columns[column][row]
                        for facts, row in self._known.get(identity, ())
                        if column in facts.columns
                    ),
                    None,
                )
                for identity in identities
            ]

    def _forget(self, identity: bytes) -> list[tuple[Facts, int]]:
        known = self._known.pop(identity, [])
        if known:
            self._bytes -= _weight(identity, known)
        return known


def _weight(identity: bytes, known: Sequence[tuple[Facts, int]]) -> int:
    return len(identity) + sum(facts.row_bytes + _ENTRY_BYTES for facts, _ in known)
