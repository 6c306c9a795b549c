"""The exact solver for connect four, compiled when it is first needed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from mcts_service.models import ConnectFour

__all__ = ["COLUMNS", "NOT_LEGAL", "Solver"]

COLUMNS = 7
#: In place of a value, where the column is full.
NOT_LEGAL = 2

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent.parent
_SOURCE = _HERE / "solve_connect_four.c"
_FOLDERS = [_ROOT / "csrc" / "include", _ROOT / "csrc" / "models"]
_FLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]


class Solver:
    """Finds exact values; what it has found serves its later positions too.

    One thread at a time may use it. It takes 64 MiB.
    """

    def __init__(self) -> None:
        """A solver that knows nothing yet.

        Raises:
          SystemExit: the compiler refused; its words are printed.
          MemoryError: there is no room for its table.
        """
        self._library = _library()
        self._solver = self._library.solver_new()
        if not self._solver:
            raise MemoryError("the solver's table takes 64 MiB")
        self._game = ConnectFour()

    def __del__(self) -> None:
        if getattr(self, "_solver", None):
            self._library.solver_free(self._solver)

    def move_values(self, board: np.ndarray) -> list[int]:
        """The game value of every column's move, for the side that moves.

        Args:
          board: int8[6, 7], row 0 on top: 0 empty, 1 first player, -1 second player; the game
            is not over.
        Returns:
          For each column -1 a loss, 0 a draw, 1 a win; `NOT_LEGAL` where it is full.
        Raises:
          InvalidRequest: it is no board.
          ValueError: the game is over.
        """
        state = self._game.pack_state(board)
        if self._game.handle.is_terminal(state):
            raise ValueError("the game is over: no move has a value")
        first, second = np.frombuffer(state, np.uint64)
        values = (ctypes.c_int8 * COLUMNS)()
        self._library.solver_move_values(self._solver, int(first), int(second), values)
        return list(values)

    @property
    def nodes(self) -> int:
        """Positions searched so far."""
        return int(self._library.solver_nodes(self._solver))


@cache
def _library() -> ctypes.CDLL:
    target = _ROOT / "build" / "benchmarks" / "solve_connect_four.so"
    sources = [_SOURCE, *(path for folder in _FOLDERS for path in folder.glob("*.h"))]
    if not target.exists() or target.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        target.parent.mkdir(parents=True, exist_ok=True)
        _compile(target)
    library = ctypes.CDLL(str(target))
    library.solver_new.restype = ctypes.c_void_p
    library.solver_free.argtypes = [ctypes.c_void_p]
    library.solver_free.restype = None
    library.solver_nodes.argtypes = [ctypes.c_void_p]
    library.solver_nodes.restype = ctypes.c_uint64
    library.solver_move_values.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint64,
        ctypes.c_uint64,
        ctypes.POINTER(ctypes.c_int8),
    ]
    library.solver_move_values.restype = None
    return library


def _compile(target: Path) -> None:
    """Into a file of this process's own first, as another may be compiling too."""
    unfinished = target.with_suffix(f".{os.getpid()}")
    includes: Sequence[str] = [part for folder in _FOLDERS for part in ("-I", str(folder))]
    compiler = os.environ.get("CC", "gcc").split()
    command = [*compiler, *_FLAGS, *includes, "-o", str(unfinished), str(_SOURCE)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{result.stdout}")
    unfinished.replace(target)
