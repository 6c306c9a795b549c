"""Scores, REINFORCE, and actor-critic composed from its parts."""

from __future__ import annotations

import numpy as np
import pytest
from small_trajectories import CUT, ENDED, RNG, TILES, V_TABLE, V, change_of, tiled_trajectory

from mcts_service.errors import InvalidRequest, NoLegalAction
from mcts_service.learning import (
    TD,
    LinearV,
    OneHot,
    PolicyGradient,
    SoftmaxLinear,
    TDLambda,
    actor_critic,
    applied,
    lifted,
    reinforce,
    weighted,
)
from mcts_service.protocols import Trajectory

POLICY = SoftmaxLinear(OneHot(3), 2)
#: pi(1 | 0) = 1 / (1 + e^-1), pi(0 | 1) = 1 / 2.
PREFERENCES = np.array([[0.0, 1.0], [2.0, 2.0], [0.0, 0.0]])
P = 1 / (1 + np.exp(-1.0))


def test_the_policy_is_the_softmax_of_its_preferences():
    assert POLICY(PREFERENCES).probabilities(0) == pytest.approx([1 - P, P])
    assert POLICY(POLICY.initial()).probabilities(2).tolist() == [0.5, 0.5]
    walled = SoftmaxLinear(OneHot(3), 2, lambda state: [0])
    assert walled(PREFERENCES).probabilities(0).tolist() == [1, 0]


@pytest.mark.parametrize("legal", [None, lambda state: [0, 2]], ids=["all", "some"])
def test_scores_are_the_gradients_of_the_logarithm(legal):
    policy = SoftmaxLinear(TILES, 3, legal)
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=policy.initial().shape)
    state, action = rng.random(2), 2
    score = np.zeros(parameters.size)
    change = policy.score(parameters, state, action)
    np.add.at(score, change.indices, change.values)
    assert score.any()

    def logarithm(moved):
        return np.log(policy(moved).probabilities(state)[action])

    for index in {*change.indices, *rng.integers(0, parameters.size, 10)}:
        up, down = parameters.copy(), parameters.copy()
        up.reshape(-1)[index] += 1e-5
        down.reshape(-1)[index] -= 1e-5
        slope = (logarithm(up) - logarithm(down)) / 2e-5
        assert score[index] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("legal", [None, lambda state: [0, 1, 2]], ids=["all", "listed"])
def test_scores_of_a_trajectory_are_the_sum_of_those_of_its_steps(legal):
    policy = SoftmaxLinear(TILES, 3, legal)
    parameters = RNG.normal(size=policy.initial().shape)
    trajectory, factors = tiled_trajectory(3), RNG.normal(size=60)
    expected = policy.initial()
    for state, action, factor in zip(
        trajectory.states[:-1], trajectory.actions, factors, strict=True
    ):
        expected = applied(expected, policy.score(parameters, state, action), factor)
    found = applied(policy.initial(), policy.scores(parameters, trajectory, factors), 1.0)
    assert found == pytest.approx(expected, abs=1e-12)


def test_reinforce_weighs_scores_by_discounted_returns():
    # Discount 0.5: returns 1.75, 1.5, -1, weighted 1, 0.5, 0.25.
    change = change_of(reinforce(POLICY, 0.5), ENDED, PREFERENCES)
    first = 1.75 - 0.25 * 1.0
    expected = [[-first * (1 - P), first * (1 - P)], [0.75 * 0.5, -0.75 * 0.5], [0, 0]]
    assert change == pytest.approx(np.array(expected))


def test_a_baseline_is_what_returns_are_compared_with():
    # v = 0.5, -1, 0.5: advantages 1.25, 2.5, -1.5.
    change = change_of(reinforce(POLICY, 0.5, V(V_TABLE)), ENDED, PREFERENCES)
    first = 1.25 - 0.25 * 1.5
    expected = [[-first * (1 - P), first * (1 - P)], [1.25 * 0.5, -1.25 * 0.5], [0, 0]]
    assert change == pytest.approx(np.array(expected))
    # Cut, v(2) = 4 stands for the rest: advantages 1.75, 3.5, 0.5.
    change = change_of(reinforce(POLICY, 0.5, V(V_TABLE)), CUT, PREFERENCES)
    first = 1.75 + 0.25 * 0.5
    expected = [[-first * (1 - P), first * (1 - P)], [1.75 * 0.5, -1.75 * 0.5], [0, 0]]
    assert change == pytest.approx(np.array(expected))


def test_reinforce_climbs_the_gradient_of_the_expected_return():
    # Two actions from one state, paying 1 and 3; the exact gradient of the expectation by the
    # preferences is pi_a (r_a - mean). 20,000 episodes, by five standard errors of the mean: a
    # false alarm for one seed in 10^6.
    from mcts_service.protocols import Trajectory

    policy, rng = SoftmaxLinear(OneHot(1), 2), np.random.default_rng(0)
    parameters = np.array([[0.3, -0.2]])
    probabilities = policy(parameters).probabilities(0)
    pays = np.array([1.0, 3.0])
    exact = probabilities * (pays - probabilities @ pays)
    found = []
    for _ in range(20_000):
        action = policy(parameters).action(0, rng)
        episode = Trajectory([0, 0], [action], [pays[action]], True)
        found.append(change_of(reinforce(policy, 1.0), episode, parameters)[0])
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert (abs(np.mean(found, axis=0) - exact) < 5 * error).all()


def test_actor_critic_is_its_parts():
    actor, critic = PolicyGradient(POLICY, 0.9, trace_decay=0.0), lifted(TD(V, 0.9))
    update = actor_critic(actor, critic, V)
    changes = update(ENDED, (PREFERENCES, V_TABLE), RNG)
    moved = applied((np.zeros((3, 2)), np.zeros(3)), changes, 1.0)
    # The critic's errors are -0.4, 3.45, -1.5, and the actor weighs by the same.
    assert moved[1] == pytest.approx([-1.9, 3.45, 0.0])
    first = -0.4 - 0.81 * 1.5
    expected = [[-first * (1 - P), first * (1 - P)], [0.9 * 3.45 / 2, -0.9 * 3.45 / 2], [0, 0]]
    assert moved[0] == pytest.approx(np.array(expected))


def test_actor_critic_knows_its_parts_by_their_types_alone():
    asked = []

    def actor(trajectory, parameters, v_function, rng):
        asked.append(("actor", trajectory, parameters, v_function("a state")))
        return "actor's change"

    def critic(trajectory, parameters, rng):
        asked.append(("critic", trajectory, parameters))
        return "critic's change"

    update = actor_critic(actor, critic, lambda parameters: lambda state: (parameters, state))
    assert update("trajectory", ("theta", "w"), RNG) == ("actor's change", "critic's change")
    assert asked == [
        ("actor", "trajectory", "theta", ("w", "a state")),
        ("critic", "trajectory", "w"),
    ]


def test_parts_may_learn_at_speeds_of_their_own():
    critic = TDLambda(LinearV(OneHot(3)), 0.9, 0.5)
    plain = change_of(critic, ENDED, V_TABLE)
    assert change_of(weighted(critic, 3.0), ENDED, V_TABLE) == pytest.approx(3.0 * plain)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: POLICY.score(PREFERENCES, 0, 2), "action: is 2"),
        (lambda: POLICY(np.zeros((2, 2))), "parameters"),
        (lambda: POLICY.scores(np.zeros((2, 2)), ENDED, np.ones(3)), "parameters"),
        (lambda: PolicyGradient(POLICY, 1.5), "discount: is 1.5"),
        (lambda: PolicyGradient(POLICY, 1.0, -1.0), "trace_decay: is -1.0"),
    ],
)
def test_wrong_numbers_are_refused(call, said):
    with pytest.raises(InvalidRequest, match=said):
        call()


def test_what_could_not_be_done_has_no_gradient():
    policy = SoftmaxLinear(OneHot(3), 2, lambda state: [] if state == 2 else [0])
    parameters = policy.initial()
    with pytest.raises(InvalidRequest, match="action: is 1; is not legal in state 0"):
        policy.score(parameters, 0, 1)
    with pytest.raises(NoLegalAction, match="state 2"):
        policy.score(parameters, 2, 0)
    wrong = Trajectory([0, 1, 0], [0, 1], [0.0, 0.0], False)
    with pytest.raises(InvalidRequest, match=r"trajectory.actions\[1\]: is 1; is not legal"):
        policy.scores(parameters, wrong, np.ones(2))
    with pytest.raises(NoLegalAction, match="state 2"):
        policy.scores(parameters, Trajectory([2, 0], [0], [0.0], False), np.ones(1))
