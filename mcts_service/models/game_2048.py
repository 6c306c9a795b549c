"""2048, compiled."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from mcts_service import _models
from mcts_service.errors import InvalidRequest
from mcts_service.models.arrays import state_array
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec

__all__ = ["Game2048"]

_SHAPE = (4, 4)
_GREATEST_EXPONENT = 15
_TILES = "0 empty, else the tile's value: a power of two from 2 to 32768"


class Game2048(NativeModel[np.ndarray]):
    """2048: slide all tiles to one side; two equal ones that meet merge into one of their sum.

    A state is the board, int32[4, 4]: 0 an empty cell, else the value of its tile. Actions slide up
    (0), right (1), down (2) or left (3); those that would change nothing are not legal. The reward
    is the sum of the tiles that merged into being. Then a tile appears in an empty cell, each as
    likely: a 2 with probability 0.9, else a 4. A state is terminal where no action is legal.

    A tile holds at most 32768: two of them do not merge.

    Source: Cirulli (2014), the rules of the browser game.
    """

    default_simulations = 1_000

    def __init__(self) -> None:
        super().__init__(
            _models.game_2048_model(),
            state_spec=StateSpec("tensor", np.dtype(np.int32), _SHAPE, description=_TILES),
            action_description="0 slides up, 1 right, 2 down, 3 left",
            description="2048: slide and merge tiles",
        )

    def transitions(
        self, state: np.ndarray, action: int
    ) -> list[tuple[float, np.ndarray, float, bool]]:
        """All outcomes of a legal action: (probability, next_state, reward, terminated) each.

        There are two for each cell that the slide leaves empty, at most 30.

        Raises:
          InvalidRequest: the state is not a board, or the action not legal in it.
        """
        return self._outcomes(state, action)

    def pack_state(self, state: Any) -> bytes:
        """The bytes of a board.

        Args:
          state: an array or nested lists of integers.
        Raises:
          InvalidRequest: the form is wrong, a number is no tile, or there is none.
        """
        right = f"must be integers of shape {_SHAPE}: {_TILES}"
        array = state_array(state, _SHAPE, right)
        if array.dtype.kind not in "iu":
            raise InvalidRequest("state", f"has the dtype {array.dtype}; {right}")
        cells = 0
        for place, tile in enumerate(array.ravel().tolist()):
            exponent = tile.bit_length() - 1 if tile else 0
            if tile and (tile != 1 << max(exponent, 0) or not 1 <= exponent <= _GREATEST_EXPONENT):
                row, column = divmod(place, _SHAPE[1])
                raise InvalidRequest("state", f"has {tile} at [{row}, {column}]; {right}")
            cells |= exponent << 4 * place
        packed = cells.to_bytes(8, sys.byteorder)
        self.handle.validate(packed)
        return packed

    def unpack_state(self, data: bytes) -> np.ndarray:
        """The board: a new int32[4, 4]."""
        cells = int.from_bytes(data, sys.byteorder)
        exponents = [cells >> 4 * place & 0xF for place in range(16)]
        tiles = [1 << exponent if exponent else 0 for exponent in exponents]
        return np.array(tiles, np.int32).reshape(_SHAPE)

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Two tiles, each a 2 with probability 0.9, else a 4; without `rng` a 2 in two opposite
        corners.
        """
        tiles = np.zeros(16, np.int32)
        if rng is None:
            tiles[[0, 15]] = 2
        else:
            places = rng.choice(16, size=2, replace=False)
            tiles[places] = np.where(rng.random(2) < 0.9, 2, 4)
        return tiles.reshape(_SHAPE)
