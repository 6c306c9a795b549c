"""Open-loop search and the one over histories grow the trees of the one in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import small_models as models
from reference_search import Node, ReferenceSearch
from searching import run_search

from mcts_service.models import make


class Foggy(models.Chain):
    """A chain of which is seen only whether the place is even, and mostly right."""

    def observe(self, action: int, following: int, rng: Any) -> int:
        return (following + (rng.random() < 0.2)) % 2


class FoggyWorth(Foggy):
    """The same, and it says what a place is worth."""

    discount = 0.9

    def value(self, state: int) -> float:
        return (state + 5) / 10


class Thicket:
    """A walk round twelve clearings, each with ways of its own, of which is seen only a third."""

    num_actions = 5
    discount = 0.95

    def legal_actions(self, state: int) -> list[int]:
        return [action for action in range(5) if (state * 7 + action * 3) % 5 < 3 or action == 4]

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        assert action in self.legal_actions(state)
        following = (state + action + int(rng.random() * 3)) % 12
        return following, 0.1 * (following % 4) - 0.05 * action, following == 11

    def observe(self, action: int, following: int, rng: Any) -> tuple[int, ...]:
        return (action, following % 3)


class SeenAsArrays(Thicket):
    """The same; what is seen is an array."""

    def observe(self, action: int, following: int, rng: Any) -> np.ndarray:
        return np.array([following % 3, rng.random() < 0.5], dtype=np.float64)


@dataclass(frozen=True)
class Case:
    """A model, what its root may be, and the search's settings."""

    model: Any
    roots: tuple[Any, ...]
    max_depth: int = 10
    horizon: int | None = None
    use_value: bool = False
    keys: tuple[str, ...] = ("observation", "none")


CASES = {
    "chain in the fog": Case(Foggy(), (0,)),
    "many places to begin": Case(Foggy(), (-2, 0, 0, 3, 1)),
    "leaves by value": Case(FoggyWorth(), (0, 1), use_value=True),
    "rollouts to a value": Case(FoggyWorth(), (0, 1), max_depth=5),
    "horizon at max_depth": Case(FoggyWorth(), (0,), max_depth=6, horizon=6),
    "depth 1": Case(Foggy(), (0, 1), max_depth=1),
    "ways that differ": Case(Thicket(), (0,)),
    "ways that differ from the root on": Case(Thicket(), (0, 1, 2, 3, 5)),
    "what is seen is an array": Case(SeenAsArrays(), (1, 4)),
    "deterministic": Case(models.StraightGrid(), ((0, 0), (1, 1)), keys=("none",)),
    "rollout policy": Case(models.GuidedChain(), (0, 1), keys=("none",)),
    "stochastic rewards": Case(models.NoisyRewards(), (0,), keys=("none",)),
    "table": Case(make("frozen_lake_4x4"), (0, 1, 4), keys=("none",)),
    "compiled dynamics": Case(
        make("cart_pole"), (np.zeros(4), np.array([0.0, 0.0, 0.05, 0.0])), keys=("none",)
    ),
}
PAIRS = [(name, key) for name, case in CASES.items() for key in case.keys]


def assert_agree(node: Node, core: dict[str, Any]) -> None:
    """Every number of two trees is the same, children matched by the order they came in."""
    assert core["visits"] == node.visits
    assert core["terminal"] == node.terminal
    assert core["state"] is None
    assert [edge["action"] for edge in core["edges"]] == [edge.action for edge in node.edges]
    for edge, core_edge in zip(node.edges, core["edges"], strict=True):
        assert core_edge["visits"] == edge.visits
        assert core_edge["value"] == edge.value
        first, *rest = [*edge.outcomes.values()] or [None]
        # The core lists the first outcome first, and then the latest before the earlier ones.
        due = [first, *reversed(rest)] if first else []
        assert [visits for visits, _ in core_edge["outcomes"]] == [visits for visits, *_ in due]
        for (_, child, _), (_, core_child) in zip(due, core_edge["outcomes"], strict=True):
            assert_agree(child, core_child)


@pytest.mark.parametrize("simulations", [20, 200, 2000])
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
@pytest.mark.parametrize(("name", "outcome_key"), PAIRS)
def test_carried_states_grow_the_reference_tree(
    name: str, outcome_key: str, seed: int, simulations: int
) -> None:
    case = CASES[name]
    settings: dict[str, Any] = {
        "seed": seed,
        "max_depth": case.max_depth,
        "horizon": case.horizon,
        "use_value": case.use_value,
        "exploration": 1.0,
        "outcome_key": outcome_key,
    }
    reference = ReferenceSearch(case.model, list(case.roots), **settings).run(simulations)
    assert_agree(reference, run_search(case.model, case.roots, simulations, **settings).tree())


def test_edges_are_added_where_another_state_has_another_choice() -> None:
    search = run_search(Thicket(), (0, 1, 2, 3), 500, outcome_key="none", max_depth=5)
    actions = [edge["action"] for edge in search.tree()["edges"]]
    assert sorted(actions) == [0, 1, 2, 3, 4]
    assert actions != sorted(actions)
