"""Compiled learning gives the bits of the NumPy form."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from small_trajectories import ENDED, Q_TABLE, RNG, TILES, Q, tiled_trajectory

from mcts_service._learning import OnlineSteps
from mcts_service.errors import InvalidRequest
from mcts_service.learning import (
    TD,
    DoubleQ,
    ExpectedSarsa,
    LinearQ,
    LinearV,
    OneHot,
    QLearning,
    Sarsa,
    SoftmaxLinear,
    one_by_one,
)
from mcts_service.policies import EpsilonGreedy, Greedy, Softmax
from mcts_service.protocols import Trajectory

UPDATES = {
    "td": lambda v, q: TD(v, 0.97),
    "sarsa": lambda v, q: Sarsa(q, 0.97),
    "expected sarsa": lambda v, q: ExpectedSarsa(q, 0.97, partial(EpsilonGreedy, epsilon=0.13)),
    "expected sarsa of a greedy policy": lambda v, q: ExpectedSarsa(q, 0.97, Greedy),
    "q-learning": lambda v, q: QLearning(q, 0.97),
}


def walk(seed, terminated):
    """300 random steps through five states with many ties and returns to states."""
    rng = np.random.default_rng(seed)
    states, actions = rng.integers(0, 5, 301).tolist(), rng.integers(0, 3, 300).tolist()
    return Trajectory(states, actions, rng.integers(-1, 2, 300).tolist(), terminated)


@pytest.mark.parametrize("terminated", [True, False], ids=["ended", "cut"])
@pytest.mark.parametrize("name", UPDATES)
@pytest.mark.parametrize("features", [TILES, OneHot(5)], ids=["tiles", "one hot"])
def test_native_and_numpy_learn_the_same_bits(features, name, terminated):
    update = UPDATES[name](LinearV(features), LinearQ(features, 3))
    values = getattr(update, "v", None) or update.q
    assert update.native() is not None
    for seed in range(4):
        trajectory = (
            walk(seed, terminated)
            if isinstance(features, OneHot)
            else tiled_trajectory(seed, steps=300, terminated=terminated)
        )
        begin = values.initial() if seed == 0 else RNG.normal(size=values.initial().shape)
        kept = begin.copy()
        native = one_by_one(update)(trajectory, begin, 0.11, RNG)
        numpy = one_by_one(update, native=False)(trajectory, begin, 0.11, RNG)
        assert native.tobytes() == numpy.tobytes()
        assert native.tobytes() != begin.tobytes()
        assert begin.tobytes() == kept.tobytes()


class Doubled(LinearQ):
    """Linear values that are not what the compiled form takes them for."""

    def __call__(self, parameters):
        plain = super().__call__(parameters)
        return lambda state: 2.0 * plain(state)


@pytest.mark.parametrize(
    "update",
    [
        DoubleQ(Q, 0.9),
        QLearning(Q, 0.9, lambda state: [0]),
        QLearning(Doubled(OneHot(3), 2), 0.9),
        Sarsa(Doubled(OneHot(3), 2), 0.9),
        ExpectedSarsa(Q, 0.9, Softmax),
        ExpectedSarsa(Q, 0.9, lambda q: EpsilonGreedy(q, 0.1, lambda state: [1])),
        ExpectedSarsa(Q, 0.9, lambda q: EpsilonGreedy(lambda state: q(state) + 1.0, 0.1)),
        ExpectedSarsa(Q, 0.9, lambda q: EpsilonGreedy(q, float(q(0)[0] > 0))),
    ],
    ids=lambda update: type(update).__name__,
)
def test_what_the_compiled_form_does_not_know_is_learned_by_numpy(update):
    tables = (Q_TABLE, Q_TABLE) if isinstance(update, DoubleQ) else Q_TABLE
    assert getattr(update, "native", lambda: None)() is None
    rng = np.random.default_rng
    learned = one_by_one(update)(ENDED, tables, 0.5, rng(0))
    same = one_by_one(update, native=False)(ENDED, tables, 0.5, rng(0))
    assert np.array_equal(learned, same)
    assert not np.array_equal(learned, tables)


def test_a_tuple_of_parameters_is_no_table():
    with pytest.raises(InvalidRequest, match="parameters: are a tuple"):
        one_by_one(QLearning(Q, 0.9))(ENDED, (Q_TABLE, Q_TABLE), 0.1, RNG)


def test_a_policy_that_explores_less_and_less_is_asked_anew():
    class Fading:
        epsilon = 1.0

        def __call__(self, q):
            return EpsilonGreedy(q, self.epsilon)

    fading = Fading()
    improve = one_by_one(ExpectedSarsa(Q, 0.9, fading))
    early = improve(ENDED, Q_TABLE, 0.5, RNG)
    fading.epsilon = 0.0
    late = improve(ENDED, Q_TABLE, 0.5, RNG)
    greedy = one_by_one(ExpectedSarsa(Q, 0.9, Greedy), native=False)(ENDED, Q_TABLE, 0.5, RNG)
    assert late.tobytes() == greedy.tobytes() != early.tobytes()


@pytest.mark.parametrize(
    "arrays",
    [
        (np.zeros((3, 1), np.int64), np.zeros(3, np.int64), np.zeros(3)),
        (np.zeros((4, 0), np.int64), np.zeros(3, np.int64), np.zeros(3)),
        (np.zeros((4, 1), np.int64), np.zeros(2, np.int64), np.zeros(3)),
        (np.zeros((1, 1), np.int64), np.zeros(0, np.int64), np.zeros(0)),
    ],
)
def test_arrays_that_do_not_belong_together_never_reach_compiled_code(arrays):
    with pytest.raises(ValueError, match="not of the shapes that belong together"):
        OnlineSteps(*arrays, True)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("name", UPDATES)
def test_nothing_is_asked_of_a_terminal_state(name, native):
    # The end is no state of the table.
    ended, cut = (Trajectory([0, 1, 99], [0, 1], [1.0, 2.0], ends) for ends in (True, False))
    update = UPDATES[name](LinearV(OneHot(2)), LinearQ(OneHot(2), 3))
    begin = (getattr(update, "v", None) or update.q).initial()
    improved = one_by_one(update, native=native)(ended, begin, 0.5, RNG)
    assert improved.sum() > 1.0
    if name != "sarsa":  # which has no next action to ask about
        with pytest.raises(InvalidRequest, match="state: is 99"):
            one_by_one(update, native=native)(cut, begin, 0.5, RNG)


def test_values_along_a_trajectory_ask_nothing_of_its_terminal_state():
    ended = Trajectory([0, 1, 99], [0, 1], [1.0, 2.0], True)
    v, q = LinearV(OneHot(2)), LinearQ(OneHot(2), 3)
    assert v.along(v.initial(1.0), ended).values.tolist() == [1, 1, 0]
    assert q.along(q.initial(1.0), ended).values.tolist() == [1, 1, 0]
    SoftmaxLinear(OneHot(2), 3).scores(np.zeros((2, 3)), ended, np.ones(2))
