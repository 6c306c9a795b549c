"""Callbacks of a training loop: how well it does, and when that is enough."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mcts_service.checks import require_integer, require_number, require_text
from mcts_service.learning.iteration import Iteration
from mcts_service.learning.steps import rewards_of
from mcts_service.learning.targets import returns
from mcts_service.models import as_trajectory_model
from mcts_service.protocols import Policy

__all__ = ["Evaluation", "JsonLines", "StopWhen"]

_log = logging.getLogger(__name__)


class Evaluation:
    """Plays episodes by the policy that was learned so far, and learns nothing from them.

    Adds "evaluation_return", their mean, and "evaluation_standard_error" to the metrics. What it
    draws follows from its own seed and the iteration: the training draws the same with it and
    without.
    """

    def __init__(
        self,
        model: Any,
        policy: Callable[[Any], Policy[Any]],
        *,
        every: int,
        episodes: int,
        discount: float = 1.0,
        seed: int = 0,
    ):
        """Evaluates at every so many iterations.

        Args:
          model: to play in; of any level, or an environment. It may be another than that which
            is trained on.
          policy: parameters -> the policy to be judged: `lambda w: Greedy(q(w))`.
          every: iterations.
          episodes: each time; the standard error takes two.
          discount: of the returns, from 0 to 1.
          seed: of the episodes.
        """
        self.model = as_trajectory_model(model)
        self.policy = policy
        self.every = require_integer("every", every, 1, 2**53)
        self.episodes = require_integer("episodes", episodes, 1, 2**31)
        self.discount = require_number("discount", discount, 0.0, 1.0)
        self.seed = require_integer("seed", seed, 0, 2**64 - 1)

    def __call__(self, done: Iteration) -> None:
        """Evaluates where it is time to."""
        if done.number % self.every:
            return
        rng = np.random.default_rng([self.seed, done.number])
        policy = self.policy(done.parameters)
        found = np.array([self._return(policy, rng) for _ in range(self.episodes)])
        done.metrics["evaluation_return"] = float(found.mean())
        if self.episodes > 1:
            done.metrics["evaluation_standard_error"] = float(
                found.std(ddof=1) / math.sqrt(self.episodes)
            )

    def _return(self, policy: Policy[Any], rng: np.random.Generator) -> float:
        rewards = rewards_of(self.model.trajectory(policy, rng))
        return float(returns(rewards, 0.0, self.discount)[0])


class StopWhen:
    """Stops the loop once a metric is high enough; it may have been added by a callback before."""

    def __init__(self, metric: str, at_least: float):
        """Looks at "evaluation_return", say. An iteration that lacks it goes by."""
        require_text("metric", metric)
        self.metric = metric
        self.at_least = require_number("at_least", at_least, -1e140, 1e140)

    def __call__(self, done: Iteration) -> bool:
        """True where it is."""
        return bool(done.metrics.get(self.metric, -math.inf) >= self.at_least)


class JsonLines:
    """Writes the metrics of each iteration as a line of JSON: {"iteration": 1, "return": ...}.

    A run that goes on from a checkpoint goes on with the file: lines of iterations that are done
    once more are dropped first, and so are lines that were cut short. A run from the start
    begins the file anew. JSON has no form for what is not finite: it is null.

    Attributes:
      cut_lines: how many lines were dropped because they were cut short; the log tells of them.
    """

    def __init__(self, path: str | os.PathLike[str]):
        """Writes to `path`; nothing happens to it before the first iteration."""
        self.path = Path(path)
        self.cut_lines = 0
        self._file: TextIO | None = None

    def __call__(self, done: Iteration) -> None:
        """Writes one line, at once: whoever reads along sees it."""
        if self._file is None:
            self._file = self._opened(done.number)
        line = {"iteration": done.number, **done.metrics}
        self._file.write(json.dumps(_plain(line), allow_nan=False, default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file; another run may open it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self, number: int) -> TextIO:
        """The file, with the lines of the iterations before."""
        kept, cut = [], 0
        if number > 1 and self.path.exists():
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
            numbers = [_iteration_of(line) for line in lines]
            kept = [line for line, of in zip(lines, numbers, strict=True) if of < number]
            cut = sum(math.isnan(of) for of in numbers)
        # Beside, and then in its place: there is always a whole file.
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in kept)
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
        self.cut_lines = cut
        if cut:
            _log.warning("%s: lines that were cut short, and dropped: %d", self.path, cut)
        return self.path.open("a", encoding="utf-8")


def _plain(value: Any) -> Any:
    """A metric as JSON can hold it: a number of Python's own, None where it is not finite."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _iteration_of(line: str) -> float:
    """NaN of a line that was cut short."""
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return math.nan
