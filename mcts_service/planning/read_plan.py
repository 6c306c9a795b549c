"""What searches have come to, read out of their trees into the columns of `Plans`."""

from __future__ import annotations

from collections.abc import Mapping

from mcts_service._core import PlanColumns, Search
from mcts_service.errors import MCTSServiceError
from mcts_service.planning.auto import Recipe
from mcts_service.planning.plan import Plan
from mcts_service.planning.plans import Plans, make_plan
from mcts_service.planning.request import Request
from mcts_service.planning.root_chance import draw_by_visits

__all__ = ["RowPlans", "read_plan", "read_unfinished"]


def read_plan(request: Request, search: Search, end: str, recipe: Recipe, tried: int = 0) -> Plan:
    """The plan of a search that has run.

    Args:
      request: what it was for.
      end: the name of the rule that stopped it.
      recipe: its algorithm.
      tried: simulations of another recipe that went before.
    Raises:
      Cancelled, DeadlineExpired, InvalidRequest: before one simulation was done.
    """
    columns = PlanColumns()
    _read(columns, request, search, end, recipe, tried)
    return make_plan(columns, 0, recipe, request.warned(search.depth))


def read_unfinished(request: Request, search: Search, recipe: Recipe, tried: int) -> Plan | None:
    """The plan of a search that goes on afterwards as if it had not been read.

    Args:
      request, search, recipe, tried: as of `read_plan`.
    Returns:
      None before the first simulation, and where the search has no room for it: see
      `PlanColumns.append_unfinished`.
    """
    columns = PlanColumns()
    seconds = request.limits.seconds()
    if not columns.append_unfinished(search, request.seed, seconds, tried):
        return None
    _draw_action(columns, 0, request, recipe)
    return make_plan(columns, 0, recipe, request.warned(search.depth))


def _read(
    columns: PlanColumns, request: Request, search: Search, end: str, recipe: Recipe, tried: int
) -> None:
    if not columns.append(search, end, request.seed, request.limits.seconds(), tried):
        raise request.limits.missed(end)
    _draw_action(columns, len(columns) - 1, request, recipe)


def _draw_action(columns: PlanColumns, place: int, request: Request, recipe: Recipe) -> None:
    """Where the recipe has a temperature: the recommended action is drawn by visits."""
    temperature = recipe.config.temperature
    if temperature > 0:
        drawn = draw_by_visits(columns.visits_of(place), temperature, request.seed)
        columns.choose(place, drawn)


class RowPlans:
    """What the rows of a call have come to so far.

    Attributes:
      errors: of rows that have no plan.
    """

    def __init__(self, count: int) -> None:
        self.errors: dict[int, MCTSServiceError] = {}
        self._columns = PlanColumns()
        self._places = [-1] * count
        self._recipes: list[Recipe] = []
        self._warnings: dict[int, tuple[str, ...]] = {}

    def read(
        self, row: int, request: Request, search: Search, end: str, recipe: Recipe, tried: int = 0
    ) -> None:
        """Reads the search of a row; as `read_plan`."""
        _read(self._columns, request, search, end, recipe, tried)
        self._place([row], recipe)
        self._warn(row, request, search)

    def read_together(
        self,
        requests: Mapping[int, Request],
        searches: Mapping[int, Search],
        ends: Mapping[int, str | BaseException],
        recipe: Recipe,
        tried: int = 0,
    ) -> bool:
        """Reads the searches of some rows that have run together.

        Args:
          requests, searches: of rows; others may be among them.
          ends: how those rows have ended: the name of a rule, or an exception.
          recipe, tried: as of `read_plan`.
        Returns:
          Whether any row has a plan.
        Raises:
          BaseException: one that is no error of a row.
        """
        rows = list(ends)
        limits = next(iter(requests.values())).limits
        unread = self._columns.extend(
            [searches[row] for row in rows],
            list(ends.values()),
            [requests[row].seed for row in rows],
            limits.seconds(),
            tried,
        )
        for row in [rows[i] for i in unread]:
            end = ends[row]
            error = limits.missed(end) if isinstance(end, str) else end
            if not isinstance(error, MCTSServiceError):
                raise error
            self.errors[row] = error
        planned = [row for row in rows if row not in self.errors]
        self._place(planned, recipe)
        for row in planned:
            self._warn(row, requests[row], searches[row])
        if recipe.config.temperature > 0:
            for row in planned:
                _draw_action(self._columns, self._places[row], requests[row], recipe)
        return bool(planned)

    def _place(self, rows: list[int], recipe: Recipe) -> None:
        """The plans that were read last are those of these rows."""
        for place, row in enumerate(rows, len(self._recipes)):
            self._places[row] = place
        self._recipes += [recipe] * len(rows)

    def _warn(self, row: int, request: Request, search: Search) -> None:
        if request.warnings is not None:
            warnings = request.warned(search.depth)
            if warnings:
                self._warnings[self._places[row]] = warnings

    def plans(self, shape: tuple[int, int]) -> Plans:
        """All of them; `shape` as of `Plans`."""
        return Plans(self._columns, self._places, self._recipes, self.errors, shape, self._warnings)
