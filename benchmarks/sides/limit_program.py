"""The limit: a program written by hand for one problem, which times itself."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from sides.work import Work

__all__ = ["LimitProgram"]


class LimitProgram(Work):
    """One problem of limits/roof_uct.c.

    Each turn is a process of its own: a batch to warm up, then one that is timed, of 200,000
    simulations or one search, whichever is more.

    Args:
      program: the compiled program.
      problem: "c4", "ttt" or "grid".
      horizon: of "grid", in steps.
    """

    def __init__(self, program: str, problem: str, simulations: int, horizon: int = 50) -> None:
        self.command = [program, problem, str(simulations), "1", "full", str(horizon)]

    def turn(self, amount: int) -> float:
        return float(self._run()["median"])

    def counts(self) -> dict[str, float]:
        answer = self._run()
        return {
            "depth": answer["tree_depth"],
            "steps": answer["model_steps_per_sim"],
            "bytes": answer["bytes_per_sim"],
        }

    def _run(self) -> dict[str, Any]:
        output = subprocess.run(self.command, check=True, capture_output=True, text=True).stdout
        answer: dict[str, Any] = json.loads(output)
        return answer
