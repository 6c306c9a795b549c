"""Data to learn from: trajectories played, or read from arrays and Minari data sets."""

from mcts_service.learning.data.arrays import from_arrays
from mcts_service.learning.data.collect import collect
from mcts_service.learning.data.minari import from_minari
from mcts_service.learning.data.recording import Recording
from mcts_service.learning.data.steps import Steps, steps_of

__all__ = ["Recording", "Steps", "collect", "from_arrays", "from_minari", "steps_of"]
