"""The records of several processes as those of one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from load_results import EXPIRED, OK, UNAVAILABLE, answered, sent

from mcts_client._load.records import Answer, Records, merged
from mcts_client._load.summary import Latencies


def test_calls_are_merged_one_by_one_in_the_order_of_sending() -> None:
    one, two = Records(), Records()
    answered(one, 10.0, 0.5, simulations=3, retries=1)
    answered(two, 10.1, 0.25, UNAVAILABLE, work=1)
    sent(one, 10.2, late=0.1)
    columns = merged([one.outcome(), two.outcome()]).columns
    assert columns.intended.tolist() == [10.0, 10.1, 10.2]
    assert columns.sent.tolist() == [10.0, 10.1, 10.2 + 0.1]
    assert columns.status.tolist() == [OK.value[0], UNAVAILABLE.value[0], OK.value[0]]
    assert columns.simulations.tolist() == [3, 0, 0]
    assert columns.work.tolist() == [0, 1, 0]
    assert columns.retries.tolist() == [1, 0, 0]
    assert columns.is_answered.tolist() == [True, True, False]
    assert columns.is_ok.tolist() == [True, False, False]


def test_the_first_message_of_each_status_is_kept() -> None:
    one, two = Records(), Records()
    one.answer(sent(one, 1.0), 2.0, Answer(UNAVAILABLE, message="first"))
    one.answer(sent(one, 1.1), 2.0, Answer(UNAVAILABLE, message="second"))
    two.answer(sent(two, 1.2), 2.0, Answer(EXPIRED, message="late"))
    expected = {"UNAVAILABLE": "first", "DEADLINE_EXCEEDED": "late"}
    assert merged([one.outcome(), two.outcome()]).messages == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 10)), min_size=1, max_size=60))
def test_quantiles_of_merged_processes_are_those_of_all_calls(
    calls: list[tuple[int, float]],
) -> None:
    processes = [Records() for _ in range(4)]
    for number, (process, latency) in enumerate(calls):
        answered(processes[process], float(number), latency)
    merged_latencies = merged([records.outcome() for records in processes]).columns.latencies
    alone = Records()
    for number, (_, latency) in enumerate(calls):
        answered(alone, float(number), latency)
    assert Latencies.of(merged_latencies) == Latencies.of(alone.outcome().columns.latencies)


def test_recent_latencies_leave_out_what_was_told_before() -> None:
    records = Records()
    answered(records, 1.0, 0.5)
    answered(records, 2.0, 0.25)
    np.testing.assert_allclose(records.recent_latencies(since=1), [0.25])
