"""What the service answers, as plain Python values.

States and actions are ints (`discrete`), NumPy arrays (`tensor`), bytes (`opaque`), or what
JSON holds (`json`): None, bools, floats, strings, lists and dicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import numpy as np

from mcts_client.errors import MCTSServiceError

__all__ = [
    "ActionSpec",
    "ActionStatistics",
    "BatchPlan",
    "Budget",
    "ModelId",
    "ModelInfo",
    "ModelSummary",
    "Plan",
    "PrincipalVariationStep",
    "SearchOptions",
    "StateSpec",
    "StopReason",
    "ValueKind",
]

ValueKind = Literal["discrete", "tensor", "opaque", "json", "unknown"]


class StopReason(str, Enum):
    """Which rule ended the search."""

    SIMULATIONS = "simulations"
    TIME_LIMIT = "time_limit"
    MAX_BYTES = "max_bytes"
    CANCELLED = "cancelled"
    SOLVED = "solved"
    DECIDED = "decided"
    #: None yet: the search goes on, and `watch` has more plans of it.
    UNFINISHED = "unfinished"
    #: A rule that the server knows and this client is too old for.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ModelId:
    """Which model answered."""

    name: str
    version: str


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
      lower: bound of the value: 1.96 standard errors below it, and not below what the model can
        return; the value itself where that is proven; NaN where nothing is known.
      upper: the same above it.
      prior: probability of the action, as the selection weighed it before any visit; NaN where it
        weighs none.
      proven: True if the value is exact: nothing is left to search behind the action.
    """

    action: Any
    visits: int
    value: float
    standard_error: float
    lower: float
    upper: float
    prior: float
    proven: bool


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
      action: the recommended action.
      value: of that action, in reward units, for the player to move.
      player_values: mean return of each player over all simulations.
      actions: every legal (and allowed) action of the state, in the model's order.
      principal_variation: the most visited line of play.
      simulations: how many were run.
      nodes: nodes in the tree.
      depth: the deepest node's distance from the root, in steps.
      bytes: memory that the tree held.
      recipe: the algorithm that ran.
      recipe_reason: why that one, where the settings left it open; else empty.
      discount: per step, by which values are counted.
      stop_reason: which limit stopped it.
      queue_time: seconds spent waiting for a free worker.
      search_time: seconds spent searching.
      model: which model and version answered.
      seed: gives the same plan again, if `deterministic`.
      deterministic: True if the same request with this seed gives the same plan again.
      reused_simulations: of earlier plans, that the tree still held.
      request_id: the request's own.
      warnings: what is doubtful about the plan: that a learned model has never seen what it could
        meet.
    """

    action: Any
    value: float
    player_values: tuple[float, ...]
    actions: tuple[ActionStatistics, ...]
    principal_variation: tuple[PrincipalVariationStep, ...]
    simulations: int
    nodes: int
    depth: int
    bytes: int
    recipe: str
    recipe_reason: str
    discount: float
    stop_reason: StopReason
    queue_time: float
    search_time: float
    model: ModelId
    seed: int
    deterministic: bool
    reused_simulations: int
    request_id: str
    warnings: tuple[str, ...]

    @property
    def is_final(self) -> bool:
        """False of a plan of `watch` that is not the last one."""
        return self.stop_reason is not StopReason.UNFINISHED


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """The best action for each of many states, and why, in columns: N rows, A actions, P players.

    A row that could not be planned is in `errors`; its action is -1, its values NaN, and
    otherwise there are zeros.

    Attributes:
      actions: the recommended action. int64[N]; of a model that labels its actions object[N],
        None of a row without a plan.
      values: of that action, in reward units, for the player to move. float64[N].
      player_values: mean return of each player over all simulations. float64[N, P].
      legal: True for each legal (and allowed) action. bool[N, A].
      visits: simulations that took an action first. int64[N, A].
      action_values: mean discounted return, or with Bellman backups the expectation; NaN if not
        known. float64[N, A].
      standard_errors, lower, upper, priors: of each action, as in `ActionStatistics`; NaN if not
        known. float64[N, A].
      proven: True where an action's value is exact. bool[N, A].
      simulations: how many were run. int64[N].
      nodes: nodes in the tree. int64[N].
      depths: the deepest node's distance from the root, in steps. int64[N].
      bytes: memory that the tree held. int64[N].
      stop_reasons: which limit stopped it; None of a row without a plan. N of them.
      seeds: of each row. uint64[N].
      deterministic: True if the row alone, with its seed, gives the same plan again. bool[N].
      labelled: of a model that labels its actions, each row's legal ones; the A of the columns is
        then 0. Else empty.
      errors: why rows have no plan: {row: exception}, as `plan` would raise it.
      recipe: the algorithm that ran; empty if no row has a plan.
      recipe_reason: why that one, where the settings left it open; else empty.
      discount: per step, by which values are counted; 0 if no row has a plan.
      queue_time: seconds spent waiting for a free worker.
      search_time: seconds spent searching, all rows together.
      model: which model and version answered.
      request_id: the request's own.
      warnings: of the rows whose plans have some, as in `Plan`: {row: lines}.
    """

    actions: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    player_values: np.ndarray[Any, Any]
    legal: np.ndarray[Any, Any]
    visits: np.ndarray[Any, Any]
    action_values: np.ndarray[Any, Any]
    standard_errors: np.ndarray[Any, Any]
    lower: np.ndarray[Any, Any]
    upper: np.ndarray[Any, Any]
    priors: np.ndarray[Any, Any]
    proven: np.ndarray[Any, Any]
    simulations: np.ndarray[Any, Any]
    nodes: np.ndarray[Any, Any]
    depths: np.ndarray[Any, Any]
    bytes: np.ndarray[Any, Any]
    stop_reasons: tuple[StopReason | None, ...]
    seeds: np.ndarray[Any, Any]
    deterministic: np.ndarray[Any, Any]
    labelled: tuple[tuple[ActionStatistics, ...], ...]
    errors: Mapping[int, MCTSServiceError]
    recipe: str
    recipe_reason: str
    discount: float
    queue_time: float
    search_time: float
    model: ModelId
    request_id: str
    warnings: Mapping[int, tuple[str, ...]]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.actions)


@dataclass(frozen=True)
class ModelSummary:
    """One line of the list of models."""

    name: str
    version: str
    description: str


@dataclass(frozen=True)
class StateSpec:
    """What a model's states look like.

    Attributes:
      kind: the form of a state; "unknown" if this client is too old for it.
      dtype: of a tensor, else None.
      shape: of a tensor, else ().
      num_values: a discrete state is from 0 to num_values - 1; 0 if that is not known.
      example: a state to try, or None if the server gave none.
      description: what the numbers mean.
    """

    kind: ValueKind
    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    num_values: int
    example: Any
    description: str


@dataclass(frozen=True)
class ActionSpec:
    """What a model's actions look like.

    Attributes:
      kind: the form of an action; "unknown" if this client is too old for it.
      num_actions: a discrete action is from 0 to num_actions - 1; 0 where they have labels.
      description: what the numbers mean, or what labels may be.
    """

    kind: ValueKind
    num_actions: int
    description: str


@dataclass(frozen=True)
class Budget:
    """The limits of a plan; None where there is none.

    Attributes:
      simulations: new simulations.
      time_limit: seconds from the receipt of the request.
      max_bytes: memory of the search tree.
    """

    simulations: int | None
    time_limit: float | None
    max_bytes: int | None


@dataclass(frozen=True)
class SearchOptions:
    """The settings of a search, each as in `SearchSettings`; None where the server told none."""

    selection: str | None
    exploration: float | None
    soft_temperature: float | None
    considered_actions: int | None
    gumbel_visits: float | None
    gumbel_value_scale: float | None
    value_scaling: str | None
    root_noise: float | None
    root_noise_concentration: float | None
    action_widening: float | None
    outcome_widening: float | None
    widening_exponent: float | None
    max_depth: int | None
    evaluation: str | None
    value_weight: float | None
    leaf_value: float | None
    rollout: str | None
    rollout_depth: int | None
    backup: str | None
    sharing: str | None
    outcome_key: str | None
    recommendation: str | None
    temperature: float | None
    discount: float | None
    prove: bool | None
    early_stop: bool | None
    in_flight: int | None
    threads: int | None


@dataclass(frozen=True)
class ModelInfo:
    """What one model looks like from outside.

    Attributes:
      name: by which requests ask for it.
      version: of this model.
      description: one line.
      state_spec: what its states look like.
      action_spec: what its actions look like.
      num_players: who take turns; 1 unless it is a game.
      discount: weight of a reward one step later.
      capabilities: what it can do beyond sampling.
      default_budget: what a request with no limit gets.
      max_budget: what a request may ask for at most.
      default_options: what settings that are not given mean.
      max_batch: states of one `plan_batch` at most; 0 if the server is too old for any.
    """

    name: str
    version: str
    description: str
    state_spec: StateSpec
    action_spec: ActionSpec
    num_players: int
    discount: float
    capabilities: tuple[str, ...]
    default_budget: Budget
    max_budget: Budget
    default_options: SearchOptions
    max_batch: int
