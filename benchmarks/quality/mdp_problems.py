"""The problems with one player: their best return is computed, not looked up.

Why a sum of losses stands for a return. Let V_t be the best expected return with t steps left and
Q_t(s, a) that of doing a first. A policy that meets s_H, s_(H-1), ... and does a_H, a_(H-1), ...
has

    E[sum over t of V_t(s_t) - Q_t(s_t, a_t)]  =  V_H(start) - E[return],

because Q_t(s, a) is the expectation of r + V_(t-1)(s'), so that the sum telescopes. Each term is
exact and mostly 0: the luck of the outcomes, which makes returns scatter, is not in it.
"""

from __future__ import annotations

from typing import Any

from benchmarks.quality.exact import (
    best_values,
    discounted_values,
    expected_return,
    greedy_policy,
    policy_values,
    uniform_policy,
)
from benchmarks.quality.factored_problems import factored_model, read_factored
from benchmarks.quality.finite import FiniteProblem, finite_factored, finite_table
from benchmarks.quality.problem import Problem

__all__ = ["factored_problem", "mdp_problem", "table_problem"]


def table_problem(name: str, model: Any, horizon: int) -> Problem:
    """The problem of a `TabularModel` in episodes of so many steps at most."""
    return mdp_problem(name, model, finite_table(model), horizon)


def factored_problem(name: str) -> Problem:
    """A problem of the planning competition."""
    stored = read_factored(name)
    model = factored_model(stored)
    return mdp_problem(name, model, finite_factored(model), stored["horizon"])


def mdp_problem(name: str, model: Any, finite: FiniteProblem, horizon: int) -> Problem:
    """The problem of a model whose exact form is `finite`."""
    values = best_values(finite, horizon)
    by_chance = policy_values(finite, uniform_policy(finite), horizon)

    def loss(state: Any, action: int, left: int) -> float:
        number = finite.index(state)
        best = values[left, number]
        # Rounding may leave less than nothing.
        return max(0.0, float(best - finite.action_value(values[left - 1], number, action)))

    return Problem(
        name=name,
        model=model,
        steps=horizon,
        best=expected_return(finite, values),
        random=expected_return(finite, by_chance),
        start=lambda episode, luck: model.initial_state(luck),
        loss=loss,
        attainable=_attainable(finite, model.discount, horizon) if model.discount < 1 else None,
    )


def _attainable(finite: FiniteProblem, discount: float, horizon: int) -> float:
    stationary = greedy_policy(finite, discounted_values(finite, discount), discount)
    return expected_return(finite, policy_values(finite, stationary, horizon))
