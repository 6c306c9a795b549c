"""Models that name their actions: everything about a plan speaks in the model's own labels."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest
from searching import plan_numbers

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault, NoLegalAction, TerminalState

PRESETS = ["uct", "dp_uct", "graph"]
BUDGET = Budget(simulations=200)
CARDINAL = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}


class Streets:
    """Three by three crossings; only the ways that exist are named. The far corner pays."""

    deterministic = True
    size = 3

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.broken: Any = None

    def actions(self, state: tuple[int, int]) -> list[str]:
        self.asked[id(state)] += 1
        if self.broken is not None:
            return self.broken(state)
        return [name for name in CARDINAL if self._is_inside(self._after(state, name))]

    def sample(self, state: tuple[int, int], action: str, rng: Any) -> tuple[Any, float, bool]:
        following = self._after(state, action)
        assert self._is_inside(following)
        at_goal = following == (self.size - 1, self.size - 1)
        return following, 1.0 if at_goal else -0.1, at_goal

    def _after(self, state: tuple[int, int], action: str) -> tuple[int, int]:
        down, right = CARDINAL[action]
        return state[0] + down, state[1] + right

    def _is_inside(self, state: tuple[int, int]) -> bool:
        return all(0 <= coordinate < self.size for coordinate in state)


class NumberedStreets(Streets):
    """The same, its actions numbered as `Streets` lists them."""

    num_actions = 4
    actions = None

    def legal_actions(self, state: tuple[int, int]) -> range:
        return range(len(Streets().actions(state)))

    def sample(self, state: tuple[int, int], action: Any, rng: Any) -> tuple[Any, float, bool]:
        return super().sample(state, Streets().actions(state)[action], rng)


def planner_of(preset: str, model: Any) -> MCTS:
    return MCTS(model, SearchConfig.preset(preset))


def follow(state: tuple[int, int], labels: list[str]) -> tuple[int, int]:
    for label in labels:
        state, _, _ = Streets().sample(state, label, None)
    return state


@pytest.mark.parametrize("preset", PRESETS)
def test_plan_answers_in_labels(preset: str) -> None:
    plan = planner_of(preset, Streets()).plan((0, 1), BUDGET)
    assert [row.action for row in plan.actions] == ["east", "south", "west"]
    assert plan.action in ("east", "south")
    assert follow((0, 1), [step.action for step in plan.principal_variation]) == (2, 2)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("preset", PRESETS)
def test_labels_give_the_plan_that_numbers_give(preset: str, deterministic: bool) -> None:
    models = Streets(), NumberedStreets()
    for model in models:
        model.deterministic = deterministic
    labelled, numbered = (planner_of(preset, model).plan((0, 0), BUDGET) for model in models)
    names = Streets().actions((0, 0))
    assert [row.action for row in labelled.actions] == names
    assert [row.action for row in numbered.actions] == [0, 1]
    for one, other in zip(labelled.actions, numbered.actions, strict=True):
        assert repr((one.visits, one.value)) == repr((other.visits, other.value))
    assert labelled.nodes == numbered.nodes


@pytest.mark.parametrize("preset", PRESETS)
def test_actions_are_asked_once_for_each_state(preset: str) -> None:
    class Remembering(Streets):
        deterministic = False
        kept: ClassVar[list[Any]] = []

        def sample(self, state: Any, action: str, rng: Any) -> tuple[Any, float, bool]:
            (row, column), reward, terminated = super().sample(state, action, rng)
            self.kept.append((row, column))  # so that no two have one id
            return self.kept[-1], reward, terminated

    model = Remembering()
    planner_of(preset, model).plan((0, 0), BUDGET)
    assert set(model.asked.values()) == {1}


def test_constant_tuple_of_labels_is_hashed_once() -> None:
    class Label:
        hashed = 0

        def __hash__(self) -> int:
            Label.hashed += 1
            return id(self)

    labels = Label(), Label()

    class Coin:
        def actions(self, state: int) -> tuple[Label, ...]:
            return labels

        def sample(self, state: int, action: Label, rng: Any) -> tuple[int, float, bool]:
            return state + 1, float(action is labels[1]), state == 5

    assert MCTS(Coin()).plan(0, BUDGET).action is labels[1]
    assert Label.hashed == len(labels)


@pytest.mark.parametrize("preset", PRESETS)
def test_allowed_actions_are_labels(preset: str) -> None:
    planner = planner_of(preset, Streets())
    plan = planner.plan((1, 1), BUDGET, allowed_actions=["west", "north"])
    assert [row.action for row in plan.actions] == ["north", "west"]
    assert len(planner.plan((1, 1), BUDGET).actions) == 4


def test_allowed_label_that_the_state_has_not_is_not_legal() -> None:
    planner = MCTS(Streets())
    plan = planner.plan((0, 0), BUDGET, allowed_actions=["north", "east"])
    assert [row.action for row in plan.actions] == ["east"]
    with pytest.raises(NoLegalAction):
        planner.plan((0, 0), BUDGET, allowed_actions=["north", "up"])


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ([["east"]], "must be hashable"),
        ([("east", [])], "must be hashable"),
        (["east", "east"], "repeats action east"),
        ([], "is empty"),
    ],
)
def test_wrong_allowed_actions_are_refused(allowed: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        MCTS(Streets()).plan((0, 0), BUDGET, allowed_actions=allowed)


@pytest.mark.parametrize("preset", PRESETS)
def test_advance_takes_a_label(preset: str) -> None:
    planner = planner_of(preset, Streets())
    budget = Budget(simulations=30)
    planner.plan((0, 0), budget, seed=1)
    assert planner.advance("south", (1, 0))
    plan = planner.plan((1, 0), budget, seed=2)
    assert plan.reused_simulations > 0
    assert [row.action for row in plan.actions] == ["north", "east", "south"]


def test_advance_by_a_label_that_the_state_has_not_keeps_nothing() -> None:
    planner = MCTS(Streets())
    assert not planner.advance("south", (1, 0))
    planner.plan((0, 0), BUDGET)
    assert not planner.advance("north", (1, 0))
    with pytest.raises(InvalidRequest, match="must be hashable"):
        planner.advance(["south"], (1, 0))


def test_rollout_action_answers_with_a_label() -> None:
    class Guided(Streets):
        def rollout_action(self, state: tuple[int, int], rng: Any) -> str:
            return "east" if state[1] < 2 else self.toward

        toward = "south"

    model = Guided()
    planner = MCTS(model, SearchConfig.preset("uct"))
    assert planner.plan((0, 0), BUDGET).value > 0.4
    model.toward = "up"
    with pytest.raises(ModelFault, match=r"^rollout_action is str 'up'; must be one of actions"):
        planner.plan((0, 0), BUDGET)


@pytest.mark.parametrize("preset", ["dp_uct", "graph"])
def test_transitions_are_asked_by_label(preset: str) -> None:
    class Slippery(Streets):
        deterministic = False

        def transitions(self, state: tuple[int, int], action: str) -> list[tuple[Any, ...]]:
            stays = (0.25, state, -0.1, False)
            return [stays, (0.75, *Streets.sample(self, state, action, None))]

    plan = planner_of(preset, Slippery()).plan((0, 0), Budget(simulations=2000))
    assert plan.action in ("east", "south")
    # Four steps, each after a third of a stay in the mean: 1 - 0.1 (4 / 0.75 - 1).
    assert plan.value == pytest.approx(1 - 0.1 * (4 / 0.75 - 1), abs=0.02)


def test_states_with_labels_may_be_terminal() -> None:
    class Ended(Streets):
        def is_terminal(self, state: tuple[int, int]) -> bool:
            return state == (2, 2)

    with pytest.raises(TerminalState):
        MCTS(Ended()).plan((2, 2), allowed_actions=["east"])


def only_at_the_root(labels: Any) -> Any:
    """Right at (0, 0), and those labels elsewhere."""
    return lambda state: ["east"] if state == (0, 0) else labels


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([[1], [2]], r"^actions gives \(\[1\], \[2\]\); must be hashable"),
        ([("a", []), "b"], "must be hashable"),
        (["a", "b", "a"], r"must name each action once"),
        ([1, True], "must name each action once"),
        (list(range(1025)), "gives 1025 actions; the model's max_actions is 1024"),
        (None, "^actions raised TypeError"),
        ([], "^actions: no action is legal in a state that is not terminal"),
    ],
)
def test_wrong_labels_are_a_fault(labels: Any, words: str) -> None:
    model = Streets()
    model.broken = only_at_the_root(labels)
    planner = MCTS(model)
    with pytest.raises(ModelFault, match=words):
        planner.plan((0, 0), BUDGET)
    model.broken = None
    again, fresh = (mcts.plan((0, 0), BUDGET, seed=1) for mcts in (planner, MCTS(Streets())))
    assert plan_numbers(again) == plan_numbers(fresh)


def test_declared_number_of_labels_is_what_counts() -> None:
    model = Streets()
    model.max_actions = 3
    with pytest.raises(ModelFault, match="gives 4 actions; the model's max_actions is 3"):
        MCTS(model).plan((0, 0), BUDGET)
    model.max_actions = 4
    plan, undeclared = (MCTS(one).plan((0, 0), BUDGET, seed=1) for one in (model, Streets()))
    assert plan_numbers(plan) == plan_numbers(undeclared)


@pytest.mark.parametrize("most", [0, 2**40, "many"])
def test_wrong_max_actions_is_refused(most: Any) -> None:
    model = Streets()
    model.max_actions = most
    with pytest.raises(InvalidRequest, match=r"model\.max_actions"):
        MCTS(model)


def test_game_of_labels() -> None:
    class LastMatch:
        """Take one or two of the matches; whoever takes the last one wins."""

        num_players = 2
        deterministic = True

        def actions(self, state: tuple[int, int]) -> list[str]:
            return ["one", "two"][: state[0]]

        def current_player(self, state: tuple[int, int]) -> int:
            return state[1]

        def sample(self, state: tuple[int, int], action: str, rng: Any) -> tuple[Any, Any, bool]:
            left, player = state[0] - (1 if action == "one" else 2), state[1]
            won = (1.0, -1.0) if player == 0 else (-1.0, 1.0)
            return (left, 1 - player), won if left == 0 else (0.0, 0.0), left == 0

    plan = MCTS(LastMatch()).plan((4, 0), Budget(simulations=1000))
    assert plan.action == "one"
    assert plan.player_values[0] > 0
