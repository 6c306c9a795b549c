"""Models in processes of their own: whatever one does there costs its own request, and no other."""

from mcts_service.service.workers.settings import WorkerSettings
from mcts_service.service.workers.workforce import Workforce

__all__ = ["WorkerSettings", "Workforce"]
