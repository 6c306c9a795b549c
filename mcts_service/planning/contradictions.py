"""Settings of `SearchConfig` that do not go together, and what would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcts_service.errors import InvalidRequest

if TYPE_CHECKING:
    from mcts_service.planning.config import SearchConfig

__all__ = ["refuse_contradictions", "refuse_endless"]

#: Selection by priors: over the actions of a state.
_BY_PRIORS = ("puct", "gumbel")
#: What several threads on one tree go with, the plainest choice last.
_WITH_THREADS: dict[str, tuple[str, ...]] = {
    "selection": ("auto", "ucb1_tuned", "thompson", "puct", "ucb1"),
    "evaluation": ("auto", "value", "mixed", "constant", "rollout"),
    "backup": ("auto", "mean"),
    "sharing": ("auto", "none"),
    "outcome_key": ("auto", "state"),
}
#: Selection by the spread of returns, which only their mean keeps.
_BY_SPREAD = ("ucb1_tuned", "thompson")


def refuse_contradictions(config: SearchConfig) -> None:
    """Raises InvalidRequest where two settings contradict each other, whatever the model."""
    _refuse_about_backups(config)
    _refuse_about_widening(config)
    _refuse_about_nodes(config)
    _refuse_about_recommendation(config)
    _refuse_about_threads(config)


def refuse_endless(config: SearchConfig, model: Any) -> None:
    """Raises InvalidRequest where values would grow for ever, or have no one solution.

    Args:
      config: with every choice made.
      model: that is searched; `continuing` says that no step of it ever ends an episode.
    """
    discount = config.discount or getattr(model, "discount", 1.0)
    by_state = config.sharing == "state" and config.backup != "mean"
    if by_state and discount == 1 and getattr(model, "continuing", False):
        raise InvalidRequest(
            "discount",
            f"is 1, with backup {config.backup!r} and sharing 'state', of a model in which nothing "
            "ends; a discount below 1, or sharing 'depth', would work",
        )


def _refuse_about_backups(config: SearchConfig) -> None:
    selection, backup = config.selection, config.backup
    if config.evaluation == "trial" and backup == "mean":
        raise InvalidRequest(
            "evaluation",
            "is 'trial', which learns by Bellman backups alone; backup 'bellman', or "
            "evaluation 'rollout', would work",
        )
    if selection in _BY_SPREAD and backup not in ("auto", "mean"):
        raise InvalidRequest(
            "selection",
            f"is {selection!r}, which needs the spread of returns, and backup {backup!r} keeps "
            "none; backup 'mean' would work",
        )
    if selection in _BY_SPREAD and config.evaluation == "trial":
        raise InvalidRequest(
            "selection",
            f"is {selection!r}, which needs the spread of returns, and evaluation 'trial' gives "
            "none; evaluation 'rollout' would work",
        )
    if config.outcome_widening > 0 and backup not in ("auto", "mean"):
        raise InvalidRequest(
            "outcome_widening",
            f"is {config.outcome_widening}, and backup {backup!r} would take how often it draws an "
            "outcome again for how likely that is; backup 'mean', or 0, would work",
        )
    if selection == "ments" and backup not in ("auto", "soft"):
        raise InvalidRequest(
            "selection",
            f"is 'ments', which needs soft values, and backup is {backup!r}; 'soft' would work",
        )


def _refuse_about_widening(config: SearchConfig) -> None:
    if config.outcome_widening > 0 and config.outcome_key not in ("auto", "state"):
        raise InvalidRequest(
            "outcome_widening",
            f"is {config.outcome_widening}; with outcome_key {config.outcome_key!r} simulations "
            "carry their own states, and 0 would work",
        )


def _refuse_about_nodes(config: SearchConfig) -> None:
    if config.outcome_key in ("auto", "state"):
        return
    if config.sharing not in ("auto", "none"):
        raise InvalidRequest(
            "sharing",
            f"is {config.sharing!r}, which joins equal states; with the outcome_key "
            f"{config.outcome_key!r} nodes are no states, and sharing 'none' would work",
        )
    if config.selection in _BY_PRIORS:
        raise InvalidRequest(
            "selection",
            f"is {config.selection!r}, whose priors are those of a state; with the outcome_key "
            f"{config.outcome_key!r} nodes are no states, and selection 'ucb1' would work",
        )
    if config.action_widening > 0:
        raise InvalidRequest(
            "action_widening",
            f"is {config.action_widening}; with the outcome_key {config.outcome_key!r} a node's "
            "actions depend on the simulation, and 0 would work",
        )


def _refuse_about_threads(config: SearchConfig) -> None:
    if config.threads == 1:
        return
    for field, works in _WITH_THREADS.items():
        value = getattr(config, field)
        if value not in works:
            raise InvalidRequest(
                "threads",
                f"is {config.threads}, and {field} {value!r}; with {field} {works[-1]!r}, or "
                "threads 1, it would work",
            )


def _refuse_about_recommendation(config: SearchConfig) -> None:
    selection, recommendation = config.selection, config.recommendation
    if recommendation == "lower_bound" and config.backup not in ("auto", "mean"):
        raise InvalidRequest(
            "recommendation",
            f"is 'lower_bound', which needs standard errors, and backup {config.backup!r} has "
            "none; recommendation 'value' would work",
        )
    if config.temperature > 0 and recommendation not in ("auto", "visits"):
        raise InvalidRequest(
            "temperature",
            f"is {config.temperature}, which weighs visits, and recommendation is "
            f"{recommendation!r}; 'visits' would work",
        )
    if config.root_noise > 0 and selection not in ("auto", "puct"):
        raise InvalidRequest(
            "root_noise",
            f"is {config.root_noise}, which is mixed into priors, and selection {selection!r} "
            "has none of that kind; selection 'puct' would work",
        )
