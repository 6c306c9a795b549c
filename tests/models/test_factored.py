"""Factored models: their distribution, their draws, and what they refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service._core import ModelHandle, SplitMix64
from mcts_service.errors import InvalidRequest
from mcts_service.models import Factor, FactoredModel
from mcts_service.testing import assert_model

# Variable 0 looks at both, variable 1 at itself; action 1 sets variable 0 and keeps variable 1.
PROBABILITIES = [
    Factor((0, 1), [[0.1, 0.7, 0.2, 0.9], [1, 1, 1, 1]]),
    Factor((1,), [[0.25, 0.5], [0, 1]]),
]
# A point for variable 0; action 1 costs three quarters.
REWARDS = [Factor((0,), [[0, 1], [0, 1]]), Factor((), [[0], [-0.75]])]


def small_model(**changes: Any) -> FactoredModel:
    arguments: dict[str, Any] = {
        "probabilities": PROBABILITIES,
        "rewards": REWARDS,
        "initial": [0, 1],
        "discount": 0.9,
    }
    return FactoredModel(**{**arguments, **changes})


def random_model(num_variables: int, num_actions: int, **changes: Any) -> FactoredModel:
    """Scopes of up to three variables; a third of the probabilities 0, a third 1."""
    rng = np.random.default_rng(num_variables)

    def factor(certain: bool) -> Factor:
        size = int(rng.integers(0, min(3, num_variables) + 1))
        shape = (num_actions, 2**size)
        table = rng.uniform(0.05, 0.95, shape)
        if certain:
            kind = rng.integers(3, size=shape)
            table = np.where(kind == 0, 0.0, np.where(kind == 1, 1.0, table))
        return Factor([int(v) for v in rng.permutation(num_variables)[:size]], table)

    return FactoredModel(
        [factor(True) for _ in range(num_variables)],
        [factor(False) for _ in range(3)],
        initial=rng.integers(2, size=num_variables),
        **changes,
    )


def expected_by_hand(
    model: FactoredModel, state: np.ndarray, action: int
) -> tuple[np.ndarray, float]:
    """The probability of each variable to be 1, and the reward, from the tables alone."""

    def value(factor: Factor) -> float:
        index = sum(int(state[v]) << place for place, v in enumerate(factor.scope))
        return float(factor.table[action][index])

    return np.array([value(f) for f in model.probabilities]), sum(map(value, model.rewards))


# ---- the distribution -------------------------------------------------------------------


def test_outcomes_are_the_product_of_the_variables() -> None:
    found = small_model().transitions([True, True], 0)
    assert [(p, tuple(s), r, end) for p, s, r, end in found] == [
        (pytest.approx(0.05), (False, False), 1.0, False),
        (pytest.approx(0.45), (True, False), 1.0, False),
        (pytest.approx(0.05), (False, True), 1.0, False),
        (pytest.approx(0.45), (True, True), 1.0, False),
    ]


def test_certain_variables_have_one_outcome() -> None:
    [(probability, following, reward, terminated)] = small_model().transitions([0, 1], 1)
    assert (probability, tuple(following), reward, terminated) == (1.0, (True, True), -0.75, False)


@pytest.mark.parametrize("num_variables", [1, 2, 7, 10])
def test_outcomes_have_the_means_of_the_tables(num_variables: int) -> None:
    model = random_model(num_variables, 3)
    rng = np.random.default_rng(0)
    for state in rng.integers(2, size=(30, num_variables)).astype(bool):
        for action in range(3):
            outcomes = model.transitions(state, action)
            weights = np.array([outcome[0] for outcome in outcomes])
            means, reward = expected_by_hand(model, state, action)
            assert weights.min() > 0
            assert len({tuple(outcome[1]) for outcome in outcomes}) == len(outcomes)
            np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-12)
            np.testing.assert_allclose(weights @ [o[1] for o in outcomes], means, atol=1e-12)
            np.testing.assert_allclose([o[2] for o in outcomes], reward)


def test_values_of_a_factor_are_its_columns() -> None:
    states = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    np.testing.assert_array_equal(
        PROBABILITIES[0].values(states), np.transpose(PROBABILITIES[0].table)
    )
    np.testing.assert_array_equal(REWARDS[1].values(states), np.tile([0, -0.75], (4, 1)))


def test_sixty_four_variables_are_told_apart() -> None:
    """Each takes the value of the one before it: the bits go round."""
    turn = [Factor(((i - 1) % 64,), [[0.0, 1.0]]) for i in range(64)]
    model = FactoredModel(turn, [], initial=np.arange(64) == 62)
    assert model.deterministic
    state = model.initial_state()
    for place in (63, 0, 1):
        state, reward, terminated = model.sample(state, 0, np.random.default_rng(0))
        assert (np.flatnonzero(state).tolist(), reward, terminated) == ([place], 0.0, False)


# ---- draws ------------------------------------------------------------------------------


def test_a_sample_draws_once_for_each_uncertain_variable_in_their_order() -> None:
    model = random_model(9, 2)
    states = np.random.default_rng(1).integers(2, size=(50, 9)).astype(bool)
    for seed, state in enumerate(states):
        for action in range(2):
            stream: Any = SplitMix64(seed)
            following, reward, _ = model.sample(state, action, np.random.Generator(stream))
            means, expected_reward = expected_by_hand(model, state, action)
            twin: Any = SplitMix64(seed)
            numbers = np.random.Generator(twin)
            drawn = [p == 1 or (p > 0 and numbers.random() < p) for p in means]
            np.testing.assert_array_equal(following, drawn)
            assert stream.counter == twin.counter
            assert reward == pytest.approx(expected_reward)


def test_samples_come_as_often_as_the_outcomes_say() -> None:
    """Four outcomes, 4,000 draws: five standard deviations, a false alarm in 400,000 runs."""
    model, rng, draws = small_model(), np.random.default_rng(3), 4_000
    seen = Counter(tuple(model.sample([1, 0], 0, rng)[0]) for _ in range(draws))
    for probability, following, _, _ in model.transitions([1, 0], 0):
        spread = 5 * (draws * probability * (1 - probability)) ** 0.5
        assert abs(seen[tuple(following)] - draws * probability) < spread


@pytest.mark.parametrize("max_steps", [0, 1, 2, 40])
def test_its_rollout_is_that_of_its_samples(
    assert_rolls_out_step_by_step: Callable[[ModelHandle, bytes, int, int], None], max_steps: int
) -> None:
    model = random_model(12, 5, discount=0.9)
    for seed in range(20):
        state = np.random.default_rng(seed).integers(2, size=12)
        assert_rolls_out_step_by_step(model.handle, model.pack_state(state), max_steps, seed)


# ---- as a model -------------------------------------------------------------------------


def test_it_keeps_the_contract_of_models() -> None:
    assert_model(small_model())
    assert_model(random_model(8, 3))
    assert_model(random_model(8, 3, max_outcomes=0))


def test_the_model_keeps_no_array_of_the_caller() -> None:
    table = np.array([[0.0, 1.0]])
    model = FactoredModel([Factor((0,), table)], [], initial=[1])
    table[:] = 0.5
    assert [o[0] for o in model.transitions([1], 0)] == [1.0]
    model.initial_state()[0] = False
    assert model.initial_state().tolist() == [True]


def test_more_outcomes_than_allowed_leave_a_sample_model() -> None:
    assert small_model(max_outcomes=4).max_outcomes == 4
    narrow = small_model(max_outcomes=3)
    assert (narrow.max_outcomes, narrow.transitions) == (0, None)
    plan = MCTS(narrow, SearchConfig.preset("graph")).plan([0, 0], Budget(simulations=200))
    assert plan.simulations == 200


def test_a_plan_from_the_table_is_exact() -> None:
    """Two steps from (1, 0), worked by hand: action 0 gives 1 + 0.9 * 0.7, action 1 0.25 + 0.9."""
    plan = MCTS(small_model(), SearchConfig.preset("dp_uct")).plan(
        [1, 0], Budget(simulations=500), horizon=2
    )
    assert plan.action == 0
    values = {a.action: a.value for a in plan.actions}
    assert values == pytest.approx({0: 1.63, 1: 1.15})


def test_states_are_packed_as_bits() -> None:
    model = random_model(10, 2)
    state = np.zeros(10, bool)
    state[[0, 9]] = True
    assert model.pack_state(state) == (2**9 + 1).to_bytes(8, "little")
    np.testing.assert_array_equal(model.unpack_state(model.pack_state(state)), state)
    with pytest.raises(ValueError, match="has a bit beyond the 10 variables"):
        model.handle.validate((2**10).to_bytes(8, "little"))


# ---- refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([0], r"has the shape \(1,\); must be bool\[2\]"),
        (3, r"is 3; must be bool\[2\]"),
        ([0, 2], "has a value that is not 0 or 1; must be"),
        ([0.0, 1.0], "has the dtype float64; must be"),
    ],
)
def test_a_state_that_is_none_is_refused(state: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        small_model().pack_state(state)
    with pytest.raises(InvalidRequest, match=f"initial: {message}"):
        small_model(initial=state)


def test_an_action_that_is_none_is_refused() -> None:
    for action in (2, -1, True):
        with pytest.raises(InvalidRequest, match=r"action: is .*; must be one of 0, 1"):
            small_model().transitions([0, 0], action)


def with_table(table: Any) -> list[Factor]:
    return [PROBABILITIES[0], Factor((1,), table)]


def with_scope(scope: Any) -> list[Factor]:
    return [PROBABILITIES[0], Factor(scope, PROBABILITIES[1].table)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": []}, "probabilities: is empty; must have one factor a variable"),
        ({"probabilities": PROBABILITIES * 33}, r"len\(probabilities\): is 66; must be .* 64"),
        ({"probabilities": [1, 2]}, r"probabilities\[0\].table: has the shape \(\)"),
        ({"probabilities": [PROBABILITIES[0], 2]}, r"probabilities\[1\]: is 2; must be a Factor"),
        ({"probabilities": with_scope((2,))}, r"probabilities\[1\].scope\[0\]: is 2; .* 0 to 1"),
        ({"probabilities": with_scope((1, 1))}, r"probabilities\[1\].scope: is \(1, 1\); must na"),
        ({"probabilities": with_scope((0, 1))}, r"1\].table: has the shape \(2, 2\); .*\[2, 4\]"),
        ({"probabilities": with_table([[0, 1]])}, r"1\].table: has the shape \(1, 2\); .*\[2, 2\]"),
        ({"probabilities": with_table("x")}, r"1\].table: is 'x'; must be float64\[2, 2\]"),
        ({"probabilities": with_table([[0, 1.5], [0, 1]])}, r"1\].table: has 1.5; must have prob"),
        ({"probabilities": with_table([[0, np.nan], [0, 1]])}, r"1\].table: has nan; must have"),
        ({"probabilities": with_table([[0, 1e-15], [0, 1]])}, r"1\].table: has 1e-15; must have"),
        ({"rewards": [Factor((), [[0], [np.inf]])]}, r"rewards\[0\].table: has inf; must have fi"),
        ({"rewards": [Factor((), [[0]])]}, r"rewards\[0\].table: has the shape \(1, 1\); must be"),
        ({"discount": 0}, "discount: is 0; must be a number above 0 and at most 1"),
        ({"max_outcomes": -1}, "max_outcomes: is -1; must be an integer from 0"),
    ],
)
def test_factors_that_are_none_are_refused_by_name(changes: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        small_model(**changes)


def test_a_scope_of_too_many_variables_is_refused() -> None:
    wide = [Factor(range(21), np.zeros((1, 2)))] + [Factor((), [[0.5]])] * 20
    with pytest.raises(InvalidRequest, match=r"probabilities\[0\].scope: has 21 variables; must"):
        FactoredModel(wide, [], initial=np.zeros(21, bool))
