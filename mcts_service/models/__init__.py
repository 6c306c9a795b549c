"""Models: compiled ones by name, tables, adapters, and the ladder between the levels."""

from mcts_service.models.acrobot import Acrobot
from mcts_service.models.batch import UnbatchedModel
from mcts_service.models.cart_pole import CartPole
from mcts_service.models.connect_four import ConnectFour
from mcts_service.models.evaluated import EvaluatedModel, with_evaluation
from mcts_service.models.factored import Factor, FactoredModel
from mcts_service.models.game_2048 import Game2048
from mcts_service.models.gymnasium import from_gymnasium
from mcts_service.models.ladder import SampledModel
from mcts_service.models.mountain_car import MountainCar
from mcts_service.models.native import NativeModel
from mcts_service.models.registry import make, names
from mcts_service.models.spec import ActionSpec, StateSpec
from mcts_service.models.tabular import TabularModel
from mcts_service.models.tabulate import TabulatedModel, tabulate
from mcts_service.models.tic_tac_toe import TicTacToe

__all__ = [
    "Acrobot",
    "ActionSpec",
    "CartPole",
    "ConnectFour",
    "EvaluatedModel",
    "Factor",
    "FactoredModel",
    "Game2048",
    "MountainCar",
    "NativeModel",
    "SampledModel",
    "StateSpec",
    "TabularModel",
    "TabulatedModel",
    "TicTacToe",
    "UnbatchedModel",
    "from_gymnasium",
    "make",
    "names",
    "tabulate",
    "with_evaluation",
]
