"""Environments by copies: which are faithful, which are refused, and what a snapshot is."""

from __future__ import annotations

import copy
import random
import threading

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import EzPickle

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.gymnasium import from_gymnasium
from mcts_service.models.gymnasium_copy import CopiedEnvironmentModel, Snapshot
from mcts_service.testing import assert_model


class Ladder(gymnasium.Env):
    """Climb to rung 6: action 3 stays, action 4 climbs. Subclasses change one thing each."""

    observation_space = gymnasium.spaces.Box(-10.0, 1e6, (1,))
    action_space = gymnasium.spaces.Discrete(2, start=3)

    def __init__(self):
        self.rung = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.rung = 0
        return self.observed(), {}

    def step(self, action):
        self.rung += self.climbed(action)
        return self.observed(), float(self.rung), self.rung >= 6, False, {}

    def climbed(self, action):
        return action - 3

    def observed(self):
        return np.array([self.rung], dtype=np.float32)


class Slippery(Ladder):
    def climbed(self, action):
        return super().climbed(action) * int(self.np_random.integers(2))


class OwnDice(Ladder):
    """Draws from generators of three kinds that the environment keeps in a list."""

    def __init__(self):
        super().__init__()
        self.dice = [np.random.default_rng(1), np.random.RandomState(1), random.Random(1)]

    def climbed(self, action):
        generator, legacy, plain = self.dice
        draws = (generator.integers(2), legacy.randint(2), plain.randrange(2))
        return sum(map(int, draws)) if action == 4 else 0


class Unseeded(Slippery):
    def reset(self, *, seed=None, options=None):
        return super().reset()


class RareDraw(Ladder):
    """Draws on the fifth rung only."""

    def climbed(self, action):
        return int(self.np_random.integers(2)) if self.rung == 5 else super().climbed(action)


class OneBuffer(Ladder):
    def __init__(self):
        super().__init__()
        self.buffer = np.zeros(1, dtype=np.float32)

    def observed(self):
        self.buffer[0] = self.rung
        return self.buffer


class OwnTimeLimit(Ladder):
    def step(self, action):
        observation, reward, terminated, _, info = super().step(3)
        return observation, reward, terminated, True, info


class Engine:
    """A game engine behind a handle, which every copy shares."""

    def __init__(self):
        self.steps = 0

    def __deepcopy__(self, memo):
        return self


class SharedEngine(Ladder):
    def __init__(self):
        super().__init__()
        self.engine = Engine()

    def observed(self):
        self.engine.steps += 1
        return np.array([self.engine.steps], dtype=np.float32)


class StartsAfresh(Ladder, EzPickle):
    def __init__(self):
        EzPickle.__init__(self)
        Ladder.__init__(self)


class GlobalDice(Ladder):
    def climbed(self, action):
        return int(np.random.randint(2))


class GlobalCoin(Ladder):
    def climbed(self, action):
        return random.randrange(2)


class Locked(Ladder):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class BreaksDown(Ladder):
    def climbed(self, action):
        raise RuntimeError("out of order")


class NoReset(Ladder):
    def reset(self, *, seed=None, options=None):
        raise RuntimeError("no way back")


class Handle:
    """Can be copied, but not pickled."""

    def __deepcopy__(self, memo):
        return Handle()

    def __reduce_ex__(self, protocol):
        raise TypeError("a handle")


class CopiesWithoutPickling(Ladder):
    def __init__(self):
        super().__init__()
        self.handle = Handle()


@pytest.mark.parametrize("env", [Ladder, Slippery, OwnDice, Unseeded, OneBuffer, OwnTimeLimit])
def test_faithful_environment_becomes_a_model_that_keeps_the_contract(env):
    model = from_gymnasium(env())
    assert isinstance(model, CopiedEnvironmentModel)
    assert (model.num_actions, model.first_action, model.discount) == (2, 3, 1.0)
    assert_model(model, steps=60)


def test_blackjack_becomes_a_model_that_keeps_the_contract():
    model = from_gymnasium("Blackjack-v1")
    assert not model.deterministic
    assert_model(model)


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        (SharedEngine, "a copy that ran ahead gave observation"),
        (StartsAfresh, "a copy that ran ahead gave observation"),
        (GlobalDice, "a step draws from a global random generator"),
        (GlobalCoin, "a step draws from a global random generator"),
        (Locked, "it cannot be copied: TypeError: cannot pickle '_thread.lock' object"),
        (BreaksDown, r"step\([34]\) raised RuntimeError: out of order"),
        (NoReset, "its copy cannot be reset: RuntimeError: no way back"),
    ],
)
def test_environment_that_does_not_copy_is_refused_with_the_reason(env, reason):
    with pytest.raises(InvalidRequest, match=f"env: {env.__name__} cannot be .*{reason}"):
        from_gymnasium(env())


def test_building_a_model_leaves_the_environment_as_it_is():
    env = Slippery()
    env.reset(seed=5)
    env.step(4)
    rung, generator = env.rung, copy.deepcopy(env.np_random)
    model = from_gymnasium(env)
    model.sample(model.state_of(env), 1, np.random.default_rng(0))
    assert env.rung == rung
    assert env.np_random.random() == generator.random()


def test_determinism_is_found_out():
    assert from_gymnasium(Ladder()).deterministic
    assert not from_gymnasium(Slippery()).deterministic
    assert not from_gymnasium(OwnDice()).deterministic
    assert not from_gymnasium(Ladder(), deterministic=False).deterministic


def test_draw_in_a_deterministic_model_is_a_fault():
    env = RareDraw()
    env.reset(seed=0)
    env.rung = 5
    rng = np.random.default_rng(0)
    strict = from_gymnasium(env, deterministic=True)
    with pytest.raises(ModelFault, match="build the model with deterministic=False"):
        strict.sample(strict.state_of(env), 1, rng)
    lenient = from_gymnasium(env, deterministic=False)
    assert lenient.sample(lenient.state_of(env), 1, rng)[1] in (5.0, 6.0)


@pytest.mark.parametrize("env", [Slippery, OwnDice, Unseeded])
def test_samples_follow_the_planners_generator_and_not_the_environments(env):
    # A fair climb, 200 times: outside 60 .. 140 by chance for less than one seed in 10^7.
    model = from_gymnasium(env())
    state = model.initial_state(np.random.default_rng(0))
    rng = np.random.default_rng(1)
    rewards = [model.sample(state, 1, rng)[1] for _ in range(200)]
    low = sum(reward <= 1.0 if env is OwnDice else reward == 0.0 for reward in rewards)
    assert 60 <= low <= 140
    first, second = (model.sample(state, 1, np.random.default_rng(9)) for _ in range(2))
    assert first == second


def test_end_by_the_environments_own_time_limit_is_an_end():
    model = from_gymnasium(OwnTimeLimit())
    next_state, _, terminated = model.sample(model.initial_state(), 0, np.random.default_rng(0))
    assert terminated
    assert model.is_terminal(next_state)


def test_snapshots_are_equal_where_their_data_are():
    model = from_gymnasium(Slippery())
    rng = np.random.default_rng(0)
    state = model.initial_state(rng)
    rungs = {}
    for _ in range(50):
        next_state, reward, _ = model.sample(state, 1, rng)
        rungs.setdefault(reward, set()).add(next_state)
    assert {reward: len(snapshots) for reward, snapshots in rungs.items()} == {0.0: 1, 1.0: 1}
    assert rungs[0.0] == {state}
    assert state != "a snapshot"
    assert "Snapshot of Slippery" in repr(state)


def test_observation_of_a_snapshot_stays():
    model = from_gymnasium(OneBuffer())
    rng = np.random.default_rng(0)
    first = model.initial_state(rng)
    second, _, _ = model.sample(first, 1, rng)
    model.sample(second, 1, rng)
    assert (first.observation[0], second.observation[0]) == (0.0, 1.0)


def test_live_environment_is_snapped_through_its_wrappers():
    env = gymnasium.wrappers.TimeLimit(Ladder(), 50)
    model = from_gymnasium(env)
    assert model.horizon == 50
    observation, _ = env.reset(seed=0)
    env.step(4)
    state = model.state_of(env, observation)
    assert isinstance(state, Snapshot)
    env.step(4)
    assert state.environment.rung == 1
    assert state.observation is observation
    assert model.sample(state, 1, np.random.default_rng(0))[1] == 2.0


def test_state_of_another_kind_is_refused():
    model = from_gymnasium(Ladder())
    with pytest.raises(InvalidRequest, match="state: is a int; must be a Snapshot"):
        model.validate_state(3)
    with pytest.raises(InvalidRequest, match="env: is of a Slippery; must be of a Ladder"):
        model.state_of(Slippery())


def test_environment_that_copies_but_does_not_pickle_has_snapshots_of_their_own():
    model = from_gymnasium(CopiesWithoutPickling())
    rng = np.random.default_rng(0)
    state = model.initial_state(rng)
    one, other = (model.sample(state, 1, rng)[0] for _ in range(2))
    assert one == one
    assert one != other
    assert model.sample(one, 1, rng)[1] == 2.0
