"""The short form of `make chaos`: what must hold on any machine, however slow."""

import pytest

from benchmarks.chaos.run import SHORT, TESTS


@pytest.mark.parametrize("name", TESTS)
def test_it_holds(name):
    rows = TESTS[name](SHORT)
    assert rows
    assert [f"{row.test}: {row.measured}" for row in rows if not row.holds] == []
