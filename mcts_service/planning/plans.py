"""The plans of many states, in columns: `Plans`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, overload

import numpy as np

from mcts_service._core import PlanColumns
from mcts_service.errors import MCTSServiceError
from mcts_service.planning.auto import Recipe
from mcts_service.planning.plan import (
    ActionStatistics,
    Plan,
    PrincipalVariationStep,
    StopReason,
)

__all__ = ["Plans", "make_plan", "no_plans"]

_REASONS = {reason.value: reason for reason in StopReason}


def make_plan(
    columns: PlanColumns, place: int, recipe: Recipe, warnings: tuple[str, ...] = ()
) -> Plan:
    """The plan at a place of the columns, which the recipe has made; with the model's warnings."""
    fields = columns.fields_of(place, ActionStatistics, PrincipalVariationStep)
    fields["stop_reason"] = _REASONS[fields["stop_reason"]]
    return Plan.of(recipe=recipe.name, recipe_reason=recipe.reason, warnings=warnings, **fields)


def no_plans(errors: Mapping[int, MCTSServiceError], shape: tuple[int, int]) -> Plans:
    """The errors of rows, none of which has a plan; `shape` as of `Plans`."""
    return Plans(PlanColumns(), [-1] * len(errors), [], errors, shape)


class _Column:
    """A column of `Plans`, as an attribute.

    Args:
      name: of a field of a native table; None: True for each that there is.
      dtype: of the column.
      otherwise: what stands where there is no plan.
    """

    def __init__(self, name: str | None, dtype: Any, otherwise: Any = 0) -> None:
        self._name, self._dtype, self._otherwise = name, dtype, otherwise

    @overload
    def __get__(self, plans: None, owner: type) -> _Column: ...
    @overload
    def __get__(self, plans: Plans, owner: type) -> np.ndarray: ...
    def __get__(self, plans: Plans | None, owner: type) -> Any:
        return self if plans is None else self.of(plans)

    def of(self, plans: Plans) -> np.ndarray:
        """A number of each row."""
        found = np.full(len(plans), self._otherwise, self._dtype)
        found[plans.planned] = plans._table[self._name][plans._places[plans.planned]]
        return found


class _ActionColumn(_Column):
    """The same of each action."""

    def of(self, plans: Plans) -> np.ndarray:
        """A number of each action of each row."""
        found = np.full((len(plans), plans.num_actions), self._otherwise, self._dtype)
        edges, cells = plans._cells
        found.reshape(-1)[cells] = True if self._name is None else edges[self._name]
        return found


class Plans(Sequence[Plan | MCTSServiceError]):
    """An entry for each of N states: a `Plan`, or the error that it has in place of one.

    What the plans say is kept in columns, for N rows, A actions and P players: a `Plan` is made
    when it is asked for. A row without a plan has the action -1, NaN for the values of actions, and
    otherwise zeros. Each column is a new array whenever it is asked for.

    Attributes:
      planned: which rows have a plan. bool[N].
      errors: why the others have none: {row: error}.
      num_actions: A; 0 of a model that labels its actions.
      num_players: P.
      values: of the recommended action, in reward units, for the player to move. float64[N].
      simulations, nodes, depths, bytes, reused_simulations: as in `Plan`. int64[N].
      discounts: per step, by which values are counted. float64[N].
      search_times: wall-clock seconds, of rows that are searched together those of all.
        float64[N].
      seeds: of rows with a plan. uint64[N].
      deterministic: as in `Plan`. bool[N].
      legal: True for each legal (and allowed) action. bool[N, A].
      visits: int64[N, A]; `action_values`, `standard_errors`, `lower`, `upper`, `priors`:
        float64[N, A], NaN if not known; `proven`: bool[N, A]. Each as in `ActionStatistics`.
    """

    values = _Column("value", np.float64, math.nan)
    simulations = _Column("simulations", np.int64)
    nodes = _Column("nodes", np.int64)
    depths = _Column("depth", np.int64)
    bytes = _Column("bytes", np.int64)
    reused_simulations = _Column("reused_simulations", np.int64)
    discounts = _Column("discount", np.float64)
    search_times = _Column("search_time", np.float64)
    seeds = _Column("seed", np.uint64)
    deterministic = _Column("deterministic", np.bool_)

    legal = _ActionColumn(None, np.bool_)
    visits = _ActionColumn("visits", np.int64)
    action_values = _ActionColumn("value", np.float64, math.nan)
    standard_errors = _ActionColumn("standard_error", np.float64, math.nan)
    lower = _ActionColumn("lower", np.float64, math.nan)
    upper = _ActionColumn("upper", np.float64, math.nan)
    priors = _ActionColumn("prior", np.float64, math.nan)
    proven = _ActionColumn("proven", np.bool_)

    def __init__(
        self,
        columns: PlanColumns,
        places: Sequence[int] | np.ndarray,
        recipes: Sequence[Recipe],
        errors: Mapping[int, MCTSServiceError],
        shape: tuple[int, int],
        warnings: Mapping[int, tuple[str, ...]] | None = None,
    ) -> None:
        """Of `len(places)` rows.

        Args:
          columns: of the plans, in any order.
          places: where in the columns the plan of each row is; -1: it has none.
          recipes: of the plans, in their order in the columns.
          errors: of the rows that have none.
          shape: A and P of the model.
          warnings: of plans that have any, by their places in the columns.
        """
        self._columns, self._recipes = columns, recipes
        self._warnings = warnings or {}
        self._places = np.array(places, np.int64)
        self.errors, self._shape = dict(errors), shape
        self.num_actions, self.num_players = shape
        self.planned: np.ndarray = self._places >= 0
        self._made: dict[int, Plan] = {}

    # ---- a sequence

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, row: int) -> Plan | MCTSServiceError: ...
    @overload
    def __getitem__(self, row: slice) -> list[Plan | MCTSServiceError]: ...
    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        if row in self.errors:
            return self.errors[row]
        if row not in self._made:
            place = int(self._places[row])
            self._made[row] = make_plan(
                self._columns, place, self._recipes[place], self._warnings.get(place, ())
            )
        return self._made[row]

    def __eq__(self, other: object) -> bool:
        """Whether the other is as long a sequence of equal entries."""
        if not isinstance(other, (Plans, list)):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Plans({list(self)})"

    # ---- columns

    @property
    def actions(self) -> np.ndarray:
        """The recommended ones. int64[N], -1 of a row without a plan.

        Of a model that labels its actions object[N], None of such a row.
        """
        if self.num_actions:
            return _Column("action", np.int64, -1).of(self)
        found = np.full(len(self), None, np.object_)
        for row in np.flatnonzero(self.planned):
            found[row] = self._columns.action_of(int(self._places[row]))
        return found

    @property
    def player_values(self) -> np.ndarray:
        """Mean return of each player over all simulations. float64[N, P]."""
        known = self._columns.returns.reshape(-1, self.num_players)
        found = np.zeros((len(self), self.num_players))
        found[self.planned] = known[self._places[self.planned]]
        return found

    @property
    def stop_reasons(self) -> list[StopReason | None]:
        """Which limit stopped each; None of a row without a plan."""
        names = self._columns.stop_names()
        return [_REASONS[names[place]] if place >= 0 else None for place in self._places.tolist()]

    @property
    def warnings(self) -> dict[int, tuple[str, ...]]:
        """Those of the rows that have any: {row: as in `Plan`}."""
        if not self._warnings:
            return {}
        places = enumerate(self._places.tolist())
        return {row: self._warnings[place] for row, place in places if place in self._warnings}

    # ---- put together

    def placed(
        self, rows: Sequence[int], count: int, errors: Mapping[int, MCTSServiceError]
    ) -> Plans:
        """These rows as some of more: row i of these is the `rows[i]`th of `count`.

        Args:
          errors: of all that have no plan.
        """
        places = np.full(count, -1, np.int64)
        places[np.asarray(rows, np.int64)] = self._places
        return Plans(self._columns, places, self._recipes, errors, self._shape, self._warnings)

    def relabelled(self, encode: Callable[[Any], Any]) -> Plans:
        """The same of a model that labels its actions, each label as `encode` gives it.

        A row with a label of which `encode` raises an MCTSServiceError has that error.
        """
        columns, places = copy(self._columns), self._places.copy()
        errors = dict(self.errors)
        for row in np.flatnonzero(self.planned).tolist():
            try:
                columns.relabel(int(places[row]), encode)
            except MCTSServiceError as error:
                errors[row], places[row] = error, -1
        return Plans(columns, places, self._recipes, errors, self._shape, self._warnings)

    # ---- tables

    @cached_property
    def _table(self) -> np.ndarray:
        """The numbers of each plan, by its place."""
        return self._columns.table

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each action of each row with a plan: what is known of it, and row * A + action."""
        rows = np.full(len(self._table), -1, np.int64)
        if self.num_actions:  # else they are labels, which have no columns
            rows[self._places[self.planned]] = np.flatnonzero(self.planned)
        ends = self._table["edges_end"].astype(np.int64)
        rows = np.repeat(rows, ends - np.concatenate([[0], ends[:-1]]))
        edges = self._columns.edge_table[rows >= 0]
        return edges, rows[rows >= 0] * self.num_actions + edges["action"]
