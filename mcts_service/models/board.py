"""What the board games share: boards as arrays, games as strings of moves."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.arrays import state_array
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec

__all__ = ["BoardModel"]


#: Of 0, 1 and -1 as int8.
_CELL_BYTES = b"\x00\x01\xff"


class BoardModel(NativeModel[np.ndarray]):
    """A game for two players who take turns to fill cells.

    A state is the board, int8[rows, columns], row 0 on top: 0 empty, 1 first player, -1 second
    player. Who is to move follows from the counts: the first player, where both have as many.
    The move that wins gives its player the reward 1 and the other -1; all else gives 0.
    """

    def __init__(
        self,
        capsule: Any,
        *,
        shape: tuple[int, int],
        pack: Callable[[np.ndarray], bytes],
        unpack: Callable[[bytes], np.ndarray],
        unpack_rows: Callable[[np.ndarray], np.ndarray],
        action_name: str,
        action_description: str,
        description: str,
    ) -> None:
        """A game of compiled code.

        Args:
          capsule: the compiled model.
          shape: rows and columns of the board.
          pack, unpack: between cells, int8[rows, columns], and the bytes of a state.
          unpack_rows: of the bytes of many, uint8[N, state_bytes].
          action_name: what an action is: "column".
          action_description, description: a line each.
        """
        super().__init__(
            capsule,
            state_spec=StateSpec(
                "tensor",
                np.dtype(np.int8),
                shape,
                description="row 0 on top; 0 empty, 1 first player, -1 second player; the side "
                "to move follows from the counts; or a string of moves from the start, "
                f"each a {action_name} counted from 1",
            ),
            action_description=action_description,
            description=description,
        )
        self._pack = pack
        self._unpack = unpack
        self._unpack_rows = unpack_rows
        self._action_name = action_name

    def pack_state(self, state: Any) -> bytes:
        """The bytes of a board.

        Args:
          state: an array or nested lists of integers.
        Raises:
          InvalidRequest: the form is wrong, or no game leads to the board: discs or marks that
            do not alternate, a winner who played on.
        """
        packed = self._pack(_cells(state, self.state_spec.shape))
        self.handle.validate(packed)
        return packed

    def unpack_state(self, data: bytes) -> np.ndarray:
        """The board: a new int8[rows, columns]."""
        return self._unpack(data)

    def unpack_states(self, rows: np.ndarray) -> np.ndarray:
        """The boards of many, of uint8[N, state_bytes]: a new int8[N, rows, columns]."""
        return self._unpack_rows(rows)

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """The empty board. Nothing is drawn."""
        return np.zeros(self.state_spec.shape, np.int8)

    def state_from_json(self, value: Any) -> np.ndarray:
        """The board after a string of moves, which counts actions from 1: "4455".

        Raises:
          InvalidRequest: it is not a string, or a move is not one of the game.
        """
        if not isinstance(value, str):
            raise InvalidRequest(
                "state", f"is {reprlib.repr(value)}; must be a board or a string of moves"
            )
        state = self._pack(self.initial_state())
        for number, move in enumerate(value, start=1):
            state = self._play(state, move, f"is {reprlib.repr(value)}: move {number}, {move!r},")
        return self.unpack_state(state)

    def _play(self, state: bytes, move: str, where: str) -> bytes:
        """The state after a move that is written as a digit."""
        if self.handle.is_terminal(state):
            raise InvalidRequest("state", f"{where} comes after the end of the game")
        action = "123456789"[: self.num_actions].find(move)
        if action < 0:
            raise InvalidRequest(
                "state", f"{where} is not a {self._action_name} from 1 to {self.num_actions}"
            )
        legal = self.handle.legal_actions(state)
        if action not in legal:
            choices = ", ".join(str(a + 1) for a in legal)
            raise InvalidRequest(
                "state", f"{where} has no room; each {self._action_name} with room: {choices}"
            )
        # A game draws nothing.
        return self.handle.sample(state, action, np.random.default_rng(0))[0]


def _cells(state: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A contiguous int8 array of cells.

    Raises:
      InvalidRequest: it has another shape, is not of integers, or has other numbers.
    """
    right = f"must be integers of shape {shape}: 0 empty, 1 first player, -1 second player"
    array = state_array(state, shape, right)
    if array.dtype.kind not in "iu":
        raise InvalidRequest("state", f"has the dtype {array.dtype}; {right}")
    # Much faster than a comparison of each, and true of nearly every board.
    if array.dtype == np.int8 and not array.tobytes().strip(_CELL_BYTES):
        return np.ascontiguousarray(array)
    wrong = np.argwhere((array < -1) | (array > 1))
    if wrong.size:
        row, column = wrong[0]
        raise InvalidRequest("state", f"has {array[row, column]} at [{row}, {column}]; {right}")
    return np.ascontiguousarray(array, dtype=np.int8)
