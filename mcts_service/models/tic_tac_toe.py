"""Tic-tac-toe, compiled."""

from __future__ import annotations

from mcts_service import _models
from mcts_service.checks import require_bool
from mcts_service.models.board import BoardModel

__all__ = ["TicTacToe"]


class TicTacToe(BoardModel):
    """Tic-tac-toe: three in a row, a column or a diagonal win.

    States are int8[3, 3]; actions are the cells 0 .. 8, row by row.
    """

    default_simulations = 2_000

    def __init__(self, *, decisive: bool = True) -> None:
        """The game.

        Args:
          decisive: rollouts take a win in one move, else stop one of the other side, else move
            uniformly; uniformly from the start otherwise. The rules are the same.
        Raises:
          InvalidRequest: `decisive` is not a bool.
        Source: Teytaud and Teytaud (2010), decisive and anti-decisive moves.
        """
        require_bool("decisive", decisive)
        super().__init__(
            _models.tic_tac_toe_model(decisive),
            shape=(3, 3),
            pack=_models.tic_tac_toe_pack,
            unpack=_models.tic_tac_toe_unpack,
            unpack_rows=_models.tic_tac_toe_unpack_rows,
            action_name="cell",
            action_description="cells 0 to 8, row by row",
            description="Tic-tac-toe: three in a line win",
        )
