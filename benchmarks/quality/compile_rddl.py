"""Compiles the factored problems from their RDDL: writes ippc2011/*.json.

python -m benchmarks.quality.compile_rddl    needs the extra `quality`; about 20 s

Every state and action is evaluated; then the variables that make no difference are left out.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.quality.factored_problems import FOLDER, INSTANCES
from benchmarks.quality.rddl import RDDLProblem

__all__ = ["compile_problem"]


def main() -> None:
    for name, (domain, instance) in INSTANCES.items():
        started = time.perf_counter()
        problem = RDDLProblem(domain, instance)
        path = FOLDER / f"{name}.json"
        path.write_text(_as_text(compile_problem(problem, domain, instance)))
        print(f"wrote {path} in {time.perf_counter() - started:.0f} s", file=sys.stderr)


def compile_problem(problem: RDDLProblem, domain: str, instance: str) -> dict[str, Any]:
    """What the file of a problem holds."""
    probabilities, rewards = _evaluate_everywhere(problem)
    return {
        "domain": domain,
        "instance": instance,
        "horizon": problem.horizon,
        "discount": problem.discount,
        "variables": problem.variables,
        "actions": problem.actions,
        "initial": problem.initial.astype(int).tolist(),
        "probabilities": [_shortened(*_in_scope(table)) for table in probabilities],
        "rewards": [_shortened(scope, table) for scope, table in _reward_terms(rewards)],
    }


def _evaluate_everywhere(problem: RDDLProblem) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float64[num_variables, A, 2**num_variables], rewards float64[A, 2**n].

    Bit i of a state's number is variable i.
    """
    num_variables, num_actions = len(problem.variables), len(problem.actions)
    num_states = 2**num_variables
    probabilities = np.empty((num_variables, num_actions, num_states))
    rewards = np.empty((num_actions, num_states))
    for number in range(num_states):
        state = (number >> np.arange(num_variables) & 1).astype(bool)
        for action in range(num_actions):
            probabilities[:, action, number], rewards[action, number] = problem.evaluate(
                state, action
            )
    return probabilities, rewards


def _in_scope(table: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The variables that a table [A, 2**n] hangs on, and the table of these alone."""
    num_variables = table.shape[1].bit_length() - 1
    cube = table.reshape(table.shape[0], *[2] * num_variables)
    scope = []
    for variable in range(num_variables):
        axis = num_variables - variable  # the last axis is bit 0
        if (cube.take([0], axis) == cube.take([1], axis)).all():
            cube = cube.take([0], axis)
        else:
            scope.append(variable)
    return scope, cube.reshape(table.shape[0], -1)


def _reward_terms(rewards: np.ndarray) -> list[tuple[list[int], np.ndarray]]:
    """The reward as a sum of terms of at most one variable each.

    Raises:
      ValueError: it is none.
    """
    num_actions, num_states = rewards.shape
    num_variables = num_states.bit_length() - 1
    constant = rewards[:, :1]
    weights = rewards[:, 2 ** np.arange(num_variables)] - constant
    bits = np.arange(num_states) >> np.arange(num_variables)[:, None] & 1
    if np.abs(constant + weights @ bits - rewards).max() > 1e-12:
        raise ValueError("the reward is no sum of terms of one variable each")
    terms: list[tuple[list[int], np.ndarray]] = [([], constant)] if constant.any() else []
    return terms + [
        ([variable], np.stack([np.zeros(num_actions), weights[:, variable]], axis=1))
        for variable in range(num_variables)
        if weights[:, variable].any()
    ]


def _shortened(scope: Sequence[int], table: np.ndarray) -> dict[str, Any]:
    """Actions of the same table share it: table_of_action says which of the tables it is."""
    tables, table_of_action = np.unique(table, axis=0, return_inverse=True)
    return {
        "scope": list(scope),
        "table_of_action": table_of_action.ravel().tolist(),
        "tables": tables.tolist(),
    }


def _as_text(problem: dict[str, Any]) -> str:
    """JSON with a line for each entry and for each factor."""
    lines = []
    for key, value in problem.items():
        if key in ("probabilities", "rewards"):
            factors = ",\n  ".join(json.dumps(factor) for factor in value)
            lines.append(f'"{key}": [\n  {factors}\n ]')
        else:
            lines.append(f'"{key}": {json.dumps(value)}')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
