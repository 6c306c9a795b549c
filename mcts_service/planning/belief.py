"""What an agent that does not see the state knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["Belief"]


class Belief:
    """States that may be the true one, each as likely as the others; repeat one to weigh it.

    A plan from a belief needs a search whose nodes do not stand for states: `outcome_key` of
    "observation", which plans a history of actions and observations, or "none".

    Args:
      particles: at least one state of the model. The sequence is copied, the states are not.
    Raises:
      InvalidRequest: there is none.
    Source: Silver and Veness (2010), section 3.
    """

    def __init__(self, particles: Sequence[Any]) -> None:
        if isinstance(particles, (str, bytes)) or not hasattr(particles, "__len__"):
            raise InvalidRequest(
                "particles", f"is {shown(particles)}; must be a sequence of states"
            )
        self.particles: tuple[Any, ...] = tuple(particles)
        if not self.particles:
            raise InvalidRequest("particles", "is empty; must have at least one state")

    def __repr__(self) -> str:
        return f"Belief({len(self.particles)} particles)"
