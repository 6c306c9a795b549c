"""A sample model, asked again and again, is a trajectory model."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, ModelFault, NoLegalAction, TerminalState
from mcts_service.models import TabularModel, UnrolledModel, make
from mcts_service.policies import TabularPolicy, Uniform


class Always:
    """A policy that takes one action."""

    def __init__(self, action):
        self.taken = action

    def action(self, state, rng):
        return self.taken


class Chain:
    """Cells 0 .. 4 by steps of one; arriving at the last pays 1. Counts its samples."""

    num_actions = 2
    samples = 0

    def initial_state(self, rng=None):
        return 0

    def sample(self, state, action, rng):
        self.samples += 1
        state += 1 if action == 1 else -1 if state else 0
        return state, float(state == 4), state == 4


def test_an_episode_runs_from_the_initial_state_to_the_terminal_one():
    trajectory = UnrolledModel(Chain()).trajectory(Always(1), np.random.default_rng(0))
    assert trajectory.states == [0, 1, 2, 3, 4]
    assert trajectory.actions == [1, 1, 1, 1]
    assert trajectory.rewards == [0, 0, 0, 1]
    assert trajectory.terminated is True


@pytest.mark.parametrize("max_steps", [1, 2, 3, 4, 5])
def test_an_episode_that_is_cut_has_exactly_its_steps_and_is_not_terminated(max_steps):
    chain = Chain()
    model = UnrolledModel(chain, max_steps=max_steps)
    trajectory = model.trajectory(Always(1), np.random.default_rng(0))
    assert chain.samples == len(trajectory.actions) == min(max_steps, 4)
    assert len(trajectory.states) == len(trajectory.actions) + 1
    assert trajectory.terminated is (max_steps >= 4)


def test_the_horizon_cuts_unless_a_limit_is_given():
    class Bounded(Chain):
        horizon = 2

    assert UnrolledModel(Bounded()).max_steps == 2
    assert UnrolledModel(Bounded(), max_steps=3).max_steps == 3


def test_initial_states_may_be_given_or_drawn():
    rng = np.random.default_rng(0)
    assert UnrolledModel(Chain(), initial_state=3).trajectory(Always(1), rng).states == [3, 4]
    drawn = UnrolledModel(Chain(), initial_state=lambda rng: int(rng.integers(1, 3)))
    assert {drawn.trajectory(Always(1), rng).states[0] for _ in range(20)} == {1, 2}


def test_the_same_generator_gives_the_same_trajectory():
    model, policy = UnrolledModel(make("frozen_lake_4x4")), Uniform(4)
    first, again = (model.trajectory(policy, np.random.default_rng(3)) for _ in range(2))
    assert first == again


def test_a_distribution_model_is_sampled_by_its_own_probabilities():
    class Slippery(Chain):
        sample = None

        def transitions(self, state, action):
            return [(0.5, state, -1.0, False), (0.5, 4, 0.0, True)]

    # 2,000 episodes whose lengths are geometric with mean 2 and variance 2: five standard errors,
    # a false alarm for one seed in 10^6.
    model, rng = UnrolledModel(Slippery()), np.random.default_rng(0)
    lengths = [len(model.trajectory(Always(0), rng).actions) for _ in range(2_000)]
    assert abs(np.mean(lengths) - 2.0) < 5 * np.sqrt(2 / 2_000)


def test_a_batch_model_is_asked_row_by_row():
    class Rows:
        num_actions = 2

        def initial_state(self, rng=None):
            return np.array([0.0])

        def sample_batch(self, states, actions, rng):
            following = states + 1
            return following, following[:, 0], following[:, 0] == 3

    trajectory = UnrolledModel(Rows()).trajectory(Uniform(2), np.random.default_rng(0))
    assert trajectory.rewards == [1.0, 2.0, 3.0]
    assert trajectory.states[-1].tolist() == [3.0]
    assert trajectory.terminated


def test_native_models_and_games_are_unrolled():
    rng = np.random.default_rng(0)
    pole = UnrolledModel(make("cart_pole"))
    assert pole.max_steps == 500
    assert pole.trajectory(Uniform(2), rng).terminated
    game = make("tic_tac_toe")
    trajectory = UnrolledModel(game).trajectory(Uniform(9, game.legal_actions), rng)
    assert trajectory.terminated
    assert len(trajectory.rewards[-1]) == 2


def test_labelled_actions_are_taken_by_their_labels():
    class Words:
        def initial_state(self, rng=None):
            return "start"

        def actions(self, state):
            return ["go", "stay"] if state == "start" else ["back"]

        def sample(self, state, action, rng):
            return {"go": "end", "stay": state, "back": "start"}[action], 0.0, action == "back"

    model = UnrolledModel(Words())
    assert model.num_actions is None

    class Travel:
        def action(self, state, rng):
            return "go" if state == "start" else "back"

    trajectory = model.trajectory(Travel(), np.random.default_rng(0))
    assert trajectory.actions == ["go", "back"]
    with pytest.raises(InvalidRequest, match=r"takes the action 'back' in state 'start'"):
        model.trajectory(Always("back"), np.random.default_rng(0))


@pytest.mark.parametrize("action", [-1, 2, True, 0.5, 1.0, np.float64(1), "left", None])
def test_an_action_that_is_not_legal_is_refused_with_its_state(action):
    with pytest.raises(InvalidRequest, match=r"policy: takes the action .* in state 0; must take"):
        UnrolledModel(Chain()).trajectory(Always(action), np.random.default_rng(0))


def test_legal_actions_of_the_state_count_and_numpy_integers_are_integers():
    class Walled(Chain):
        def legal_actions(self, state):
            return [1] if state == 0 else [0, 1]

    model, rng = UnrolledModel(Walled()), np.random.default_rng(0)
    assert type(model.trajectory(Always(np.int64(1)), rng).actions[0]) is int
    with pytest.raises(InvalidRequest, match=r"must take one of \[1\]"):
        model.trajectory(Always(0), rng)


def test_a_table_ends_where_it_shows_an_end():
    model = TabularModel.from_transitions(
        [[[(1.0, 1, 0.5, False)]], [[(1.0, 1, 0.0, True)]]], discount=0.9
    )
    trajectory = UnrolledModel(model).trajectory(
        TabularPolicy(np.ones((2, 1))), np.random.default_rng(0)
    )
    assert trajectory.states == [0, 1]
    assert trajectory.terminated


class Endless(Chain):
    continuing = True


class Nowhere(Chain):
    initial_state = None


class Stuck(Chain):
    def legal_actions(self, state):
        return [0, 1] if state < 1 else []


class Broken(Chain):
    def sample(self, state, action, rng):
        return state, float("nan"), False


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: UnrolledModel(Endless()), "max_steps: is not given, and the model is continuing"),
        (lambda: UnrolledModel(Nowhere()), "initial_state: is not given"),
        (lambda: UnrolledModel(Chain(), max_steps=0), "max_steps: is 0; must be an integer from 1"),
        (lambda: UnrolledModel(UnrolledModel(Chain())), "is a trajectory model; unrolling"),
    ],
)
def test_what_cannot_be_unrolled_is_refused(build, said):
    with pytest.raises(InvalidRequest, match=said):
        build()


def test_an_endless_model_is_unrolled_up_to_a_limit():
    trajectory = UnrolledModel(Endless(), max_steps=9).trajectory(Always(0), None)
    assert len(trajectory.actions) == 9


def test_an_episode_without_a_limit_that_does_not_end_is_told_so(monkeypatch):
    monkeypatch.setattr("mcts_service.models.unrolled.PATIENCE", 50)
    assert UnrolledModel(Chain()).max_steps is None
    with pytest.raises(InvalidRequest, match=r"max_steps: is not given, .* after 50 steps"):
        UnrolledModel(Chain()).trajectory(Always(0), np.random.default_rng(0))
    limited = UnrolledModel(Chain(), max_steps=60).trajectory(Always(0), np.random.default_rng(0))
    assert len(limited.actions) == 60


def test_faults_on_the_way_name_the_state():
    rng = np.random.default_rng(0)
    with pytest.raises(ModelFault, match=r"sample\(0, 0\) gives the reward nan"):
        UnrolledModel(Broken()).trajectory(Always(0), rng)
    with pytest.raises(NoLegalAction, match="state 1 is not terminal"):
        UnrolledModel(Stuck()).trajectory(Always(1), rng)
    lake = make("frozen_lake_4x4")
    with pytest.raises(TerminalState, match="the initial state 15 is terminal"):
        UnrolledModel(lake, initial_state=15).trajectory(Always(0), rng)
