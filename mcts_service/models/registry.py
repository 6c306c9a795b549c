"""The built-in models by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.models import toy_text
from mcts_service.models.acrobot import Acrobot
from mcts_service.models.cart_pole import CartPole
from mcts_service.models.connect_four import ConnectFour
from mcts_service.models.game_2048 import Game2048
from mcts_service.models.mountain_car import MountainCar
from mcts_service.models.native import NativeModel
from mcts_service.models.tic_tac_toe import TicTacToe

__all__ = ["make", "names"]

_FACTORIES: Mapping[str, Callable[..., NativeModel[Any]]] = {
    "acrobot": Acrobot,
    "cart_pole": CartPole,
    "cliff_walking": toy_text.cliff_walking,
    "connect_four": ConnectFour,
    "frozen_lake_4x4": partial(toy_text.frozen_lake, "4x4"),
    "frozen_lake_8x8": partial(toy_text.frozen_lake, "8x8"),
    "game_2048": Game2048,
    "mountain_car": MountainCar,
    "taxi": toy_text.taxi,
    "tic_tac_toe": TicTacToe,
}


def make(name: str, **arguments: Any) -> NativeModel[Any]:
    """A new built-in model.

    Args:
      name: one of `names()`.
      arguments: of the model: `slippery` and `discount` of the frozen lakes, `discount` of
        the other tables.
    Raises:
      UnknownModel: there is no model of that name.
      InvalidRequest: the model takes no such argument, or not with that value.
    """
    if name not in _FACTORIES:
        raise UnknownModel(name, names())
    factory = _FACTORIES[name]
    known = inspect.signature(factory).parameters
    for argument in arguments:
        if argument not in known:
            right = f"takes {', '.join(known)}" if known else "takes no arguments"
            raise InvalidRequest(argument, f"is not an argument of {name}, which {right}")
    return factory(**arguments)


def names() -> list[str]:
    """The names of the built-in models, sorted."""
    return sorted(_FACTORIES)
