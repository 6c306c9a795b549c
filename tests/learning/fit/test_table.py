"""Tables learned by counting, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from played import Played

from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_table
from mcts_service.models import TabularModel, make
from mcts_service.policies import Uniform
from mcts_service.protocols import Experience, Trajectory
from mcts_service.testing import assert_model

#: State 0: action 0 leads to 1 three times of four, once it stays; action 1 ends in 2, for 5 or 7.
WALKS = [
    Trajectory([0, 1, 0, 1], [0, 1, 0], [1.0, 0.0, 3.0], False),
    Trajectory([0, 0, 1], [0, 0], [0.5, 2.0], False),
    Trajectory([0, 2], [1], [5.0], True),
    Trajectory([0, 2], [1], [7.0], True),
]


def outcomes(model, state, action):
    """{(next_state, terminated): (probability, reward)} of a table."""
    return {
        (next_state, terminated): (pytest.approx(p), pytest.approx(reward))
        for p, next_state, reward, terminated in model.transitions(state, action)
    }


def test_probabilities_are_shares_and_rewards_means():
    table = fit_table(WALKS)
    assert isinstance(table.model, TabularModel)
    assert table.level == "distribution"
    assert (table.num_states, table.num_actions) == (3, 2)
    assert table.counts.tolist() == [[4, 2], [0, 1], [0, 0]]
    assert outcomes(table, 0, 0) == {(1, False): (0.75, 2.0), (0, False): (0.25, 0.5)}
    assert outcomes(table, 0, 1) == {(2, True): (1.0, 6.0)}
    assert table.initial_distribution.tolist() == [1, 0, 0]
    assert table.is_terminal(2)
    assert not table.is_terminal(0)


def test_a_prior_counts_for_every_state():
    # Four times taken and three states of 0.5 each: 1.5 beside the 4.
    table = fit_table(WALKS, prior=0.5)
    assert outcomes(table, 0, 0) == {
        (1, False): (3.5 / 5.5, 2.0),
        (0, False): (1.5 / 5.5, 0.5),
        (2, True): (0.5 / 5.5, 6.5 / 4),  # never seen: ends as it did elsewhere, the row's mean
    }
    never = outcomes(table, 1, 0)
    assert {key: p for key, (p, _) in never.items()} == {
        (0, False): 1 / 3,
        (1, False): 1 / 3,
        (2, True): 1 / 3,
    }


def test_a_plan_tells_what_was_never_seen_within_its_reach():
    data = [Trajectory([0, 1, 2, 3], [0, 0, 0], [-1.0, -1.0, -1.0], True)]
    plan = MCTS(fit_table(data, num_actions=2)).plan(1, Budget(simulations=200))
    assert len(plan.warnings) == 2
    assert plan.warnings[0].startswith("2 of 4 actions within ")
    assert "in 2 of 2 states, were never seen in the data" in plan.warnings[0]
    assert "end the episode with reward -101 (pessimistic)" in plan.warnings[0]
    assert plan.warnings[1].endswith("never seen: actions [1]")


def test_a_plan_of_what_was_seen_warns_of_nothing():
    table = fit_table([*WALKS, Trajectory([1, 1], [0], [0.0], False)])
    assert MCTS(table).plan(0, Budget(simulations=50)).warnings == ()


def test_single_experiences_are_data_too():
    data = [step for walk in WALKS for step in walk.experiences()]
    assert isinstance(data[0], Experience)
    one, other = fit_table(data, initial=0), fit_table(WALKS)
    for state in range(3):
        for action in range(2):
            assert one.transitions(state, action) == other.transitions(state, action)


def test_states_may_be_anything_hashable():
    names = ["a", ("b", 2), "c"]
    walks = [
        Trajectory([names[s] for s in walk.states], walk.actions, walk.rewards, walk.terminated)
        for walk in WALKS
    ]
    table = fit_table(walks)
    assert table.initial_state() == "a"
    assert outcomes(table, "a", 0) == {(("b", 2), False): (0.75, 2.0), ("a", False): (0.25, 0.5)}
    assert MCTS(table).plan("a", Budget(simulations=50)).warnings
    assert_model(table)
    with pytest.raises(InvalidRequest, match="is 'd'; must be one of the 3 states of the data"):
        table.transitions("d", 0)


def test_a_learned_lake_comes_close_to_the_true_one():
    """The greatest error of a share, over 64 actions and their outcomes.

    Each has at least 60 draws; by Hoeffding and a union over fewer than 200 outcomes, an error of
    0.3 comes once in 200 times at most.
    """
    lake = make("frozen_lake_4x4")
    played = collect(Played(lake), Uniform(4), 40_000, np.random.default_rng(1))
    table = fit_table(played, lake.num_states, lake.num_actions)
    acting = [s for s in range(16) if not lake.is_terminal(s)]
    assert table.counts[acting].min() >= 60
    for state in acting:
        for action in range(4):
            true = {n: p for p, n, _, _ in lake.transitions(state, action)}
            learned = {n: p for p, n, _, _ in table.transitions(state, action)}
            assert learned.keys() <= true.keys()
            for next_state, probability in true.items():
                assert abs(learned.get(next_state, 0.0) - probability) < 0.3
    assert_model(table)
    assert [s for s in range(16) if table.is_terminal(s)] == [
        s for s in range(16) if lake.is_terminal(s)
    ]


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_posterior_draws_have_the_moments_of_the_dirichlet(prior):
    """Mean and variance over 4,000 draws, each within 5 standard errors: a false alarm in 10^5."""
    table, rng = fit_table(WALKS, prior=prior), np.random.default_rng(0)
    draws = []
    for _ in range(4000):
        drawn = {n: p for p, n, _, _ in table.sample_posterior(rng).transitions(0, 0)}
        draws.append(drawn.get(1, 0.0))
    # Of a Dirichlet with 3 + prior for the outcome and 4 + 3 prior in all.
    own, total = 3 + prior, 4 + 3 * prior
    mean = own / total
    variance = mean * (1 - mean) / (total + 1)
    assert abs(np.mean(draws) - mean) < 5 * np.sqrt(variance / 4000)
    assert abs(np.var(draws) - variance) < 5 * variance * np.sqrt(3 / 4000)


def test_likelihood_and_predictions_by_hand():
    table = fit_table(WALKS)
    seen = [Trajectory([0, 1, 0], [0, 1], [2.0, 0.0], False), Trajectory([0, 2], [1], [4.0], True)]
    assert table.log_likelihood(seen).tolist() == pytest.approx([np.log(0.75), 0.0, 0.0])
    rewards, ends = table.predictions(seen)
    assert rewards.tolist() == [2.0, 0.0, 6.0]
    assert ends.tolist() == [0.0, 0.0, 1.0]
    never = [Trajectory([0, 2], [0], [0.0], True)]
    assert table.log_likelihood(never).tolist() == [-np.inf]
    assert fit_table(WALKS, prior=1.0).log_likelihood(never).tolist() == [
        pytest.approx(np.log(1 / 7))
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "trajectories: is empty"),
        ([Trajectory([0], [], [], False)], r"trajectories\[0\]\.actions: is empty"),
        ([*WALKS, Trajectory([0, 1], [0, 1], [0.0, 0.0], False)],
         r"trajectories\[4\]\.states: has 2; must have 3"),
        ([Trajectory([0, 1], [0], [0.0, 1.0], False)], r"trajectories\[0\]\.rewards: has 2"),
        ([Trajectory([0, 1, 1], [0, 4], [0.0, 0.0], False)],
         r"trajectories\[0\]\.actions\[1\]: is 4; must be an integer from 0 to 3"),
        ([Trajectory([0, 1, 9], [0, 1], [0.0, 0.0], False)],
         r"trajectories\[0\]\.states\[2\]: is 9; must be an integer from 0 to 4"),
        ([Trajectory([0, 1], [0], [float("nan")], False)],
         r"trajectories\[0\]\.rewards\[0\]: is nan; must be finite"),
        ([3], r"trajectories\[0\]: is 3; must be a Trajectory or an Experience"),
    ],
)  # fmt: skip
def test_bad_data_name_trajectory_step_and_field(data, message):
    with pytest.raises(InvalidRequest, match=message):
        fit_table(data, 5, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prior": -1.0}, "prior: is -1.0"),
        ({"unseen": "ignore"}, "unseen: is 'ignore'; must be one of pessimistic, optimistic"),
        ({"discount": 0.0}, "discount: is 0.0"),
        ({"initial": 7}, "initial: is 7; must be an integer from 0 to 2"),
        ({"num_states": 10_000, "prior": 1.0}, "prior: is 1.0; must be 0 for 10000 states"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(InvalidRequest, match=message):
        fit_table(WALKS, **arguments)


def test_posterior_draws_of_a_sparse_prior_leave_no_action_without_outcomes():
    # Of gamma(1e-4) 93 % are below every float: rows of 3 would be empty 8 times of 10.
    rng = np.random.default_rng(0)
    for prior in (1e-4, 1e-300):
        table = fit_table(WALKS, prior=prior, unseen="illegal")
        for _ in range(50):
            drawn = table.sample_posterior(rng).transitions(1, 0)
            assert sum(p for p, *_ in drawn) == pytest.approx(1.0)
            # The reward is the prior's, the mean of all, and not that of an action never seen.
            assert [reward for *_, reward, _ in drawn] == [pytest.approx(18.5 / 7)] * len(drawn)


def test_posterior_draws_of_a_sparse_prior_have_the_mean_of_the_dirichlet():
    # 2,000 draws of shares of mean 1/3: five standard errors, a false alarm in 1e6 each.
    table, rng = fit_table(WALKS, prior=0.01), np.random.default_rng(1)
    shares = np.zeros(3)
    for _ in range(2000):
        for p, following, *_ in table.sample_posterior(rng).transitions(1, 0):
            shares[following] += p / 2000
    assert (abs(shares - 1 / 3) <= 5 * np.sqrt(2 / 9 / 2000)).all()


def test_what_cannot_be_taken_has_no_likelihood():
    table = fit_table(WALKS, unseen="illegal")
    # An action never tried ends in 2; but it is not legal in 1, where another is known.
    ends = [Trajectory([1, 2], [0], [0.0], True)]
    assert table.log_likelihood(ends).tolist() == [-np.inf]
    assert fit_table(WALKS).log_likelihood(ends).tolist() == [0.0]
    # Where none is known it is what is assumed.
    nowhere = fit_table([*WALKS, Trajectory([0, 3], [0], [0.0], False)], unseen="illegal")
    assert nowhere.log_likelihood([Trajectory([3, 2], [0], [0.0], True)]).tolist() == [0.0]


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_a_terminal_state_stays_as_it_is(prior):
    table = fit_table(WALKS, prior=prior)
    over, on, away = (
        [Trajectory([2, to], [0], [0.0], ended)] for to, ended in ((2, True), (2, False), (0, True))
    )
    assert table.log_likelihood(over).tolist() == [0.0]
    assert table.log_likelihood(on).tolist() == [-np.inf]
    assert table.log_likelihood(away).tolist() == [-np.inf]
