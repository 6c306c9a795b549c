"""The reference search's logarithm; tests/native/test_logarithm.c holds the core's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference_numbers import logarithm
from reference_search import ReferenceSearch
from searching import read, run_search
from small_models import Arms

SAMPLED = [
    *range(2, 3000),
    *(int(n) for n in np.random.default_rng(0).integers(3000, 1_000_000, 3000)),
    *(2**bit + off for bit in range(2, 32) for off in (-1, 0, 1)),
]


def test_logarithm_is_within_two_units_of_the_last_place() -> None:
    for n in SAMPLED:
        assert abs(logarithm(n) - math.log(n)) <= 2 * math.ulp(math.log(n)), n


def test_logarithm_of_one_is_zero() -> None:
    assert logarithm(1) == 0.0


@pytest.mark.parametrize(
    ("n", "bits"),
    [
        (2, "0x1.62e42fefa39efp-1"),
        (3, "0x1.193ea7aad030ap+0"),
        (4097, "0x1.0a2d23e3bb61dp+3"),
        (123456, "0x1.77280f4671181p+3"),
        (2**32 - 1, "0x1.62e42fef939efp+4"),
    ],
)
def test_logarithm_has_the_bits_that_the_core_has(n: int, bits: str) -> None:
    assert logarithm(n).hex() == bits


def test_counts_beyond_the_core_s_table_select_alike() -> None:
    model = Arms(*(lambda rng, i=i: rng.random() * (1 + i / 10) for i in range(3)))
    reference = ReferenceSearch(model, 0, seed=0, exploration=1.0, max_depth=1).run(10_000)
    search = run_search(model, 0, 10_000, max_depth=1)
    assert [(row.action, row.visits, row.value) for row in read(search).actions] == [
        (edge.action, edge.visits, edge.value) for edge in reference.edges
    ]
