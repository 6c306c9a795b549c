"""The example that learns the lake: its parts by hand, and a short run of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcts_service.models import make
from mcts_service.protocols import Trajectory


@pytest.fixture
def lake(example: Any) -> Any:
    return example("frozen_lake_learned")


def test_a_log_is_cut_to_its_first_steps(lake: Any) -> None:
    log = [
        Trajectory([0, 1, 2], [0, 1], [0.0, 0.0], True),
        Trajectory([0, 4, 8, 9], [1, 1, 2], [0.0, 0.0, 1.0], True),
    ]
    one, other = lake.first_steps(log, 3)
    assert one == log[0]
    assert other == Trajectory([0, 4], [1], [0.0], False)
    assert lake.first_steps(log, 2) == log[:1]
    assert lake.first_steps(log, 99) == log


def test_a_way_that_never_slips_returns_what_it_reaches(lake: Any) -> None:
    frozen = make("frozen_lake_4x4", slippery=False)
    right = np.array([1, 2, 1, 0, 1, 0, 1, 0, 2, 1, 1, 0, 0, 2, 2, 0])
    assert lake.exact_return(frozen, right) == 1.0
    assert lake.exact_return(frozen, np.zeros(16, np.int64)) == 0.0


def test_what_was_learned_comes_close_to_the_true_lake(lake: Any, tmp_path: Path) -> None:
    """Two logs of fixed seeds. Over 20 logs the plan learned from 30,000 steps returns
    0.727 ± 0.007, and Q-learning that sees 1,000 steps once 0.057 ± 0.013 (standard errors).
    """
    curves = lake.play(runs=2, seed=0)
    learned, true = curves[lake.LEARNED], curves[lake.TRUE]
    assert (true == true[0, 0]).all()
    assert true[0, 0] > 0.73  # the best there is: 0.74419
    assert learned[:, -1].min() > 0.7
    assert curves[lake.q_name(1)][:, 2].mean() < learned[:, -1].mean() - 0.2
    lake.draw(curves, tmp_path / "lake.png")
    assert (tmp_path / "lake.png").read_bytes().startswith(b"\x89PNG")
    assert lake.table(curves).row_count == 4
