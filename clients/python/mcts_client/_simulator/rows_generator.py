"""What a batch model draws from: row i of every answer comes from row i's own stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from mcts_client._simulator.stream import Stream, generator_of

__all__ = ["RowsGenerator"]

#: The distributions that are drawn row by row, and the names of their arguments in order.
_DRAWN: dict[str, tuple[str, ...]] = {
    "beta": ("a", "b", "size"),
    "binomial": ("n", "p", "size"),
    "choice": ("a", "size", "replace", "p", "axis", "shuffle"),
    "exponential": ("scale", "size"),
    "gamma": ("shape", "scale", "size"),
    "geometric": ("p", "size"),
    "integers": ("low", "high", "size", "dtype", "endpoint"),
    "laplace": ("loc", "scale", "size"),
    "lognormal": ("mean", "sigma", "size"),
    "normal": ("loc", "scale", "size"),
    "poisson": ("lam", "size"),
    "random": ("size",),
    "standard_exponential": ("size",),
    "standard_normal": ("size",),
    "triangular": ("left", "mode", "right", "size"),
    "uniform": ("low", "high", "size"),
}


class RowsGenerator:
    """Stands for `numpy.random.Generator` where there are rows, as in the planner's own process.

    The first axis of every size is the rows, and may be left out. An argument that is an array has
    one entry a row; only what `choice` chooses from, and its weights where they are a single list,
    are the same for all.

    Attributes:
      counters: where the stream of each row has got to.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        """Of one stream a row, each from its seed on."""
        self.counters = list(seeds)
        self._stream = Stream()
        self._generator = generator_of(self._stream)

    def __len__(self) -> int:
        return len(self.counters)

    def __getattr__(self, name: str) -> Callable[..., np.ndarray]:
        if name not in _DRAWN:
            raise AttributeError(
                f"the generator of a batch has no {name}; it has {', '.join(sorted(_DRAWN))}"
            )
        return partial(self._draw, name)

    def _draw(self, name: str, *args: Any, **kwargs: Any) -> np.ndarray:
        """One call of a distribution a row."""
        names = _DRAWN[name]
        if len(args) > len(names) or not kwargs.keys().isdisjoint(names[: len(args)]):
            raise TypeError(f"{name} takes {', '.join(names)}, each once")
        kwargs |= dict(zip(names, args, strict=False))
        size = self._size_of_a_row(kwargs.pop("size", None))
        draw, drawn = getattr(self._generator, name), []
        for row in range(len(self)):
            own = {key: self._of_row(name, key, value, row) for key, value in kwargs.items()}
            self._stream.counter = self.counters[row]
            drawn.append(draw(size=size, **own))
            self.counters[row] = self._stream.counter
        return np.array(drawn)

    def _size_of_a_row(self, size: Any) -> tuple[int, ...] | None:
        if size is None:
            return None
        shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
        if not shape or shape[0] != len(self):
            raise ValueError(f"size is {size}; its first axis must be the {len(self)} rows")
        return shape[1:] or None

    def _of_row(self, name: str, key: str, value: Any, row: int) -> Any:
        if not isinstance(value, np.ndarray) or not value.ndim:
            return value
        if name == "choice" and (key == "a" or value.ndim == 1):
            return value
        if len(value) != len(self):
            raise ValueError(
                f"{key} has {len(value)} entries; must be a number or have an entry a row, "
                f"{len(self)}"
            )
        return value[row]
