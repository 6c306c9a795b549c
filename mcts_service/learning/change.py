"""What an update says is to be added to parameters.

Parameters are a float64 array of any shape, or a tuple of parameters: an actor's and a critic's,
two tables of double learning. A change has the same form: a `Change` for an array, a tuple of
changes for a tuple. The two are kept apart although both are numbers, because a change is nothing
until a step size takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mcts_service.errors import InvalidRequest

__all__ = [
    "Change",
    "Changes",
    "Parameters",
    "add",
    "applied",
    "copied",
    "scaled",
    "summed",
]


@dataclass(frozen=True)
class Change:
    """What to add to the flat view of an array, at a few places of it.

    Attributes:
      indices: into the flat view, in C order. int64[K]. One that is there twice counts twice.
      values: to be added there, times a step size. float64[K].
    """

    indices: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        """Raises InvalidRequest: the two are not of one length."""
        if self.indices.shape != self.values.shape or self.indices.ndim != 1:
            raise InvalidRequest(
                "change",
                f"has indices of shape {self.indices.shape} and values of shape "
                f"{self.values.shape}; must be [K] both",
            )

    @classmethod
    def none(cls) -> Change:
        """The change that changes nothing."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0))

    @classmethod
    def everywhere(cls, values: np.ndarray) -> Change:
        """The change of a whole array: what to add to each of its numbers."""
        flat = np.asarray(values, dtype=np.float64).reshape(-1)
        return cls(np.arange(flat.size, dtype=np.int64), flat)


#: A float64 array of any shape, or a tuple of parameters.
Parameters: TypeAlias = "np.ndarray | tuple[Parameters, ...]"
#: The same form, with a `Change` for each array.
Changes: TypeAlias = "Change | tuple[Changes, ...]"


def summed(changes: Iterable[Changes]) -> Changes:
    """The sum of changes of one form; `Change.none()` of no changes.

    Raises:
      InvalidRequest: they are of different forms.
    """
    listed = list(changes)
    if not listed:
        return Change.none()
    if all(isinstance(change, Change) for change in listed):
        return Change(
            np.concatenate([change.indices for change in listed]),  # type: ignore[union-attr]
            np.concatenate([change.values for change in listed]),  # type: ignore[union-attr]
        )
    lengths = {len(change) if isinstance(change, tuple) else None for change in listed}
    if len(lengths) != 1:
        raise InvalidRequest("changes", "are of different forms; must all be of the same")
    return tuple(summed(parts) for parts in zip(*listed, strict=True))


def scaled(change: Changes, factor: float) -> Changes:
    """The change, `factor` times as great."""
    if isinstance(change, tuple):
        return tuple(scaled(part, factor) for part in change)
    return Change(change.indices, change.values * factor)


def applied(parameters: Parameters, change: Changes, step_size: float) -> Parameters:
    """The sum of parameters and step_size * change, as new parameters.

    Raises:
      InvalidRequest: as of `add`.
    """
    result = copied(parameters)
    add(result, change, step_size)
    return result


def add(parameters: Parameters, change: Changes, step_size: float) -> None:
    """The same in place.

    Args:
      parameters: float64 arrays that are contiguous in C order, or a tuple of parameters.
      change: of the same form.
      step_size: the factor of every value.
    Raises:
      InvalidRequest: the forms differ, or an index is beyond the parameters.
    """
    if isinstance(parameters, tuple):
        if not isinstance(change, tuple) or len(change) != len(parameters):
            raise InvalidRequest(
                "change", f"must be a tuple of {len(parameters)} changes, as the parameters are"
            )
        for own, part in zip(parameters, change, strict=True):
            add(own, part, step_size)
        return
    if isinstance(change, tuple):
        raise InvalidRequest("change", "is a tuple; must be one change, of an array of parameters")
    flat = _flat(parameters)
    if change.indices.size == 0:
        return
    if change.indices.min() < 0 or change.indices.max() >= flat.size:
        raise InvalidRequest(
            "change",
            f"has indices from {change.indices.min()} to {change.indices.max()}; must be from 0 "
            f"to {flat.size - 1}, as the parameters have the shape {parameters.shape}",
        )
    # In their order, one by one: an index that is there twice counts twice.
    np.add.at(flat, change.indices, step_size * change.values)


def _flat(parameters: np.ndarray) -> np.ndarray:
    """A view of an array, [size]."""
    right = isinstance(parameters, np.ndarray) and parameters.dtype == np.float64
    if not right or not parameters.flags.c_contiguous:
        raise InvalidRequest(
            "parameters", "must be float64 arrays in C order, or a tuple of parameters"
        )
    return parameters.reshape(-1)


def copied(parameters: Parameters | Sequence[Parameters]) -> Parameters:
    """The same numbers in arrays of their own, float64 and in C order."""
    if isinstance(parameters, (tuple, list)):
        return tuple(copied(part) for part in parameters)
    return np.array(parameters, dtype=np.float64, order="C")
