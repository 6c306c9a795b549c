"""Tic-tac-toe, compiled."""

from __future__ import annotations

from mcts_service import _models
from mcts_service.models.board import BoardModel

__all__ = ["TicTacToe"]


class TicTacToe(BoardModel):
    """Tic-tac-toe: three in a row, a column or a diagonal win.

    States are int8[3, 3]; actions are the cells 0 .. 8, row by row.
    """

    default_simulations = 2_000

    def __init__(self) -> None:
        super().__init__(
            _models.tic_tac_toe_model(),
            shape=(3, 3),
            pack=_models.tic_tac_toe_pack,
            unpack=_models.tic_tac_toe_unpack,
            action_name="cell",
            action_description="cells 0 to 8, row by row",
            description="Tic-tac-toe: three in a line win",
        )
