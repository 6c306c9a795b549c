"""The algorithm of a search, as one choice for each of its parts: `SearchConfig`."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from mcts_service.checks import require_bool, require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.planning.contradictions import refuse_contradictions
from mcts_service.planning.presets import PRESETS

__all__ = [
    "CHOICES",
    "Backup",
    "Evaluation",
    "OutcomeKey",
    "Recommendation",
    "Rollout",
    "SearchConfig",
    "Selection",
    "Sharing",
    "ValueScaling",
]

Selection = Literal["auto", "ucb1", "ucb1_tuned", "puct", "gumbel", "thompson", "ments"]
Evaluation = Literal["auto", "rollout", "value", "trial", "mixed", "constant"]
ValueScaling = Literal["seen", "bounds"]
Rollout = Literal["model", "random", "decisive"]
Backup = Literal["auto", "mean", "bellman", "max", "soft"]
Sharing = Literal["auto", "none", "depth", "state"]
OutcomeKey = Literal["auto", "state", "observation", "none"]
Recommendation = Literal["auto", "visits", "value", "lower_bound"]

#: The settings that are one of a few words, with those words.
CHOICES: dict[str, tuple[str, ...]] = {
    "selection": get_args(Selection),
    "value_scaling": get_args(ValueScaling),
    "evaluation": get_args(Evaluation),
    "rollout": get_args(Rollout),
    "backup": get_args(Backup),
    "sharing": get_args(Sharing),
    "outcome_key": get_args(OutcomeKey),
    "recommendation": get_args(Recommendation),
}

#: Depths are 16 bits wide.
MAX_DEPTH = 2**16 - 1
#: Numbers of rewards' size: the core's sums of them stay finite.
MAX_NUMBER = 1e140
#: Simulations in progress at once; each has its own path and states.
MAX_IN_FLIGHT = 4096
#: On one tree.
MAX_THREADS = 64


@dataclass(frozen=True)
class SearchConfig:
    """The algorithm, as one choice for each part of a simulation.

    What is "auto" is decided plan by plan, from what the model can do and from what the search
    itself sees: see `mcts_service.planning.auto`. The plan says which recipe ran, and why.

    Values are scaled to the range of what the search has seen, at the same depth or, in a graph by
    state, anywhere, so that one constant serves rewards of any size; a single value far outside of
    all others does not stretch that range by more than its own width. q below is such a value,
    N(s) the visits of a node, n(a) those of an action.

    Attributes:
      selection: which action a simulation takes next.
        "ucb1": argmax q(a) + exploration sqrt(ln N(s) / n(a)). Kocsis and Szepesvári (2006).
        "ucb1_tuned": as before, with sqrt(ln N / n(a) min(1/4, var(a) + sqrt(2 ln N / n(a)))),
        var(a) the variance of the scaled returns. Auer, Cesa-Bianchi and Fischer (2002).
        "puct": argmax q(a) + exploration (1.25 + ln((N + 19652 + 1) / 19652)) P(a) sqrt(N) /
        (1 + n(a)), by the model's `prior`, else a uniform one, and scaled by the node. Silver et
        al. (2018); Schrittwieser et al. (2020).
        "gumbel": at the root sequential halving over `considered_actions` drawn by Gumbel-top-k;
        below it argmax pi(a) - n(a) / (1 + sum n), pi the softmax of ln P(a) + (`gumbel_visits` +
        max n) `gumbel_value_scale` q(a) over completed values. Needs priors or values. Danihelka
        et al. (2022).
        "thompson": argmax of a draw from a normal distribution around q(a), of the variance
        exploration^2 (1/4 + the squared deviations of a's scaled returns) / (n(a) (n(a) + 1)).
        After Bai, Wu and Chen (2013).
        "ments": a draw, by softmax q(a) / `soft_temperature` and, with the probability
        min(1, exploration A / (10 ln(N + 1))) over the A actions, uniform. Xiao et al. (2019).
        But for "puct" and "gumbel", actions never tried come first, in random order.
      exploration: weight of exploring, >= 0; 1 is the formula above. Auer, Cesa-Bianchi and Fischer
        have sqrt(2) with "ucb1", and MENTS a free constant, of which 1 is a tenth.
      soft_temperature: of "ments" and of soft backups, as a part of the range of values, > 0.
      considered_actions: of "gumbel" at the root, 1 .. 65536.
      gumbel_visits, gumbel_value_scale: of "gumbel", >= 0: how much values count beside priors.
      value_scaling: "seen": by the range of values seen; "bounds": by the model's `return_bounds`.
      root_noise: weight, 0 .. 1, of Dirichlet noise in the root's priors ("puct").
      root_noise_concentration: of that noise, > 0; AlphaZero has 0.3 for chess, 0.03 for go.
      action_widening: 0: a node chooses among all its actions. Else among the first
        ceil(action_widening N(s)^widening_exponent), by prior or, without one, in random order;
        with "gumbel" below the root, where it narrows the choice itself.
        Coulom (2007); Chaslot et al. (2008).
      outcome_widening: 0: an action leads to whatever the model draws. Else to at most
        ceil(outcome_widening n(a)^widening_exponent) outcomes; further visits draw among those, by
        how often they were seen. For one player, and mean backups. Couëtoux et al. (2011).
      widening_exponent: 0 .. 1.
      max_depth: steps from the root that a simulation looks ahead, tree and rollout
        together, 1 .. 65535. What lies beyond counts by the model's `value`, or as 0.
      evaluation: how a new leaf is valued: "rollout" to the end or `max_depth`, "value"
        by the model's own `value(state)`, "mixed" by both, "constant" as `leaf_value`, or
        "trial": not at all, the simulation goes on down the tree (needs Bellman backups).
      value_weight: of the model's value in "mixed", 0 .. 1; the rest is the rollout's. Silver et
        al. (2016).
      leaf_value: in reward units, to every player.
      rollout: whose actions: "model" by its `rollout` or `rollout_action` where it has one, else
        at random; "random" in any case; "decisive": a win at once is taken, else one of the actions
        that let nobody else win at once, by asking a deterministic model that has `return_bounds`
        for all of them. Teytaud and Teytaud (2010).
      rollout_depth: steps of a rollout at most, >= 1; where it stops short of an end, the model's
        `value` counts, where it has one. None: to the end or `max_depth`.
      backup: "mean" of the returns; "bellman": the best action's expectation over its
        outcomes, by the model's own probabilities where it has `transitions`, else by how often
        each was seen; "max": always by how often; "soft": as "bellman", with the soft maximum
        t ln sum exp(q(a) / t). All but the first for one player.
      sharing: which paths lead to one node: "none" is a tree; "depth" joins those that reach a
        state after equally many steps; "state" all that reach it, whenever. The last knows no
        time: it suits problems whose best action does not depend on the steps left.
      outcome_key: what tells the outcomes of an action apart, and so what a node stands for:
        the next "state"; what is seen of it, by the model's `observe`, so that a node is a
        history of actions and "observation"s; or "none", a sequence of actions (open loop). With
        the last two a simulation carries its state, and a plan may start from a `Belief`.
      recommendation: the action that is best by "visits", a proven loss only where nothing else
        is known; by "value"; or by "lower_bound": the value less two standard errors, among those
        with a tenth of the most visits or more.
        "auto": visits with mean backups, else value; with "gumbel" as there.
      temperature: 0: the best action. Else one is drawn, by visits^(1 / temperature).
      discount: per step, above 0 and at most 1, in place of the model's own.
      prove: with mean backups in a tree of a deterministic model that has `return_bounds`: whether
        values that are proven, by wins and by searching to the end, count in place of means.
      early_stop: whether a search ends once it is decided: when what is left of its simulations,
        or by its own speed of its time, cannot change the action that has the most visits. A win
        or a loss that would have been proven with what was left is given up.
      in_flight: simulations in progress at once, 1 .. 4096, whose questions a model that answers
        in batches (`sample_batch`, `evaluate_batch`) is asked together. With one, each knows what
        all before it have learned; with more a plan is faster and somewhat weaker.
      threads: that search one tree together, 1 .. 64, of a native model that is thread-safe: for
        searches of thousands of simulations, on a machine that has nothing else to do. They share a
        tree of states with mean backups, which is then what "auto" stands for. Plans of several
        threads are not the same from one time to the next, and their trees have 16 GiB at most.
        Chaslot et al. (2008).
    Source: Browne et al. (2012), section 3.3; Keller and Helmert (2013) for trials and Bellman
    backups.
    """

    selection: Selection = "auto"
    exploration: float = 1.0
    soft_temperature: float = 0.05
    considered_actions: int = 16
    gumbel_visits: float = 50.0
    gumbel_value_scale: float = 0.1
    value_scaling: ValueScaling = "seen"
    root_noise: float = 0.0
    root_noise_concentration: float = 0.3
    action_widening: float = 0.0
    outcome_widening: float = 0.0
    widening_exponent: float = 0.5
    max_depth: int = 200
    evaluation: Evaluation = "auto"
    value_weight: float = 0.5
    leaf_value: float = 0.0
    rollout: Rollout = "model"
    rollout_depth: int | None = None
    backup: Backup = "auto"
    sharing: Sharing = "auto"
    outcome_key: OutcomeKey = "auto"
    recommendation: Recommendation = "auto"
    temperature: float = 0.0
    discount: float | None = None
    prove: bool = True
    early_stop: bool = True
    in_flight: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        require_number("exploration", self.exploration, 0, math.inf)
        _require_positive("soft_temperature", self.soft_temperature, math.inf)
        require_integer("considered_actions", self.considered_actions, 1, 2**16)
        require_number("gumbel_visits", self.gumbel_visits, 0, math.inf)
        require_number("gumbel_value_scale", self.gumbel_value_scale, 0, math.inf)
        require_number("root_noise", self.root_noise, 0, 1)
        _require_positive("root_noise_concentration", self.root_noise_concentration, math.inf)
        require_number("action_widening", self.action_widening, 0, math.inf)
        require_number("outcome_widening", self.outcome_widening, 0, math.inf)
        require_number("widening_exponent", self.widening_exponent, 0, 1)
        require_integer("max_depth", self.max_depth, 1, MAX_DEPTH)
        require_number("value_weight", self.value_weight, 0, 1)
        require_number("leaf_value", self.leaf_value, -MAX_NUMBER, MAX_NUMBER)
        if self.rollout_depth is not None:
            require_integer("rollout_depth", self.rollout_depth, 1, MAX_DEPTH)
        require_number("temperature", self.temperature, 0, math.inf)
        if self.discount is not None:
            _require_positive("discount", self.discount, 1)
        require_bool("prove", self.prove)
        require_bool("early_stop", self.early_stop)
        require_integer("in_flight", self.in_flight, 1, MAX_IN_FLIGHT)
        require_integer("threads", self.threads, 1, MAX_THREADS)
        for field, choices in CHOICES.items():
            value = getattr(self, field)
            if value not in choices:
                raise InvalidRequest(field, f"is {value!r}; must be one of {', '.join(choices)}")
        refuse_contradictions(self)

    @property
    def recipe(self) -> str:
        """The algorithm in a word or a few, as a plan reports it."""
        parts = [getattr(self, field) for field in PRESETS["auto"]]
        if "auto" in parts:
            return "auto"
        for name, choices in PRESETS.items():
            if all(getattr(self, field) == value for field, value in choices.items()):
                return name
        parts = [self.selection, self.evaluation, self.backup, f"shared by {self.sharing}"]
        if self.outcome_key != "state":
            parts.append(f"outcomes by {self.outcome_key}")
        return ", ".join(parts)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> SearchConfig:
        """A known algorithm by its name, with changes.

        Args:
          name: one of `presets()`.
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
        return sorted(PRESETS)

    def with_preset(self, name: str) -> SearchConfig:
        """These settings with the choices that make a known algorithm.

        Args:
          name: as of `preset`.
        Raises:
          InvalidRequest: the name is unknown.
        """
        if not isinstance(name, str) or name not in PRESETS:
            raise InvalidRequest(
                "preset", f"is {shown(name)}; must be one of {', '.join(self.presets())}"
            )
        return replace(self, **PRESETS[name])


def _require_positive(field: str, value: Any, high: float) -> None:
    if require_number(field, value, 0, high) == 0:
        limit = "" if high == math.inf else f" and at most {high}"
        raise InvalidRequest(field, f"is 0; must be above 0{limit}")
