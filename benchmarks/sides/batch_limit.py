"""The limit for PUCT in batches: a program written by hand, which times itself."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from sides.work import Work

__all__ = ["BatchLimit"]


class BatchLimit(Work):
    """limits/roof_puct.c. Each turn is a process of its own.

    Args:
      program: the compiled program.
      batch: trees that advance in step.
      simulations: of each.
      scale: "node" or "tree": by what range values are scaled.
    """

    #: A repeat of the program has this many simulations or one search.
    REPEAT = 20_000

    def __init__(self, program: str, batch: int, simulations: int, scale: str) -> None:
        self.simulations = max(self.REPEAT, batch * simulations)
        self.command = [program, str(batch), str(simulations)]
        self.scale = scale

    def turn(self, amount: int) -> float:
        return float(self._run(max(1, amount // self.simulations))["median"])

    def counts(self) -> dict[str, float]:
        answer = self._run(1)
        return {"depth": answer["mean_depth"], "steps": 1.0, "bytes": answer["bytes_per_sim"]}

    def _run(self, repeats: int) -> dict[str, Any]:
        command = [*self.command, str(repeats), self.scale]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        answer: dict[str, Any] = json.loads(output)
        return answer
