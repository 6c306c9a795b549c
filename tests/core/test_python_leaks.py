"""Every state and every label is let go exactly once, whatever ended the search."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from mcts_service import MCTS, Budget, CancelFlag, SearchConfig
from mcts_service.errors import MCTSServiceError

PRESETS = ["uct", "dp_uct", "graph"]
#: Of the model's functions, those that a search calls again and again.
FUNCTIONS = ["sample", "actions", "transitions", "state_key", "value", "rollout_action"]


class Live:
    """Counts its instances."""

    instances = 0

    def __init__(self, number: int) -> None:
        Live.instances += 1
        self.number = number

    def __del__(self) -> None:
        Live.instances -= 1


class Label(Live):
    """An action; equal where its number is."""

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Label) and self.number == other.number


class Bumpy:
    """A slippery ring of live states, whose labels are fresh objects too.

    `left` calls of `function` go well, then `error` is raised.
    """

    ring = 12
    discount = 0.9
    value = None
    rollout_action = None
    transitions = None

    def __init__(self, function: str = "", left: int = 0, error: BaseException | None = None):
        self.function, self.left, self.error = function, left, error
        self.spoil: Callable[[list[Any]], list[Any]] = lambda outcomes: outcomes
        if function in ("transitions", "value", "rollout_action"):
            setattr(self, function, getattr(self, f"_{function}"))

    def actions(self, state: Live) -> Iterator[Label]:
        self._count("actions")
        return (Label(number) for number in range(3))

    def sample(self, state: Live, action: Label, rng: Any) -> tuple[Live, float, bool]:
        made = self._after(state, action, 2 if rng.random() < 0.3 else 1)
        self._count("sample")
        return made

    def state_key(self, state: Live) -> int:
        self._count("state_key")
        return state.number

    def _transitions(self, state: Live, action: Label) -> Iterator[tuple[Any, ...]]:
        for probability, size in ((0.7, 1), (0.3, 2)):
            self._count("transitions")
            yield (probability, *self._after(state, action, size))

    def _value(self, state: Live) -> float:
        self._count("value")
        return float(state.number)

    def _rollout_action(self, state: Live, rng: Any) -> Label:
        self._count("rollout_action")
        return Label(1)

    def _after(self, state: Live, action: Label, size: int) -> tuple[Live, float, bool]:
        number = (state.number + size * (action.number - 1)) % self.ring
        return Live(number), float(number), number == 7

    def _count(self, function: str) -> None:
        if function == self.function:
            self.left -= 1
            if self.left < 0 and self.error is not None:
                raise self.error


class NumberedBumpy(Bumpy):
    """The same, its actions numbered."""

    num_actions = 3
    actions = None

    def _after(self, state: Live, action: Any, size: int) -> tuple[Live, float, bool]:
        return super()._after(state, Label(action), size)

    def _rollout_action(self, state: Live, rng: Any) -> Any:
        self._count("rollout_action")
        return 1


@pytest.fixture(autouse=True)
def nothing_stays_alive() -> Iterator[None]:
    before = Live.instances
    yield
    if Live.instances != before:
        gc.collect()
    assert Live.instances == before


def plan_and_forget(
    model: Bumpy, preset: str, budget: Budget, cancel: CancelFlag | None = None
) -> None:
    """A plan that may fail, and a walk down what it has left."""
    planner = MCTS(model, SearchConfig.preset(preset, max_depth=20))
    root: Live | None = Live(0)
    with suppress(MCTSServiceError, KeyboardInterrupt):
        planner.plan(root, budget, cancel=cancel)
    for size in (1, 2, 3):
        with suppress(MCTSServiceError, KeyboardInterrupt):
            action: Any = 2 if isinstance(model, NumberedBumpy) else Label(2)
            planner.advance(action, Live(size))
            planner.plan(Live(size), budget, cancel=cancel)


@pytest.mark.parametrize("error", [ValueError("bump"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("left", [0, 1, 2, 3, 5, 8, 40, 200])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", [Bumpy, NumberedBumpy])
def test_function_that_raises_at_some_call_leaks_nothing(
    kind: type[Bumpy], function: str, preset: str, left: int, error: BaseException
) -> None:
    plan_and_forget(kind(function, left, error), preset, Budget(simulations=60))
    error.__traceback__ = None  # which holds on to the frames that it went through
    error.__context__ = error.__cause__ = None


@pytest.mark.parametrize("function", ["", "transitions"])
@pytest.mark.parametrize("max_bytes", [2**16, 2**16 + 40, 2**16 + 96, 2**17 + 8])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", [Bumpy, NumberedBumpy])
def test_byte_limit_leaks_nothing(
    kind: type[Bumpy], preset: str, max_bytes: int, function: str
) -> None:
    model = kind(function, 10**9)
    model.ring = 10**6  # more states than there is room for
    plan_and_forget(model, preset, Budget(simulations=3000, max_bytes=max_bytes))


@pytest.mark.parametrize("after", [1, 7, 64, 65, 500])
@pytest.mark.parametrize("preset", PRESETS)
def test_cancelled_search_leaks_nothing(preset: str, after: int) -> None:
    flag = CancelFlag()

    class Cancelling(Bumpy):
        steps = 0

        def sample(self, state: Live, action: Label, rng: Any) -> tuple[Live, float, bool]:
            Cancelling.steps += 1
            if Cancelling.steps == after:
                flag.cancel()
            return super().sample(state, action, rng)

    plan_and_forget(Cancelling(), preset, Budget(simulations=2000), flag)


@pytest.mark.parametrize(
    "outcomes",
    [
        lambda: [(0.5, Live(1), 0.0, False)],
        lambda: [(0.5, Live(1), 0.0, False), (0.5, Live(2), float("nan"), False)],
        lambda: [(0.5, Live(1), 0.0, False), (0.5, Live(2), None, False)],
        lambda: [(0.5, Live(1), 0.0, False), (0.5, Live(2), 0.0, 1)],
        lambda: [(0.5, Live(1), 0.0, False), (-0.5, Live(2), 0.0, False)],
        lambda: [(0.5, Live(1), 0.0, False), (0.5, None, 0.0, False)],
        lambda: [(0.5, Live(1), 0.0, False), (0.5, Live(2))],
        lambda: [(0.25, Live(n), 0.0, False) for n in range(4)],
        lambda: [(0.25, Live(1), 0.0, False) for _ in range(4)],
    ],
)
@pytest.mark.parametrize("preset", ["dp_uct", "graph"])
def test_wrong_transitions_leak_nothing(preset: str, outcomes: Callable[[], Any]) -> None:
    model = Bumpy("transitions", 10**9)
    model.max_outcomes = 3
    model.transitions = lambda state, action: outcomes()
    plan_and_forget(model, preset, Budget(simulations=60))


@pytest.mark.parametrize(
    "answer",
    [
        lambda: None,
        lambda: (Live(1), 0.0),
        lambda: (Live(1), None, False),
        lambda: (Live(1), float("inf"), False),
        lambda: (Live(1), 0.0, 0),
        lambda: (None, 0.0, False),
    ],
)
@pytest.mark.parametrize("left", [0, 1, 20, 100])
@pytest.mark.parametrize("preset", PRESETS)
def test_wrong_sample_leaks_nothing(preset: str, left: int, answer: Callable[[], Any]) -> None:
    class Wrong(Bumpy):
        def sample(self, state: Live, action: Label, rng: Any) -> Any:
            self.left -= 1
            return answer() if self.left < 0 else super().sample(state, action, rng)

    plan_and_forget(Wrong("", left), preset, Budget(simulations=60))


@pytest.mark.parametrize("kind", [Bumpy, NumberedBumpy])
def test_what_advance_prunes_is_let_go_at_once(kind: type[Bumpy]) -> None:
    planner = MCTS(kind(), SearchConfig.preset("uct", max_depth=20))
    planner.plan(Live(0), Budget(simulations=500))
    held = Live.instances
    assert planner.advance(2 if kind is NumberedBumpy else Label(2), Live(1))
    assert Live.instances < held


def test_keys_of_pruned_states_are_let_go() -> None:
    class SelfKeyed(Bumpy):
        """Endless, and each state is its own key."""

        state_key = None

        def _after(self, state: int, action: Label, size: int) -> tuple[Any, float, bool]:
            return Position(state.number + size), 0.0, False

    class Position(Label):
        pass

    planner = MCTS(SelfKeyed(), SearchConfig.preset("uct", max_depth=20))
    live = []
    for number in range(30):
        planner.plan(Position(number), Budget(simulations=50))
        assert planner.advance(Label(0), Position(number + 1))
        gc.collect()
        live.append(Live.instances)
    assert max(live[15:]) <= 2 * max(live[:15])
