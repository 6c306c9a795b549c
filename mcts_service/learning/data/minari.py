"""Data from Minari's data sets of recorded episodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.recording import Recording, kept
from mcts_service.protocols import Trajectory

__all__ = ["from_minari"]


def from_minari(dataset: Any, *, keep_whole: bool = False) -> Recording:
    """The episodes of a data set whose actions are numbered.

    Args:
      dataset: a `minari.MinariDataset`, or the name of one that lies on this machine; nothing is
        downloaded.
      keep_whole: as in `from_arrays`.
    Raises:
      InvalidRequest: Minari is not installed; there is no such data set; its actions are not
        numbered from 0, or its observations no arrays or numbers; an episode is empty, ragged or
        not finite: names the trajectory, the step and the field.
    Source: https://minari.farama.org
    """
    if isinstance(dataset, str):
        dataset = _loaded(dataset)
    space = dataset.action_space
    count = getattr(space, "n", None)
    if count is None or int(getattr(space, "start", 0)) != 0:
        raise InvalidRequest("dataset", f"has the actions {space}; must be numbered from 0")
    return kept(_trajectories(dataset), int(count), keep_whole=keep_whole)


def _loaded(name: str) -> Any:
    try:
        import minari
    except ImportError as error:
        raise InvalidRequest(
            "dataset", 'needs Minari: pip install "mcts-service[minari]"'
        ) from error
    try:
        return minari.load_dataset(name)
    # Minari raises whatever its storage raises.
    except Exception as error:
        raise InvalidRequest("dataset", f"is {name!r}, which cannot be read: {error}") from error


def _trajectories(dataset: Any) -> Iterator[Trajectory[Any]]:
    for number, episode in enumerate(dataset.iterate_episodes()):
        states: Any = episode.observations
        if not isinstance(states, np.ndarray):
            raise InvalidRequest(
                f"trajectories[{number}].states",
                f"is a {type(states).__name__}; must be an array, one row a state",
            )
        ended = np.asarray(episode.terminations, np.bool_)
        yield Trajectory(
            _listed(states),
            episode.actions,
            episode.rewards.tolist(),
            bool(len(ended) and ended[-1]),
        )


def _listed(states: np.ndarray) -> Any:
    """Numbered states as a list of numbers, others as they are."""
    return states.tolist() if states.ndim == 1 and states.dtype.kind in "iu" else states
