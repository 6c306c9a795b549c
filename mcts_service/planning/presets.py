"""The known algorithms by name: for each, the settings of `SearchConfig` that make it."""

from __future__ import annotations

from typing import Any

__all__ = ["PRESETS"]


def _algorithm(
    selection: str,
    evaluation: str,
    backup: str,
    sharing: str = "none",
    outcome_key: str = "state",
) -> dict[str, Any]:
    return {
        "selection": selection,
        "evaluation": evaluation,
        "backup": backup,
        "sharing": sharing,
        "outcome_key": outcome_key,
    }


PRESETS: dict[str, dict[str, Any]] = {
    "auto": _algorithm("auto", "auto", "auto", "auto", "auto"),
    # Kocsis and Szepesvári (2006).
    "uct": _algorithm("ucb1", "rollout", "mean"),
    # Keller and Helmert (2013): MaxUCT.
    "max_uct": _algorithm("ucb1", "rollout", "max"),
    # The same: DP-UCT, a tree by depth.
    "dp_uct": _algorithm("ucb1", "trial", "bellman", "depth"),
    # The same over a graph of states: best where states come again.
    "graph": _algorithm("ucb1", "trial", "bellman", "state"),
    # Silver et al. (2018), AlphaZero, and Schrittwieser et al. (2020), MuZero.
    "puct": _algorithm("puct", "value", "mean"),
    # Danihelka et al. (2022), Gumbel MuZero.
    "gumbel": _algorithm("gumbel", "value", "mean"),
    # Xiao et al. (2019): maximum entropy for tree search.
    "ments": _algorithm("ments", "rollout", "soft"),
    # UCT over sequences of actions, whatever they lead to: Lecarpentier et al. (2018).
    "open_loop": _algorithm("ucb1", "rollout", "mean", outcome_key="none"),
    # UCT over histories of actions and observations: Silver and Veness (2010).
    "pomcp": _algorithm("ucb1", "rollout", "mean", outcome_key="observation"),
}
