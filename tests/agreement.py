"""The compiled search has found what the reference has: every number of every node."""

from __future__ import annotations

from typing import Any

import numpy as np
from reference_graph import GraphNode
from reference_search import Node, ReferenceSearch

from mcts_service._core import Search


def assert_trees_agree(search: ReferenceSearch, node: Node, core: dict[str, Any]) -> None:
    """Every number of two trees is the same, children matched by state and ending."""
    assert core["visits"] == node.visits
    assert core["terminal"] == node.terminal
    if not node.edges and core["edges"]:
        # A leaf that has its priors already; the reference asks for them when it selects there.
        assert all(edge["visits"] == 0 and edge["prior"] is not None for edge in core["edges"])
        return
    assert len(core["edges"]) == len(node.edges)
    if node.edges:
        assert core["player"] == node.player
    for edge, core_edge in zip(node.edges, core["edges"], strict=True):
        assert core_edge["action"] == edge.action
        assert core_edge["visits"] == edge.visits
        assert core_edge["value"] == edge.value
        found = {
            (search.key(public_state(search.model, child)), child["terminal"]): (visits, child)
            for visits, child in core_edge["outcomes"]
        }
        assert len(core_edge["outcomes"]) == len(found) == len(edge.outcomes)
        for key, (visits, child, _) in edge.outcomes.items():
            core_visits, core_child = found[key]
            assert core_visits == visits
            assert_same_state(public_state(search.model, core_child), child.state)
            assert_trees_agree(search, child, core_child)


def public_state(model: Any, core: dict[str, Any]) -> Any:
    return model.unpack_state(core["state"]) if hasattr(model, "handle") else core["state"]


def assert_same_state(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    else:
        assert one == other


def assert_graphs_agree(search: Search, root: GraphNode, read: Any) -> None:
    """Every node that the two roots lead to is the same, reached by the same edges."""
    core = search.graph()
    twins: dict[int, GraphNode] = {}
    pending = [(next(iter(core)), root)]
    while pending:
        number, node = pending.pop()
        if number in twins:
            assert twins[number] is node
            continue
        twins[number] = node
        mine = core[number]
        assert read(mine["state"]) == node.state
        assert (mine["terminal"], mine["visits"]) == (node.terminal, node.visits)
        assert (mine.get("value", 0.0), mine.get("solved", node.terminal)) == (
            node.value,
            node.solved,
        )
        assert len(mine["edges"]) == len(node.edges)
        for edge, twin in zip(mine["edges"], node.edges, strict=True):
            assert (edge["action"], edge["visits"]) == (twin.action, twin.visits)
            assert edge["value"] == twin.value
            assert [visits for visits, _ in edge["outcomes"]] == [o.visits for o in twin.outcomes]
            children = [child for _, child in edge["outcomes"]]
            pending += zip(children, (o.node for o in twin.outcomes), strict=True)
    assert len(twins) == search.nodes
