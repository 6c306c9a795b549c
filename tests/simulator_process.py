"""Serves a walk until it is killed: simulator_process.py ADDRESS SECONDS_A_CALL. Prints where."""

from __future__ import annotations

import sys
import time
from typing import Any

from small_batches import Walk

from mcts_client import serve_model


class SlowWalk(Walk):
    """A walk that takes a while for each call."""

    def sample_batch(self, states: Any, actions: Any, rng: Any) -> Any:
        time.sleep(float(sys.argv[2]))
        return super().sample_batch(states, actions, rng)

    def initial_state(self, rng: Any = None) -> Any:
        return self.state()


if __name__ == "__main__":
    with serve_model(SlowWalk(), sys.argv[1]) as server:
        print(server.address, flush=True)
        server.wait()
