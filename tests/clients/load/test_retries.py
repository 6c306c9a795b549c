"""Attempts beyond the first."""

from __future__ import annotations

import grpc
import pytest

from mcts_client._load.records import Answer
from mcts_client._load.retries import answer_of, pushback

OK, UNAVAILABLE = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE


async def ask(*answers: tuple[grpc.StatusCode, float | None], attempts: int) -> tuple[Answer, int]:
    """The answer by a server that answers like this, in turn, and the calls that it got."""
    calls = 0

    async def attempt(seconds_left: float) -> tuple[Answer, float | None]:
        nonlocal calls
        assert seconds_left > 0
        code, asked = answers[calls]
        calls += 1
        return Answer(code, calls), asked

    return await answer_of(attempt, attempts, 60.0), calls


async def test_what_is_safe_to_retry_is_retried_and_counted() -> None:
    answer, calls = await ask((UNAVAILABLE, 0.0), (UNAVAILABLE, 0.0), (OK, None), attempts=4)
    assert (answer.code, answer.retries, calls) == (OK, 2, 3)


async def test_the_last_attempt_is_the_answer() -> None:
    answer, calls = await ask((UNAVAILABLE, 0.0), (UNAVAILABLE, 0.0), (OK, None), attempts=2)
    assert (answer.code, answer.retries, calls) == (UNAVAILABLE, 1, 2)


async def test_one_attempt_is_no_retry() -> None:
    answer, calls = await ask((UNAVAILABLE, 0.0), (OK, None), attempts=1)
    assert (answer.code, answer.retries, calls) == (UNAVAILABLE, 0, 1)


async def test_without_a_word_of_the_server_it_waits_a_little() -> None:
    answer, _ = await ask((UNAVAILABLE, None), (OK, None), attempts=2)
    assert (answer.code, answer.retries) == (OK, 1)


@pytest.mark.parametrize("asked", [-1.0, 3600.0])
async def test_a_server_that_says_no_or_not_before_the_deadline_is_left_alone(asked: float) -> None:
    answer, calls = await ask((UNAVAILABLE, asked), (OK, None), attempts=4)
    assert (answer.code, calls) == (UNAVAILABLE, 1)


async def test_other_errors_are_not_retried() -> None:
    answer, calls = await ask((grpc.StatusCode.NOT_FOUND, 0.0), (OK, None), attempts=4)
    assert (answer.code, calls) == (grpc.StatusCode.NOT_FOUND, 1)


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [
        (None, None),
        ((("a", "b"),), None),
        ((("grpc-retry-pushback-ms", "250"),), 0.25),
        ((("grpc-retry-pushback-ms", "-1"),), -0.001),
        ((("grpc-retry-pushback-ms", "soon"),), -1.0),
    ],
)
def test_the_server_says_how_long_to_wait(
    metadata: tuple[tuple[str, str], ...] | None, seconds: float | None
) -> None:
    assert pushback(metadata) == seconds
