"""Connect four, compiled."""

from __future__ import annotations

from mcts_service import _models
from mcts_service.models.board import BoardModel

__all__ = ["ConnectFour"]


class ConnectFour(BoardModel):
    """Connect four: discs fall to the lowest free cell of a column; four in a line win.

    States are int8[6, 7]; actions are the columns 0 .. 6, from the left.
    """

    default_simulations = 10_000

    def __init__(self) -> None:
        super().__init__(
            _models.connect_four_model(),
            shape=(6, 7),
            pack=_models.connect_four_pack,
            unpack=_models.connect_four_unpack,
            action_name="column",
            action_description="columns 0 to 6, from the left",
            description="Connect four: four in a line win",
        )
