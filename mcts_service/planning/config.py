"""What a search is told: the algorithm (`SearchConfig`) and a request's limits (`Budget`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from mcts_service.checks import require_bool, require_integer, require_number, shown
from mcts_service.errors import InvalidRequest

__all__ = [
    "DEFAULT_SIMULATIONS",
    "MAX_SIMULATIONS",
    "Backup",
    "Budget",
    "Evaluation",
    "OutcomeKey",
    "SearchConfig",
    "Sharing",
]

Evaluation = Literal["auto", "rollout", "value", "trial"]
Backup = Literal["auto", "mean", "bellman"]
Sharing = Literal["auto", "none", "depth", "state"]
OutcomeKey = Literal["auto", "state", "observation", "none"]

#: Simulations of a budget that sets no limit, for a model that declares no default.
DEFAULT_SIMULATIONS = 1_000
#: Visit counts are 32 bits wide.
MAX_SIMULATIONS = 2**31 - 1
#: Depths are 16 bits wide.
MAX_DEPTH = 2**16 - 1
#: Simulations in progress at once; each has its own path and states.
MAX_IN_FLIGHT = 4096
#: Below this a search has no room for its root.
MIN_BYTES = 65_536
#: The shortest time limit: the resolution of the clock.
LEAST_SECONDS = 1e-9

_PRESETS: dict[str, dict[str, Any]] = {
    "auto": {"evaluation": "auto", "backup": "auto", "sharing": "auto", "outcome_key": "auto"},
    # Kocsis and Szepesvári (2006).
    "uct": {"evaluation": "rollout", "backup": "mean", "sharing": "none", "outcome_key": "state"},
    # Keller and Helmert (2013): DP-UCT, a tree by depth.
    "dp_uct": {
        "evaluation": "trial",
        "backup": "bellman",
        "sharing": "depth",
        "outcome_key": "state",
    },
    # The same over a graph of states: best where states come again.
    "graph": {
        "evaluation": "trial",
        "backup": "bellman",
        "sharing": "state",
        "outcome_key": "state",
    },
    # UCT over sequences of actions, whatever they lead to: Lecarpentier et al. (2018).
    "open_loop": {
        "evaluation": "rollout",
        "backup": "mean",
        "sharing": "none",
        "outcome_key": "none",
    },
    # UCT over histories of actions and observations: Silver and Veness (2010).
    "pomcp": {
        "evaluation": "rollout",
        "backup": "mean",
        "sharing": "none",
        "outcome_key": "observation",
    },
}


@dataclass(frozen=True)
class SearchConfig:
    """The algorithm, as one choice for each part of a simulation.

    What is "auto" is decided plan by plan, from what the model can do and from what the search
    itself sees: see `mcts_service.planning.auto`. The plan says which recipe ran, and why.

    Selection is UCB1 on values scaled to the range of returns that the search has seen:

        argmax_a  (q(s, a) - low) / (high - low) + exploration * sqrt(ln n(s) / n(s, a))

    where actions never tried come first, in random order.

    Attributes:
      exploration: weight of the second term, >= 0. One constant serves rewards of any size.
      max_depth: steps from the root that a simulation looks ahead, tree and rollout
        together, 1 .. 65535. What lies beyond counts by the model's `value`, or as 0.
      evaluation: how a new leaf is valued: "rollout" to the end or `max_depth`, "value"
        by the model's own `value(state)`, or "trial": not at all, the simulation goes on down
        the tree (needs Bellman backups).
      backup: "mean" of the returns, or "bellman": the best action's expectation over its
        outcomes, by the model's own probabilities where it has `transitions`, else by how often
        each was seen. For one player.
      sharing: which paths lead to one node: "none" is a tree; "depth" joins those that reach a
        state after equally many steps; "state" all that reach it, whenever. The last knows no
        time: it suits problems whose best action does not depend on the steps left.
      outcome_key: what tells the outcomes of an action apart, and so what a node stands for:
        the next "state"; what is seen of it, by the model's `observe`, so that a node is a
        history of actions and "observation"s; or "none", a sequence of actions (open loop). With
        the last two a simulation carries its state, and a plan may start from a `Belief`.
      discount: per step, above 0 and at most 1, in place of the model's own.
      prove: with mean backups in a tree of a deterministic model that has `return_bounds`: whether
        values that are proven, by wins and by searching to the end, count in place of means.
      in_flight: simulations in progress at once, 1 .. 4096, whose questions a model that answers
        in batches (`sample_batch`, `evaluate_batch`) is asked together. With one, each knows what
        all before it have learned; with more a plan is faster and somewhat weaker.
    Source: Kocsis and Szepesvári (2006); Browne et al. (2012), section 3.3; Keller and Helmert
    (2013) for trials and Bellman backups.
    """

    exploration: float = 1.0
    max_depth: int = 200
    evaluation: Evaluation = "auto"
    backup: Backup = "auto"
    sharing: Sharing = "auto"
    outcome_key: OutcomeKey = "auto"
    discount: float | None = None
    prove: bool = True
    in_flight: int = 1

    def __post_init__(self) -> None:
        require_number("exploration", self.exploration, 0, math.inf)
        require_integer("max_depth", self.max_depth, 1, MAX_DEPTH)
        if self.discount is not None and require_number("discount", self.discount, 0, 1) == 0:
            raise InvalidRequest("discount", "is 0; must be above 0 and at most 1")
        require_bool("prove", self.prove)
        require_integer("in_flight", self.in_flight, 1, MAX_IN_FLIGHT)
        for field, choices in (
            ("evaluation", Evaluation),
            ("backup", Backup),
            ("sharing", Sharing),
            ("outcome_key", OutcomeKey),
        ):
            value = getattr(self, field)
            if value not in get_args(choices):
                raise InvalidRequest(
                    field, f"is {value!r}; must be one of {', '.join(get_args(choices))}"
                )
        if self.evaluation == "trial" and self.backup == "mean":
            raise InvalidRequest(
                "evaluation",
                "is 'trial', which learns by Bellman backups alone; backup 'bellman', or "
                "evaluation 'rollout', would work",
            )
        is_of_states = self.outcome_key in ("auto", "state")
        if not is_of_states and self.sharing not in ("auto", "none"):
            raise InvalidRequest(
                "sharing",
                f"is {self.sharing!r}, which joins equal states; with the outcome_key "
                f"{self.outcome_key!r} nodes are no states, and sharing 'none' would work",
            )

    @property
    def recipe(self) -> str:
        """The algorithm in a word or three, as a plan reports it."""
        if "auto" in (self.evaluation, self.backup, self.sharing, self.outcome_key):
            return "auto"
        for name, choices in _PRESETS.items():
            if all(getattr(self, field) == value for field, value in choices.items()):
                return name
        parts = [self.evaluation, self.backup, f"shared by {self.sharing}"]
        if self.outcome_key != "state":
            parts.append(f"outcomes by {self.outcome_key}")
        return ", ".join(parts)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> SearchConfig:
        """A known algorithm by its name, with changes.

        Args:
          name: "auto", "uct", "dp_uct", "graph", "open_loop" or "pomcp".
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

    @staticmethod
    def presets() -> list[str]:
        """The names that `preset` takes, sorted."""
        return sorted(_PRESETS)

    def with_preset(self, name: str) -> SearchConfig:
        """These settings with the evaluation, backup, sharing and outcomes of a known algorithm.

        Args:
          name: as of `preset`.
        Raises:
          InvalidRequest: the name is unknown.
        """
        if not isinstance(name, str) or name not in _PRESETS:
            raise InvalidRequest(
                "preset", f"is {shown(name)}; must be one of {', '.join(self.presets())}"
            )
        return replace(self, **_PRESETS[name])


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
