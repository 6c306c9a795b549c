"""Whatever a batch model does wrong, the error names its function, and the planner stays good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers, to_the_end
from small_batches import START, Walk

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import (
    InvalidRequest,
    ModelFault,
)
from mcts_service.models import StateSpec
from mcts_service.planning import Plan

BUDGET = Budget(simulations=40)
FUNCTIONS = [
    "sample_batch", "evaluate_batch", "legal_actions_batch", "current_player_batch",
    "state_key_batch", "is_terminal_batch",
]  # fmt: skip


class Spoiled(Walk):
    """A game with every capability, one function of which goes wrong from some call on."""

    def __init__(
        self, function: str, spoil: Callable[[Any], Any], left: int = 0, form: str = "float64"
    ) -> None:
        super().__init__(form, masks=True, values=True, keys=True, players=2)
        self.left, sound = left, getattr(self, function)

        def spoiled(*arguments: Any) -> Any:
            self.left -= 1
            answer = sound(*arguments)
            return spoil(answer) if self.left < 0 else answer

        setattr(self, function, spoiled)


def raised(error: BaseException) -> Callable[[Any], Any]:
    def spoil(answer: Any) -> Any:
        raise error

    return spoil


def replaced(index: int, change: Callable[[np.ndarray], Any]) -> Callable[[Any], Any]:
    """One part of a tuple in another form."""
    return lambda answer: (*answer[:index], change(answer[index]), *answer[index + 1 :])


def poked(index: int, number: float) -> Callable[[Any], Any]:
    def poke(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array.flat[-1] = number
        return array

    return replaced(index, poke)


#: A function, what becomes of its answer, and what the error says of it.
WRONG: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a list": ("sample_batch", list, "must return a tuple .*; got list"),
    "nothing": ("sample_batch", lambda a: None, "must return a tuple .*; got NoneType"),
    "two parts": ("sample_batch", lambda a: a[:2], "got tuple"),
    "a row too many": (
        "sample_batch", replaced(0, lambda s: np.append(s, s[:1])), r": next_states is float64\[",
    ),
    "an axis too many": (
        "sample_batch", replaced(0, lambda s: s[:, None]), r": next_states is float64\[\d+, 1\]",
    ),
    "complex states": (
        "sample_batch", replaced(0, lambda s: s * 1j), r": next_states is complex128\[\d+\]",
    ),
    "states that are no numbers": (
        "sample_batch", replaced(0, lambda s: [None] * len(s)), r": next_states is object\[\d+\]",
    ),
    "a NaN in a state": ("sample_batch", poked(0, np.nan), ": next_states has a NaN"),
    "too few rewards": (
        "sample_batch", replaced(1, lambda r: r[:, :1]), r": rewards is .*be float64\[\d+, 2\]",
    ),
    "no rewards": ("sample_batch", replaced(1, lambda r: None), ": rewards is"),
    "rewards that are no numbers": (
        "sample_batch", replaced(1, lambda r: [["a", "b"]] * len(r)), "could not convert string",
    ),
    "a NaN reward": ("sample_batch", poked(1, np.nan), ": a reward is not a finite number"),
    "an infinite reward": ("sample_batch", poked(1, -np.inf), ": a reward is not a finite number"),
    "a huge reward": ("sample_batch", poked(1, 1e150), ": a reward is not a finite number"),
    "ends as numbers": (
        "sample_batch", replaced(2, lambda e: e.astype(int)), r": terminated is int64\[\d+\]",
    ),
    "ends of nobody": ("sample_batch", replaced(2, lambda e: e[:0]), r": terminated is bool\[0\]"),
    "values alone": ("evaluate_batch", lambda a: a[1], r"must return a tuple \(priors, values\)"),
    "no values": ("evaluate_batch", replaced(1, lambda v: None), "gives no values"),
    "too few values": ("evaluate_batch", replaced(1, lambda v: v[:, 0]), ": values is"),
    "a NaN value": ("evaluate_batch", poked(1, np.nan), ": a value is not a finite number"),
    "numbers as masks": ("legal_actions_batch", lambda m: m * 1, r"gives int64\[\d+, 3\]"),
    "masks of other actions": ("legal_actions_batch", lambda m: m[:, :2], r"gives bool\[\d+, 2\]"),
    "no masks": ("legal_actions_batch", lambda m: None, "gives object"),
    "nothing is legal": ("legal_actions_batch", lambda m: m & False, "no action is legal"),
    "a player too many": (
        "current_player_batch", lambda p: p + 2, "player is not from 0 to num_players - 1",
    ),
    "a player below 0": (
        "current_player_batch", lambda p: p - 2, "player is not from 0 to num_players - 1",
    ),
    "a player beyond a byte": (
        "current_player_batch", lambda p: p + 256, "player is not from 0 to num_players - 1",
    ),
    "players as floats": ("current_player_batch", lambda p: p * 1.0, r"gives float64\[\d+\]"),
    "players of nobody": ("current_player_batch", lambda p: p[:0], r"gives int64\[0\]"),
    "keys as floats": ("state_key_batch", lambda k: k * 0.5, r"gives float64\[\d+\]"),
    "keys of two columns": (
        "state_key_batch", lambda k: np.stack([k, k], 1), r"gives int64\[\d+, 2\]",
    ),
    "ends of a root as numbers": ("is_terminal_batch", lambda e: e * 1, r"gives int64\[1\]"),
    "many ends of a root": ("is_terminal_batch", lambda e: np.tile(e, 3), r"gives bool\[3\]"),
}  # fmt: skip


@pytest.mark.parametrize("in_flight", [1, 6])
@pytest.mark.parametrize("left", [0, 1, 9])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_answer_names_the_function(name: str, left: int, in_flight: int) -> None:
    function, spoil, problem = WRONG[name]
    if function == "is_terminal_batch":
        left = 0  # which is asked of a root only
    elif left == 0 and name == "nothing is legal":
        left = 1  # of a root that is no fault, but leaves nothing to plan
    model = Spoiled(function, spoil, left)
    evaluation = "value" if function == "evaluate_batch" else "rollout"
    planner = MCTS(model, SearchConfig(max_depth=9, in_flight=in_flight, evaluation=evaluation))
    if function == "evaluate_batch":
        left += 1
    with pytest.raises(ModelFault, match=rf"^{function}\b.*{problem}"):
        planner.plan(float(START) / 4, BUDGET, seed=1)


@pytest.mark.parametrize("in_flight", [1, 6])
@pytest.mark.parametrize("left", [0, 1, 9])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_raises_is_named_and_is_the_cause(
    function: str, left: int, in_flight: int
) -> None:
    error = LookupError("not\nhere")
    model = Spoiled(function, raised(error), 0 if function == "is_terminal_batch" else left)
    evaluation = "value" if function == "evaluate_batch" else "rollout"
    planner = MCTS(model, SearchConfig(max_depth=9, in_flight=in_flight, evaluation=evaluation))
    with pytest.raises(ModelFault) as caught:
        planner.plan(float(START) / 4, BUDGET, seed=1)
    assert str(caught.value) == f"{function} raised LookupError: not here"
    assert caught.value.__cause__ is error
    model.left = 10**9
    again = planner.plan(float(START) / 4, BUDGET, seed=1)
    sound = MCTS(
        Spoiled(function, raised(error), 10**9),
        SearchConfig(max_depth=9, in_flight=in_flight, evaluation=evaluation),
    )
    assert plan_numbers(again) == plan_numbers(sound.plan(float(START) / 4, BUDGET, seed=1))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("in_flight", [1, 6])
@pytest.mark.parametrize("left", [0, 4])
@pytest.mark.parametrize("function", FUNCTIONS[:-1])
def test_an_interrupt_goes_through_at_once(
    function: str, left: int, in_flight: int, rows: int, error: type[BaseException]
) -> None:
    told = error("stop")
    calls: list[int] = []
    model = Spoiled(function, raised(told), left)
    sample = model.sample_batch
    model.sample_batch = lambda *a: calls.append(model.left < 0) or sample(*a)  # type: ignore
    evaluation = "value" if function == "evaluate_batch" else "rollout"
    config = to_the_end(max_depth=9, in_flight=in_flight, evaluation=evaluation)
    planner = MCTS(model, config)
    states = [float(START) / 4] * rows
    plan = planner.plan if rows == 1 else planner.plan_batch
    with pytest.raises(error) as caught:
        plan(states[0] if rows == 1 else states, BUDGET)
    assert caught.value is told
    assert sum(calls) <= 1, "asked again after it was interrupted"
    model.left = 10**9
    assert planner.plan(states[0], BUDGET).simulations == 40


def test_states_that_do_not_fit_their_type_are_refused() -> None:
    class Wide(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            following, rewards, ended = super().sample_batch(states, actions, rng)
            return following.astype(np.int64) + 124, rewards, ended

    model = Wide("int8[2, 2]")
    planner = MCTS(model)
    with pytest.raises(ModelFault, match="next_states has a number that does not fit into int8"):
        planner.plan(model.state(), BUDGET)
    plans = planner.plan_batch([model.state(), np.full((2, 2), 300)], BUDGET)
    assert isinstance(plans[1], InvalidRequest)
    assert str(plans[1]) == "state: has a number that does not fit into int8"


def test_states_out_of_their_range_are_a_fault_of_the_row_that_has_them() -> None:
    class Numbered(Walk):
        state_spec = StateSpec("discrete", num_values=9)

    plans = MCTS(Numbered(deterministic=True)).plan_batch([1, 6, 9, -1], BUDGET, horizon=1)
    assert isinstance(plans[0], Plan)
    assert isinstance(plans[1], Plan)
    for plan in plans[2:]:
        assert isinstance(plan, InvalidRequest)
        assert "must be from 0 to 8" in str(plan)
    plans = MCTS(Numbered(deterministic=True)).plan_batch([1, 8], BUDGET, horizon=1)
    assert isinstance(plans[0], Plan)
    assert isinstance(plans[1], ModelFault)
    assert str(plans[1]) == ("sample_batch: next_states has a state that is not from 0 to 8")


def test_a_root_that_the_model_refuses_is_the_callers_mistake() -> None:
    class Validating(Walk):
        def validate_state(self, state: Any) -> None:
            if state > 9:
                raise ValueError("is too far")
            if state > 8:
                raise KeyError("nine")

        def _masks(self, states: np.ndarray) -> np.ndarray:
            assert (states < 9).all(), "asked about what is no state"
            return super()._masks(states)

    planner = MCTS(Validating(masks=True))
    plans = planner.plan_batch([10, START, 9], Budget(simulations=1), horizon=1)
    assert isinstance(plans[0], InvalidRequest)
    assert str(plans[0]) == "state: is too far"
    assert isinstance(plans[1], Plan)
    assert isinstance(plans[2], ModelFault)
    assert str(plans[2]).startswith("validate_state raised KeyError")
