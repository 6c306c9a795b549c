"""A training loop on disk, to go on from there to the same numbers.

The parameters are the arrays of a safe file, all else its settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.change import Parameters
from mcts_service.learning.iteration import Iteration
from mcts_service.learning.safe_file import FileFormat, read_safe_file, write_safe_file

__all__ = ["Checkpoint", "Checkpoints", "load_checkpoint", "restored", "save_checkpoint"]

_FORMAT = FileFormat("mcts_service.checkpoint", 1, "a checkpoint")


@dataclass(frozen=True)
class Checkpoint:
    """A training loop after an iteration.

    Attributes:
      parameters: as they were learned so far.
      iteration: how many are done.
      steps: how many steps their trajectories had.
      rng_state: of the loop's bit generator, as NumPy gives it.
    """

    parameters: Parameters
    iteration: int
    steps: int
    rng_state: Mapping[str, Any]


class Checkpoints:
    """A callback that saves the loop at every so many iterations, and where it ends.

    The file is replaced in one step: there is always a whole one. One run, one file.
    """

    def __init__(self, path: str | os.PathLike[str], *, every: int = 100):
        """Saves to `path`, which ends with ".npz" by custom."""
        self.path = Path(path)
        self.every = require_integer("every", every, 1, 2**53)
        self._unsaved: Checkpoint | None = None

    def __call__(self, done: Iteration) -> None:
        """Saves where it is time to."""
        state = done.rng.bit_generator.state
        self._unsaved = Checkpoint(done.parameters, done.number, done.steps, state)
        if done.number % self.every == 0:
            self.close()

    def close(self) -> None:
        """Saves the last iteration that was whole, if it is not saved yet."""
        if self._unsaved is not None:
            save_checkpoint(self._unsaved, self.path)
            self._unsaved = None


def save_checkpoint(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Writes a checkpoint, an npz; where that fails, an earlier file stays as it was.

    Raises:
      InvalidRequest: the state of the random generator cannot be written down, or parameters are
        no float64 arrays, or have NaN or infinity, as no loop can go on with them; -inf they may
        have, which is the value of an action that is not legal; or the file cannot be written.
    """
    arrays: list[np.ndarray] = []
    form = _taken_apart(checkpoint.parameters, arrays)
    if not all(map(_is_sound, arrays)):
        raise InvalidRequest("parameters", "are not finite; must be, to be saved")
    try:
        rng_state = json.loads(json.dumps(checkpoint.rng_state, default=_written))
    except TypeError as error:
        raise InvalidRequest("rng", f"has a state that cannot be saved: {error}") from error
    settings = {
        "iteration": checkpoint.iteration,
        "steps": checkpoint.steps,
        "form": form,
        "rng_state": rng_state,
    }
    named = {f"parameters_{i}": array for i, array in enumerate(arrays)}
    write_safe_file(Path(path), _FORMAT, settings, named)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
      InvalidRequest: there is no such file, it is cut short or something else, or of another
        version.
    """
    settings, arrays = read_safe_file(Path(path), _FORMAT)
    try:
        return Checkpoint(
            _put_together(settings["form"], arrays),
            require_integer("iteration", settings["iteration"], 0, 2**53),
            require_integer("steps", settings["steps"], 0, 2**63),
            dict(json.loads(json.dumps(settings["rng_state"]), object_hook=_read)),
        )
    # It holds its checksum, so somebody else has written it.
    except Exception as error:
        raise InvalidRequest(
            str(path), f"is no checkpoint of this release: {type(error).__name__}: {error}"
        ) from error


def restored(
    checkpoint: Checkpoint, parameters: Parameters, rng: np.random.Generator
) -> tuple[Parameters, int, int]:
    """Sets `rng` to where it was: (parameters, iteration, steps) to go on with.

    Args:
      checkpoint: of the loop.
      parameters: of the form that its parameters must have.
      rng: of the kind that it was; set to the state that it had.
    Raises:
      InvalidRequest: the checkpoint is of parameters of another form, or of another kind of
        random generator.
    """
    try:
        expected, found = _shape(parameters), _shape(checkpoint.parameters)
    except AttributeError as error:
        raise InvalidRequest(
            "parameters", "must be float64 arrays, or tuples of them, to go on from a checkpoint"
        ) from error
    if expected != found:
        raise InvalidRequest(
            "resume", f"has parameters of shape {found}; must be {expected}, as `parameters` are"
        )
    try:
        rng.bit_generator.state = checkpoint.rng_state
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise InvalidRequest(
            "rng",
            f"is a {type(rng.bit_generator).__name__}; must be a "
            f"{shown(checkpoint.rng_state.get('bit_generator'))}, as it was saved",
        ) from error
    return checkpoint.parameters, checkpoint.iteration, checkpoint.steps


def _shape(parameters: Parameters) -> Any:
    if isinstance(parameters, tuple):
        return tuple(_shape(part) for part in parameters)
    return list(parameters.shape)


def _taken_apart(parameters: Parameters, arrays: list[np.ndarray]) -> Any:
    """Appends the arrays, and gives their numbers in the form of the parameters."""
    if isinstance(parameters, tuple):
        return [_taken_apart(part, arrays) for part in parameters]
    if not isinstance(parameters, np.ndarray) or parameters.dtype != np.float64:
        raise InvalidRequest(
            "parameters",
            f"are {shown(parameters)}; must be float64 arrays, or tuples of them, to be saved",
        )
    arrays.append(parameters)
    return len(arrays) - 1


def _put_together(form: Any, entries: Mapping[str, np.ndarray]) -> Parameters:
    if isinstance(form, list):
        return tuple(_put_together(part, entries) for part in form)
    array = entries[f"parameters_{form}"]
    if array.dtype != np.float64:
        raise ValueError(f"parameters of type {array.dtype}")
    if not _is_sound(array):
        raise ValueError("parameters that are not finite")
    return np.ascontiguousarray(array).reshape(array.shape)


def _is_sound(array: np.ndarray) -> bool:
    return not bool((np.isnan(array) | np.isposinf(array)).any())


def _written(value: Any) -> Any:
    """What JSON has no form for: the arrays in the state of some generators."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, np.integer):
        return int(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _read(value: dict[str, Any]) -> Any:
    if value.keys() == {"array", "dtype"}:
        dtype = np.dtype(value["dtype"])
        if dtype.kind not in "iu":
            raise ValueError(f"a state of type {dtype}")
        return np.array(value["array"], dtype=dtype)
    return value
