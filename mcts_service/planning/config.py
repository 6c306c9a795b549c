"""What a search is told: the algorithm (`SearchConfig`) and a request's limits (`Budget`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import InvalidRequest

__all__ = [
    "DEFAULT_SIMULATIONS",
    "MAX_SIMULATIONS",
    "Backup",
    "Budget",
    "Evaluation",
    "SearchConfig",
    "Sharing",
]

Evaluation = Literal["auto", "rollout", "value", "trial"]
Backup = Literal["mean", "bellman"]
Sharing = Literal["none", "depth", "state"]

#: Simulations of a budget that sets no limit, for a model that declares no default.
DEFAULT_SIMULATIONS = 1_000
#: Visit counts are 32 bits wide.
MAX_SIMULATIONS = 2**31 - 1
#: Depths are 16 bits wide.
MAX_DEPTH = 2**16 - 1
#: Below this a search has no room for its root.
MIN_BYTES = 65_536
#: The shortest time limit: the resolution of the clock.
LEAST_SECONDS = 1e-9

_PRESETS: dict[str, dict[str, Any]] = {
    # Kocsis and Szepesvári (2006).
    "uct": {"evaluation": "rollout", "backup": "mean", "sharing": "none"},
    # Keller and Helmert (2013): DP-UCT, a tree by depth.
    "dp_uct": {"evaluation": "trial", "backup": "bellman", "sharing": "depth"},
    # The same over a graph of states: best where states come again.
    "graph": {"evaluation": "trial", "backup": "bellman", "sharing": "state"},
}


@dataclass(frozen=True)
class SearchConfig:
    """The algorithm, as one choice for each part of a simulation.

    Selection is UCB1 on values scaled to the range of returns that the search has seen:

        argmax_a  (q(s, a) - low) / (high - low) + exploration * sqrt(ln n(s) / n(s, a))

    where actions never tried come first, in random order.

    Attributes:
      exploration: weight of the second term, >= 0. One constant serves rewards of any size.
      max_depth: steps from the root that a simulation looks ahead, tree and rollout
        together, 1 .. 65535. What lies beyond counts by the model's `value`, or as 0.
      evaluation: how a new leaf is valued: "rollout" to the end or `max_depth`, "value"
        by the model's own `value(state)`, "auto": "value" where the model has one, or "trial":
        not at all, the simulation goes on down the tree (needs Bellman backups).
      backup: "mean" of the returns, or "bellman": the best action's expectation over its
        outcomes, by the model's own probabilities where it has `transitions`, else by how often
        each was seen. For one player.
      sharing: which paths lead to one node: "none" is a tree; "depth" joins those that reach a
        state after equally many steps; "state" all that reach it, whenever. The last knows no
        time: it suits problems whose best action does not depend on the steps left.
    Source: Kocsis and Szepesvári (2006); Browne et al. (2012), section 3.3; Keller and Helmert
    (2013) for trials and Bellman backups.
    """

    exploration: float = 1.0
    max_depth: int = 200
    evaluation: Evaluation = "auto"
    backup: Backup = "mean"
    sharing: Sharing = "none"

    def __post_init__(self) -> None:
        require_number("exploration", self.exploration, 0, math.inf)
        require_integer("max_depth", self.max_depth, 1, MAX_DEPTH)
        for field, choices in (
            ("evaluation", Evaluation),
            ("backup", Backup),
            ("sharing", Sharing),
        ):
            value = getattr(self, field)
            if value not in get_args(choices):
                raise InvalidRequest(
                    field, f"is {value!r}; must be one of {', '.join(get_args(choices))}"
                )
        if self.evaluation == "trial" and self.backup != "bellman":
            raise InvalidRequest(
                "evaluation",
                "is 'trial', which learns by Bellman backups alone; backup 'bellman', or "
                "evaluation 'rollout', would work",
            )

    @property
    def recipe(self) -> str:
        """The algorithm in a word or three, as a plan reports it."""
        for name, choices in _PRESETS.items():
            fixed = {k: v for k, v in choices.items() if k != "evaluation"}
            if all(getattr(self, k) == v for k, v in fixed.items()) and (
                self.evaluation == choices["evaluation"] or name == "uct"
            ):
                return name
        return f"{self.evaluation}, {self.backup}, shared by {self.sharing}"

    @classmethod
    def preset(cls, name: str, **changes: Any) -> SearchConfig:
        """A known algorithm by its name, with changes.

        Args:
          name: "uct", "dp_uct" or "graph".
          changes: fields of `SearchConfig` that differ from the preset.
        Raises:
          InvalidRequest: the name or a field is unknown, or a value is out of range.
        """
        known = {field.name for field in fields(cls)}
        for field in changes:
            if field not in known:
                raise InvalidRequest(
                    field, f"is not a setting; settings: {', '.join(sorted(known))}"
                )
        return replace(cls().with_preset(name), **changes)

    def with_preset(self, name: str) -> SearchConfig:
        """These settings with the evaluation, backup and sharing of a known algorithm.

        Args:
          name: as of `preset`.
        Raises:
          InvalidRequest: the name is unknown.
        """
        if not isinstance(name, str) or name not in _PRESETS:
            raise InvalidRequest(
                "preset", f"is {shown(name)}; must be one of {', '.join(sorted(_PRESETS))}"
            )
        return replace(self, **_PRESETS[name])


@dataclass(frozen=True)
class Budget:
    """The limits of one plan. All bind: the first that is reached stops the search.

    With none set, the model's default number of simulations is the limit.

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
