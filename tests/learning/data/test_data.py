"""Data from playing, from arrays, and from Minari: what is wrong is named, or kept and counted."""

from __future__ import annotations

import numpy as np
import pytest
from played import Played

from mcts_service.errors import InvalidRequest
from mcts_service.learning.data import Recording, collect, from_arrays, from_minari, steps_of
from mcts_service.learning.data.recording import check_trajectory
from mcts_service.learning.steps import require_observations
from mcts_service.models import UnrolledModel, make
from mcts_service.policies import Uniform
from mcts_service.protocols import Trajectory


def arrays():
    """Two episodes, of three steps and of two; the first ends."""
    return {
        "states": np.array([[0.0], [1.0], [2.0], [10.0], [11.0]]),
        "actions": np.array([0, 1, 0, 1, 1]),
        "rewards": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        "terminated": np.array([False, False, True, False, False]),
        "next_states": np.array([[1.0], [2.0], [3.0], [11.0], [12.0]]),
    }


def test_collected_steps_are_as_many_as_asked_for():
    lake = make("frozen_lake_4x4")
    told = []
    played = collect(
        Played(lake), Uniform(4), 100, np.random.default_rng(0),
        progress=lambda done, asked: told.append((done, asked)),
    )  # fmt: skip
    assert played.num_steps == 100
    assert told[-1] == (100, 100)
    assert len(told) == len(played)
    again = collect(Played(lake), Uniform(4), 100, np.random.default_rng(0))
    assert again.trajectories == played.trajectories


def test_a_source_that_never_steps_is_refused():
    class Nothing:
        def trajectory(self, policy, rng):
            return Trajectory([0], [], [], False)

    with pytest.raises(InvalidRequest, match=r"trajectories\[0\]\.actions: is empty"):
        collect(Nothing(), Uniform(2), 5, np.random.default_rng(0))
    with pytest.raises(InvalidRequest, match="model: "):
        collect(object(), Uniform(2), 5, np.random.default_rng(0))


def test_arrays_become_trajectories():
    first, second = from_arrays(**arrays())
    assert first.states.tolist() == [[0.0], [1.0], [2.0], [3.0]]
    assert first.actions.tolist() == [0, 1, 0]
    assert first.terminated
    assert second.states.tolist() == [[10.0], [11.0], [12.0]]
    assert second.rewards.tolist() == [4.0, 5.0]
    assert not second.terminated


def test_arrays_may_hold_the_last_states_in_place_of_next_states():
    columns = arrays()
    del columns["next_states"]
    columns["states"] = np.array([[0.0], [1.0], [2.0], [3.0], [10.0], [11.0], [12.0]])
    for one, other in zip(from_arrays(**columns), from_arrays(**arrays()), strict=True):
        assert np.array_equal(one.states, other.states)


def test_truncated_steps_end_an_episode():
    truncated = np.array([True, False, False, False, False])
    assert [len(t.actions) for t in from_arrays(**arrays(), truncated=truncated)] == [1, 2, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": np.array([], int)}, "actions: is empty"),
        ({"rewards": np.zeros(4)}, "rewards: has 4; must have 5, for as many actions"),
        ({"terminated": np.array([0, 0, 2, 0, 0])}, "terminated: has something else than true"),
        ({"states": np.zeros((4, 1))}, "states: has 4; must have 5"),
        ({"next_states": np.zeros((5, 2))}, r"next_states: has the shape \(5, 2\)"),
        ({"actions": np.array([0, 1, 0, 1, 2])},
         r"trajectories\[1\]\.actions\[1\]: is .*2.*; must be an integer from 0 to 1"),
        ({"rewards": np.array([1, np.inf, 3, 4, 5])},
         r"trajectories\[0\]\.rewards\[1\]: is .*inf.*; must be finite"),
        ({"actions": np.array([0, 1, 0.5, 1, 1])}, r"trajectories\[0\]\.actions\[0\]: is .*0\.0"),
        ({"terminated": np.zeros(5, bool)}, r"next_states\[2\]: is not states\[3\], and no ep"),
    ],
)  # fmt: skip
def test_bad_arrays_are_refused_by_name(changes, message):
    with pytest.raises(InvalidRequest, match=message):
        from_arrays(**(arrays() | changes), num_actions=2)


def spoilt():
    columns = arrays()
    columns["states"][1] = columns["next_states"][0] = np.nan
    return columns


def test_a_state_that_is_not_finite_names_its_place():
    with pytest.raises(
        InvalidRequest, match=r"trajectories\[0\]\.states\[1\]: has nan at \[0\]; must be finite"
    ):
        from_arrays(**spoilt())


def test_what_is_whole_is_kept_and_the_loss_counted():
    columns = spoilt()
    columns["rewards"][4] = np.nan
    kept = from_arrays(**columns, keep_whole=True)
    (only,) = kept
    assert only.states.tolist() == [[10.0], [11.0]]
    assert not only.terminated
    assert kept.dropped_steps == 4
    assert [problem.partition(":")[0] for problem in kept.problems] == [
        "trajectories[0].states[1]",
        "trajectories[1].rewards[1]",
    ]


def test_nothing_whole_at_all_is_an_error():
    columns = arrays()
    columns["rewards"][:] = np.nan
    with pytest.raises(InvalidRequest, match="has none with a whole step"):
        from_arrays(**columns, keep_whole=True)


def test_a_split_parts_whole_trajectories():
    recording = from_arrays(**arrays())
    one, other = recording.split(0.5, np.random.default_rng(0))
    assert {id(t) for t in (*one, *other)} == {id(t) for t in recording}
    assert (len(one), len(other)) == (1, 1)
    with pytest.raises(InvalidRequest, match="has 1; to split takes two"):
        one.split(0.5, np.random.default_rng(0))


def test_steps_are_columns():
    steps = steps_of(from_arrays(**arrays()))
    assert steps.states.tolist() == arrays()["states"].tolist()
    assert steps.next_states.tolist() == arrays()["next_states"].tolist()
    assert steps.terminated.tolist() == arrays()["terminated"].tolist()
    assert steps.first.tolist() == [0, 3]
    with pytest.raises(InvalidRequest, match=r"trajectories\[0\]\.states: is \[0, 1\]; must be"):
        steps_of([Trajectory([0, 1], [0], [0.0], False)])
    ragged = [Trajectory([np.zeros(2), np.zeros(3)], [0], [0.0], False)]
    with pytest.raises(InvalidRequest, match=r"states\[1\]: has the shape \(3,\); must have \(2,"):
        steps_of(ragged)


# ---- Minari


@pytest.fixture
def minari_dataset(tmp_path, monkeypatch):
    """A small data set of its own, on this machine alone."""
    minari = pytest.importorskip("minari")
    gymnasium = pytest.importorskip("gymnasium")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    lake = gymnasium.make("FrozenLake-v1")
    rng = np.random.default_rng(0)
    episodes = []
    for number in range(5):
        buffer = minari.data_collector.EpisodeBuffer(
            id=number,
            observations=[lake.reset(seed=number)[0]],
            actions=[],
            rewards=[],
            terminations=[],
            truncations=[],
        )
        done = False
        while not done:
            action = int(rng.integers(4))
            observation, reward, terminated, truncated, _ = lake.step(action)
            done = terminated or truncated
            buffer.observations.append(observation)
            buffer.actions.append(action)
            buffer.rewards.append(reward)
            buffer.terminations.append(terminated)
            buffer.truncations.append(truncated)
        episodes.append(buffer)
    return minari.create_dataset_from_buffers(
        "lake/random-v0",
        buffer=episodes,
        env=lake,
        algorithm_name="random play",
        author="nobody",
        author_email="nobody@example.org",
        code_permalink="https://example.org",
        description="Five episodes of random play.",
        requirements=[],
    )


@pytest.mark.filterwarnings("ignore:`eval_env` is set to None")
def test_minari_episodes_become_trajectories(minari_dataset):
    played = from_minari(minari_dataset)
    assert isinstance(played, Recording)
    assert len(played) == 5
    assert played.num_steps == minari_dataset.total_steps
    for trajectory in played:
        assert trajectory.states[0] == 0
        assert len(trajectory.states) == len(trajectory.actions) + 1
    assert from_minari("lake/random-v0").num_steps == played.num_steps


@pytest.mark.filterwarnings("ignore:`eval_env` is set to None")
def test_a_minari_data_set_that_is_not_there_is_named(minari_dataset):
    with pytest.raises(InvalidRequest, match="dataset: is 'lake/none-v0', which cannot be read"):
        from_minari("lake/none-v0")


def test_whatever_is_trained_on_is_collected_from_too():
    lake = make("frozen_lake_4x4")
    played = collect(lake, Uniform(4), 50, np.random.default_rng(0))
    assert played.num_steps == 50
    again = collect(UnrolledModel(lake), Uniform(4), 50, np.random.default_rng(0))
    assert again.trajectories == played.trajectories


@pytest.mark.parametrize(
    ("state", "place"),
    [
        (np.nan, ""),
        (np.float32(np.inf), ""),
        ((1, (2.0, np.nan)), r"\[1\]\[1\]"),
        ([np.array([0.0, np.inf])], r"\[0\]"),
        ({"speed": np.array([np.nan])}, r"\['speed'\]"),
        (np.array([0.0, np.nan]), ""),
        (np.array([None, (np.nan,)], dtype=object), r"\[1\]\[0\]"),
    ],
)
def test_numbers_that_are_not_finite_are_found_wherever_a_state_holds_them(state, place):
    trajectory = Trajectory([state, state], [0], [1.0], False)
    for refuse, name in (
        (lambda: check_trajectory(trajectory, 0), r"trajectories\[0\]"),
        (lambda: require_observations(trajectory), "trajectory"),
    ):
        with pytest.raises(InvalidRequest, match=rf"{name}\.states\[0\]{place}: .*finite"):
            refuse()
