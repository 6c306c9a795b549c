"""What a search has come to, read out of its tree into a `Plan`."""

from __future__ import annotations

from collections.abc import Sequence

from mcts_service._core import Search
from mcts_service.planning.auto import Recipe
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
    recipe: Recipe,
    tried: int,
    warnings: Sequence[str] = (),
) -> Plan:
    """The plan that a search has come to, copied out of its tree.

    Args:
      search: that has run, and is settled.
      stop_reason: what ended it.
      seconds: that it took.
      seed: of its random streams.
      recipe: its algorithm.
      tried: simulations that another recipe has run before.
      warnings: of the model.
    """
    actions, position, player_values, line = search.read(ActionStatistics, PrincipalVariationStep)
    if recipe.config.temperature > 0:
        position = draw_by_visits(actions, recipe.config.temperature, seed)
    best = actions[position]
    by_count = stop_reason in _BY_COUNT and not search.decided_by_clock
    in_turn = recipe.config.threads == 1
    reused_simulations = search.reused_simulations
    return Plan.of(
        action=best.action,
        value=best.value,
        player_values=player_values,
        actions=actions,
        principal_variation=line,
        simulations=search.simulations + tried,
        nodes=search.nodes,
        depth=search.depth,
        bytes=search.bytes,
        recipe=recipe.name,
        stop_reason=stop_reason,
        search_time=seconds,
        seed=seed,
        deterministic=by_count and in_turn and reused_simulations == 0,
        reused_simulations=reused_simulations,
        recipe_reason=recipe.reason,
        discount=search.discount,
        warnings=warnings,
    )
