"""When calls are due, and what each asks for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mcts_client._load.schedule import Deal, intended_starts


def test_constant_arrivals_are_evenly_spaced() -> None:
    starts = intended_starts(10, 0.0, 1.0, "constant", np.random.default_rng(0))
    np.testing.assert_allclose(starts, np.arange(10) / 10)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_warm_up_and_duration_each_have_their_exact_number_of_calls(arrivals: str) -> None:
    starts = intended_starts(50, 1.0, 2.0, arrivals, np.random.default_rng(0))
    assert np.count_nonzero(starts < 1.0) == 50
    assert np.count_nonzero(starts >= 1.0) == 100
    assert np.all(np.diff(starts) >= 0)
    assert starts[0] >= 0
    assert starts[-1] < 3.0


def test_poisson_arrivals_have_exponential_gaps() -> None:
    # Over 20,000 gaps the share above the mean is e**-1 within 5 standard errors: by chance
    # it is not in fewer than one of a million seeds.
    starts = intended_starts(1_000, 0.0, 20.0, "poisson", np.random.default_rng(0))
    share = np.mean(np.diff(starts) > 1e-3)
    assert abs(share - math.exp(-1)) < 5 * math.sqrt(0.2325 / 20_000)


def test_the_seed_fixes_the_schedule() -> None:
    def draw(seed: int) -> np.ndarray:
        return intended_starts(10, 1.0, 1.0, "poisson", np.random.default_rng(seed))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


def test_a_deal_gives_each_kind_its_weight_and_each_request_its_turn() -> None:
    deal = Deal([3, 1], [2, 5], seed=0)
    dealt = [deal.of_call(number) for number in range(10_000)]
    # Within 5 standard errors of 0.25: by chance not in fewer than one of a million seeds.
    assert abs(sum(work for work, _ in dealt) / 10_000 - 0.25) < 5 * math.sqrt(0.1875 / 10_000)
    assert {request for work, request in dealt if work == 0} == {0, 1}
    assert {request for work, request in dealt if work == 1} == {0, 1, 2, 3, 4}


def test_the_seed_fixes_the_deal_so_processes_agree_on_it() -> None:
    one, same, other = Deal([1, 1], [9, 9], 1), Deal([1, 1], [9, 9], 1), Deal([1, 1], [9, 9], 2)
    calls = range(65_530, 65_600)  # past the place where a deal begins anew
    assert [one.of_call(n) for n in calls] == [same.of_call(n) for n in calls]
    assert [one.of_call(n) for n in calls] != [other.of_call(n) for n in calls]
