"""Trajectories, and the steps that they are made of."""

from __future__ import annotations

from mcts_service.protocols import Experience, Trajectory


def test_a_trajectory_falls_apart_into_its_steps():
    steps = Trajectory("abc", [1, 0], [0.5, 2.0], True).experiences()
    assert list(steps) == [
        Experience("a", 1, 0.5, "b", False, next_action=0),
        Experience("b", 0, 2.0, "c", True, next_action=None),
    ]


def test_the_last_step_of_a_cut_trajectory_is_not_terminated():
    assert [step.terminated for step in Trajectory("ab", [0], [1.0], False).experiences()] == [
        False
    ]
    assert not list(Trajectory("a", [], [], False).experiences())
