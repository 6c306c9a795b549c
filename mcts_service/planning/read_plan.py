"""What a search has come to, read out of its tree into a `Plan`."""

from __future__ import annotations

from mcts_service._core import Search
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.plan import (
    ActionStatistics,
    Plan,
    PrincipalVariationStep,
    StopReason,
)
from mcts_service.planning.root_chance import draw_by_visits

__all__ = ["read_plan"]

#: What ends a search by what it has done itself.
_BY_COUNT = (StopReason.SIMULATIONS, StopReason.SOLVED, StopReason.DECIDED)


def read_plan(
    search: Search,
    stop_reason: StopReason,
    *,
    seconds: float,
    seed: int,
    config: SearchConfig,
    recipe_reason: str,
    tried: int,
) -> Plan:
    """The plan that a search has come to, copied out of its tree.

    Args:
      search: that has run, and is settled.
      stop_reason: what ended it.
      seconds: that it took.
      seed: of its random streams.
      config: its algorithm, with every choice made.
      recipe_reason: why that one.
      tried: simulations that another recipe has run before.
    """
    actions = [ActionStatistics(*row) for row in search.root_actions()]
    if config.temperature > 0:
        best = actions[draw_by_visits(actions, config.temperature, seed)]
    else:
        best = actions[search.best_action()]
    by_count = stop_reason in _BY_COUNT and not search.decided_by_clock
    return Plan(
        action=best.action,
        value=best.value,
        player_values=search.player_values,
        actions=actions,
        principal_variation=[PrincipalVariationStep(*s) for s in search.principal_variation()],
        simulations=search.simulations + tried,
        nodes=search.nodes,
        depth=search.depth,
        bytes=search.bytes,
        recipe=config.recipe,
        stop_reason=stop_reason,
        search_time=seconds,
        seed=seed,
        deterministic=by_count and search.reused_simulations == 0,
        reused_simulations=search.reused_simulations,
        recipe_reason=recipe_reason,
        discount=search.discount,
    )
