"""Models learned from trajectories, by supervised learning."""

from mcts_service.learning.fit.ensemble import Ensemble
from mcts_service.learning.fit.fit_ensemble import Training, fit_ensemble
from mcts_service.learning.fit.fit_table import fit_table
from mcts_service.learning.fit.learned import LearnedModel
from mcts_service.learning.fit.linear_gaussian import LinearGaussian, fit_linear_gaussian
from mcts_service.learning.fit.plot import plot
from mcts_service.learning.fit.report import Report, held_out
from mcts_service.learning.fit.saving import load, save
from mcts_service.learning.fit.table import LearnedTable

__all__ = [
    "Ensemble",
    "LearnedModel",
    "LearnedTable",
    "LinearGaussian",
    "Report",
    "Training",
    "fit_ensemble",
    "fit_linear_gaussian",
    "fit_table",
    "held_out",
    "load",
    "plot",
    "save",
]
