"""Learning from experience: updates as functions by their types, and loops that repeat them."""

from mcts_service.learning.callbacks import Evaluation, JsonLines, StopWhen
from mcts_service.learning.change import Change, Changes, Parameters, add, applied, scaled, summed
from mcts_service.learning.checkpoint import (
    Checkpoint,
    Checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from mcts_service.learning.dyna import DynaLearner
from mcts_service.learning.dyna_q import DynaQ, DynaQPlus
from mcts_service.learning.dyna_sweeping import DynaSweeping
from mcts_service.learning.experience_updates import TD, DoubleQ, ExpectedSarsa, QLearning, Sarsa
from mcts_service.learning.expert_iteration import (
    Examples,
    expert_iteration,
    exploring_config,
    planned_episodes,
)
from mcts_service.learning.features import Features, OneHot
from mcts_service.learning.iteration import Callback, Iteration
from mcts_service.learning.lifting import at_once, lifted, one_by_one, weighted
from mcts_service.learning.linear_values import LinearQ, LinearV
from mcts_service.learning.live import LiveRun, run
from mcts_service.learning.loop import Trained, train
from mcts_service.learning.mixed import Mixed
from mcts_service.learning.policy_gradient import Actor, PolicyGradient, actor_critic, reinforce
from mcts_service.learning.progress import ProgressBar
from mcts_service.learning.schedules import Schedule
from mcts_service.learning.softmax_linear import SoftmaxLinear
from mcts_service.learning.tiles import TileCoding, tile_coding
from mcts_service.learning.trajectory_updates import MonteCarlo, NStep, TDLambda
from mcts_service.learning.values import (
    ActionValues,
    ExperienceUpdate,
    Improvement,
    StateValues,
    TrajectoryUpdate,
    Values,
    VFunction,
)

__all__ = [
    "TD",
    "ActionValues",
    "Actor",
    "Callback",
    "Change",
    "Changes",
    "Checkpoint",
    "Checkpoints",
    "DoubleQ",
    "DynaLearner",
    "DynaQ",
    "DynaQPlus",
    "DynaSweeping",
    "Evaluation",
    "Examples",
    "ExpectedSarsa",
    "ExperienceUpdate",
    "Features",
    "Improvement",
    "Iteration",
    "JsonLines",
    "LinearQ",
    "LinearV",
    "LiveRun",
    "Mixed",
    "MonteCarlo",
    "NStep",
    "OneHot",
    "Parameters",
    "PolicyGradient",
    "ProgressBar",
    "QLearning",
    "Sarsa",
    "Schedule",
    "SoftmaxLinear",
    "StateValues",
    "StopWhen",
    "TDLambda",
    "TileCoding",
    "Trained",
    "TrajectoryUpdate",
    "VFunction",
    "Values",
    "actor_critic",
    "add",
    "applied",
    "at_once",
    "expert_iteration",
    "exploring_config",
    "lifted",
    "load_checkpoint",
    "one_by_one",
    "planned_episodes",
    "reinforce",
    "run",
    "save_checkpoint",
    "scaled",
    "summed",
    "tile_coding",
    "train",
    "weighted",
]
