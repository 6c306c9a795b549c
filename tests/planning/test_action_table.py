import copy
import math
import pickle

import pytest

from mcts_service.planning import ActionStatistics
from mcts_service.planning.action_table import ActionTable

ROWS = [
    (0, 3, 0.5, 0.1, 0.3, 0.7, math.nan, False),
    (2, 0, math.nan, math.nan, -1.0, 1.0, math.nan, False),
]
STATISTICS = [ActionStatistics(*row) for row in ROWS]


def test_it_reads_as_the_list_of_its_statistics():
    table = ActionTable(ROWS)
    assert list(table) == STATISTICS
    assert len(table) == 2
    assert table[0] == table[-2] == STATISTICS[0]
    assert table[1:] == STATISTICS[1:]
    assert STATISTICS[1] in table
    assert repr(table) == repr(STATISTICS)
    with pytest.raises(IndexError):
        table[2]


def test_it_equals_what_has_the_same_statistics():
    assert ActionTable(ROWS) == ActionTable(list(ROWS))
    assert ActionTable(ROWS) == STATISTICS
    assert ActionTable(ROWS) == STATISTICS
    assert ActionTable(ROWS) != ActionTable(ROWS[:1])
    assert ActionTable(ROWS) != STATISTICS[:1]


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_it_can_be_copied(copied):
    assert repr(copied(ActionTable(ROWS))) == repr(STATISTICS)
