"""Dyna-Q and Dyna-Q+: their updates, their models, and what they do for a learner."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_dyna import ReferenceDyna, Stream

from mcts_service import models
from mcts_service.errors import InvalidRequest
from mcts_service.learning import DynaQ, DynaQPlus, DynaSweeping
from mcts_service.models.streams import generator_of
from mcts_service.planning import PrioritizedSweeping
from mcts_service.policies import EpsilonGreedy
from mcts_service.protocols import Experience


def rng_of(seed=0):
    return np.random.default_rng(seed)


# ---- one update, by hand ----


def test_a_real_step_is_q_learning():
    learner = DynaQ(2, 2, step_size=0.5, discount=0.5, planning_steps=0, initial_value=4.0)
    learner.learn(Experience(0, 1, 2.0, 1, False), rng_of())
    # 4 + 0.5 * (2 + 0.5 * 4 - 4)
    assert learner.q.tolist() == [[4, 4], [4, 4]]
    learner.learn(Experience(0, 1, 3.0, 1, True), rng_of())
    # 4 + 0.5 * (3 - 4): nothing follows the end
    assert learner.q.tolist() == [[4, 3.5], [4, 4]]
    assert learner.updates == 2


def test_planning_repeats_what_was_seen():
    learner = DynaQ(2, 2, step_size=0.5, planning_steps=3)
    learner.learn(Experience(0, 1, 8.0, 1, True), rng_of())
    assert learner.q.tolist() == [[0, 8 * (1 - 0.5**4)], [0, 0]]
    assert learner.updates == 4
    assert learner.transitions(0, 1) == [(1.0, 1, 8.0, True)]


def test_planning_before_anything_was_seen_changes_nothing():
    learner = DynaQ(2, 2)
    learner.plan(100, rng_of())
    assert not learner.q.any()


def test_the_bonus_grows_with_the_root_of_the_time_since_an_action_was_tried():
    # One state, two actions, of which the first is taken each time. Where everything is worth its
    # own bonus alone (discount 0, step size 1), q shows the bonus at its last simulated step.
    learner = DynaQPlus(
        1, 2, exploration_bonus=0.5, step_size=1.0, discount=0.0, planning_steps=200
    )
    for now in range(1, 10):
        learner.learn(Experience(0, 0, 0.0, 0, False), rng_of(now))
        # One of the two is not drawn in 200 steps with a probability of 2^-199.
        assert learner.q[0].tolist() == [0.0, 0.5 * math.sqrt(now)]
    learner.learn(Experience(0, 1, 1.0, 0, True), rng_of())
    assert learner.q[0].tolist() == [0.5, 1.0]


def test_an_action_never_tried_is_taken_to_lead_back():
    learner = DynaQPlus(
        2, 2, exploration_bonus=1.0, step_size=1.0, discount=0.5, planning_steps=100
    )
    learner.learn(Experience(0, 0, 6.0, 1, True), rng_of())
    # sqrt(1) + 0.5 * max(6, 4): where it leads, action 0 is the best.
    assert learner.q.tolist() == [[6, 4], [0, 0]]


def test_without_a_bonus_what_was_never_tried_is_not_planned():
    learner = DynaQ(2, 2, step_size=1.0, planning_steps=100)
    learner.learn(Experience(0, 0, 6.0, 1, True), rng_of())
    assert learner.q.tolist() == [[6, 0], [0, 0]]


# ---- the compiled and the plain one ----


@given(st.data())
def test_planning_agrees_with_the_reference_bit_by_bit(data):
    num_states, num_actions = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    counts, bonus = data.draw(st.booleans()), data.draw(st.sampled_from([None, 0.0, 0.01]))
    legal = np.array(
        data.draw(
            st.lists(
                st.lists(st.booleans(), min_size=num_actions, max_size=num_actions),
                min_size=num_states,
                max_size=num_states,
            )
        )
    )
    legal[0, 0] = True
    options = {
        "step_size": data.draw(st.sampled_from([0.1, 1.0])),
        "discount": data.draw(st.sampled_from([0.0, 0.95, 1.0])),
    }
    shared = {
        "kept": "counts" if counts else "last",
        "legal": legal,
        "planning_steps": data.draw(st.integers(0, 7)),
        **options,
    }
    learner = (
        DynaQ(num_states, num_actions, **shared)
        if bonus is None
        else DynaQPlus(num_states, num_actions, exploration_bonus=bonus, **shared)
    )
    reference = ReferenceDyna(learner.q.tolist(), counts=counts, bonus=bonus, **options)
    pairs = [tuple(map(int, pair)) for pair in np.argwhere(legal)]
    step = st.tuples(
        st.sampled_from(pairs),
        st.sampled_from([-1.0, 0.0, 0.1, 2.0]),
        st.integers(0, num_states - 1),
        st.booleans(),
    )
    rng, seeds = rng_of(), rng_of()
    for (state, action), reward, following, ended in data.draw(st.lists(step, max_size=20)):
        learner.learn(Experience(state, action, reward, following, ended), rng)
        reference.learn(state, action, reward, following, ended)
        if learner.planning_steps:
            reference.plan(learner.planning_steps, int(seeds.integers(2**64, dtype=np.uint64)))
        assert learner.q.tolist() == reference.q


def test_planning_draws_from_the_search_s_own_stream():
    learner = DynaQ(1, 1)
    rng = generator_of(7)
    learner.learn(Experience(0, 0, 0.0, 0, False), rng)
    stream = Stream(7)
    stream.source.next_uint64()
    assert rng.random() == stream.random(), "one number a real step"


# ---- stochastic worlds ----


def test_counts_give_the_mean_of_a_stochastic_world_and_the_last_outcome_does_not():
    # A coin worth 1 or 0 with probability 1/2: the learner has seen 200 throws. With a step size
    # of 1/1,000, 50,000 draws, the value's standard deviation about the mean of what was seen is
    # sqrt(0.25 * 0.0005) = 0.011; five of them: a false alarm in 2 million, for this fixed seed.
    rng = rng_of(1)
    throws = rng.integers(2, size=200).astype(float)
    learners = {
        kept: DynaQ(2, 1, step_size=1e-3, planning_steps=0, kept=kept)
        for kept in ("counts", "last")
    }
    for learner in learners.values():
        for throw in throws:
            learner.learn(Experience(0, 0, throw, int(throw), True), rng)
        learner.plan(50_000, rng)
    assert learners["counts"].q[0, 0] == pytest.approx(throws.mean(), abs=0.056)
    assert learners["last"].q[0, 0] == pytest.approx(throws[-1], abs=1e-9)


# ---- acting ----


def test_actions_are_epsilon_greedy_and_legal():
    legal = np.array([[True, True, True, False]])
    learner = DynaQ(1, 4, epsilon=0.3, planning_steps=0, step_size=1.0, legal=legal)
    for action, value in ((0, 1.0), (1, 2.0), (2, 2.0)):
        learner.learn(Experience(0, action, value, 0, True), rng_of())
    rng = rng_of()
    n = 30_000
    counts = np.bincount([learner.action(0, rng) for _ in range(n)], minlength=4)
    # The house's own policy over the legal actions. Each count is off by more than 5 standard
    # deviations with a probability of 6e-7.
    expected = EpsilonGreedy(learner.q.__getitem__, 0.3, lambda _: [0, 1, 2]).probabilities(0)
    assert expected == pytest.approx([0.1, 0.45, 0.45, 0])
    assert (abs(counts - n * expected) <= 5 * np.sqrt(n * expected * (1 - expected))).all()
    assert learner.policy.probabilities(0).tolist() == [0, 0.5, 0.5, 0]


def test_a_state_without_actions_cannot_be_acted_in():
    learner = DynaQ(2, 1, legal=np.array([[True], [False]]))
    with pytest.raises(InvalidRequest, match=r"^state: is 1; has no legal action"):
        learner.action(1, rng_of())
    with pytest.raises(InvalidRequest, match=r"^state: is 2; must be"):
        learner.action(2, rng_of())


def test_the_same_seed_gives_the_same_run_and_another_does_not():
    def values(seed):
        learner = DynaQPlus(48, 4, planning_steps=5)
        learner.run(models.make("cliff_walking"), rng_of(seed), steps=500)
        return learner.q.tolist()

    assert values(3) == values(3)
    assert values(3) != values(4)


# ---- what it is good for ----


def steps_to_learn(learner, episodes=30, seed=0):
    run = learner.run(models.make("cliff_walking"), rng_of(seed), episodes=episodes)
    return len(run.rewards)


def test_planning_saves_real_steps():
    # Sums over 6 seeds. Over 96 other seeds such a sum is 28,520 with a standard deviation of 250
    # without planning, 5,990 and 120 with Dyna-Q, 4,550 and 70 with sweeping: each difference is
    # more than 10 of its own standard deviations, a false alarm in 10^23.
    direct, dyna, sweeping = (
        sum(steps_to_learn(make(), seed=seed) for seed in range(6))
        for make in (
            lambda: DynaQ(48, 4, planning_steps=0),
            lambda: DynaQ(48, 4, planning_steps=20),
            lambda: DynaSweeping(PrioritizedSweeping(48, 4, discount=0.95), planning_steps=20),
        )
    )
    assert direct > dyna > sweeping


def test_sweeping_learns_the_optimum_of_what_it_has_seen_and_counts_its_updates():
    sweeping = PrioritizedSweeping(48, 4, discount=0.95, threshold=1e-9)
    learner = DynaSweeping(sweeping, epsilon=0.5, planning_steps=1_000)
    run = learner.run(models.make("cliff_walking"), rng_of(), episodes=20)
    assert sweeping.num_queued == 0
    assert learner.updates == sweeping.updates > 0
    assert learner.q is sweeping.q
    start = run.steps_per_episode
    assert len(start) == 20
    state, length = 36, 0
    while state != 47 and length < 20:
        action = learner.policy.action(state, rng_of())
        ((_, state, _, _),) = learner.transitions(state, action)
        length += 1
    assert length == 13


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"epsilon": 1.5}, "epsilon"),
        ({"planning_steps": -1}, "planning_steps"),
        ({"planning_steps": 2.0}, "planning_steps"),
        ({"step_size": 0.0}, "step_size"),
        ({"discount": -0.1}, "discount"),
        ({"exploration_bonus": -1e-3}, "exploration_bonus"),
        ({"exploration_bonus": float("nan")}, "exploration_bonus"),
        ({"kept": "first"}, "kept"),
    ],
)
def test_a_wrong_argument_is_named(arguments, field):
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        DynaQPlus(3, 2, **arguments)


def test_a_wrong_step_is_refused():
    learner = DynaQ(2, 2)
    with pytest.raises(InvalidRequest, match=r"^reward: "):
        learner.learn(Experience(0, 0, math.inf, 0, False), rng_of())
    with pytest.raises(InvalidRequest, match="never tried"):
        learner.transitions(0, 0)


def test_only_updates_that_are_done_are_counted():
    learner, rng = DynaQ(3, 2), np.random.default_rng(0)
    learner.plan(100, rng)
    assert learner.updates == 0
    learner.learn(Experience(0, 1, 1.0, 1, False), rng)
    learner.plan(5, rng)
    assert learner.updates == 1 + learner.planning_steps + 5
