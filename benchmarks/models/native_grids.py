"""grid10 and grid1000 as compiled models; states are cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from models.native_library import open_model

from mcts_service.models import NativeModel

__all__ = ["native_grid10", "native_grid1000"]

GRID10_START = 0
GRID1000_START = 480 * 1000 + 480


def native_grid10(library: Path | str, *, own_rollout: bool) -> NativeModel[int]:
    """The model in a library compiled from grid10.c.

    Args:
      library: where it lies.
      own_rollout: let the model play its rollouts itself; else the search steps through them.
    """
    symbol = "grid10" if own_rollout else "grid10_by_steps"
    return open_model(library, symbol, np.int32, GRID10_START)


def native_grid1000(library: Path | str, *, knows_outcomes: bool) -> NativeModel[int]:
    """The model in a library compiled from grid1000.c.

    Args:
      library: where it lies.
      knows_outcomes: with all outcomes and their probabilities; else from samples alone.
    """
    symbol = "grid1000" if knows_outcomes else "grid1000_by_samples"
    return open_model(library, symbol, np.int32, GRID1000_START)
