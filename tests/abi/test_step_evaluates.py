"""Steps that evaluate: the same plans, and `evaluate_batch` is asked about roots alone."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import NativeModel

STATES, BUDGET = [0, 3, 7], Budget(simulations=40)


def plan_rows(
    library: ctypes.CDLL, preset: str, step_evaluates: bool, **options: Any
) -> tuple[list[Any], int, int]:
    """Statistics of plans, and how many rows were evaluated and how many steps evaluated."""
    counts = (ctypes.c_int64 * 2)()
    model = NativeModel.from_functions(
        sample=library.steps,
        evaluate=library.weighs,
        evaluate_batch=library.weighs_rows,
        step_batch=library.steps_and_weighs,
        step_evaluates=step_evaluates,
        gives_priors=True,
        num_actions=2,
        state_dtype=np.int64,
        discount=0.9,
        ctx=ctypes.addressof(counts),
        keep_alive=counts,
        **{"deterministic": True, **options},
    )
    config = SearchConfig.preset(preset, max_depth=100)
    plans = MCTS(model, config).plan_batch(STATES, BUDGET, seeds=range(3))
    return [plan_numbers(plan) for plan in plans], counts[0], counts[1]


@pytest.mark.parametrize("preset", ["puct", "gumbel"])
def test_plans_are_the_same_with_fewer_questions(library: ctypes.CDLL, preset: str) -> None:
    asked, evaluated, told = plan_rows(library, preset, step_evaluates=False)
    assert evaluated > len(STATES)
    assert told == 0
    telling, evaluated, told = plan_rows(library, preset, step_evaluates=True)
    assert telling == asked
    assert evaluated == len(STATES)
    assert told > 0


def test_steps_of_a_stochastic_model_are_not_asked_to(library: ctypes.CDLL) -> None:
    _, evaluated, told = plan_rows(library, "puct", step_evaluates=True, deterministic=False)
    assert evaluated > len(STATES)
    assert told == 0
