"""Learning: from trajectories and plans to parameters, policies and models."""

from mcts_service.learning.expert_iteration import (
    Examples,
    expert_iteration,
    exploring_config,
    planned_episodes,
)

__all__ = ["Examples", "expert_iteration", "exploring_config", "planned_episodes"]
