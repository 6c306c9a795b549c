"""A published search tree as a model: the nodes are its states, and what they say its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "published_trees"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


class PublishedModel:
    """Steps along the edges of the tree, and fails at one that the tree does not have.

    A state is the index of a node. A published discount of -1 says that two players alternate and
    that one's gain is the other's loss: here they are two players without a discount.
    """

    deterministic = True
    #: What values are scaled by, where that was published.
    return_bounds: tuple[float, float] | None = None

    def __init__(self, name: str) -> None:
        self.tree: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
        self.nodes: list[dict[str, Any]] = self.tree["nodes"]
        self.num_actions = len(self.nodes[0]["prior"])
        self.num_players = 2 if self.tree["discount"] == -1 else 1
        self.discount = abs(self.tree["discount"])
        self.illegal = self.tree.get("illegal", [])
        self.children = {
            (node["parent"], node["action"]): state for state, node in enumerate(self.nodes)
        }
        #: The states that were stepped into, in order.
        self.steps: list[int] = []

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, Any, bool]:
        child = self.children[state, action]
        self.steps.append(child)
        return child, self.for_players(state, self.nodes[child]["reward"]), False

    def prior(self, state: int) -> list[float]:
        return self.nodes[state]["prior"]

    def value(self, state: int) -> Any:
        return self.for_players(state, self.nodes[state]["own_value"])

    def legal_actions(self, state: int) -> list[int]:
        """Published searches know illegal actions at the root alone."""
        illegal = self.illegal if state == 0 else []
        return [action for action in range(self.num_actions) if action not in illegal]

    def current_player(self, state: int) -> int:
        return self.depth(state) % self.num_players

    def depth(self, state: int) -> int:
        parent = self.nodes[state]["parent"]
        return 0 if parent is None else 1 + self.depth(parent)

    def for_players(self, state: int, mine: float) -> Any:
        """What is worth so much to the player to move, for each player."""
        if self.num_players == 1:
            return mine
        return [mine, -mine] if self.current_player(state) == 0 else [-mine, mine]

    def action_value(self, state: int) -> float:
        """What the step into the state was worth to whoever made it, as published."""
        node = self.nodes[state]
        return node["reward"] + self.tree["discount"] * node["value"]
