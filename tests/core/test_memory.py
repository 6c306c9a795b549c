"""Python states are owned by the tree and by nothing else: each dies when it must."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from small_models import Chain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import Cancelled, InvalidRequest, ModelFault, TerminalState
from mcts_service.planning.mcts import CancelFlag


class Place:
    """A state that counts how many of its kind are alive."""

    alive = 0

    def __init__(self, position: int) -> None:
        self.position = position
        Place.alive += 1

    def __del__(self) -> None:
        Place.alive -= 1

    def __hash__(self) -> int:
        return hash(self.position)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.position == other.position


class Places(Chain):
    """The chain over `Place`s, with every function there is, any of which can be made to raise."""

    num_players = 2

    def __init__(self, failing: str = "", at: int = 0) -> None:
        self.failing, self.at, self.calls = failing, at, 0

    def _count(self, function: str) -> None:
        if function == self.failing:
            self.calls += 1
            if self.calls == self.at:
                raise ValueError(f"{function} fails")

    def sample(self, state: Place, action: int, rng: Any) -> Any:
        following, reward, terminated = super().sample(state.position, action, rng)
        answer = Place(following), (reward, -reward), terminated
        self._count("sample")
        return self.spoiled(answer) if self.failing == "answer" else answer

    def spoiled(self, answer: Any) -> Any:
        self.calls += 1
        if self.calls != self.at:
            return answer
        return answer[0], (answer[1][0], float("nan")), answer[2]

    def legal_actions(self, state: Place) -> list[int]:
        self._count("legal_actions")
        return [0, 1]

    def current_player(self, state: Place) -> int:
        self._count("current_player")
        return state.position % 2

    def is_terminal(self, state: Place) -> bool:
        self._count("is_terminal")
        return abs(state.position) == 5

    def value(self, state: Place) -> tuple[float, float]:
        self._count("value")
        return (0.5, -0.5)

    def rollout_action(self, state: Place, rng: Any) -> int:
        self._count("rollout_action")
        return 1

    def state_key(self, state: Place) -> int:
        self._count("state_key")
        return state.position

    def validate_state(self, state: Place) -> None:
        self._count("validate_state")


FUNCTIONS = [
    "sample",
    "answer",
    "legal_actions",
    "current_player",
    "is_terminal",
    "value",
    "rollout_action",
    "state_key",
    "validate_state",
]
BY_ROLLOUT = SearchConfig(max_depth=6, evaluation="rollout")


@pytest.fixture(autouse=True)
def no_place_is_left() -> Iterator[None]:
    gc.collect()
    assert Place.alive == 0
    yield
    gc.collect()
    assert Place.alive == 0


@pytest.mark.parametrize("deterministic", [False, True])
def test_states_die_with_the_planner(deterministic: bool) -> None:
    model = Places()
    model.deterministic = deterministic
    planner = MCTS(model, BY_ROLLOUT)
    root = Place(0)
    planner.plan(root, Budget(simulations=300))
    assert 1 < Place.alive <= 301
    # Reference counts alone free them: nothing is left to the garbage collector.
    gc.disable()
    try:
        del planner, root
        assert Place.alive == 0
    finally:
        gc.enable()


def test_next_plan_frees_the_states_of_the_one_before() -> None:
    planner = MCTS(Places(), BY_ROLLOUT)
    root = Place(0)
    planner.plan(root, Budget(simulations=300))
    planner.plan(root, Budget(simulations=1))
    # The root, its child, and nothing that a rollout went through.
    assert Place.alive == 2


def test_root_is_held_while_its_tree_is() -> None:
    planner = MCTS(Places(), BY_ROLLOUT)
    root = Place(0)
    before = sys.getrefcount(root)
    for _ in range(3):
        planner.plan(root, Budget(simulations=50))
    assert sys.getrefcount(root) > before
    planner.plan(Place(1), Budget(simulations=50))
    assert sys.getrefcount(root) == before


@pytest.mark.parametrize("evaluation", ["rollout", "value"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_states_die_after_a_fault_at_any_call(function: str, evaluation: Any) -> None:
    for at in (*range(1, 40), 65, 100):
        model = Places(function, at)
        planner = MCTS(model, SearchConfig(max_depth=6, evaluation=evaluation))
        failed = False
        try:
            planner.plan(Place(0), Budget(simulations=100))
        except (ModelFault, InvalidRequest):
            failed = True
        assert failed == (model.calls >= at)
        model.failing = ""
        planner.plan(Place(0), Budget(simulations=1))
        assert Place.alive == 2
        del planner
        assert Place.alive == 0


def test_fault_is_not_kept_by_the_planner() -> None:
    """Its traceback would hold on to whatever the model was doing."""

    class BrokenError(Exception):
        pass

    class Broken(Chain):
        def sample(self, state: int, action: int, rng: Any) -> Any:
            raise BrokenError

    planner = MCTS(Broken())
    with pytest.raises(ModelFault) as caught:
        planner.plan(0)
    cause = weakref.ref(caught.value.__cause__)
    del caught
    gc.collect()
    assert cause() is None


def test_states_die_after_other_ends() -> None:
    planner = MCTS(Places(), BY_ROLLOUT)
    with pytest.raises(TerminalState):
        planner.plan(Place(5))
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        planner.plan(Place(0), cancel=cancel)
    planner.plan(Place(0), Budget(max_bytes=65_536))
    planner.plan(Place(0), Budget(time_limit=0.2))
    planner.plan(Place(0), Budget(simulations=1))
    assert Place.alive <= 3


def test_arrays_are_freed() -> None:
    class Wide(Chain):
        made = freed = 0

        def sample(self, state: np.ndarray, action: int, rng: Any) -> Any:
            self.made += 1
            following = state.copy()
            following[0] += 1 if rng.random() < 0.5 else -1
            weakref.finalize(following, self.count)
            return following, 1.0, abs(following[0]) == 3

        def count(self) -> None:
            self.freed += 1

    model = Wide()
    planner = MCTS(model, SearchConfig(max_depth=5))
    for _ in range(20):
        planner.plan(np.zeros(3), Budget(simulations=50))
    del planner
    assert model.made >= 20 * 50
    assert model.freed == model.made


def test_state_that_everybody_shares_keeps_its_count() -> None:
    class Shared(Chain):
        token = ("shared",)

        def sample(self, state: Any, action: int, rng: Any) -> Any:
            return self.token, 1.0, rng.random() < 0.5

    token = Shared.token
    before = sys.getrefcount(token)
    planner = MCTS(Shared(), SearchConfig(max_depth=5))
    planner.plan(token, Budget(simulations=2000))
    del planner
    assert sys.getrefcount(token) == before


def test_planner_that_its_model_holds_is_collected() -> None:
    class Recursive(Chain):
        planner: Any = None

    model = Recursive()
    model.planner = MCTS(model)
    model.planner.plan(0, Budget(simulations=10))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
