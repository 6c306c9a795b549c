"""Values and priors from outside, beside a model's own dynamics."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import (
    ConnectFour,
    EvaluatedModel,
    SampledModel,
    TabularModel,
    UnbatchedModel,
    make,
    tabulate,
    with_evaluation,
)

PUCT = SearchConfig.preset("puct")
GAME = ConnectFour()


def random_table(rng, num_states=20, num_actions=3):
    """Dense chance, every state with a way on."""
    table = {
        state: {
            action: [
                (p, int(rng.integers(num_states)), float(rng.normal()), bool(rng.random() < 0.1))
                for p in (0.5, 0.25, 0.25)
            ]
            for action in range(num_actions)
        }
        for state in range(num_states)
    }
    return TabularModel.from_transitions(table, discount=0.9)


class PythonTwin:
    """A table as a Python object, which has nothing that is compiled."""

    def __init__(self, table):
        self._table = table
        self.num_actions, self.discount = table.num_actions, table.discount

    def transitions(self, state, action):
        return self._table.transitions(state, action)

    def is_terminal(self, state):
        return self._table.is_terminal(state)


def numbers(plan):
    return [(row.action, row.visits, row.value, row.prior) for row in plan.actions]


def test_a_table_with_arrays_plans_as_a_python_model_with_the_same_functions():
    rng = np.random.default_rng(0)
    table = random_table(rng)
    values, priors = rng.normal(size=20), rng.dirichlet(np.ones(3), 20)
    native = with_evaluation(table, value=values, prior=priors)
    in_python = with_evaluation(
        SampledModel(PythonTwin(table)),
        value=lambda state: values[state],
        prior=lambda state: priors[state],
    )
    assert isinstance(in_python, EvaluatedModel)
    assert native.handle.thread_safe
    assert native.handle.has_value
    assert native.handle.has_priors
    budget = Budget(simulations=500)
    for state in range(20):
        if table.is_terminal(state):
            continue
        ours = MCTS(native, PUCT).plan(state, budget, seed=state)
        theirs = MCTS(in_python, PUCT).plan(state, budget, seed=state)
        assert numbers(ours) == numbers(theirs)
        assert ours.value == theirs.value


def test_the_model_that_is_given_stays_as_it_is():
    table = random_table(np.random.default_rng(1))
    values = np.zeros(20)
    evaluated = with_evaluation(table, value=values)
    values[:] = np.nan  # a copy was made
    assert not table.handle.has_value
    assert evaluated.transitions(3, 1) == table.transitions(3, 1)
    assert evaluated.num_states == 20
    plan = MCTS(evaluated).plan(0, Budget(simulations=100))
    assert np.isfinite(plan.value)


def test_exact_values_at_the_leaves_show_the_way_in_a_few_simulations():
    # A corridor of 12 cells, paid at its far end: uniform rollouts say little, values all.
    table = TabularModel.from_transitions(
        {
            s: {
                0: [(1.0, max(s - 1, 0), 0.0, False)],
                1: [(1.0, s + 1, float(s == 11), s == 11)],
            }
            for s in range(12)
        }
        | {12: {}},
        discount=0.9,
    )
    values = np.append(0.9 ** np.arange(11, -1, -1), 0.0)
    model = with_evaluation(table, value=values)
    config = SearchConfig.preset("uct", evaluation="value")
    for seed in range(10):
        plan = MCTS(model, config).plan(0, Budget(simulations=20), seed=seed)
        assert plan.action == 1
        # A mean of returns, some of which went back a step.
        assert 0.8 * 0.9**11 < plan.actions[1].value <= 0.9**11


def test_a_tabulated_model_is_evaluated_by_the_numbers_of_its_states():
    rng = np.random.default_rng(2)
    model = tabulate(PythonTwin(random_table(rng)), initial_states=[0])
    values = rng.normal(size=len(model.states))
    evaluated = with_evaluation(model, value=values)
    config = SearchConfig.preset("uct", evaluation="value")
    plan = MCTS(evaluated, config).plan(0, Budget(simulations=200), seed=1)
    same = MCTS(
        with_evaluation(model, value=lambda state: values[model.index(state)]), config
    ).plan(0, Budget(simulations=200), seed=1)
    assert numbers(plan) == numbers(same)


def centre_first(boards):
    """Priors for the middle columns, values by who has more discs there: [N, 7], [N, 2]."""
    boards = np.asarray(boards)
    priors = np.tile(np.array([1.0, 2, 3, 4, 3, 2, 1]) / 16, (len(boards), 1))
    ahead = boards[:, :, 3].sum(axis=1) / 6.0
    return priors, np.stack([ahead, -ahead], axis=1)


def test_a_compiled_game_is_evaluated_by_a_python_function():
    seen = []

    def evaluate(boards):
        seen.append(boards)
        return centre_first(boards)

    at_once = with_evaluation(GAME, evaluate_batch=evaluate)
    one_by_one = with_evaluation(
        GAME,
        value=lambda board: centre_first(board[None])[1][0],
        prior=lambda board: centre_first(board[None])[0][0],
    )
    board = GAME.state_from_json("4433")
    plan = MCTS(at_once, PUCT).plan(board, Budget(simulations=300), seed=3)
    assert numbers(plan) == numbers(
        MCTS(one_by_one, PUCT).plan(board, Budget(simulations=300), seed=3)
    )
    assert plan.actions[3].prior == pytest.approx(4 / 16)
    assert all(rows.dtype == np.int8 and rows.shape[1:] == (6, 7) for rows in seen)
    assert (seen[0][0] == board).all()


def test_the_leaves_of_a_batch_are_asked_about_together():
    sizes = []

    def evaluate(boards):
        sizes.append(len(boards))
        return centre_first(boards)

    model = with_evaluation(GAME, evaluate_batch=evaluate)
    boards = [GAME.state_from_json(moves) for moves in ("", "4", "44", "123")]
    plans = MCTS(model, PUCT).plan_batch(boards, Budget(simulations=50), seeds=[1, 2, 3, 4])
    assert max(sizes) == 4
    assert sum(sizes) / len(sizes) > 3
    for board, seed, plan in zip(boards, (1, 2, 3, 4), plans, strict=True):
        assert numbers(plan) == numbers(
            MCTS(model, PUCT).plan(board, Budget(simulations=50), seed=seed)
        )


def test_a_model_keeps_what_the_evaluation_does_not_give():
    rng = np.random.default_rng(4)
    table, priors = random_table(rng), rng.dirichlet(np.ones(3), 20)
    values, other = rng.normal(size=20), rng.normal(size=20)
    first = with_evaluation(table, value=other, prior=priors)
    second = with_evaluation(first, value=values)
    both = with_evaluation(table, value=values, prior=priors)
    by_function = with_evaluation(first, value=lambda state: values[state])
    budget = Budget(simulations=300)
    expected = numbers(MCTS(both, PUCT).plan(5, budget, seed=0))
    assert numbers(MCTS(second, PUCT).plan(5, budget, seed=0)) == expected
    assert numbers(MCTS(by_function, PUCT).plan(5, budget, seed=0)) == expected


@pytest.mark.parametrize("name", ["cart_pole", "game_2048", "tic_tac_toe", "mountain_car"])
def test_states_are_unpacked_many_at_a_time(name):
    model = make(name)
    rng = np.random.default_rng(0)
    states = [model.initial_state(rng) for _ in range(3)]
    rows = np.array([np.frombuffer(model.pack_state(state), np.uint8) for state in states])
    unpacked = model.unpack_states(rows)
    assert len(unpacked) == 3
    for state, row in zip(states, unpacked, strict=True):
        assert np.array_equal(row, model.unpack_state(model.pack_state(state)))


def failing(error):
    def evaluate(boards):
        raise error

    return evaluate


@pytest.mark.parametrize(
    ("evaluate", "text"),
    [
        (failing(ValueError("no such\nboard")), "evaluate_batch raised ValueError: no such board"),
        (lambda boards: None, r"must return a tuple \(priors, values\); got NoneType"),
        (lambda boards: (None, np.zeros((len(boards), 2))), "priors is None; must be"),
        (lambda boards: (np.zeros((len(boards), 7)), np.zeros(len(boards))), r"values is of the"),
        (lambda boards: (np.full((len(boards), 7), np.nan), np.zeros((len(boards), 2))), "prior"),
    ],
)
def test_an_evaluation_that_fails_is_the_models_fault_with_its_text(evaluate, text):
    planner = MCTS(with_evaluation(GAME, evaluate_batch=evaluate), PUCT)
    with pytest.raises(ModelFault, match=text):
        planner.plan(GAME.initial_state(), Budget(simulations=10))
    (entry,) = planner.plan_batch([GAME.initial_state()], Budget(simulations=10))
    assert isinstance(entry, ModelFault)


def test_an_interrupt_reaches_whoever_waits_for_the_plan():
    planner = MCTS(with_evaluation(GAME, evaluate_batch=failing(KeyboardInterrupt())), PUCT)

    def plan_until_it_arrives():  # which is between two steps of the interpreter
        for _ in range(100):
            with contextlib.suppress(ModelFault):
                planner.plan(GAME.initial_state(), Budget(simulations=10))

    with pytest.raises(KeyboardInterrupt):
        plan_until_it_arrives()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "value: is missing, and so are prior and evaluate_batch"),
        ({"value": np.zeros(3)}, r"value: has the shape \(3,\); must be \(20,\)"),
        ({"value": np.full(20, np.inf)}, "value: has a number that is not finite"),
        ({"prior": np.full((20, 3), -1.0)}, "prior: has a number below 0"),
        ({"value": np.zeros(20), "prior": len}, "prior: is .*; must be an array"),
        ({"value": len, "evaluate_batch": len}, "evaluate_batch: is given beside value or prior"),
        ({"value": 3.0}, "value: is 3.0; must be a function or a NumPy array"),
        ({"prior": [[1.0]]}, "prior: is .*; must be a function or a NumPy array"),
        ({"value": np.array(["a"] * 20)}, "value: has the dtype .*; must be numbers"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message):
    with pytest.raises(InvalidRequest, match=message):
        with_evaluation(random_table(np.random.default_rng(0)), **arguments)


def test_arrays_are_for_tables_and_batches_for_models_that_answer_in_batches():
    with pytest.raises(InvalidRequest, match="value: is an array, which is for a table"):
        with_evaluation(GAME, value=np.zeros(3))
    with pytest.raises(InvalidRequest, match="prior: is an array, which is for a table"):
        with_evaluation(GAME, prior=np.zeros((3, 7)))
    twin = SampledModel(PythonTwin(random_table(np.random.default_rng(0))))
    with pytest.raises(InvalidRequest, match="evaluate_batch: needs a model with sample_batch"):
        with_evaluation(twin, evaluate_batch=centre_first)


class Counter:
    """Batch model: a number goes up by the action; 10 ends it."""

    num_actions = 2
    deterministic = True

    def sample_batch(self, states, actions, rng):
        following = np.minimum(states + actions + 1, 10)
        return following, (following == 10).astype(float), following == 10


def test_a_batch_model_is_evaluated_in_batches_or_row_by_row():
    def evaluate(states):
        return np.tile([0.4, 0.6], (len(states), 1)), states / 10.0

    at_once = with_evaluation(Counter(), evaluate_batch=evaluate)
    by_row = with_evaluation(Counter(), value=lambda s: s / 10.0, prior=lambda s: [0.4, 0.6])
    unbatched = UnbatchedModel(at_once)
    plans = [
        MCTS(model, PUCT).plan(np.int64(0), Budget(simulations=100), seed=0)
        for model in (at_once, by_row)
    ]
    assert numbers(plans[0]) == numbers(plans[1])
    assert unbatched.num_actions == 2
    with pytest.raises(InvalidRequest, match="value: is missing: a batch model"):
        with_evaluation(Counter(), prior=lambda state: [0.4, 0.6])


class ValuedCounter(Counter):
    """The same with an evaluation of its own, in both forms."""

    def sample(self, state, action, rng):
        following, reward, ended = self.sample_batch(np.array([state]), np.array([action]), rng)
        return following[0], reward[0], ended[0]

    def value(self, state):
        return 7.0

    def evaluate_batch(self, states):
        return None, np.full(len(states), 7.0)


def test_an_evaluation_of_batches_takes_the_place_of_every_form():
    model = with_evaluation(
        ValuedCounter(),
        evaluate_batch=lambda states: (None, np.full(len(states), -3.0)),
        gives_priors=False,
    )
    planner = MCTS(model, SearchConfig.preset("uct", evaluation="value"))
    alone = planner.plan(np.int64(0), Budget(simulations=20), seed=1)
    assert alone.value < 0
    (together,) = planner.plan_batch([np.int64(0)], Budget(simulations=20), seeds=[1])
    assert [row.value for row in together.actions] == [row.value for row in alone.actions]
    assert together.value == alone.value


def test_a_function_may_give_values_alone():
    def evaluate(boards):
        return None, centre_first(boards)[1]

    model = with_evaluation(GAME, evaluate_batch=evaluate, gives_priors=False)
    assert model.handle.has_value
    assert not model.handle.has_priors
    config = SearchConfig.preset("uct", evaluation="value")
    plan = MCTS(model, config).plan(GAME.initial_state(), Budget(simulations=50))
    assert all(np.isnan(row.prior) for row in plan.actions)


def test_after_a_failure_other_errors_have_their_own_text():
    planner = MCTS(with_evaluation(GAME, evaluate_batch=failing(ValueError("stale"))), PUCT)
    with pytest.raises(ModelFault, match="stale"):
        planner.plan(GAME.initial_state(), Budget(simulations=10))
    floating = GAME.initial_state()
    floating[0, 0] = 1
    with pytest.raises(InvalidRequest) as raised:
        planner.model.pack_state(floating)
    assert "stale" not in str(raised.value)


def test_each_thread_has_the_text_of_its_own_failure():
    mine = threading.local()

    def evaluate(boards):
        raise ValueError(f"of thread {mine.number}.")

    model = with_evaluation(GAME, evaluate_batch=evaluate)
    wrong = []

    def ask(number):
        mine.number = number
        planner = MCTS(model, PUCT)
        for _ in range(200):
            try:
                planner.plan(GAME.initial_state(), Budget(simulations=2))
            except ModelFault as fault:
                if f"of thread {number}." not in str(fault):
                    wrong.append(str(fault))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_failure_without_a_text_is_still_one():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    for error in (Silent(), ValueError("\ud800")):
        planner = MCTS(with_evaluation(GAME, evaluate_batch=failing(error)), PUCT)
        with pytest.raises(ModelFault, match="evaluate_batch"):
            planner.plan(GAME.initial_state(), Budget(simulations=2))


def test_by_default_values_and_priors_are_used_where_all_outcomes_are_known_too():
    rng = np.random.default_rng(5)
    table = random_table(rng)
    evaluated = with_evaluation(
        table, value=rng.normal(size=20), prior=rng.dirichlet(np.ones(3), 20)
    )
    plan = MCTS(evaluated).plan(5, Budget(simulations=50), seed=0)
    assert plan.recipe == "puct, value, bellman, shared by state"
    assert "have values" in plan.recipe_reason
    plain = MCTS(table).plan(5, Budget(simulations=50), seed=0)
    assert plan.value != plain.value
