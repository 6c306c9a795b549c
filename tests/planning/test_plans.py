"""What `plan_batch` gives: a sequence of plans, and the same numbers as columns."""

from __future__ import annotations

import inspect
import math
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from small_batches import Walk

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, MCTSServiceError, ModelFault, TerminalState
from mcts_service.models import make
from mcts_service.planning import ActionStatistics, Belief, Plan, Plans

BUDGET = Budget(simulations=60)

#: Columns of a row, and of each of its actions, with the fields of a plan that they hold.
OF_ROWS = {
    "actions": "action",
    "values": "value",
    "simulations": "simulations",
    "nodes": "nodes",
    "depths": "depth",
    "bytes": "bytes",
    "reused_simulations": "reused_simulations",
    "discounts": "discount",
    "search_times": "search_time",
    "seeds": "seed",
    "deterministic": "deterministic",
}
OF_ACTIONS = {
    "visits": "visits",
    "action_values": "value",
    "standard_errors": "standard_error",
    "lower": "lower",
    "upper": "upper",
    "priors": "prior",
    "proven": "proven",
}


class Guided(Walk):
    """With priors, in place of values."""

    gives_priors = True

    def evaluate_batch(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = self.form.read(states) / 13
        return np.full((len(states), 3), 1.0) / 3, values


class Labelled:
    """A chain of five; `actions` has names for the two ways, and one for the way out."""

    def actions(self, state: int) -> tuple[str, ...]:
        return ("left", "right", "out") if state == 2 else ("left", "right")

    def is_terminal(self, state: int) -> bool:
        return state == 5

    def sample(self, state: int, action: str, rng: Any) -> tuple[int, float, bool]:
        if action == "out":
            return state, 0.3, True
        following = max(0, state + (1 if action == "right" else -1))
        return following, float(following == 5), following == 5


def native(preset: str, **changes: Any) -> MCTS:
    return MCTS(make("frozen_lake_4x4"), SearchConfig.preset(preset, **changes))


def board(*cells: int) -> np.ndarray:
    """Of tic-tac-toe after moves to these cells; after none one that no game leads to."""
    marks = np.full(9, 0 if cells else 1)
    marks[list(cells)] = [1, -1, 1][: len(cells)]
    return marks.reshape(3, 3)


#: name -> (a planner, states of which the second cannot be planned from)
KINDS: dict[str, tuple[Any, Sequence[Any]]] = {
    "native": (lambda: native("uct"), [0, 5, 1, 14]),
    "graph": (lambda: native("graph"), [0, 5, 1, 14]),
    "temperature": (lambda: native("uct", temperature=1.0), [0, 5, 1, 14]),
    "auto": (lambda: MCTS(make("taxi")), [328, -1, 101]),
    "game": (
        lambda: MCTS(make("tic_tac_toe"), SearchConfig.preset("uct", prove=True)),
        [board(4), board(), board(4, 0), board(0, 4, 8)],
    ),
    "batch": (lambda: MCTS(Walk(masks=True)), [4, 0, 5, 8]),
    "batch of a game": (lambda: MCTS(Walk(masks=True, players=2)), [4, 0, 5, 8]),
    "batch, auto": (lambda: MCTS(Walk(keys=True)), [4, 0, 5, 8]),
    "batch, drawn": (
        lambda: MCTS(Walk(), SearchConfig.preset("uct", temperature=0.5)),
        [4, 0, 5, 8],
    ),
    "gumbel": (lambda: MCTS(Guided(), SearchConfig.preset("gumbel")), [4, 0, 5, 8]),
    "noisy puct": (
        lambda: MCTS(Guided(), SearchConfig.preset("puct", root_noise=0.25)),
        [4, 0, 5, 8],
    ),
    "in flight": (lambda: MCTS(Walk(), SearchConfig(in_flight=4)), [4, 0, 5, 8]),
    "beliefs": (
        lambda: MCTS(Walk(), SearchConfig.preset("open_loop")),
        [Belief([4, 5]), Belief([0]), 5, Belief([7])],
    ),
}


def in_rows(kind: str) -> tuple[MCTS, Plans]:
    """A planner and its plans."""
    new_planner, states = KINDS[kind]
    planner = new_planner()
    return planner, planner.plan_batch(states, BUDGET, seeds=range(len(states)), horizon=9)


def same(one: Any, other: Any) -> bool:
    return bool(one == other) or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("kind", KINDS)
def test_columns_say_what_the_plans_say(kind: str) -> None:
    _, plans = in_rows(kind)
    assert plans.planned.tolist() == [row != 1 for row in range(len(plans))]
    for row, plan in enumerate(plans):
        if row == 1:
            continue
        assert isinstance(plan, Plan)
        for column, field in OF_ROWS.items():
            assert same(getattr(plans, column)[row], getattr(plan, field)), column
        assert plans.stop_reasons[row] is plan.stop_reason
        assert plans.player_values[row].tolist() == list(plan.player_values)
        acts = [statistics.action for statistics in plan.actions]
        assert np.flatnonzero(plans.legal[row]).tolist() == acts
        for column, field in OF_ACTIONS.items():
            known = getattr(plans, column)[row][acts].tolist()
            due = [getattr(statistics, field) for statistics in plan.actions]
            assert all(map(same, known, due)), column


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_a_plan_has_nothing_but_its_error(kind: str) -> None:
    _, plans = in_rows(kind)
    assert list(plans.errors) == [1]
    assert plans[1] is plans.errors[1]
    assert isinstance(plans[1], (InvalidRequest, TerminalState))
    assert plans.actions[1] == -1
    assert math.isnan(plans.values[1])
    assert plans.stop_reasons[1] is None
    for column in set(OF_ROWS) - {"actions", "values"}:
        assert not getattr(plans, column)[1]
    assert not plans.player_values[1].any()
    for column in ("legal", "visits", "proven"):
        assert not getattr(plans, column)[1].any()
    for column in ("action_values", "standard_errors", "lower", "upper", "priors"):
        assert np.isnan(getattr(plans, column)[1]).all()


def test_columns_have_the_documented_forms() -> None:
    _, plans = in_rows("batch of a game")
    forms = {name: getattr(plans, name) for name in [*OF_ROWS, *OF_ACTIONS, "legal"]}
    for name, column in forms.items():
        assert column.shape == ((4,) if name in OF_ROWS else (4, 3)), name
    assert plans.player_values.shape == (4, 2)
    assert (plans.num_actions, plans.num_players) == (3, 2)
    integers = {"actions", "simulations", "nodes", "depths", "bytes", "reused_simulations"}
    integers |= {"visits"}
    flags = {"deterministic", "legal", "proven"}
    for name, column in forms.items():
        due: Any = np.int64 if name in integers else np.bool_ if name in flags else np.float64
        assert column.dtype == (np.uint64 if name == "seeds" else due), name


def test_columns_are_copies_that_later_plans_leave_alone() -> None:
    planner, plans = in_rows("batch")
    before = [plans.visits, plans.action_values, plans.nodes, plans.seeds]
    planner.plan_batch([8, 8, 8, 8], Budget(simulations=500), seeds=[9] * 4)
    _, again = in_rows("batch")
    for column, now in zip(
        before, [plans.visits, plans.action_values, plans.nodes, plans.seeds], strict=True
    ):
        np.testing.assert_array_equal(column, now)
    plans.visits[:] = -1
    assert [untimed(plan) for plan in plans[2:]] == [untimed(plan) for plan in again[2:]]
    assert (plans.visits >= 0).all()


def untimed(plan: Plan | MCTSServiceError) -> dict[str, Any]:
    assert isinstance(plan, Plan)
    return vars(plan) | {"search_time": 0.0}


def test_it_is_a_sequence() -> None:
    _, plans = in_rows("native")
    assert isinstance(plans, Sequence)
    assert len(plans) == 4
    assert plans[-1] is plans[3] is plans[np.int64(3)]
    assert plans[::2] == [plans[0], plans[2]]
    assert [type(plan) for plan in plans] == [Plan, TerminalState, Plan, Plan]
    assert plans[3] in plans
    assert plans.index(plans[2]) == 2
    assert plans == list(plans)
    assert list(plans) == plans
    assert plans != list(plans)[:3]
    assert plans != "plans"
    for row in (4, -5):
        with pytest.raises(IndexError):
            plans[row]


def test_the_class_can_be_looked_at() -> None:
    assert {*OF_ROWS, *OF_ACTIONS, "legal"} <= {name for name, _ in inspect.getmembers(Plans)}


def test_plans_travel_to_other_processes() -> None:
    model = make("tic_tac_toe")
    plans = MCTS(model).plan_batch([model.initial_state()] * 3, BUDGET, seeds=[1, 2, 3])
    there = pickle.loads(pickle.dumps(plans))
    assert there == plans
    np.testing.assert_array_equal(there.visits, plans.visits)


def test_rows_beyond_one_group_are_in_the_same_columns() -> None:
    plans = MCTS(Walk(masks=True)).plan_batch([5, 4] * 520, Budget(simulations=3), seeds=[7] * 1040)
    assert plans.planned.all()
    assert (plans.simulations == 3).all()
    for column in (plans.visits, plans.legal, plans.player_values):
        np.testing.assert_array_equal(column[:2], column[1038:])


def test_labels_are_in_the_plans_and_the_other_numbers_in_columns() -> None:
    planner = MCTS(Labelled(), SearchConfig.preset("uct"))
    plans = planner.plan_batch([2, 5, 3], BUDGET, seeds=[1, 2, 3], horizon=9)
    for row, state in ((0, 2), (2, 3)):
        alone = planner.plan(state, BUDGET, seed=row + 1, horizon=9)
        assert untimed(plans[row]) == untimed(alone)
        assert plans.actions[row] == alone.action
        assert plans.values[row] == alone.value
    assert plans.actions[1] is None
    assert plans.actions.dtype == np.object_
    assert plans.visits.shape == plans.legal.shape == (3, 0)


def test_labels_are_replaced_row_by_row() -> None:
    plans = MCTS(Labelled()).plan_batch([2, 3, 4], BUDGET, seeds=[1, 2, 3], horizon=9)

    def encode(label: str) -> str:
        if label == "out":
            raise ModelFault("no way out")
        return label.upper()

    found = plans.relabelled(encode)
    assert isinstance(found[0], ModelFault)
    assert found.actions[0] is None
    for row in (1, 2):
        plan, before = found[row], plans[row]
        assert isinstance(plan, Plan)
        assert isinstance(before, Plan)
        assert [known.action for known in plan.actions] == ["LEFT", "RIGHT"]
        assert plan.action == before.action.upper()
        steps = [step.action for step in before.principal_variation]
        assert [step.action for step in plan.principal_variation] == [s.upper() for s in steps]
    unchanged = plans[0]
    assert isinstance(unchanged, Plan)
    assert [known.action for known in unchanged.actions] == ["left", "right", "out"]


def test_rows_may_be_some_of_more() -> None:
    _, plans = in_rows("native")
    error = InvalidRequest("state", "is wrong")
    placed = plans.placed([5, 4, 2, 0], 6, {1: error, 3: error, 4: plans.errors[1]})
    assert placed[5] == plans[0]
    assert placed[0] == plans[3]
    assert placed[3] is error
    assert placed.planned.tolist() == [True, False, True, False, False, True]
    np.testing.assert_array_equal(placed.visits[[5, 2, 0]], plans.visits[[0, 2, 3]])
    assert not placed.visits[[1, 3, 4]].any()


def test_a_wrong_horizon_is_no_rows_fault() -> None:
    for planner in (native("uct"), MCTS(Walk())):
        with pytest.raises(InvalidRequest) as caught:
            planner.plan_batch([4, 5], BUDGET, horizon=0)
        assert caught.value.violations[0].field == "horizon"


# ---- how rows begin


class Counting(Walk):
    """Counts the states that it is asked about, call by call, apart from the searches."""

    def __init__(self, **capabilities: Any) -> None:
        super().__init__(**capabilities)
        self.asked: list[int] = []

    def is_terminal_batch(self, states: np.ndarray) -> np.ndarray:
        self.asked.append(len(states))
        return super().is_terminal_batch(states)


def test_a_model_is_asked_about_all_roots_at_once() -> None:
    model = Counting(masks=True)
    MCTS(model).plan_batch([4, 5, 0, 7], BUDGET)
    assert model.asked == [4]


def test_roots_of_which_one_is_wrong_are_asked_about_one_by_one() -> None:
    model = Counting(masks=True)
    plans = MCTS(model).plan_batch([4, "boo", 0, 7], BUDGET, seeds=range(4))
    assert model.asked == [1, 1, 1]
    kinds: list[type] = [Plan, InvalidRequest, TerminalState, Plan]
    assert [type(plan) for plan in plans] == kinds


def test_a_root_that_the_model_fails_at_harms_no_other() -> None:
    class Failing(Counting):
        def is_terminal_batch(self, states: np.ndarray) -> np.ndarray:
            if (states == 6).any():
                raise LookupError("no 6")
            return super().is_terminal_batch(states)

    plans = MCTS(Failing()).plan_batch([4, 6, 5], BUDGET, seeds=[1, 2, 3])
    assert isinstance(plans[1], ModelFault)
    assert str(plans[1]) == "is_terminal_batch raised LookupError: no 6"
    alone = MCTS(Failing()).plan_batch([4, 5], BUDGET, seeds=[1, 3])
    assert [untimed(plans[row]) for row in (0, 2)] == [untimed(plan) for plan in alone]


def test_statistics_that_are_not_known_are_one_nan() -> None:
    plan = native("uct").plan_batch([0], Budget(simulations=1))[0]
    assert isinstance(plan, Plan)
    untried = [known for known in plan.actions if not known.visits]
    assert untried
    assert all(isinstance(known, ActionStatistics) for known in untried)
    assert len({id(known.value) for known in untried}) == 1
