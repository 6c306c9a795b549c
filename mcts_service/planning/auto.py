"""The recipe that "auto" stands for: what the model can tell decides it, and the search itself.

    what is known                                       recipe
    a belief, or an outcome_key that is not "state"     tree of histories or of actions, rollouts
    two players or more, or several threads             tree, mean backups, rollouts or values
    one player, with values or priors, outcomes         tree, mean backups, values or rollouts
    by samples alone
    one player, states that can be told apart           graph by state, Bellman backups, trials,
                                                        or values where the model has them;
                                                        by frequencies (max) if outcomes are many;
                                                        where states do not come again: plain UCT
    one player, states that cannot                      plain UCT

The selection is PUCT where the model gives priors, else UCB1.

Values in a graph: measured on FrozenLake and Taxi, with values that are off by 0, 0.1 and 0.3 of
their spread. With 16 simulations an action loses 0 to 0.03 of that spread, in place of 0.07 to 0.13
(tree of means) and of 0.08 to 0.14 (no values).

A graph by state knows no time. Where neither rewards are discounted nor states have values, it
counts with a discount of its own, 1 - 1 / h: else a way that gets there sooner is worth no more
than one that dithers. h is the greatest power of two within the steps left, and at least 16: few
steps are few in any case, and a discount for each would weigh what comes next too little. In an
episode that is short as a whole it is 0.9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mcts_service._core import ModelHandle
from mcts_service.labels import is_hashable
from mcts_service.planning.belief import Belief
from mcts_service.planning.config import SearchConfig

__all__ = [
    "LEAST_RECURRENCE",
    "Capabilities",
    "Recipe",
    "RootKind",
    "capabilities_of",
    "kind_of_root",
    "probe_simulations",
    "resolve",
]

#: Of the outcomes of a graph's first simulations, the share that must lead to a state that is
#: known. Measured: 0.66 and more on grids and tables, 0 on cart-pole.
LEAST_RECURRENCE = 0.2
#: Simulations after which a graph is looked at, and the part of all that they may be.
_PROBE, _PROBE_PART = 8, 8
_LEAST_HORIZON = 16
#: Of an action, so that expectations over all of them are worth their time; else how often each was
#: seen has to do. Measured on SysAdmin 1 (up to 1,024): 300 simulations of 2.5 ms score 0.93, by
#: expectations 1,000 of 235 ms 0.97; 3,000 of 50 ms 0.99.
_MOST_OUTCOMES = 16
#: Of an episode that is short as a whole. Measured at 1,000 simulations: SysAdmin 1 0.97 in place
#: of 0.89, GameOfLife 1, Navigation 1 and the racetrack no worse.
_FEW_STEPS, _FEW_STEPS_DISCOUNT = 50, 0.9
#: Of a tree with random rollouts, which see what comes soon and tell little from one to the next.
#: Measured on cart-pole, 60 episodes: 477 of 500 steps with 1 and 1, 496 with 2.5 and 1, both at
#: 200 simulations; 498 with 4 and 0.95, 500 with these, both at 190.
_TREE_EXPLORATION, _TREE_DISCOUNT = 4.0, 0.92


#: What a plan starts from. A state that nothing identifies cannot be told from others.
RootKind = Literal["belief", "state", "state without identity"]


@dataclass(frozen=True)
class Capabilities:
    """What a model can do, as far as the choice of a recipe depends on it.

    Attributes:
      num_players: one or more.
      has_value: it values states.
      has_prior: it says which actions are likely to be the best.
      has_transitions: it knows all outcomes and their probabilities.
      max_outcomes: of one action, as far as it says.
      observes: it says what is seen of a step.
      discount: per step.
      has_key: its states can be told apart, whatever they are.
    """

    num_players: int
    has_value: bool
    has_prior: bool
    has_transitions: bool
    max_outcomes: int
    observes: bool
    discount: float
    has_key: bool


@dataclass(frozen=True, eq=False)
class Recipe:
    """An algorithm with every choice made. Told from others by identity: that costs no time.

    Attributes:
      config: no setting of it is "auto".
      reason: why, in a few words; empty where the settings were given.
      otherwise: what takes over where states do not come again; None: nothing.
    """

    config: SearchConfig
    reason: str = ""
    otherwise: Recipe | None = None

    @cached_property
    def name(self) -> str:
        """As a plan reports it."""
        return self.config.recipe


def capabilities_of(model: Any, handle: ModelHandle | None) -> Capabilities:
    """What a model can do, looked up once."""
    if handle is not None:
        return Capabilities(
            num_players=handle.num_players,
            has_value=handle.has_value,
            has_prior=handle.has_priors,
            has_transitions=handle.has_transitions,
            max_outcomes=handle.max_outcomes,
            observes=handle.observes,
            discount=handle.discount,
            has_key=True,
        )
    has = {
        name: getattr(model, name, None) is not None
        for name in ("value", "prior", "evaluate_batch", "transitions", "observe", "state_key")
    }
    return Capabilities(
        num_players=getattr(model, "num_players", 1),
        has_value=has["value"] or has["evaluate_batch"],
        has_prior=has["prior"] or bool(getattr(model, "gives_priors", False)),
        has_transitions=has["transitions"],
        max_outcomes=getattr(model, "max_outcomes", 0),
        observes=has["observe"],
        discount=float(getattr(model, "discount", 1.0)),
        has_key=has["state_key"] or not callable(getattr(model, "sample", None)),
    )


def kind_of_root(config: SearchConfig, model: Capabilities, state: Any) -> RootKind:
    """What a state or a `Belief` is, as far as the choice of a recipe depends on it."""
    if isinstance(state, Belief):
        return "belief"
    # A hash may cost the model much, so it is not asked for in vain.
    if model.has_key or model.num_players > 1 or "auto" not in _choices(config):
        return "state"
    is_known = isinstance(state, np.ndarray) or is_hashable(state)
    return "state" if is_known else "state without identity"


def resolve(
    config: SearchConfig,
    model: Capabilities,
    root: RootKind,
    horizon: int | None,
    steps: int | None,
) -> Recipe:
    """The recipe for a plan.

    Args:
      config: settings that are given stay as they are.
      model: what it can do.
      root: what the plan starts from.
      horizon: steps left; None: no end is known.
      steps: of an episode, as the model declares them; None: it does not.
    """
    outcome_key = config.outcome_key
    if outcome_key == "auto":
        outcome_key = _outcome_key(model, root)
    config = replace(config, outcome_key=outcome_key)
    if outcome_key != "state":
        return _tree(config, model, f"nodes stand for outcomes by {outcome_key}")
    if model.num_players > 1:
        return _tree(config, model, f"{model.num_players} players")
    if "auto" not in _choices(config):
        return Recipe(config)
    if config.threads > 1:
        return _tree(config, model, f"{config.threads} threads share a tree")
    is_of_means = config.backup == "mean" or config.selection not in ("auto", "ucb1")
    is_of_means = is_of_means or config.recommendation == "lower_bound"
    if is_of_means or config.evaluation not in ("auto", "trial"):
        return _tree(config, model, "selection, evaluation, backup or recommendation was given")
    if config.outcome_widening > 0 and config.evaluation == "auto":
        return _tree(config, model, "outcomes are widened, which is for means")
    knows = model.has_value or model.has_prior
    if config.evaluation == "auto" and knows and not model.has_transitions:
        return _tree(config, model, "the model values states, or weighs actions")
    if root == "state without identity":
        return _tree(config, model, "states cannot be told apart")
    return _graph(config, model, horizon, steps)


def _choices(config: SearchConfig) -> tuple[str, ...]:
    return config.selection, config.evaluation, config.backup, config.sharing


def probe_simulations(simulations: int) -> int:
    """After how many of them to see whether states come again."""
    return max(1, min(_PROBE, simulations // _PROBE_PART))


def _outcome_key(model: Capabilities, root: RootKind) -> Any:
    if root != "belief":
        return "state"
    return "observation" if model.observes else "none"


def _chosen(given: str, choice: str) -> Any:
    return choice if given == "auto" else given


def _tree(config: SearchConfig, model: Capabilities, reason: str) -> Recipe:
    """A tree whose leaves are valued, by means unless the settings ask for something else."""
    weighs = model.has_prior and config.outcome_key == "state" and config.backup != "soft"
    selection = _chosen(config.selection, "puct" if weighs else "ucb1")
    backup = "bellman" if config.evaluation == "trial" else "mean"
    if config.selection == "ments":
        backup = "soft"
    settled = replace(
        config,
        selection=selection,
        evaluation=_chosen(config.evaluation, "value" if model.has_value else "rollout"),
        backup=_chosen(config.backup, backup),
        sharing=_chosen(config.sharing, "none"),
    )
    return Recipe(settled, "" if settled == config else reason)


def _graph(
    config: SearchConfig, model: Capabilities, horizon: int | None, steps: int | None
) -> Recipe:
    """A graph whose nodes are states, and plain UCT where they turn out not to come again."""
    weighs = model.has_prior and config.backup != "soft"
    graph = replace(
        config,
        selection=_chosen(config.selection, "puct" if weighs else "ucb1"),
        evaluation=_chosen(config.evaluation, "value" if model.has_value else "trial"),
        backup=_chosen(config.backup, "max" if model.max_outcomes > _MOST_OUTCOMES else "bellman"),
        sharing=_chosen(config.sharing, "state"),
        discount=config.discount if model.has_value else _discount(config, model, horizon, steps),
    )
    known = "all outcomes are known" if model.has_transitions else "outcomes are sampled"
    if graph.backup == "max":
        known = "outcomes are too many to ask for all"
    reason = f"one player; {known} and states can be told apart"
    if model.has_value:
        reason += " and have values"
    if graph.discount is not None and config.discount is None:
        reason += f"; counted with a discount of {graph.discount:.4g}, as nothing else discounts"
    if {config.evaluation, config.backup, config.sharing} != {"auto"}:
        return Recipe(graph, reason)
    otherwise = _tree(
        replace(
            config,
            exploration=_TREE_EXPLORATION * config.exploration,
            discount=config.discount or (_TREE_DISCOUNT if model.discount == 1.0 else None),
        ),
        model,
        f"one player; states do not come again; explored {_TREE_EXPLORATION:g} times as much",
    )
    return Recipe(graph, f"{reason} and come again", otherwise)


def _discount(
    config: SearchConfig, model: Capabilities, horizon: int | None, steps: int | None
) -> float | None:
    if config.discount is not None or model.discount < 1.0 or config.sharing != "auto":
        return config.discount
    ahead = min(horizon or steps or config.max_depth, config.max_depth)
    if (steps or horizon or ahead) <= _FEW_STEPS:
        return _FEW_STEPS_DISCOUNT
    return 1.0 - 1.0 / max(_LEAST_HORIZON, 1 << (ahead.bit_length() - 1))
