"""From initial parameters to a policy, by policy -> trajectory alone."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.learning import (
    LinearQ,
    Mixed,
    MonteCarlo,
    OneHot,
    QLearning,
    at_once,
    one_by_one,
    train,
)
from mcts_service.models import TabularModel, UnrolledModel, from_gymnasium
from mcts_service.policies import EpsilonGreedy, Greedy, Uniform
from mcts_service.protocols import Trajectory

LAKE = {"id": "FrozenLake-v1", "is_slippery": False}
Q = LinearQ(OneHot(16), 4)


def table():
    return from_gymnasium("FrozenLake-v1", is_slippery=False)


class SamplesOnly:
    """A sample model that hides its probabilities."""

    num_actions, horizon = 4, 100

    def __init__(self):
        self.table = table()

    def initial_state(self, rng=None):
        return 0

    def sample(self, state, action, rng):
        return self.table.sample(state, action, rng)


class ProbabilitiesOnly:
    """A distribution model that nobody can sample as it is."""

    num_actions, horizon = 4, 100

    def __init__(self):
        self.table = table()

    def initial_state(self, rng=None):
        return 0

    def transitions(self, state, action):
        return self.table.transitions(state, action)


class Rows:
    """A model that answers for many states at once."""

    num_actions, horizon = 4, 100

    def __init__(self):
        self.table = table()

    def initial_state(self, rng=None):
        return np.int64(0)

    def sample_batch(self, states, actions, rng):
        pairs = zip(states.tolist(), actions.tolist(), strict=True)
        found = [self.table.transitions(state, action)[0][1:] for state, action in pairs]
        following, rewards, ends = zip(*found, strict=True)
        return np.array(following), np.array(rewards), np.array(ends)


def learned():
    """A table of what 600 random episodes on the real lake showed."""
    real, rng = UnrolledModel(table()), np.random.default_rng(0)
    seen = {}
    for _ in range(600):
        for step in real.trajectory(Uniform(4), rng).experiences():
            outcome = (1.0, step.next_state, step.reward, step.terminated)
            seen[step.state, step.action] = [outcome]
    stay = [[[(1.0, state, 0.0, True)] for _ in range(4)] for state in range(16)]
    for (state, action), outcomes in seen.items():
        stay[state][action] = outcomes
    return UnrolledModel(TabularModel.from_transitions(stay), max_steps=100)


def mixed():
    return Mixed([(gymnasium.make(**LAKE), 1), (SamplesOnly(), 3)])


MODELS = {
    "environment": lambda: gymnasium.make(**LAKE),
    "distribution and sample model": table,
    "sample model": SamplesOnly,
    "distribution model": ProbabilitiesOnly,
    "batch model": Rows,
    "trajectory model": lambda: UnrolledModel(table()),
    "learned model": learned,
    "real and simulated trajectories": mixed,
}


@pytest.mark.parametrize("name", MODELS)
def test_whatever_gives_trajectories_stands_in_without_a_change(name):
    trained = train(
        Q.initial(1.0),
        model=MODELS[name](),
        policy=lambda parameters, i: EpsilonGreedy(Q(parameters), 0.05),
        improve=one_by_one(QLearning(Q, 0.9)),
        step_size=1.0,
        iterations=120,
        rng=np.random.default_rng(1),
    )
    played = UnrolledModel(table()).trajectory(
        Greedy(Q(trained.parameters)), np.random.default_rng(0)
    )
    assert (sum(played.rewards), len(played.actions)) == (1.0, 6), "the shortest way"
    assert Q(trained.parameters)(0).max() == pytest.approx(0.9**5)


class Recorded:
    """Gives the same trajectory always, and counts."""

    def __init__(self, trajectory):
        self.given, self.calls = trajectory, 0

    def trajectory(self, policy, rng):
        self.calls += 1
        return self.given


ONE_STEP = Trajectory([0, 1], [2], [3.0], True)


def run(model=None, **changes):
    arguments = {
        "policy": lambda parameters, i: Greedy(Q(parameters)),
        "improve": at_once(MonteCarlo(Q, 1.0)),
        "step_size": 0.5,
        "iterations": 3,
        "rng": np.random.default_rng(0),
    }
    model = Recorded(ONE_STEP) if model is None else model
    return train(Q.initial(), model=model, **(arguments | changes))


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_each_iteration_plays_one_trajectory_and_learns_once(iterations):
    model, begin = Recorded(ONE_STEP), Q.initial()
    trained = run(model, iterations=iterations)
    assert model.calls == trained.iterations == trained.steps == iterations
    assert trained.parameters[0, 2] == 3.0 * (1 - 0.5**iterations)
    assert not begin.any()
    assert trained.stopped is False
    assert trained.policy.probabilities(0).tolist() == [0, 0, 1, 0]


def test_schedules_and_policies_are_told_the_iteration_from_zero():
    told = []

    def policy(parameters, i):
        told.append((i, parameters[0, 2]))
        return Greedy(Q(parameters))

    run(policy=policy, step_size=lambda i: 1.0 / (i + 1))
    assert told == [(0, 0.0), (1, 3.0), (2, 3.0), (3, 3.0)]


def test_callbacks_see_what_was_done_and_any_of_them_stops_the_loop():
    class Told:
        closed = 0

        def __init__(self, stop_at=None):
            self.stop_at, self.told = stop_at, []

        def __call__(self, done):
            self.told.append((done.number, dict(done.metrics)))
            done.metrics["marked"] = True
            return done.number == self.stop_at

        def close(self):
            self.closed += 1

    first, second = Told(stop_at=2), Told()
    trained = run(callbacks=[first, second], iterations=9)
    assert (trained.stopped, trained.iterations) == (True, 2)
    metrics = {"return": 3.0, "length": 1, "terminated": True, "step_size": 0.5}
    assert first.told == [(n, {**metrics, "steps": n}) for n in (1, 2)]
    assert second.told == [(n, {**metrics, "steps": n, "marked": True}) for n in (1, 2)]
    assert (first.closed, second.closed) == (1, 1)


def test_callbacks_are_closed_when_the_loop_fails():
    class Failing:
        closed = False

        def __call__(self, done):
            raise RuntimeError("no")

        def close(self):
            self.closed = True

    failing = Failing()
    with pytest.raises(RuntimeError, match="no"):
        run(callbacks=[failing])
    assert failing.closed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": object()}, "model: is a object, a model of no level"),
        ({"iterations": 0}, "iterations: is 0"),
        ({"step_size": -1.0}, "value: is -1.0"),
        ({"step_size": lambda i: np.nan}, "step_size: is nan"),
        ({"model": Recorded(Trajectory([0], [], [], True))}, "trajectory: is empty"),
        ({"model": Recorded(Trajectory([0, 1], [2], [], True))}, "has 2 states, 1 actions and 0"),
        ({"model": Recorded(Trajectory([0, 1], [2], [np.nan], True))}, r"rewards\[0\]: is nan"),
        (
            {"model": Recorded(Trajectory([np.zeros(2), np.full(2, np.nan)], [2], [0.0], True))},
            r"trajectory.states\[1\]: has nan at \[0\]; must be finite",
        ),
        ({"step_size": 1e140, "iterations": 9}, "step_size: let the parameters grow beyond"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_input_is_named(changes, said):
    with pytest.raises(InvalidRequest, match=said):
        run(**changes)


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([], "models: is empty"),
        ([(table(), -1.0)], r"models\[0\]: is -1.0"),
        ([(table(), 0.0)], "models: has ratios of 0 only"),
        ([(object(), 1.0)], "of no level"),
    ],
)
def test_what_cannot_be_mixed_is_refused(models, said):
    with pytest.raises(InvalidRequest, match=said):
        Mixed(models)


def test_mixed_models_are_drawn_by_their_ratios():
    # 4,000 draws of shares 3/4 and 1/4: five standard errors are 137.
    parts = [Recorded(ONE_STEP) for _ in range(3)]
    model = Mixed([(parts[0], 3.0), (parts[1], 1.0), (parts[2], 0.0)])
    rng = np.random.default_rng(0)
    for _ in range(4_000):
        model.trajectory(Uniform(4), rng)
    assert abs(parts[0].calls - 3_000) < 137, "a false alarm for one seed in 10^6"
    assert parts[2].calls == 0
