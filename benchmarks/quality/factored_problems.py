"""Problems of the planning competition of 2011, as they were compiled from RDDL.

Source: Sanner (2011), the ICAPS 2011 International Probabilistic Planning Competition.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mcts_service.models import Factor, FactoredModel

__all__ = ["FOLDER", "INSTANCES", "factored_model", "read_factored"]

#: One JSON file a problem, written by `compile_rddl`.
FOLDER = Path(__file__).parent / "ippc2011"

#: The name of the domain in the repository of RDDL, and of the instance.
INSTANCES = {
    "sysadmin_1": ("SysAdmin_MDP_ippc2011", "1"),
    "game_of_life_1": ("GameOfLife_MDP_ippc2011", "1"),
    "navigation_1": ("Navigation_MDP_ippc2011", "1"),
}


def read_factored(name: str) -> dict[str, Any]:
    """What the file of a problem holds.

    Returns:
      domain, instance: where it is from.
      horizon, discount: of an episode.
      variables, actions: their names.
      initial: the values of the variables that an episode starts with.
      probabilities, rewards: the factors, each with a scope and, for each action, which of its
        tables holds; see `mcts_service.models.Factor`.
    """
    problem: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return problem


def factored_model(problem: dict[str, Any]) -> FactoredModel:
    """The compiled model of what a file holds."""
    return FactoredModel(
        [_factor(factor) for factor in problem["probabilities"]],
        [_factor(factor) for factor in problem["rewards"]],
        initial=problem["initial"],
        discount=problem["discount"],
        description=f"{problem['domain']}, instance {problem['instance']}",
        state_description=", ".join(problem["variables"]),
        action_description=", ".join(problem["actions"]),
    )


def _factor(factor: dict[str, Any]) -> Factor:
    tables = np.array(factor["tables"], np.float64)
    return Factor(factor["scope"], tables[factor["table_of_action"]])
