"""Models: compiled ones by name, tables, adapters, and the ladder between the levels."""

from mcts_service.models.acrobot import Acrobot
from mcts_service.models.batch import UnbatchedModel
from mcts_service.models.cart_pole import CartPole
from mcts_service.models.connect_four import ConnectFour
from mcts_service.models.environment import EnvironmentModel
from mcts_service.models.evaluated import EvaluatedModel, with_evaluation
from mcts_service.models.factored import Factor, FactoredModel
from mcts_service.models.game_2048 import Game2048
from mcts_service.models.gymnasium import from_gymnasium
from mcts_service.models.ladder import SampledModel
from mcts_service.models.levels import Level, level_of, require_level
from mcts_service.models.mountain_car import MountainCar
from mcts_service.models.native import NativeModel
from mcts_service.models.registry import make, names
from mcts_service.models.spec import ActionSpec, StateSpec
from mcts_service.models.tabular import TabularModel
from mcts_service.models.tabulate import TabulatedModel, tabulate
from mcts_service.models.tic_tac_toe import TicTacToe
from mcts_service.models.trajectories import as_trajectory_model
from mcts_service.models.unrolled import UnrolledModel
from mcts_service.models.unrolled_batch import UnrolledBatch

__all__ = [
    "Acrobot",
    "ActionSpec",
    "CartPole",
    "ConnectFour",
    "EnvironmentModel",
    "EvaluatedModel",
    "Factor",
    "FactoredModel",
    "Game2048",
    "Level",
    "MountainCar",
    "NativeModel",
    "SampledModel",
    "StateSpec",
    "TabularModel",
    "TabulatedModel",
    "TicTacToe",
    "UnbatchedModel",
    "UnrolledBatch",
    "UnrolledModel",
    "as_trajectory_model",
    "from_gymnasium",
    "level_of",
    "make",
    "names",
    "require_level",
    "tabulate",
    "with_evaluation",
]
