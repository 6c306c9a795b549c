"""What a request may ask for, and what it gets when it does not ask."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import BudgetTooLarge
from mcts_service.planning.budget import DEFAULT_SIMULATIONS, MAX_SIMULATIONS, MIN_BYTES, Budget

__all__ = ["BudgetLimits"]


@dataclass(frozen=True)
class BudgetLimits:
    """The limits of the budgets of one model.

    Attributes:
      default_simulations: of a budget with no field set; None: the model's own default.
      max_simulations: the most that a request may ask for, all its rows together.
      max_time_limit_seconds: the same of its time limit. It also binds where a request sets
        none, so that no search runs for ever.
      max_bytes: the same of its memory; what a request that sets none gets.
      max_batch: rows of one batch at most.
    """

    default_simulations: int | None = None
    max_simulations: int = 10_000_000
    max_time_limit_seconds: float = 60.0
    max_bytes: int = 2**30
    max_batch: int = 1024

    def __post_init__(self) -> None:
        require_integer("max_simulations", self.max_simulations, 1, MAX_SIMULATIONS)
        if self.default_simulations is not None:
            require_integer(
                "default_simulations", self.default_simulations, 1, self.max_simulations
            )
        require_number("max_time_limit_seconds", self.max_time_limit_seconds, 1e-3, 1e9)
        require_integer("max_bytes", self.max_bytes, MIN_BYTES, 2**63 - 1)
        require_integer("max_batch", self.max_batch, 1, 1_000_000)

    def of_model(self, model: Any) -> BudgetLimits:
        """These limits with the default that the model declares, where they have none."""
        own = getattr(model, "default_simulations", DEFAULT_SIMULATIONS)
        default = self.default_simulations or min(own, self.max_simulations)
        return replace(self, default_simulations=default)

    def admit(
        self,
        simulations: int | None = None,
        time_limit: float | None = None,
        max_bytes: int | None = None,
        *,
        rows: int = 1,
    ) -> Budget:
        """The budget of a request, complete.

        Args:
          simulations, time_limit (seconds), max_bytes: what the request asks for.
          rows: states to plan, >= 1; simulations count for each of them, and in all.
        Returns:
          A budget whose time limit and bytes are always set, and whose simulations are set
          unless a time limit was asked for without them.
        Raises:
          InvalidRequest: a value is not one that any budget may have.
          BudgetTooLarge: a value is greater than is allowed here.
        """
        _refuse_above("budget.simulations", simulations, self.max_simulations)
        _refuse_above("budget.time_limit", time_limit, self.max_time_limit_seconds, " seconds")
        _refuse_above("budget.max_bytes", max_bytes, self.max_bytes)
        if simulations is None and time_limit is None:
            simulations = self.default_simulations or DEFAULT_SIMULATIONS
        budget = Budget(
            simulations=simulations,
            time_limit=self.max_time_limit_seconds if time_limit is None else time_limit,
            max_bytes=self.max_bytes if max_bytes is None else max_bytes,
        )
        if simulations is not None and rows * simulations > self.max_simulations:
            raise BudgetTooLarge(
                f"budget.simulations: is {simulations} for each of {rows} rows, "
                f"{rows * simulations} in all; at most {self.max_simulations} in all is allowed"
            )
        return budget


def _refuse_above(field: str, value: float | None, greatest: float, unit: str = "") -> None:
    if value is not None and value > greatest and not math.isnan(value):
        raise BudgetTooLarge(
            f"{field}: is {shown(value)}{unit}; at most {greatest:.15g}{unit} is allowed"
        )
