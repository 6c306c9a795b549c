"""What a search answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mcts_service._core import Search

__all__ = ["ActionStatistics", "Plan", "PrincipalVariationStep", "StopReason", "read_plan"]


class StopReason(str, Enum):
    """Which rule ended the search."""

    SIMULATIONS = "simulations"
    TIME_LIMIT = "time_limit"
    MAX_BYTES = "max_bytes"
    CANCELLED = "cancelled"
    SOLVED = "solved"


@dataclass(frozen=True)
class ActionStatistics:
    """What the search learned of one legal action of the root.

    Attributes:
      action: the model's own action.
      visits: how often it was taken here: simulations, or in a graph by state the times that they
        passed.
      value: mean discounted return, for the player to move at the root, or with Bellman backups
        the expectation; NaN if never tried and not known.
      standard_error: of a mean; NaN below two visits, and of an expectation.
      proven: True if the value is exact: nothing is left to search behind the action.
    """

    action: Any
    visits: int
    value: float
    standard_error: float
    proven: bool = False


@dataclass(frozen=True)
class PrincipalVariationStep:
    """One step of the line of play that the search holds best.

    Attributes:
      action: the model's own action.
      visits: simulations that took this step.
      value: mean return from here on, for the player who moves here.
    """

    action: Any
    visits: int
    value: float


@dataclass(frozen=True)
class Plan:
    """The best action for a state, and why.

    Attributes:
      action: the recommended action: most visits, then the highest value; with Bellman backups
        the highest value, then most visits; where all is proven, the best of what is.
      value: of that action, in reward units, for the player to move.
      player_values: mean return of each player over all simulations; where all is proven, the
        exact ones.
      actions: every legal (and allowed) action of the state, in the model's order.
      principal_variation: the most visited line of play. In a stochastic model it follows
        the most frequent outcome of each action.
      simulations: how many were run.
      nodes: nodes in the tree.
      depth: the deepest node's distance from the root, in steps.
      bytes: memory that the tree holds.
      recipe: the algorithm that ran: a preset's name, or its parts.
      recipe_reason: why that one, where the settings left it open; else empty.
      discount: per step, by which values are counted.
      stop_reason: which limit stopped it.
      search_time: wall-clock seconds.
      seed: gives the same plan again, if `deterministic`.
      deterministic: True if only the count of simulations stopped the search, and nothing was
        reused: then the same seed gives the same plan on every run and every CPU.
      reused_simulations: of earlier plans, that the tree still held; see `MCTS.advance`.
    """

    action: Any
    value: float
    player_values: Sequence[float]
    actions: Sequence[ActionStatistics]
    principal_variation: Sequence[PrincipalVariationStep]
    simulations: int
    nodes: int
    depth: int
    bytes: int
    recipe: str
    stop_reason: StopReason
    search_time: float
    seed: int
    deterministic: bool
    reused_simulations: int = 0
    recipe_reason: str = ""
    discount: float = 1.0


def read_plan(
    search: Search,
    stop_reason: StopReason,
    *,
    seconds: float,
    seed: int,
    recipe: str,
    recipe_reason: str,
    tried: int,
) -> Plan:
    """The plan that a search has come to, copied out of its tree.

    `tried` is the number of simulations that another recipe has run before.
    """
    actions = [ActionStatistics(*row) for row in search.root_actions()]
    best = actions[search.best_action()]
    by_count = stop_reason in (StopReason.SIMULATIONS, StopReason.SOLVED)
    return Plan(
        action=best.action,
        value=best.value,
        player_values=search.player_values,
        actions=actions,
        principal_variation=[PrincipalVariationStep(*s) for s in search.principal_variation()],
        simulations=search.simulations + tried,
        nodes=search.nodes,
        depth=search.depth,
        bytes=search.bytes,
        recipe=recipe,
        stop_reason=stop_reason,
        search_time=seconds,
        seed=seed,
        deterministic=by_count and search.reused_simulations == 0,
        reused_simulations=search.reused_simulations,
        recipe_reason=recipe_reason,
        discount=search.discount,
    )
