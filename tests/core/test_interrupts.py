"""What is not an error of the model passes through the search as itself."""

from __future__ import annotations

from typing import Any

import pytest
from small_models import Chain

from mcts_service import MCTS, Budget, SearchConfig


class Interrupting(Chain):
    """Raises at its hundredth call of one function."""

    function = "sample"
    left = 100

    def __init__(self, function: str, error: BaseException) -> None:
        self.function, self.error = function, error

    def _count(self, function: str) -> None:
        if function == self.function:
            self.left -= 1
            if self.left == 0:
                raise self.error

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        self._count("sample")
        return super().sample(state, action, rng)

    def legal_actions(self, state: int) -> list[int]:
        self._count("legal_actions")
        return [0, 1]

    def rollout_action(self, state: int, rng: Any) -> int:
        self._count("rollout_action")
        return 1

    def state_key(self, state: int) -> int:
        self._count("state_key")
        return state

    def validate_state(self, state: int) -> None:
        self._count("validate_state")

    def value(self, state: int) -> float:
        self._count("value")
        return 0.0

    def is_terminal(self, state: int) -> bool:
        self._count("is_terminal")
        return False


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
@pytest.mark.parametrize(
    "function",
    ["sample", "legal_actions", "rollout_action", "state_key", "validate_state", "value"],
)
def test_interrupt_propagates_as_itself(function: str, error: BaseException) -> None:
    model = Interrupting(function, error)
    planner = MCTS(model, SearchConfig(backup="mean"))
    if function == "rollout_action":
        model.value = None
        planner = MCTS(model, SearchConfig(backup="mean"))
    with pytest.raises(type(error)) as caught:
        planner.plan(0, Budget(simulations=2000))
    assert caught.value is error
    assert planner.plan(0, Budget(simulations=10)).simulations == 10


@pytest.mark.parametrize("function", ["validate_state", "is_terminal", "legal_actions"])
def test_interrupt_at_the_root_propagates_as_itself(function: str) -> None:
    error = KeyboardInterrupt()
    model = Interrupting(function, error)
    model.left = 1
    planner = MCTS(model, SearchConfig(backup="mean"))
    with pytest.raises(KeyboardInterrupt):
        planner.plan(0)
    assert planner.plan(0, Budget(simulations=10)).simulations == 10
