"""The solvers' own table: what it holds, and what it refuses to be filled with."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service._solvers import Predecessors, SparseTable
from mcts_service.models import TabularModel
from mcts_service.planning.finite import table_of


def wide(outcomes: int, num_states: int = 64) -> SparseTable:
    """Two actions, from every state to so many others, each as probable."""
    rows = 2 * num_states
    return table_of(
        TabularModel.from_arrays(
            np.arange(0, rows * outcomes + 1, outcomes),
            np.full(rows * outcomes, 1.0 / outcomes),
            np.tile(np.arange(outcomes), rows),
            np.zeros(rows * outcomes),
            np.zeros(rows * outcomes, np.bool_),
            num_actions=2,
        )
    )


def test_table_of_a_policy_is_not_filled_with_more_than_it_has_room_for() -> None:
    narrow, table = wide(1), wide(50)
    policy, values = np.zeros(64, np.int32), np.zeros(64)
    with pytest.raises(ValueError, match="no room for every policy of the other"):
        narrow.for_policy().follow(table, policy)
    with pytest.raises(ValueError, match="no room for every policy of the other"):
        table.back_up(0.9, values, np.zeros(64), None, policy, 1, narrow.for_policy())
    chain = table.for_policy()
    chain.follow(narrow, policy)
    chain_of_narrow = chain.for_policy()
    chain.follow(table, policy)
    with pytest.raises(ValueError, match="no room for every policy of the other"):
        chain_of_narrow.follow(chain, policy)
    table.back_up(0.9, values, np.zeros(64), None, policy, 1, chain)
    assert chain.num_entries == 64 * 50


def test_outcomes_that_lead_to_one_state_are_one_entry() -> None:
    size, count = 1500, 3000
    table = SparseTable.of_arrays(
        size,
        1,
        np.array([0, count, *([2 * count] * (size - 1))], np.int32),
        np.full(2 * count, 1.0 / count),
        np.tile(np.arange(size), 4).astype(np.int32),
        np.ones(2 * count),
        np.zeros(2 * count, np.uint8),
        np.zeros(size, np.uint8),
    )
    _, _, row_start, reward, probability, next_state = table.rows()
    assert row_start.tolist() == [0, size, 2 * size]
    assert (next_state == np.tile(np.arange(size), 2)).all()
    assert probability == pytest.approx(np.full(count, 2.0 / count))
    assert reward == pytest.approx([1.0, 1.0])
    assert table.longest_row == size


def test_states_in_which_an_episode_can_be_kept() -> None:
    """0 <-> 1 go round; 2 may stay or end; 3 leads to 2 or to an end; 4 may end by each action."""
    model = TabularModel.from_transitions(
        [
            {0: [(1.0, 1, 0.0, False)]},
            {0: [(1.0, 0, 0.0, False)], 1: [(0.5, 0, 0.0, False), (0.5, 4, 0.0, False)]},
            {0: [(1.0, 2, 0.0, False)], 1: [(1.0, 2, 0.0, True)]},
            {0: [(0.5, 2, 0.0, False), (0.5, 3, 0.0, True)], 1: [(1.0, 2, 0.0, False)]},
            {0: [(0.5, 0, 0.0, False), (0.5, 0, 0.0, True)]},
        ]
    )
    links = Predecessors(table_of(model))
    inside, stays = links.endless(np.ones(5, np.uint8))
    assert inside.tolist() == [1, 1, 1, 1, 0]
    assert stays.tolist() == [1, 1, 0, 1, 0, 0, 1, 0]
    inside, stays = links.endless(np.array([1, 0, 0, 1, 1], np.uint8))
    assert not inside.any()
    assert not stays.any()
