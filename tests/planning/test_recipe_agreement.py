"""Every part of a recipe agrees with the reference, node by node and bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import small_games as games
import small_models as models
from agreement import assert_graphs_agree, assert_trees_agree
from reference_graph import ReferenceGraph
from reference_priors import GumbelSearch, PuctSearch
from reference_search import Leaf, ReferenceSearch, Widening
from searching import read

from mcts_service._core import Search

SIMULATIONS, DEPTH, SEEDS = 600, 12, (0, 2**64 - 1)


class WeighedChain(models.ValuedChain):
    """A chain that says which way is likely to be good."""

    def prior(self, state: int) -> list[float]:
        return [1.0, 2.0 + state % 3, 0.5][: self.num_actions]


class WeighedTicTacToe(games.TicTacToe):
    """The middle is likely, the corners less so; a mark more is worth something."""

    def prior(self, state: Any) -> Any:
        return [2, 1, 2, 1, 4, 1, 2, 1, 2]

    def value(self, state: Any) -> tuple[float, float]:
        return 0.125, -0.125


MODELS = {
    "chain": (models.ValuedChain(), 0),
    "slippery grid": (models.SlipperyGrid(), (0, 0)),
    "deterministic": (models.StraightGrid(), (0, 0)),
    "noisy rewards": (models.NoisyRewards(), 0),
    "game": (games.TicTacToe(), games.TicTacToe.start),
    "three players": (games.RaceOfThree(), games.RaceOfThree.start),
}


def core(model: Any, root: Any, seed: int, planned: int = 0, **settings: Any) -> Search:
    search = Search(model, max_depth=DEPTH, **settings)
    search.begin(root, horizon=0, allowed=None, seed=seed, max_bytes=2**28, planned=planned)
    return search


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exploration", [0.5, 1.0])
@pytest.mark.parametrize("selection", ["ucb1_tuned", "thompson"])
@pytest.mark.parametrize("name", MODELS)
def test_selection_by_returns(name: str, selection: str, exploration: float, seed: int) -> None:
    model, root = MODELS[name]
    search = core(model, root, seed, selection=selection, exploration=exploration)
    search.run(SIMULATIONS)
    reference = ReferenceSearch(
        model, root, seed=seed, exploration=exploration, max_depth=DEPTH, selection=selection
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("action_widening", [0.0, 1.0])
@pytest.mark.parametrize("model", [WeighedChain(), WeighedTicTacToe()], ids=["chain", "game"])
def test_puct(model: Any, action_widening: float, seed: int) -> None:
    root = getattr(model, "start", 0)
    settings = {"selection": "puct", "evaluation": "value", "action_widening": action_widening}
    search = core(model, root, seed, **settings)
    search.run(SIMULATIONS)
    reference = PuctSearch(
        model, root, seed=seed, max_depth=DEPTH, widening=Widening(actions=action_widening)
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())


@pytest.mark.parametrize("considered", [2, 16])
@pytest.mark.parametrize("model", [WeighedChain(), WeighedTicTacToe()], ids=["chain", "game"])
def test_gumbel(model: Any, considered: int) -> None:
    root = getattr(model, "start", 0)
    settings = {"selection": "gumbel", "evaluation": "value", "considered_actions": considered}
    search = core(model, root, 0, planned=SIMULATIONS, **settings)
    noise = np.random.default_rng(3).gumbel(size=search.root_count)
    search.add_noise(noise, 0.0)
    search.run(SIMULATIONS)
    reference = GumbelSearch(
        model,
        root,
        max_depth=DEPTH,
        simulations=SIMULATIONS,
        gumbel=noise.tolist(),
        considered=considered,
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())
    assert read(search).action == reference.recommended()


LEAVES = {
    "constant": ({"evaluation": "constant", "leaf_value": 0.25}, Leaf(constant=0.25)),
    "mixed": ({"evaluation": "mixed", "value_weight": 0.75}, Leaf(value_weight=0.75)),
    "truncated": ({"rollout_depth": 2}, Leaf(rollout_depth=2)),
    "mixed and truncated": (
        {"evaluation": "mixed", "value_weight": 0.25, "rollout_depth": 3},
        Leaf(value_weight=0.25, rollout_depth=3),
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("horizon", [None, 5])
@pytest.mark.parametrize("leaf", LEAVES)
def test_evaluation(leaf: str, horizon: int | None, seed: int) -> None:
    settings, expected = LEAVES[leaf]
    model = models.ValuedChain()
    search = Search(model, max_depth=DEPTH, **settings)
    search.begin(0, horizon=horizon or 0, allowed=None, seed=seed, max_bytes=2**28)
    search.run(SIMULATIONS)
    reference = ReferenceSearch(
        model, 0, seed=seed, exploration=1.0, max_depth=DEPTH, horizon=horizon, leaf=expected
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())


def test_rollouts_at_random_take_no_advice() -> None:
    model = models.GuidedChain()
    search = core(model, 0, 0, rollout="random")
    search.run(SIMULATIONS)
    reference = ReferenceSearch(
        model, 0, seed=0, exploration=1.0, max_depth=DEPTH, leaf=Leaf(random=True)
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())
    advised = core(model, 0, 0)
    advised.run(SIMULATIONS)
    assert advised.tree() != search.tree()


class BoundedTicTacToe(games.TicTacToe):
    return_bounds = (-1.0, 1.0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("model", [BoundedTicTacToe(), games.Race()], ids=["two", "three"])
def test_decisive_rollouts(model: Any, seed: int) -> None:
    search = core(model, model.start, seed, rollout="decisive")
    search.run(SIMULATIONS)
    reference = ReferenceSearch(
        model,
        model.start,
        seed=seed,
        exploration=1.0,
        max_depth=DEPTH,
        leaf=Leaf(decisive=True),
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())


WIDENINGS = {
    "actions": Widening(actions=1.0, exponent=0.4),
    "outcomes": Widening(outcomes=1.0, exponent=0.3),
    "both": Widening(actions=1.5, outcomes=1.0, exponent=0.5),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("widening", WIDENINGS)
@pytest.mark.parametrize("name", ["chain", "slippery grid", "noisy rewards"])
def test_widening(name: str, widening: str, seed: int) -> None:
    (model, root), limits = MODELS[name], WIDENINGS[widening]
    search = core(
        model,
        root,
        seed,
        action_widening=limits.actions,
        outcome_widening=limits.outcomes,
        widening_exponent=limits.exponent,
    )
    search.run(SIMULATIONS)
    reference = ReferenceSearch(
        model, root, seed=seed, exploration=1.0, max_depth=DEPTH, widening=limits
    )
    assert_trees_agree(reference, reference.run(SIMULATIONS), search.tree())


@pytest.mark.parametrize("sharing", ["none", "depth", "state"])
@pytest.mark.parametrize("trial", [False, True])
@pytest.mark.parametrize(
    ("selection", "backup"), [("ucb1", "max"), ("ucb1", "soft"), ("ments", "soft")]
)
@pytest.mark.parametrize(
    "model",
    [models.FourRooms(), models.FourRooms(slips=False), models.Wheel(3, True)],
    ids=["rooms", "deterministic rooms", "known wheel of 3"],
)
def test_backup(model: Any, selection: str, backup: str, trial: bool, sharing: str) -> None:
    evaluation = "trial" if trial else "rollout"
    settings = {"evaluation": evaluation, "sharing": sharing, "backup": backup}
    search = core(model, 0, 3, selection=selection, **settings)
    search.run(300)
    reference = ReferenceGraph(
        model,
        0,
        seed=3,
        exploration=1.0,
        max_depth=DEPTH,
        sharing=sharing,
        backup=backup,
        trial=trial,
        selection=selection,
    )
    reference.run(300)
    assert_graphs_agree(search, reference.root, lambda state: state)
