"""One model written five ways is one model: the same numbers, the same plan."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service._core import SplitMix64
from mcts_service.models import UnbatchedModel

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "five_ways"
WAYS = [
    "plain Python",
    "NumPy batch",
    "numba.cfunc",
    "C library by ctypes",
    "Cython extension",
]
CONFIGS = {"a tree": SearchConfig.preset("uct"), "a graph": SearchConfig.preset("graph")}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module("compare").five_ways(tmp_path_factory.mktemp("five_ways"))


def test_there_are_five_ways(models: dict[str, Any]) -> None:
    assert list(models) == WAYS


def plan_of(model: Any, config: SearchConfig, seed: int) -> dict[str, str]:
    """A plan's numbers, but for its memory: a state of Python's is kept otherwise."""
    plan = MCTS(model, config).plan(5, Budget(simulations=500), horizon=20, seed=seed)
    numbers = plan_numbers(plan)
    del numbers["bytes"]
    return numbers


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("way", WAYS[1:])
def test_every_way_gives_the_same_plan_from_the_same_seed(
    models: dict[str, Any], way: str, config: str
) -> None:
    first, other = (
        [plan_of(models[name], CONFIGS[config], seed) for seed in range(3)]
        for name in (WAYS[0], way)
    )
    assert first == other


@pytest.mark.parametrize("way", WAYS[1:])
def test_every_way_draws_the_same_samples(models: dict[str, Any], way: str) -> None:
    streams = []
    for name in (WAYS[0], way):
        bits: Any = SplitMix64(11)
        rng = np.random.Generator(bits)
        model = models[name] if hasattr(models[name], "sample") else UnbatchedModel(models[name])
        samples = [model.sample(state, state % 11, rng) for state in range(21)]
        streams.append((samples, bits.counter))
    assert streams[0] == streams[1]


@pytest.mark.parametrize(
    "name", ["plain_python.py", "numpy_batch.py", "numba_cfunc.py", "inventory.c", "c_library.py",
             "inventory_cython.pyx", "cython_extension.py"]
)  # fmt: skip
def test_every_way_is_under_sixty_lines(name: str) -> None:
    assert len((FOLDER / name).read_text().splitlines()) < 60


def test_the_comparison_prints_a_row_for_each_way() -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / "compare.py", "--simulations", "50", "--rounds", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    rows = re.findall(r"^\| (.+?) \| +[\d,]+ \| +[\d.]+ \|$", done.stdout, re.MULTILINE)
    assert rows[: len(WAYS)] == WAYS
    assert rows[len(WAYS) :] == [
        "NumPy batch, 16 simulations in flight",
        "NumPy batch, 64 simulations in flight",
        "NumPy batch, 64 states at once",
    ]
    assert "| plain Python |" in done.stdout
