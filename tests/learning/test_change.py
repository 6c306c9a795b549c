"""Changes are added to parameters where they say, times a step size."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.learning import Change, add, applied, scaled, summed


def change(indices, values):
    return Change(np.array(indices, dtype=np.int64), np.array(values, dtype=np.float64))


def test_a_change_is_of_the_flat_view_and_an_index_twice_counts_twice():
    parameters = np.zeros((2, 3))
    result = applied(parameters, change([0, 4, 4], [1.0, 2.0, 3.0]), 0.5)
    assert result.tolist() == [[0.5, 0, 0], [0, 2.5, 0]]
    assert not parameters.any(), "the pure form changes nothing"
    add(parameters, change([5], [1.0]), 2.0)
    assert parameters.tolist() == [[0, 0, 0], [0, 0, 2.0]]


def test_tuples_of_parameters_take_tuples_of_changes():
    parameters = (np.zeros(2), (np.ones((1, 2)), np.zeros(1)))
    changes = (change([1], [1.0]), (Change.none(), change([0], [4.0])))
    first, (second, third) = applied(parameters, changes, 0.5)
    assert (first.tolist(), second.tolist(), third.tolist()) == ([0, 0.5], [[1, 1]], [2.0])


def test_sums_and_multiples_are_of_what_is_added():
    parts = [change([0, 1], [1.0, 2.0]), change([1], [5.0])]
    total = applied(np.zeros(2), summed(parts), 1.0)
    assert total.tolist() == [1.0, 7.0]
    assert applied(np.zeros(2), scaled(summed(parts), -2.0), 1.0).tolist() == [-2.0, -14.0]
    pairs = [(parts[0], parts[1]), (parts[1], Change.none())]
    first, second = applied((np.zeros(2), np.zeros(2)), summed(pairs), 1.0)
    assert (first.tolist(), second.tolist()) == ([1, 7], [0, 5])
    doubled = scaled(pairs[0], 2.0)
    assert [part.values.tolist() for part in doubled] == [[2, 4], [10]]


def test_no_changes_add_nothing():
    assert applied(np.ones(2), summed([]), 1.0).tolist() == [1, 1]
    assert applied(np.ones((1, 2)), Change.everywhere(np.array([[1.0, 2.0]])), 1.0).tolist() == [
        [2, 3]
    ]


@pytest.mark.parametrize(
    ("parameters", "wrong", "said"),
    [
        (np.zeros(2), change([2], [1.0]), "change: has indices from 2 to 2; must be from 0 to 1"),
        (np.zeros(2), change([-1], [1.0]), "change: has indices from -1"),
        (np.zeros(2), (change([0], [1.0]),), "change: is a tuple; must be one change"),
        ((np.zeros(2),), change([0], [1.0]), "change: must be a tuple of 1 changes"),
        ((np.zeros(2),), (Change.none(), Change.none()), "change: must be a tuple of 1"),
        (np.zeros(2, np.float32), change([0], [1.0]), "parameters: must be float64"),
        (np.zeros((3, 2)).T, change([0], [1.0]), "parameters: .* in C order"),
    ],
)
def test_changes_of_another_form_are_refused(parameters, wrong, said):
    with pytest.raises(InvalidRequest, match=said):
        add(parameters, wrong, 1.0)


def test_forms_that_differ_have_no_sum():
    with pytest.raises(InvalidRequest, match="changes: are of different forms"):
        summed([Change.none(), (Change.none(),)])
    with pytest.raises(InvalidRequest, match=r"change: has indices of shape \(2,\)"):
        change([0, 1], [1.0])
