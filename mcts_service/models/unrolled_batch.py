"""From a batch model to many trajectories at once: one call a step for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.streams import generator_of_rows
from mcts_service.models.unrolled import MAX_STEPS, Episode, UnrolledModel
from mcts_service.protocols import Policy, Trajectory

__all__ = ["UnrolledBatch"]


class UnrolledBatch(UnrolledModel[Any]):
    """A batch model as a trajectory model that can also run many episodes side by side.

    Each episode draws from a stream of its own: it is the same however many run beside it. One
    that has ended is not asked about again.
    """

    def __init__(self, model: Any, *, initial_state: Any = None, max_steps: int | None = None):
        """As `UnrolledModel`, of a model with `sample_batch`.

        Raises:
          InvalidRequest: the model has none, or as there.
        """
        if not callable(getattr(model, "sample_batch", None)):
            raise InvalidRequest(
                "model", f"is a {type(model).__name__}; must have sample_batch to run many at once"
            )
        super().__init__(model, initial_state=initial_state, max_steps=max_steps)
        self.batch_model = model

    def trajectories(
        self, policy: Policy[Any], count: int, rng: np.random.Generator
    ) -> list[Trajectory[Any]]:
        """Episodes of a policy, `count` of them.

        Args:
          policy: asked once for each step of each episode.
          count: from 1.
          rng: seeds the stream of each episode.
        Raises:
          As `trajectory`; ModelFault where the answer has not one row for each question.
        """
        require_integer("count", count, 1, MAX_STEPS)
        seeds = rng.integers(2**64, size=count, dtype=np.uint64)
        episodes = [self._begun(np.random.default_rng(int(seed))) for seed in seeds]
        while running := [episode for episode in episodes if not episode.is_over()]:
            actions = [episode.chosen(policy) for episode in running]
            answers = self._answers(running, actions)
            for episode, action, answer in zip(running, actions, answers, strict=True):
                episode.take(action, *answer)
        return [episode.trajectory() for episode in episodes]

    def _answers(self, running: Sequence[Episode[Any]], actions: Sequence[int]) -> Any:
        """(next_state, reward, terminated) of each, from one call."""
        streams = [int(episode.rng.integers(2**64, dtype=np.uint64)) for episode in running]
        following, rewards, ended = self.batch_model.sample_batch(
            np.stack([episode.states[-1] for episode in running]),
            np.array(actions, dtype=np.int64),
            generator_of_rows(streams),
        )
        if not len(following) == len(rewards) == len(ended) == len(running):
            raise ModelFault(
                f"sample_batch gives {len(following)} next states, {len(rewards)} rewards and "
                f"{len(ended)} ends for {len(running)} rows"
            )
        plain = rewards.tolist() if np.ndim(rewards) == 1 else rewards
        return zip(following, plain, ended, strict=True)
