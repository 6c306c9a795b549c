"""Running a learner in whatever can be stepped."""

from __future__ import annotations

import io
import json

import gymnasium as gym
import numpy as np
import pytest

from mcts_service import models
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.learning import (
    Checkpoints,
    DynaQ,
    Evaluation,
    JsonLines,
    ProgressBar,
    StopWhen,
    load_checkpoint,
)
from mcts_service.learning.live import run
from mcts_service.policies import Greedy


class Recorder:
    """Always goes to the right; remembers what it was told."""

    def __init__(self):
        self.seen = []

    def action(self, state, rng):
        return 1

    def learn(self, experience, rng):
        self.seen.append(experience)


def walk(state, action, rng):
    """To 3, where it ends and pays 1."""
    return state + action, float(state + action == 3), state + action == 3


class Walk:
    """The same as a sample model."""

    num_actions = 2

    def initial_state(self, rng=None):
        return 0

    def sample(self, state, action, rng):
        return walk(state, action, rng)


class GymnasiumWalk:
    """The same as an environment that gives up after its own number of steps."""

    def __init__(self, patience=100):
        self.patience = patience
        self.seeds = []

    def reset(self, seed=None):
        self.seeds.append(seed)
        self.state, self.steps = 0, 0
        return self.state, {}

    def step(self, action):
        self.state, reward, terminated = walk(self.state, action, None)
        self.steps += 1
        return self.state, reward, terminated, self.steps >= self.patience, {}


def rng_of(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("environment", "options"),
    [(Walk(), {}), (walk, {"initial_state": 0}), (GymnasiumWalk(), {})],
    ids=["sample model", "step function", "Gymnasium"],
)
def test_every_kind_of_environment_gives_the_same_run(environment, options):
    learner = Recorder()
    ran = run(learner, environment, rng_of(), steps=8, **options)
    assert ran.rewards.tolist() == [0, 0, 1, 0, 0, 1, 0, 0]
    assert ran.cumulative_reward.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert ran.episode_ends.tolist() == [3, 6]
    assert ran.steps_per_episode.tolist() == [3, 3]
    assert ran.last_state == 2
    assert [e.state for e in learner.seen] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [e.next_state for e in learner.seen] == [1, 2, 3, 1, 2, 3, 1, 2]
    assert [e.terminated for e in learner.seen] == [False, False, True] * 2 + [False] * 2


def test_a_run_ends_after_the_last_of_its_episodes():
    ran = run(Recorder(), Walk(), rng_of(), episodes=2)
    assert ran.episode_ends.tolist() == [3, 6]
    assert len(ran.rewards) == 6
    assert ran.last_state is None


def test_whichever_limit_comes_first_ends_a_run():
    assert len(run(Recorder(), Walk(), rng_of(), episodes=2, steps=4).rewards) == 4
    assert len(run(Recorder(), Walk(), rng_of(), episodes=1, steps=4).rewards) == 3


def test_an_initial_state_may_be_chosen_where_the_environment_lets_one():
    ran = run(Recorder(), Walk(), rng_of(), episodes=2, initial_state=2)
    assert ran.steps_per_episode.tolist() == [1, 1]
    with pytest.raises(InvalidRequest, match=r"^initial_state: is given"):
        run(Recorder(), GymnasiumWalk(), rng_of(), episodes=1, initial_state=2)


@pytest.mark.parametrize("environment", [GymnasiumWalk(patience=2), Walk()])
def test_an_episode_that_is_cut_ends_in_no_terminal_state(environment):
    learner = Recorder()
    ran = run(learner, environment, rng_of(), episodes=2, max_episode_steps=2)
    assert ran.steps_per_episode.tolist() == [2, 2]
    assert [e.state for e in learner.seen] == [0, 1, 0, 1]
    assert not any(e.terminated for e in learner.seen)


def test_episodes_of_gymnasium_are_seeded_from_the_generator():
    one, other = GymnasiumWalk(), GymnasiumWalk()
    run(Recorder(), one, rng_of(5), episodes=3)
    run(Recorder(), other, rng_of(5), episodes=3)
    assert one.seeds == other.seeds
    assert len(set(one.seeds)) == 3


def test_each_step_is_told_and_may_be_the_last():
    told = []

    def tell(experience, ended):
        told.append((experience.state, ended))
        return len(told) == 4

    run(Recorder(), Walk(), rng_of(), episodes=100, on_step=tell)
    assert told == [(0, False), (1, False), (2, True), (0, False)]


def test_each_episode_is_told_to_callbacks():
    told = []
    live = run(Recorder(), Walk(), rng_of(), episodes=3, callbacks=[told.append])
    assert [(done.number, done.iterations) for done in told] == [(1, 3), (2, 3), (3, 3)]
    assert [done.steps for done in told] == live.episode_ends.tolist()
    for done in told:
        assert done.learned_from.states == [0, 1, 2, 3]
        assert done.metrics["return"] == sum(done.learned_from.rewards)
        assert (done.metrics["length"], done.metrics["terminated"]) == (3, True)
        assert done.parameters is None  # a recorder has no values
    assert live.cumulative_reward[-1] == sum(done.metrics["return"] for done in told)


def test_a_callback_stops_the_run_and_is_closed():
    class Twice:
        closed = False

        def __call__(self, done):
            return done.number == 2

        def close(self):
            self.closed = True

    twice = Twice()
    live = run(Recorder(), Walk(), rng_of(), steps=100, callbacks=[twice])
    assert live.episode_ends.tolist() == [3, 6]
    assert twice.closed


def test_dyna_takes_the_callbacks_of_training_loops(tmp_path):
    lake = models.toy_text.frozen_lake(slippery=False)
    played = models.UnrolledModel(lake, max_steps=50)
    learner = DynaQ(16, 4, initial_value=1.0, planning_steps=20, step_size=0.5)
    log, saved = tmp_path / "log", tmp_path / "values.npz"
    live = learner.run(
        lake,
        rng_of(),
        episodes=200,
        callbacks=[
            Evaluation(played, lambda q: Greedy(q.__getitem__), every=5, episodes=2),
            StopWhen("evaluation_return", 1.0),
            JsonLines(log),
            Checkpoints(saved),
            ProgressBar(stream=io.StringIO()),
        ],
    )
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == len(live.episode_ends) < 200
    assert lines[-1]["evaluation_return"] == 1.0
    checkpoint = load_checkpoint(saved)
    assert (checkpoint.iteration, checkpoint.steps) == (len(lines), len(live.rewards))
    assert np.array_equal(checkpoint.parameters, learner.q)


def test_values_of_what_is_not_legal_are_saved_too(tmp_path):
    legal = np.array([[True, False], [True, True]])
    learner = DynaQ(2, 2, legal=legal)
    learner.run(
        lambda state, action, rng: (1, 1.0, True), rng_of(), initial_state=0, episodes=2,
        callbacks=[Checkpoints(tmp_path / "values.npz")],
    )  # fmt: skip
    assert np.array_equal(load_checkpoint(tmp_path / "values.npz").parameters, learner.q)


def test_a_learner_runs_in_gymnasium_s_frozen_lake_and_in_the_built_in_one():
    real = gym.make("FrozenLake-v1", is_slippery=False)
    learner = DynaQ(16, 4, initial_value=1.0, planning_steps=20, step_size=0.5)
    steps = learner.run(real, rng_of(), episodes=100).steps_per_episode
    assert steps.min() >= 2
    model = models.toy_text.frozen_lake(slippery=False)
    state, length, ended = 0, 0, False
    while not ended and length < 20:
        state, reward, ended = model.sample(state, learner.policy.action(state, rng_of()), rng_of())
        length += 1
    assert (length, reward) == (6, 1.0), "six moves are the shortest way"


@pytest.mark.parametrize(
    ("environment", "options", "field"),
    [
        (Walk(), {}, "episodes"),
        (Walk(), {"episodes": 0}, "episodes"),
        (Walk(), {"steps": 1.5}, "steps"),
        (Walk(), {"episodes": 1, "max_episode_steps": 0}, "max_episode_steps"),
        (walk, {"episodes": 1}, "initial_state"),
        ("a maze", {"episodes": 1}, "environment"),
    ],
)
def test_a_wrong_argument_is_named(environment, options, field):
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        run(Recorder(), environment, rng_of(), **options)


class Corridor:
    """To 3, which only `is_terminal` tells of; pays nothing."""

    num_actions, horizon = 2, 5

    def __init__(self, first=0):
        self.first = first

    def initial_state(self, rng=None):
        return self.first

    def is_terminal(self, state):
        return state == 3

    def sample(self, state, action, rng):
        return state + action, 0.0, False


def test_an_episode_ends_where_the_model_says_that_a_state_is_terminal():
    learner = Recorder()
    ran = run(learner, Corridor(), rng_of(), episodes=2)
    assert ran.episode_ends.tolist() == [3, 6]
    assert [e.terminated for e in learner.seen] == [False, False, True] * 2


def test_an_episode_is_cut_at_the_horizon_of_the_model_unless_told_otherwise():
    learner = Recorder()
    ran = run(learner, Corridor(first=-20), rng_of(), episodes=2)
    assert ran.episode_ends.tolist() == [5, 10]
    assert not any(e.terminated for e in learner.seen)
    ran = run(Recorder(), Corridor(first=-20), rng_of(), episodes=1, max_episode_steps=7)
    assert ran.episode_ends.tolist() == [7]


def test_no_episode_begins_in_a_terminal_state():
    with pytest.raises(TerminalState, match="initial state 3 is terminal"):
        run(Recorder(), Corridor(first=3), rng_of(), episodes=1)


def test_actions_of_a_space_that_starts_elsewhere_are_numbered_from_zero():
    class Shifted(GymnasiumWalk):
        action_space = gym.spaces.Discrete(2, start=5)

        def step(self, action):
            assert self.action_space.contains(action)
            return super().step(action - 5)

    learner = Recorder()
    ran = run(learner, Shifted(), rng_of(), episodes=1)
    assert ran.episode_ends.tolist() == [3]
    assert [e.action for e in learner.seen] == [1, 1, 1]
