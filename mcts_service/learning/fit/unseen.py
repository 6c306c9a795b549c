"""What a table says of an action that nobody has tried."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["UNDISCOUNTED_STEPS", "Assumed", "Unseen", "assumed_of", "described", "require_unseen"]

#: How an action that the data never show in a state is taken:
#:
#:   pessimistic   it ends the episode with less than anything else can be worth: no action that was
#:                 tried is worse, and no plan goes that way while another is known
#:   optimistic    it ends the episode with more than anything else can be worth: plans go and try
#:                 (R-max: Brafman and Tennenholtz, 2002)
#:   stay          it stays there with reward 0
#:   illegal       it cannot be taken. Where no action was tried: pessimistic
#:
#: Less than anything: with w the worst single reward of the data, or 0 if that is above 0, any
#: return is at least w / (1 - discount), and the episode ends with one reward of the data less than
#: that. What leads to such an end is still worth more, as it is discounted. So the order holds at
#: the table's discount, at any lower one and within any horizon. With the best reward b, or 0 if
#: that is below 0, the same upwards.
#:
#: At discount 1 a policy that pays for ever is worth less than any number. There the bound is of
#: policies that come to an end, or to a state in which nothing was tried, within
#: `UNDISCOUNTED_STEPS` steps on average. To go to such a state and to end there must be better than
#: to end at once; so it counts for as many steps, and to end at once for twice as many.
Unseen = Literal["pessimistic", "optimistic", "stay", "illegal"]

#: Steps of an episode that a bound at discount 1 holds for.
UNDISCOUNTED_STEPS = 10_000


class Assumed(NamedTuple):
    """The one outcome of an action never tried.

    It leads to the state that it is taken in or, where it ends the episode and the data show a
    terminal state, to the first of those.

    Attributes:
      reward: of it, where another action of the state was tried.
      unknown_reward: of it, where none was.
      terminated: whether it ends the episode.
    """

    reward: float
    unknown_reward: float
    terminated: bool


def require_unseen(unseen: str) -> None:
    """Raises InvalidRequest unless it is one of the four."""
    if unseen not in get_args(Unseen):
        raise InvalidRequest(
            "unseen", f"is {shown(unseen)}; must be one of {', '.join(get_args(Unseen))}"
        )


def assumed_of(unseen: Unseen, worst: float, best: float, discount: float) -> Assumed:
    """What is assumed of an action never tried; see `Unseen`.

    Args:
      worst, best: single rewards of the data.
      discount: per step, of the table.
    """
    if unseen == "stay":
        return Assumed(0.0, 0.0, False)
    steps = 1.0 / (1.0 - discount) if discount < 1.0 else UNDISCOUNTED_STEPS
    one_more = max(abs(worst), abs(best)) or 1.0
    if unseen == "optimistic":
        bound = steps * max(best, 0.0) + one_more
    else:
        bound = steps * min(worst, 0.0) - one_more
    return Assumed(bound if discount < 1.0 else 2.0 * bound, bound, True)


def described(unseen: Unseen, assumed: Assumed) -> str:
    """What is assumed of an action never tried, in words."""
    if unseen == "illegal":
        return "they cannot be taken"
    how = "end the episode" if assumed.terminated else "stay in their state"
    return f"they are taken to {how} with reward {assumed.reward:.6g} ({unseen})"
