"""Searches with priors grow the trees that others have published, node by node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from published_model import NAMES, PublishedModel
from reference_priors import GumbelSearch, PriorSearch, PuctSearch
from reference_search import Node
from searching import read

from mcts_service._core import Search

#: The published numbers are of single precision, and added up over hundreds of simulations.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Grown:
    """What a search has found: of each tried action its visits and value, by state and action."""

    edges: dict[tuple[int, int], tuple[int, float]]
    recommended: int


def reference_search(model: PublishedModel) -> PriorSearch:
    """The reference with what the tree was published with, not yet run."""
    arguments = model.tree["arguments"]
    transform = arguments.get("qtransform_kwargs", {})
    simulations = arguments["num_simulations"]
    max_depth = arguments.get("max_depth", simulations)
    if model.tree["algorithm"] == "gumbel_muzero":
        gumbel = model.tree.get("gumbel")
        return GumbelSearch(
            model,
            0,
            simulations=simulations,
            max_depth=max_depth,
            gumbel=gumbel and [gumbel[action] for action in model.legal_actions(0)],
            considered=arguments.get("max_num_considered_actions", 16),
            value_scale=transform.get("value_scale", 0.1),
            visit_offset=transform.get("maxvisit_init", 50.0),
            value_bounds=bounds_of(transform),
        )
    noise = model.tree.get("noise")
    return PuctSearch(
        model,
        0,
        max_depth=max_depth,
        noise=noise and (arguments["dirichlet_fraction"], noise),
        value_bounds=bounds_of(transform),
    )


def bounds_of(transform: dict[str, Any]) -> tuple[float, float] | None:
    """What values are scaled by, where it is not their own range."""
    if "min_value" in transform:
        return transform["min_value"], transform["max_value"]
    return None if transform.get("rescale_values", True) else (0.0, 1.0)


def core_search(model: PublishedModel) -> Search:
    """The compiled search, begun as the reference is."""
    arguments, noise = model.tree["arguments"], model.tree.get("noise")
    transform = arguments.get("qtransform_kwargs", {})
    simulations, bounds = arguments["num_simulations"], bounds_of(transform)
    model.return_bounds = bounds
    is_gumbel = model.tree["algorithm"] == "gumbel_muzero"
    search = Search(
        model,
        selection="gumbel" if is_gumbel else "puct",
        evaluation="value",
        max_depth=arguments.get("max_depth", simulations),
        considered_actions=arguments.get("max_num_considered_actions", 16),
        gumbel_value_scale=transform.get("value_scale", 0.1),
        gumbel_visits=transform.get("maxvisit_init", 50.0),
        value_scaling="bounds" if bounds else "seen",
    )
    search.begin(0, horizon=0, allowed=None, seed=0, max_bytes=2**26, planned=simulations)
    if is_gumbel and "gumbel" in model.tree:
        numbers = [model.tree["gumbel"][action] for action in model.legal_actions(0)]
        search.add_noise(np.array(numbers), 0.0)
    elif noise:
        search.add_noise(np.array(noise), arguments["dirichlet_fraction"])
    return search


def grown_by_core(model: PublishedModel) -> Grown:
    search = core_search(model)
    assert search.run(model.tree["arguments"]["num_simulations"]) == "simulations"
    action = read(search).action
    return Grown(dict(core_edges_below(search.tree())), action)


def core_edges_below(node: dict[str, Any]) -> Any:
    for edge in node["edges"]:
        if edge["visits"]:
            yield (node["state"], edge["action"]), (edge["visits"], edge["value"])
            for _, child in edge["outcomes"]:
                yield from core_edges_below(child)


def grown_by_reference(model: PublishedModel) -> Grown:
    search = reference_search(model)
    root = search.run(model.tree["arguments"]["num_simulations"])
    return Grown(dict(edges_below(root)), search.recommended())


def edges_below(node: Node) -> Any:
    for edge in node.edges:
        if edge.visits:
            yield (node.state, edge.action), (edge.visits, edge.value)
            for _, child, _ in edge.outcomes.values():
                yield from edges_below(child)


SIDES: dict[str, Callable[[PublishedModel], Grown]] = {
    "reference": grown_by_reference,
    "core": grown_by_core,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", SIDES)
def test_search_grows_the_published_tree(side: str, name: str) -> None:
    model = PublishedModel(name)
    edges = SIDES[side](model).edges
    # Nodes are published in the order in which they were reached.
    assert model.steps == list(range(1, len(model.nodes)))
    assert len(edges) == len(model.nodes) - 1
    for state in range(1, len(model.nodes)):
        node = model.nodes[state]
        visits, value = edges[node["parent"], node["action"]]
        assert visits == node["visits"]
        assert value == pytest.approx(model.action_value(state), abs=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", SIDES)
def test_search_recommends_what_was_published(side: str, name: str) -> None:
    model = PublishedModel(name)
    recommended = SIDES[side](model).recommended
    if "recommended" in model.tree:
        assert recommended == model.tree["recommended"]
    else:
        visits = {node["action"]: node["visits"] for node in model.nodes if node["parent"] == 0}
        assert visits[recommended] == max(visits.values())


@pytest.mark.parametrize("name", NAMES)
def test_core_and_reference_agree_bit_by_bit(name: str) -> None:
    core, reference = (side(PublishedModel(name)) for side in (grown_by_core, grown_by_reference))
    assert core == reference


@pytest.mark.parametrize("name", NAMES)
def test_published_value_is_the_mean_of_all_that_went_through_the_node(name: str) -> None:
    search = reference_search(PublishedModel(name))
    assert isinstance(search.model, PublishedModel)
    pending = [search.run(search.model.tree["arguments"]["num_simulations"])]
    while pending:
        node = pending.pop()
        published = search.model.nodes[node.state]
        if node.edges:
            assert 1 + sum(edge.visits for edge in node.edges) == published["visits"]
            assert search.node_value(node) == pytest.approx(published["value"], abs=TOLERANCE)
        pending += [child for edge in node.edges for _, child, _ in edge.outcomes.values()]


def test_root_noise_is_mixed_into_the_priors() -> None:
    model = PublishedModel("puct_root_noise")
    mixed = [edge.prior for edge in reference_search(model).root.edges]
    assert mixed == pytest.approx(model.tree["noisy_prior"], abs=1e-8)
    assert mixed != pytest.approx(model.prior(0), abs=0.01)
