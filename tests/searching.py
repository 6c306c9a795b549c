"""Running the compiled search without the planner around it, and comparing plans."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from mcts_service._core import Search
from mcts_service.planning import ActionStatistics, Plan, PrincipalVariationStep, SearchConfig


class Found(NamedTuple):
    """What `Search.read` gives: `position` is that of the recommended action among all."""

    actions: list[ActionStatistics]
    position: int
    player_values: list[float]
    principal_variation: list[PrincipalVariationStep]

    @property
    def action(self) -> Any:
        """The recommended one."""
        return self.actions[self.position].action


def read(search: Search) -> Found:
    """What a search has come to."""
    return Found(*search.read(ActionStatistics, PrincipalVariationStep))


def to_the_end(preset: str = "auto", **changes: Any) -> SearchConfig:
    """A preset whose plans run to their limits, even where they are decided long before."""
    return SearchConfig.preset(preset, early_stop=False, **changes)


def run_search(
    model: Any,
    root: Any,
    simulations: int,
    *,
    seed: int = 0,
    max_depth: int = 50,
    horizon: int | None = None,
    use_value: bool = False,
    exploration: float = 1.0,
    outcome_key: str = "state",
) -> Search:
    """A search from `root` that has run its simulations; its tree can be read.

    With another `outcome_key` than "state", `root` is a list of those that the root may be.
    """
    handle = getattr(model, "handle", None)
    search = Search(
        handle if handle is not None else model,
        exploration=exploration,
        max_depth=max_depth,
        evaluation="value" if use_value else "rollout",
        outcome_key=outcome_key,
    )
    is_belief = outcome_key != "state"
    states = [s if handle is None else model.pack_state(s) for s in (root if is_belief else [root])]
    search.begin(
        tuple(states) if is_belief else states[0],
        is_belief=is_belief,
        horizon=horizon or 0,
        allowed=None,
        seed=seed,
        max_bytes=2**28,
    )
    assert search.run(simulations) == "simulations"
    return search


def plan_numbers(plan: Plan) -> dict[str, str]:
    """Everything about a plan that a seed fixes, as text, so that NaN equals NaN."""
    fields = dataclasses.asdict(plan)
    del fields["search_time"], fields["recipe_reason"]
    return {name: repr(value) for name, value in fields.items()}


def scaled_numbers(plan: Plan, factor: float) -> dict[str, Any]:
    """As `plan_numbers`, all values times a power of two, which is exact."""
    return plan_numbers(
        dataclasses.replace(
            plan,
            value=plan.value * factor,
            player_values=[value * factor for value in plan.player_values],
            actions=[
                dataclasses.replace(
                    row,
                    value=row.value * factor,
                    standard_error=row.standard_error * factor,
                    lower=row.lower * factor,
                    upper=row.upper * factor,
                )
                for row in plan.actions
            ],
            principal_variation=[
                dataclasses.replace(step, value=step.value * factor)
                for step in plan.principal_variation
            ],
        )
    )
