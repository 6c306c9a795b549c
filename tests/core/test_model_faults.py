"""A Python model that breaks its contract: a fault in one line, and a planner as good as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_games import RaceOfThree
from small_models import Chain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault, NoLegalAction
from mcts_service.models import StateSpec

ARRAY = np.zeros(3)
BOARD = np.zeros((2, 2))


class Breakable:
    """A two-player model of which any function can be made to answer anything.

    `broken` maps a function's name to what it answers in place of the right answer; an
    exception is raised.
    """

    num_actions = 3
    num_players = 2

    def __init__(self, root: Any = 0) -> None:
        self.root, self.broken = root, {}

    def sample(self, state: Any, action: int, rng: Any) -> Any:
        return self._answer("sample", (state, (1.0, -1.0), rng.random() < 0.2))

    def legal_actions(self, state: Any) -> Any:
        return self._answer("legal_actions", [0, 1, 2])

    def current_player(self, state: Any) -> Any:
        return self._answer("current_player", 0)

    def is_terminal(self, state: Any) -> Any:
        return self._answer("is_terminal", False)

    def value(self, state: Any) -> Any:
        return self._answer("value", (0.5, -0.5))

    def rollout_action(self, state: Any, rng: Any) -> Any:
        return self._answer("rollout_action", 0)

    def state_key(self, state: Any) -> Any:
        return self._answer("state_key", 0)

    def _answer(self, function: str, right: Any) -> Any:
        answer = self.broken.get(function, right)
        if isinstance(answer, BaseException):
            raise answer
        return answer


REWARDS = (1.0, -1.0)
#: (function, what it answers, words of the message, whether an exception is behind it)
FAULTS: list[tuple[str, Any, str, bool]] = [
    ("sample", ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", True),
    ("sample", RuntimeError("two\nlines"), "RuntimeError: two lines", True),
    ("sample", RuntimeError(), "RuntimeError", True),
    ("sample", None, "must return a tuple", True),
    ("sample", [0, REWARDS, False], "must return a tuple", True),
    ("sample", (0, REWARDS), "must return a tuple", True),
    ("sample", (0, REWARDS, False, {}), "must return a tuple", True),
    ("sample", (0, REWARDS, False, False, {}), "must return a tuple", True),
    ("sample", (0, 1.0, False), "one number for each of the 2 players", True),
    ("sample", (0, (1.0,), False), "one number for each of the 2 players", True),
    ("sample", (0, (1.0, 2.0, 3.0), False), "one number for each of the 2 players", True),
    ("sample", (0, (1.0, None), False), "one number for each of the 2 players", True),
    ("sample", (0, ("1", "2"), False), "one number for each of the 2 players", True),
    ("sample", (0, (1.0, 10**400), False), "one number for each of the 2 players", True),
    ("sample", (0, None, False), "one number for each of the 2 players", True),
    ("sample", (0, (1.0, float("nan")), False), "reward is not a finite number", False),
    ("sample", (0, (float("-inf"), 1.0), False), "reward is not a finite number", False),
    ("sample", (0, REWARDS, None), "terminated is NoneType None; must be a bool", True),
    ("sample", (0, REWARDS, 0), "terminated is int 0; must be a bool", True),
    ("sample", (0, REWARDS, "no"), "terminated is str 'no'; must be a bool", True),
    ("sample", (None, REWARDS, False), "next_state is None", True),
    ("legal_actions", KeyError("k"), "KeyError", True),
    ("legal_actions", None, "TypeError", True),
    ("legal_actions", [0, 3], "from 0 to num_actions - 1", False),
    ("legal_actions", [-1, 0], "from 0 to num_actions - 1", False),
    ("legal_actions", [1, 1], "do not ascend", False),
    ("legal_actions", [0, 1, 1, 2], "gives 4 actions", True),
    ("legal_actions", [0, 2**40], "OverflowError", True),
    ("legal_actions", [0.5, 1], "TypeError", True),
    ("legal_actions", ["a"], "TypeError", True),
    ("current_player", ValueError("who?"), "ValueError: who?", True),
    ("current_player", 2, "from 0 to num_players - 1", False),
    ("current_player", -1, "from 0 to num_players - 1", False),
    ("current_player", None, "TypeError", True),
    ("current_player", 0.5, "TypeError", True),
    ("is_terminal", OSError("gone"), "OSError: gone", True),
    ("is_terminal", 1, "must be a bool", True),
    ("is_terminal", None, "must be a bool", True),
    ("value", ValueError("no idea"), "ValueError: no idea", True),
    ("value", 0.5, "one number for each of the 2 players", True),
    ("value", (0.5,), "one number for each of the 2 players", True),
    ("value", (0.5, 0.5, 0.5), "one number for each of the 2 players", True),
    ("value", None, "one number for each of the 2 players", True),
    ("value", (0.5, float("nan")), "value is not a finite number", False),
    ("rollout_action", IndexError("none"), "IndexError: none", True),
    ("rollout_action", 3, "from 0 to num_actions - 1", False),
    ("rollout_action", -1, "from 0 to num_actions - 1", False),
    ("rollout_action", None, "TypeError", True),
    ("state_key", AttributeError("no such"), "AttributeError: no such", True),
    ("state_key", [], "unhashable type: 'list'", True),
]


def check_fault(planner: MCTS, root: Any, function: str, words: str, has_cause: bool) -> None:
    with pytest.raises(ModelFault) as caught:
        planner.plan(root, seed=1)
    text = str(caught.value)
    assert text.startswith(function)
    assert words in text
    assert "\n" not in text
    assert (caught.value.__cause__ is not None) == has_cause


def check_still_plans(planner: MCTS, root: Any, expected: Any) -> None:
    planner.model.broken.clear()
    assert planner.plan(root, seed=1).actions == expected


@pytest.mark.parametrize("evaluation", ["rollout", "value"])
@pytest.mark.parametrize(("function", "answer", "words", "has_cause"), FAULTS)
def test_fault_names_the_function_and_the_problem(
    evaluation: Any, function: str, answer: Any, words: str, has_cause: bool
) -> None:
    if evaluation == "value" and function == "rollout_action":
        evaluation = "rollout"
    model = Breakable()
    planner = MCTS(model, SearchConfig(max_depth=4, evaluation=evaluation))
    expected = planner.plan(0, seed=1).actions
    model.broken[function] = answer
    check_fault(planner, 0, function, words, has_cause)
    check_still_plans(planner, 0, expected)


@pytest.mark.parametrize(
    ("root", "following", "words"),
    [
        (ARRAY, np.zeros(2), "array of float64[2]; must be an array of float64[3]"),
        (ARRAY, np.zeros((3, 1)), "array of float64[3, 1]; must be"),
        (ARRAY, [0.0, 0.0, 0.0], "list [0.0, 0.0, 0.0]; must be an array"),
        (ARRAY, None, "NoneType None; must be an array"),
        (ARRAY, np.array([0.0, np.nan, 1.0]), "has a NaN"),
        (BOARD, np.full((2, 2), np.nan), "has a NaN"),
        (ARRAY.astype(np.float32), np.full(3, np.nan, np.float32), "has a NaN"),
        (ARRAY, np.zeros(6)[::2] * np.nan, "has a NaN"),
    ],
)
def test_next_state_must_be_an_array_of_the_root_s_shape(
    root: Any, following: Any, words: str
) -> None:
    model = Breakable(root)
    planner = MCTS(model, SearchConfig(max_depth=4))
    expected = planner.plan(root, seed=1).actions
    model.broken["sample"] = (following, REWARDS, False)
    check_fault(planner, root, "sample", words, True)
    check_still_plans(planner, root, expected)


@pytest.mark.parametrize(
    ("reward", "words"),
    [
        (None, "the reward is NoneType None; must be a number"),
        ("1", "the reward is str '1'; must be a number"),
        ((1.0,), "the reward is tuple (1.0,); must be a number"),
        (10**400, "must be a number"),
        (1j, "must be a number"),
        (np.zeros(2), "the reward is an array of float64[2]; must be a number"),
        (1e141, "a reward is not a finite number of at most 1e140 in size"),
        (float("inf"), "a reward is not a finite number"),
    ],
)
def test_single_player_s_reward_must_be_one_number(reward: Any, words: str) -> None:
    class Paying(Chain):
        def sample(self, state: int, action: int, rng: Any) -> Any:
            return state, reward, False

    with pytest.raises(ModelFault, match=r"^sample") as caught:
        MCTS(Paying(), SearchConfig(max_depth=4)).plan(0)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "reward", [1, True, np.float32(1), np.int8(1), np.float64(1), np.array(1.0)]
)
def test_any_number_is_a_reward(reward: Any) -> None:
    class Paying(Chain):
        def sample(self, state: int, action: int, rng: Any) -> Any:
            return state, reward, np.bool_(True)

    plan = MCTS(Paying()).plan(0, Budget(simulations=10))
    assert plan.value == 1.0


def test_unhashable_state_is_told_how_to_be_known() -> None:
    class Listed(Chain):
        def sample(self, state: Any, action: int, rng: Any) -> Any:
            return [1], 0.0, False

    with pytest.raises(ModelFault, match=r"^state_key.*list.*give the model state_key"):
        MCTS(Listed()).plan([0])


def test_deterministic_model_needs_no_hashable_states() -> None:
    class Listed(Chain):
        deterministic = True

        def sample(self, state: Any, action: int, rng: Any) -> Any:
            return [*state, action], float(action), len(state) == 2

    assert MCTS(Listed()).plan([], Budget(simulations=200)).action == 1


@pytest.mark.parametrize("call", range(1, 60))
def test_planner_survives_a_fault_at_any_call(call: int) -> None:
    class Failing(RaceOfThree):
        calls, fail_at = 0, None

        def sample(self, state: Any, action: int, rng: Any) -> Any:
            self.calls += 1
            if self.calls == self.fail_at:
                raise RuntimeError("now")
            return super().sample(state, action, rng)

    model = Failing()
    planner = MCTS(model)
    expected = planner.plan(model.start, Budget(simulations=20), seed=0)
    model.calls, model.fail_at = 0, call
    with pytest.raises(ModelFault, match="sample raised RuntimeError: now"):
        planner.plan(model.start, Budget(simulations=20), seed=0)
    again = planner.plan(model.start, Budget(simulations=20), seed=0)
    assert again.actions == expected.actions
    assert again.principal_variation == expected.principal_variation


def test_state_without_a_legal_action_must_be_terminal() -> None:
    class Stuck(Chain):
        def legal_actions(self, state: int) -> list[int]:
            return [0, 1] if abs(state) < 3 else []

    planner = MCTS(Stuck())
    with pytest.raises(ModelFault, match=r"^legal_actions: no action is legal in a state that is"):
        planner.plan(0)
    with pytest.raises(NoLegalAction):
        planner.plan(3)
    assert planner.plan(0, Budget(simulations=1), horizon=2).simulations == 1


class Validating(Chain):
    """A chain that knows its own states."""

    def validate_state(self, state: Any) -> None:
        if isinstance(state, dict):
            raise KeyError("position")
        if not isinstance(state, int) or not -5 <= state <= 5:
            raise ValueError(f"is {state!r}; must be an integer from -5 to 5")


def test_root_that_the_model_refuses_is_the_caller_s_mistake() -> None:
    planner = MCTS(Validating())
    for state in ("x", 6, None):
        with pytest.raises(InvalidRequest) as caught:
            planner.plan(state)
        [violation] = caught.value.violations
        assert violation.field == "state"
        assert "must be" in violation.description
    assert planner.plan(0, Budget(simulations=10)).simulations == 10


def test_refusal_in_the_package_s_own_words_is_passed_on() -> None:
    refusal = InvalidRequest("state", "is not mine")

    class Refusing(Chain):
        def validate_state(self, state: int) -> None:
            raise refusal

    with pytest.raises(InvalidRequest) as caught:
        MCTS(Refusing()).plan(0)
    assert caught.value is refusal


def test_validation_that_breaks_is_the_model_s_mistake() -> None:
    with pytest.raises(ModelFault, match="validate_state") as caught:
        MCTS(Validating()).plan({})
    assert isinstance(caught.value.__cause__, KeyError)


def test_next_state_that_the_model_refuses_is_the_model_s_mistake() -> None:
    class Leaping(Validating):
        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            return 7, 0.0, False

    with pytest.raises(ModelFault, match=r"sample.*is 7; must be an integer from -5 to 5"):
        MCTS(Leaping()).plan(0)


class Numbered(Chain):
    """Says that its states are the integers 0 .. 9."""

    state_spec = StateSpec("discrete", num_values=10)


@pytest.mark.parametrize(
    ("model", "root", "following", "problem"),
    [
        (Numbered(), 5, 10, r"next_state is int 10; must be an integer from 0 to 9"),
        (Numbered(), 5, -1, r"next_state is int -1; must be an integer from 0 to 9"),
        (Numbered(), 5, "boo", r"next_state is str 'boo'; must be an integer from 0 to 9"),
        (Chain(), 0.5, float("nan"), r"next_state has a NaN: float nan"),
        (Chain(), (1, 0.5), (1, float("nan")), r"next_state has a NaN: tuple \(1, nan\)"),
    ],
)
def test_illegal_next_state_is_named(model: Any, root: Any, following: Any, problem: str) -> None:
    model.sample = lambda state, action, rng: (following, 0.0, False)
    with pytest.raises(ModelFault, match=rf"^sample: {problem}"):
        MCTS(model).plan(root, Budget(simulations=5))
