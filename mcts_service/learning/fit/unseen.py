"""What a table says of an action that nobody has tried."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["Unseen", "described", "require_unseen", "unseen_outcome"]

#: How an action that the data never show in a state is taken:
#:
#:   pessimistic   as bad as anything can be: it stays there with the worst reward of the data, for
#:                 ever, or, if that is above 0, ends the episode with it. No plan goes that way
#:                 while another is known
#:   optimistic    as good as anything can be: it stays with the best reward, or, if that is below
#:                 0, ends with it. Plans go and try (R-max: Brafman and Tennenholtz, 2002)
#:   stay          it stays there with reward 0
#:   illegal       it cannot be taken. Where no action was tried: pessimistic
Unseen = Literal["pessimistic", "optimistic", "stay", "illegal"]


def require_unseen(unseen: str) -> None:
    """Raises InvalidRequest unless it is one of the four."""
    if unseen not in get_args(Unseen):
        raise InvalidRequest(
            "unseen", f"is {shown(unseen)}; must be one of {', '.join(get_args(Unseen))}"
        )


def unseen_outcome(unseen: Unseen, rewards: np.ndarray) -> tuple[float, bool]:
    """The one outcome of an action never tried; it leads to the state that it is taken in.

    Args:
      rewards: of the data, float64[N], N >= 1.
    Returns:
      (reward, terminated).
    """
    if unseen == "stay":
        return 0.0, False
    if unseen == "optimistic":
        best = float(rewards.max())
        return best, best < 0
    worst = float(rewards.min())
    return worst, worst > 0


def described(unseen: Unseen, reward: float, terminated: bool) -> str:
    """What is assumed of an action never tried, in words."""
    if unseen == "illegal":
        return "they cannot be taken"
    how = "end the episode" if terminated else "stay in their state"
    return f"they are taken to {how} with reward {reward:.6g} ({unseen})"
