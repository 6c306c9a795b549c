"""The compiled search and the one in plain Python grow the same tree, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import small_games as games
import small_models as models
from agreement import assert_trees_agree, public_state
from reference_search import Node, ReferenceSearch
from searching import run_search

from mcts_service.models import ConnectFour, TicTacToe, make

SEEDS = (0, 1, 2**64 - 1)
SIMULATIONS = (20, 200, 2000)


@dataclass(frozen=True)
class Case:
    """A model with a root and the search's settings."""

    model: Any
    root: Any
    max_depth: int = 12
    horizon: int | None = None
    use_value: bool = False
    exploration: float = 1.0


CASES = {
    "stochastic chain": Case(models.Chain(), 0, max_depth=20),
    "slippery grid": Case(models.SlipperyGrid(), (0, 0)),
    "straight grid": Case(models.StraightGrid(), (0, 0)),
    "leaves by value": Case(models.ValuedChain(), 0, use_value=True),
    "rollouts to a value or an end": Case(models.ValuedChain(), 2, max_depth=6),
    "horizon below max_depth": Case(models.ValuedChain(), 0, max_depth=9, horizon=4),
    "horizon at max_depth": Case(models.ValuedChain(), 0, max_depth=5, horizon=5),
    "horizon above max_depth": Case(models.ValuedChain(), 0, max_depth=4, horizon=9),
    "depth 1": Case(models.Chain(), 0, max_depth=1),
    "no exploration": Case(models.Chain(), 0, exploration=0.0),
    "rollout policy": Case(models.GuidedChain(), 0),
    "keyed states": Case(models.KeyedChain(), [0]),
    "legal actions by state": Case(models.Countdown(), 11),
    "arrays with both zeros": Case(models.Drift(), np.array([0.0, -0.0]), max_depth=6),
    "same state ends or not": Case(models.Ambush(), 0),
    "stochastic rewards": Case(models.NoisyRewards(), 0),
    "one-armed bandit": Case(models.Arms(lambda rng: rng.random()), 0),
    "tic-tac-toe": Case(games.TicTacToe(), games.TicTacToe.start),
    "three players": Case(games.RaceOfThree(), games.RaceOfThree.start),
}


#: The compiled models, each with how far to look.
NATIVE_DEPTHS = {
    "tic_tac_toe": 12,
    "connect_four": 42,
    "frozen_lake_4x4": 10,
    "cart_pole": 30,
    "mountain_car": 30,
    "acrobot": 30,
    "game_2048": 30,
}


def native_model(name: str) -> Any:
    """As `make` has it, with rollouts at random as the reference has them."""
    games_at_random = {"tic_tac_toe": TicTacToe, "connect_four": ConnectFour}
    return games_at_random[name](decisive=False) if name in games_at_random else make(name)


def core_tree(case: Case, seed: int, simulations: int) -> dict[str, Any]:
    return run_search(
        case.model,
        case.root,
        simulations,
        seed=seed,
        max_depth=case.max_depth,
        horizon=case.horizon,
        use_value=case.use_value,
        exploration=case.exploration,
    ).tree()


def reference_tree(case: Case, seed: int, simulations: int) -> tuple[ReferenceSearch, Node]:
    search = ReferenceSearch(
        case.model,
        case.root,
        seed=seed,
        exploration=case.exploration,
        max_depth=case.max_depth,
        horizon=case.horizon,
        use_value=case.use_value,
    )
    return search, search.run(simulations)


@pytest.mark.parametrize("simulations", SIMULATIONS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_python_model_grows_the_reference_tree(name: str, seed: int, simulations: int) -> None:
    case = CASES[name]
    search, root = reference_tree(case, seed, simulations)
    assert_trees_agree(search, root, core_tree(case, seed, simulations))


@pytest.mark.parametrize("simulations", SIMULATIONS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NATIVE_DEPTHS)
def test_native_model_grows_the_reference_tree(name: str, seed: int, simulations: int) -> None:
    model = native_model(name)
    root = model.initial_state(np.random.default_rng(1))
    case = Case(model, root, max_depth=NATIVE_DEPTHS[name])
    search, reference = reference_tree(case, seed, simulations)
    assert_trees_agree(search, reference, core_tree(case, seed, simulations))


@pytest.mark.parametrize("simulations", SIMULATIONS)
def test_table_and_its_twin_in_python_grow_one_tree(simulations: int) -> None:
    table = make("frozen_lake_4x4")
    twin = models.TableTwin(table)
    case = Case(twin, table.initial_state(), max_depth=10)
    search, reference = reference_tree(case, 3, simulations)
    assert_trees_agree(search, reference, core_tree(case, 3, simulations))
    native = Case(table, table.initial_state(), max_depth=10)
    assert in_order(table, core_tree(native, 3, simulations)) == in_order(
        twin, core_tree(case, 3, simulations)
    )


def in_order(model: Any, tree: dict[str, Any]) -> dict[str, Any]:
    """The tree with states as Python knows them, and by which the outcomes are sorted."""
    edges = [
        {
            **edge,
            "outcomes": sorted(
                ((visits, in_order(model, child)) for visits, child in edge["outcomes"]),
                key=lambda outcome: (outcome[1]["state"], outcome[1]["terminal"]),
            ),
        }
        for edge in tree["edges"]
    ]
    return {**tree, "state": public_state(model, tree), "edges": edges}
