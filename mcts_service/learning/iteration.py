"""What a training loop tells of each iteration, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mcts_service.protocols import Policy

__all__ = ["Callback", "Iteration", "telling"]


@dataclass(frozen=True)
class Iteration:
    """One iteration that is done: of `train`, of `expert_iteration`, or an episode of a live `run`.

    Attributes:
      number: how many are done, this one included.
      iterations: how many there will be, if nothing stops them; None where only steps are counted.
      steps: how many steps were learned from so far.
      learned_from: a `Trajectory`; of expert iteration the `Examples` of its episodes.
      policy: that played it.
      parameters: that were learned: of the policy of the next iteration. Of a live run a copy of
        the learner's `q`, None if it has none.
      rng: of the loop, as it is now. To be saved, and not to be drawn from.
      metrics: of this iteration: "return" (the sum of the rewards), "length" (in steps) and
        "steps"; "terminated" where it is one episode, and the means over the episodes, and
        "episodes", of expert iteration, whose returns are those of its examples, of the first
        player; "step_size" of `train`. A callback may add to them for those after it.
    """

    number: int
    iterations: int | None
    steps: int
    learned_from: Any
    policy: Policy[Any]
    parameters: Any
    rng: np.random.Generator
    metrics: dict[str, Any]


class Callback(Protocol):
    """Is told of each iteration. One that has `close()` is closed when the loop ends, however."""

    def __call__(self, done: Iteration) -> bool | None:
        """True stops the loop after this iteration."""
        ...


@contextmanager
def telling(callbacks: Sequence[Callback]) -> Iterator[Callable[[Iteration], bool]]:
    """Gives what tells all callbacks of an iteration, in their order, and closes them in the end.

    It gives True where one of them stops the loop.
    """
    with ExitStack() as ending:
        for callback in callbacks:
            ending.callback(getattr(callback, "close", _nothing))
        yield lambda done: _tell(callbacks, done)


def _tell(callbacks: Sequence[Callback], done: Iteration) -> bool:
    answers = [callback(done) for callback in callbacks]  # all, whichever it is that stops
    return any(answers)


def _nothing() -> None:
    pass
