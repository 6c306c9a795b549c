"""A plan's limits: `Budget`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mcts_service.checks import require_integer, require_number

__all__ = ["DEFAULT_SIMULATIONS", "LEAST_SECONDS", "MAX_SIMULATIONS", "MIN_BYTES", "Budget"]

#: Simulations of a budget that sets no limit, for a model that declares no default.
DEFAULT_SIMULATIONS = 1_000
#: Visit counts are 32 bits wide.
MAX_SIMULATIONS = 2**31 - 1
#: Below this a search has no room for its root.
MIN_BYTES = 65_536
#: The shortest time limit: the resolution of the clock.
LEAST_SECONDS = 1e-9


@dataclass(frozen=True)
class Budget:
    """The limits of one plan. All bind: the first that is reached stops the search.

    With neither simulations nor a time limit set, the model's default number of simulations is
    one of them: bytes alone do not end a search over states that come again.

    Attributes:
      simulations: new simulations, 1 .. 2**31 - 1.
      time_limit: wall-clock seconds, >= 1e-9.
      max_bytes: memory of the search tree, >= 65536; default 1 GiB.
    """

    simulations: int | None = None
    time_limit: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.simulations is not None:
            require_integer("budget.simulations", self.simulations, 1, MAX_SIMULATIONS)
        if self.time_limit is not None:
            require_number("budget.time_limit", self.time_limit, LEAST_SECONDS, math.inf)
        if self.max_bytes is not None:
            require_integer("budget.max_bytes", self.max_bytes, MIN_BYTES, 2**63 - 1)
