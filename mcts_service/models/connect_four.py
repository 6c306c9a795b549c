"""Connect four, compiled."""

from __future__ import annotations

from mcts_service import _models
from mcts_service.checks import require_bool
from mcts_service.models.board import BoardModel

__all__ = ["ConnectFour"]


class ConnectFour(BoardModel):
    """Connect four: discs fall to the lowest free cell of a column; four in a line win.

    States are int8[6, 7]; actions are the columns 0 .. 6, from the left.
    """

    default_simulations = 10_000

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
            _models.connect_four_model(decisive),
            shape=(6, 7),
            pack=_models.connect_four_pack,
            unpack=_models.connect_four_unpack,
            unpack_rows=_models.connect_four_unpack_rows,
            action_name="column",
            action_description="columns 0 to 6, from the left",
            description="Connect four: four in a line win",
        )
