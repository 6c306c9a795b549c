"""Any finite table, compiled."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from mcts_service._core import SplitMix64
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import TabularModel, make

Outcome = tuple[float, int, float, bool]
NUM_STATES, NUM_ACTIONS = 12, 3
# A seed whose first draw is the greatest, 1 - 2**-53: the stream's mixing of its counter, inverted.
LAST_DRAW = 0x31628AF67B2131AB

# Two states; action 0 stays or moves, action 1 ends the episode from state 0.
SMALL = [
    [[(0.25, 0, 1.0, False), (0.75, 1, -1.0, False)], [(1.0, 1, 5.0, True)]],
    [[(1.0, 0, 0.0, False)], [(1.0, 1, 2.0, False)]],
]


def random_rows(lengths: Sequence[int], *, seed: int = 0) -> list[list[list[Outcome]]]:
    """A table whose rows have these lengths, in turn; 0 is an illegal action."""
    rng = np.random.default_rng(seed)

    def row(length: int) -> list[Outcome]:
        probabilities: Any = rng.dirichlet(np.ones(length)) if length else []
        return [
            (float(p), int(rng.integers(NUM_STATES)), float(rng.normal()), bool(rng.random() < 0.1))
            for p in probabilities
        ]

    lengths = [lengths[i % len(lengths)] for i in range(NUM_STATES * NUM_ACTIONS)]
    return [
        [row(lengths[state * NUM_ACTIONS + action]) for action in range(NUM_ACTIONS)]
        for state in range(NUM_STATES)
    ]


# The compiled table pads its rows to one width where few slots stay empty, and searches long
# rows by bisection: short and long rows in either layout.
TABLES = [
    pytest.param(random_rows([1]), id="one-outcome"),
    pytest.param(random_rows([3, 2, 4]), id="padded"),
    pytest.param(random_rows([20, 40, 17]), id="padded-long"),
    pytest.param(random_rows([1, 1, 1, 2, 1, 1, 16, 1]), id="packed"),
    pytest.param(random_rows([1, 2, 100, 1, 17]), id="packed-long"),
    pytest.param(random_rows([2, 0, 3, 1, 4]), id="padded-illegal-actions"),
    pytest.param(random_rows([1, 0, 30, 2, 1]), id="packed-illegal-actions"),
]


def generator(seed: int) -> np.random.Generator:
    """One that draws from the search's own stream."""
    stream: Any = SplitMix64(seed)
    return np.random.Generator(stream)


def inverse_cumulative(outcomes: Sequence[Outcome], uniform: float) -> tuple[int, float, bool]:
    cumulative = 0.0
    for probability, next_state, reward, terminated in outcomes[:-1]:
        cumulative += probability
        if uniform < cumulative:
            return next_state, reward, terminated
    return outcomes[-1][1:]


@pytest.mark.parametrize("table", TABLES)
def test_outcomes_are_those_of_the_table(table: list[list[list[Outcome]]]) -> None:
    model = TabularModel.from_transitions(table)
    assert (model.num_states, model.num_actions) == (NUM_STATES, NUM_ACTIONS)
    for state, actions in enumerate(table):
        for action, outcomes in enumerate(actions):
            if outcomes:
                assert model.transitions(state, action) == outcomes


@pytest.mark.parametrize("table", TABLES)
def test_sample_inverts_the_cumulative_probabilities(table: list[list[list[Outcome]]]) -> None:
    model = TabularModel.from_transitions(table)
    for state, actions in enumerate(table):
        for action, outcomes in enumerate(actions):
            if model.is_terminal(state) or not outcomes:
                continue
            for seed in range(50):
                rng, twin = generator(seed), generator(seed)
                drawn = model.sample(state, action, rng)
                uniform = twin.random() if len(outcomes) > 1 else 0.0
                assert drawn == inverse_cumulative(outcomes, uniform)
                assert rng.random() == twin.random()


@pytest.mark.parametrize("table", TABLES)
def test_rollout_plays_as_single_steps_do(
    table: Any, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    model = TabularModel.from_transitions(table, discount=0.9)
    for state in (state for state in range(NUM_STATES) if not model.is_terminal(state)):
        for seed in range(20):
            for max_steps in (0, 1, 2, 60):
                packed = model.pack_state(state)
                assert_rolls_out_step_by_step(model.handle, packed, max_steps, seed)


def critical_chi_square(degrees: int) -> float:
    """Exceeded by chance about once in 10**6 times (Wilson and Hilferty, 1931)."""
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + 4.753 * math.sqrt(spread)) ** 3


@pytest.mark.parametrize("length", [2, 3, 10, 16, 17, 50])
def test_frequencies_are_the_probabilities(length: int) -> None:
    # Fails by chance for one seed in 10**6, each.
    rng = np.random.default_rng(length)
    probabilities = rng.dirichlet(np.full(length, 5.0))
    row = [(p, state, 0.0, False) for state, p in enumerate(probabilities)]
    model = TabularModel.from_transitions([[row]] * length)
    stream = generator(length)
    draws = 20_000
    drawn = [model.sample(0, 0, stream)[0] for _ in range(draws)]
    expected = draws * probabilities
    statistic = ((np.bincount(drawn, minlength=length) - expected) ** 2 / expected).sum()
    assert statistic < critical_chi_square(length - 1)


def test_what_rounding_leaves_over_goes_to_the_last_outcome() -> None:
    tenths = [(0.1, state, 0.0, False) for state in range(10)]
    tenths[9] = (0.1 - 9e-10, 9, 0.0, False)
    model = TabularModel.from_transitions([[tenths]] * 10)
    assert generator(LAST_DRAW).random() == 1 - 2**-53
    assert model.sample(0, 0, generator(LAST_DRAW))[0] == 9


@pytest.mark.parametrize(
    ("table", "deterministic"),
    [
        ([[[(1.0, 0, 1.0, False)]]], True),
        ([[[(1.0, 0, 1.0, False), (0.0, 0, 2.0, True)]]], True),
        ([[[(0.5, 0, 1.0, False), (0.5, 0, 1.0, False)]]], True),
        ([[[(0.5, 0, 1.0, False), (0.5, 0, 2.0, False)]]], False),
        (SMALL, False),
    ],
)
def test_a_table_is_deterministic_where_every_action_has_one_outcome(
    table: Any, deterministic: bool
) -> None:
    model = TabularModel.from_transitions(table)
    assert model.deterministic == deterministic
    assert model.handle.thread_safe


def test_equal_outcomes_are_put_together_in_the_order_first_seen() -> None:
    row = [
        (0.125, 1, 0.0, False),
        (0.25, 0, 1.0, False),
        (0.125, 1, 0.0, True),
        (0.0, 1, 7.0, False),
        (0.25, 1, -0.0, False),
        (0.25, 0, 1.0, False),
    ]
    model = TabularModel.from_transitions([[row], [[(1.0, 0, 0.0, False)]]])
    assert model.transitions(0, 0) == [
        (0.375, 1, 0.0, False),
        (0.5, 0, 1.0, False),
        (0.125, 1, 0.0, True),
    ]


def test_mappings_sequences_and_arrays_give_the_same_model() -> None:
    mapping = {state: dict(enumerate(actions)) for state, actions in enumerate(SMALL)}
    models = [
        TabularModel.from_transitions(SMALL),
        TabularModel.from_transitions(mapping),
        TabularModel.from_arrays(
            np.array([0, 2, 3, 4, 5]),
            np.array([0.25, 0.75, 1.0, 1.0, 1.0]),
            np.array([0, 1, 1, 0, 1]),
            np.array([1.0, -1.0, 5.0, 0.0, 2.0]),
            np.array([False, False, True, False, False]),
            num_actions=2,
        ),
    ]
    for state in range(2):
        for action in range(2):
            assert {str(m.transitions(state, action)) for m in models} == {
                str(SMALL[state][action])
            }


def test_the_model_keeps_nothing_of_the_callers_arrays() -> None:
    arrays = [
        np.array([0, 1]),
        np.array([1.0]),
        np.array([0]),
        np.array([1.0]),
        np.array([False]),
    ]
    initial = np.array([1.0])
    model = TabularModel.from_arrays(*arrays, num_actions=1, initial=initial)
    for array in (*arrays, initial):
        array[:] = 0
    assert model.transitions(0, 0) == [(1.0, 0, 1.0, False)]
    assert model.initial_state() == 0


def test_an_action_without_outcomes_is_not_legal() -> None:
    model = TabularModel.from_transitions(
        {0: {0: [(1.0, 1, 0.0, False)], 2: [(1.0, 0, 0.0, False)]}, 1: {1: [(1.0, 0, 0.0, False)]}}
    )
    assert model.legal_actions(0) == [0, 2]
    assert model.legal_actions(1) == [1]
    with pytest.raises(InvalidRequest, match="action: is 1; must be one of 0, 2"):
        model.sample(0, 1, np.random.default_rng(0))
    with pytest.raises(InvalidRequest, match="action: is 2; must be one of 1"):
        model.transitions(1, 2)


def stay(state: int, *, reward: float = 0.0, terminated: bool = True) -> list[Outcome]:
    return [(1.0, state, reward, terminated)]


@pytest.mark.parametrize(
    ("table", "terminal"),
    [
        pytest.param([[stay(1)], []], [1], id="no-action"),
        pytest.param([[stay(0, terminated=False)], [stay(1)]], [1], id="absorbing"),
        pytest.param(
            [[stay(0, terminated=False)], [stay(1), stay(0, terminated=False)]],
            [],
            id="stays-by-one-action-only",
        ),
        pytest.param(
            [[stay(0, terminated=False)], [stay(1, reward=1.0)]],
            [],
            id="stays-for-a-reward",
        ),
        pytest.param([[stay(1)], [stay(0, terminated=False)]], [1], id="entered-at-the-end-only"),
        pytest.param(
            [[stay(1), stay(1, terminated=False)], [stay(0, terminated=False)]],
            [],
            id="entered-on-the-way-too",
        ),
        pytest.param([[stay(1)], [stay(0)]], [1], id="start-of-an-episode"),
        pytest.param(
            [[stay(1)], [stay(1, reward=-1.0), stay(0, terminated=False)]],
            [1],
            id="back-to-itself-terminated",
        ),
    ],
)
def test_terminal_states_are_those_that_the_table_shows(table: Any, terminal: list[int]) -> None:
    model = TabularModel.from_transitions(table)
    assert [state for state in range(2) if model.is_terminal(state)] == terminal
    for state in terminal:
        assert model.legal_actions(state) == []
        with pytest.raises(TerminalState):
            model.sample(state, 0, np.random.default_rng(0))


def test_initial_states_are_drawn_from_their_distribution() -> None:
    table = [[stay(state, terminated=False)] for state in range(4)]
    model = TabularModel.from_transitions(table, initial=[0.25, 0.0, 0.75, 0.0])
    rng = np.random.default_rng(0)
    drawn = np.bincount([model.initial_state(rng) for _ in range(10_000)], minlength=4)
    # Five standard deviations: fails by chance for one seed in 10**6.
    assert abs(drawn[2] - 7_500) < 5 * math.sqrt(10_000 * 0.25 * 0.75)
    assert drawn[1] == drawn[3] == 0
    assert model.initial_state() == 2
    assert TabularModel.from_transitions(table, initial=3).initial_state(rng) == 3


@pytest.mark.parametrize("state", [1, np.int8(1), np.uint64(1), np.array(1)])
def test_any_integer_is_a_state(state: Any) -> None:
    model = TabularModel.from_transitions(SMALL)
    unpacked = model.unpack_state(model.pack_state(state))
    assert (unpacked, type(unpacked)) == (1, int)


@pytest.mark.parametrize("state", [-1, 2, 2**63, 1.0, "1", None, True, np.bool_(True), [1]])
def test_what_is_no_state_is_refused_with_the_range(state: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"state: is .*; must be an integer from 0 to 1"):
        TabularModel.from_transitions(SMALL).pack_state(state)


def with_row(*outcomes: Any) -> Any:
    """A table of two states and two actions with these outcomes in state 1, action 0."""
    return [SMALL[0], [list(outcomes), SMALL[1][1]]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (with_row((0.5, 0, 0, False)), "has the sum of probabilities 0.5 in state 1, action 0"),
        (with_row((0.0, 0, 0, False)), "has the sum of probabilities 0.0 in state 1, action 0"),
        (with_row((-0.1, 0, 0, False), (1.1, 0, 0, False)), "has the probability -0.1 in state 1"),
        (with_row((math.nan, 0, 0, False)), "has the probability nan in state 1, action 0"),
        (with_row((1.0, 2, 0, False)), "has the next state 2 in state 1, .*must be from 0 to 1"),
        (with_row((1.0, -1, 0, False)), "has the next state -1 in state 1, action 0"),
        (with_row((1.0, 0, math.inf, False)), "has the reward inf in state 1, .*must be finite"),
        (with_row((1.0, 0, 0)), r"has the outcome \(1.0, 0, 0\) in state 1, action 0; must be"),
        (with_row((1.0, 0.0, 0, False)), "has the outcome .* in state 1, action 0"),
        (with_row((1.0, 2**70, 0, False)), "has the outcome .* in state 1, action 0"),
        (with_row((1.0, 0, "x", False)), "has the outcome .* in state 1, action 0"),
        (with_row((1.0, 0, 0, "no")), "has the outcome .* in state 1, action 0"),
        ({0: SMALL[0], 2: SMALL[1]}, "has no state 1; must have each from 0 to 1"),
        ([], "has no outcome at all"),
        ([[[], []]], "has no outcome at all"),
        ([[[(1.0, 1, 0, False)]], []], "has the next state 1 in state 0, .*must be terminated"),
        ([{-1: stay(0)}], "has the action -1 in state 0; must be numbered from 0"),
        ([{"up": stay(0)}], "has the action 'up' in state 0; must be numbered from 0"),
    ],
)
def test_a_table_that_is_none_is_refused_where_it_is_wrong(table: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"transitions: {message}"):
        TabularModel.from_transitions(table)


def test_probabilities_may_sum_to_one_within_rounding() -> None:
    thirds = [(1 / 3, 0, 0.0, False), (1 / 3, 0, 1.0, False), (1 / 3 + 5e-10, 0, 2.0, False)]
    model = TabularModel.from_transitions([[thirds]])
    assert model.transitions(0, 0) == thirds  # as they were given
    thirds[2] = (1 / 3 + 2e-9, 0, 2.0, False)
    with pytest.raises(InvalidRequest, match="sum of probabilities"):
        TabularModel.from_transitions([[thirds]])


def arrays(**changes: Any) -> dict[str, Any]:
    given = {
        "row_start": np.array([0, 1, 2]),
        "probabilities": np.ones(2),
        "next_states": np.array([0, 1]),
        "rewards": np.zeros(2),
        "terminated": np.array([False, True]),
        "num_actions": 1,
    }
    return {**given, **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"row_start": [0, 1]}, "row_start: must ascend from 0 to 2"),
        ({"row_start": [0, 2, 1]}, "row_start: must ascend from 0 to 2"),
        ({"row_start": [0, 3, 2]}, "row_start: must ascend from 0 to 2"),
        ({"row_start": [1, 1, 2]}, "row_start: must ascend from 0 to 2"),
        ({"row_start": [0.0, 1.0, 2.0]}, r"row_start: is float64\[3\]; must be int64\[length\]"),
        ({"num_actions": 3}, "row_start: has 3 elements; must have one more than states times 3"),
        ({"num_actions": 0}, "row_start: has 3 elements; must have one more than states times 0"),
        ({"probabilities": np.ones((2, 1))}, r"probabilities: is float64\[2, 1\]"),
        ({"next_states": [0.0, 1.0]}, r"next_states: is float64\[2\]; must be int64"),
        ({"next_states": [0]}, "next_states: has 1 elements; must have 2, as probabilities"),
        ({"rewards": ["a", "b"]}, "rewards: is <U1.2.; must be float64"),
        ({"terminated": [0, 1]}, "terminated: is int64.2.; must be bool"),
        ({"next_states": [0, 2]}, "transitions: has the next state 2 in state 1, action 0"),
    ],
)
def test_arrays_that_are_no_table_are_refused_by_name(changes: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        TabularModel.from_arrays(**arrays(**changes))


@pytest.mark.parametrize("discount", [0, -0.5, 1.01, math.nan, math.inf, "0.9", None])
def test_a_discount_out_of_range_is_refused(discount: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"discount: is .*; must be a number above 0 and at"):
        TabularModel.from_transitions(SMALL, discount=discount)


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (2, "is 2; must be a state from 0 to 1, or 2 probabilities"),
        (-1, "is -1; must be a state"),
        ("s", "is 's'; must be a state"),
        (0.5, "is 0.5; must be a state"),
        (True, "is True; must be a state"),
        ([1.0], r"is \[1.0\]; must be a state"),
        ([1.5, -0.5], "has a probability that is negative or not finite"),
        ([math.nan, 1.0], "has a probability that is negative or not finite"),
        ([0.5, 0.25], "has the sum 0.75; must be 1"),
    ],
)
def test_initial_states_that_are_none_are_refused(initial: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"initial: {message}"):
        TabularModel.from_transitions(SMALL, initial=initial)


def test_descriptions_are_passed_on() -> None:
    model = TabularModel.from_transitions(
        SMALL, description="two states", state_description="places", action_description="moves"
    )
    assert model.description == "two states"
    assert (model.state_spec.kind, model.state_spec.num_values) == ("discrete", 2)
    assert model.state_spec.description == "places"
    assert (model.action_spec.num_actions, model.action_spec.description) == (2, "moves")
    assert model.discount == 0.99


def test_rows_give_back_what_the_table_was_made_of() -> None:
    model = TabularModel.from_transitions(
        [
            {0: [(0.5, 1, 2.0, False), (0.25, 0, -1.0, False), (0.25, 1, 2.0, False)]},
            {1: [(0.0, 0, 9.0, False), (1.0, 2, 3.0, True)]},
            {},
        ]
    )
    rows = model.rows()
    assert rows.num_states == 3
    assert rows.row_start.tolist() == [0, 2, 2, 2, 3, 3, 3]
    assert rows.probabilities.tolist() == [0.75, 0.25, 1.0]
    assert rows.next_states.tolist() == [1, 0, 2]
    assert rows.rewards.tolist() == [2.0, -1.0, 3.0]
    assert rows.terminated.tolist() == [False, False, True]
    assert model.terminal_states().tolist() == [False, False, True]


def test_rows_of_a_table_make_the_same_table() -> None:
    model = make("taxi")
    rows = model.rows()
    again = TabularModel.from_arrays(
        rows.row_start,
        rows.probabilities,
        rows.next_states,
        rows.rewards,
        rows.terminated,
        num_actions=rows.num_actions,
        initial=model.initial_distribution,
    )
    assert (again.terminal_states() == model.terminal_states()).all()
    assert again.transitions(7, 4) == model.transitions(7, 4)
