"""Problems that take a second to solve are solved once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from benchmarks.quality.factored_problems import factored_model, read_factored
from benchmarks.quality.finite import FiniteProblem, finite_factored, finite_table
from mcts_service.models import make


@pytest.fixture(scope="session")
def finite() -> Callable[[str], FiniteProblem]:
    """A built-in table or a factored problem by its name, as rows."""

    @cache
    def solve(name: str) -> FiniteProblem:
        if name.endswith("_1"):
            return finite_factored(factored_model(read_factored(name)))
        table: Any = make(name)
        return finite_table(table)

    return solve
