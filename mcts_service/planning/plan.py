"""What a search answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["ActionStatistics", "Plan", "PrincipalVariationStep", "StopReason"]


class StopReason(str, Enum):
    """Which rule ended the search; of an improving plan of `MCTS.watch`: UNFINISHED."""

    SIMULATIONS = "simulations"
    TIME_LIMIT = "time_limit"
    MAX_BYTES = "max_bytes"
    CANCELLED = "cancelled"
    SOLVED = "solved"
    DECIDED = "decided"
    UNFINISHED = "unfinished"


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
      lower: bound of the value: 1.96 standard errors below it, and not below the model's
        `return_bounds`; the value itself where that is proven; of an action never tried that bound
        of the model; NaN where nothing is known.
      upper: the same above it.
      prior: probability of the action by the model, before any noise of the root; NaN where the
        selection weighs none.
      proven: True if the value is exact: nothing is left to search behind the action.
    """

    action: Any
    visits: int
    value: float
    standard_error: float
    lower: float = math.nan
    upper: float = math.nan
    prior: float = math.nan
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
      action: the recommended action, by the config's `recommendation` and `temperature`; where all
        is proven, the best of what is.
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
      deterministic: True if only what the search itself knows stopped it, and no clock, nothing
        was reused, and one thread searched: then the same seed gives the same plan on every run
        and every CPU.
      reused_simulations: of earlier plans, that the tree still held; see `MCTS.advance`.
      warnings: what is doubtful about it, a line each: that a learned model has never seen what
        the plan could meet; see `plan_warnings` in `mcts_service.protocols`.
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
    warnings: Sequence[str] = ()

    @property
    def is_final(self) -> bool:
        """False of a plan whose search went on: see `MCTS.watch`."""
        return self.stop_reason is not StopReason.UNFINISHED

    @classmethod
    def of(cls, **fields: Any) -> Plan:
        """`Plan(**fields)` of all fields, in a quarter of the time."""
        plan = cls.__new__(cls)
        plan.__dict__.update(fields)
        return plan
