"""Tile coding: several grids over a box, each shifted a little, each with one active tile."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcts_service._learning import Tiling
from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest

__all__ = ["TileCoding", "tile_coding"]

MOST_TILES = 2**31 - 1

#: The boxes of Gymnasium's classic control, by id without version: (low, high), in the units of
#: the observation. Velocities that are not bounded there are cut where good play keeps them.
_CLASSIC_CONTROL: Mapping[str, tuple[Sequence[float], Sequence[float]]] = {
    "CartPole": ([-2.4, -3.0, -0.2095, -3.0], [2.4, 3.0, 0.2095, 3.0]),
    "MountainCar": ([-1.2, -0.07], [0.6, 0.07]),
    "MountainCarContinuous": ([-1.2, -0.07], [0.6, 0.07]),
    "Acrobot": (
        [-1.0, -1.0, -1.0, -1.0, -4 * math.pi, -9 * math.pi],
        [1.0, 1.0, 1.0, 1.0, 4 * math.pi, 9 * math.pi],
    ),
    "Pendulum": ([-1.0, -1.0, -8.0], [1.0, 1.0, 8.0]),
}


class TileCoding:
    """Binary features of a state in a box; a state beyond its edge counts as on it.

    Tiling k of K is shifted in dimension i by the fraction (k * (2 i + 1) mod K) / K of a tile:
    the shifts by the first odd numbers spread the tilings without the diagonal artefacts of equal
    ones. Tile c of dimension i is

        c = floor((x_i - low_i) * tiles_i / (high_i - low_i) + shift_ki)   from 0 to tiles_i,

    so that a dimension has one tile more than the box is wide.

    Attributes:
      num_features: tilings * product of (tiles_i + 1).
      num_active: one tile in each tiling.
    Source: Sutton and Barto (2018), section 9.5.4.
    """

    def __init__(
        self,
        low: Sequence[float] | np.ndarray,
        high: Sequence[float] | np.ndarray,
        tiles: int | Sequence[int],
        tilings: int,
    ):
        """Covers a box with tilings.

        Args:
          low, high: the corners of the box, D finite numbers each, low below high.
          tiles: how many across the box, in each dimension or one number for all.
          tilings: how many grids; a power of two from 4 * D on spreads them best.
        Raises:
          InvalidRequest: one of these is wrong; says which.
        """
        self.low, self.high = _corners(low, high)
        dimensions = self.low.size
        counts = [tiles] * dimensions if np.ndim(tiles) == 0 else list(tiles)  # type: ignore[arg-type]
        if len(counts) != dimensions:
            raise InvalidRequest("tiles", f"has {len(counts)} numbers; must have {dimensions}")
        self.tiles = np.array(
            [require_integer("tiles", count, 1, MOST_TILES) for count in counts], dtype=np.int64
        )
        self.num_active = require_integer("tilings", tilings, 1, 2**16)
        self.num_features = self.num_active * math.prod(int(count) + 1 for count in self.tiles)
        if self.num_features > MOST_TILES:
            raise InvalidRequest(
                "tiles", f"make {self.num_features} features; must be at most {MOST_TILES}"
            )
        self._tiling = self._compiled()

    def _compiled(self) -> Tiling:
        """Where the tilings lie, and how their tiles are numbered."""
        tilings, widths = self.num_active, self.tiles + 1
        odd = 2 * np.arange(self.tiles.size) + 1
        shifts = (np.arange(tilings)[:, np.newaxis] * odd) % tilings / tilings
        strides = np.append(np.cumprod(widths[::-1])[::-1][1:], 1).astype(np.int64)
        first = np.arange(tilings, dtype=np.int64) * int(np.prod(widths))
        scale = self.tiles / (self.high - self.low)
        return Tiling(self.low, self.high, scale, shifts, strides, first)

    def active(self, state: Sequence[float] | np.ndarray) -> np.ndarray:
        """The active tiles: int64[tilings].

        Args:
          state: D numbers.
        Raises:
          InvalidRequest: they are not D, or not finite.
        """
        tiles: np.ndarray = self._active(np.asarray(state)[np.newaxis])[0]
        return tiles

    def active_batch(self, states: Sequence[Any] | np.ndarray) -> np.ndarray:
        """The same for many states: int64[N, tilings].

        Args:
          states: [N, D].
        """
        return self._active(states)

    def _active(self, states: Any) -> np.ndarray:
        right = f"must be {self.low.size} finite numbers"
        try:
            rows = np.ascontiguousarray(states, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidRequest("state", f"is {shown(states)}; {right}") from error
        if rows.ndim != 2 or rows.shape[1] != self.low.size:
            raise InvalidRequest("state", f"has the shape {rows.shape[1:]}; {right}")
        try:
            return self._tiling.active(rows)
        except ValueError as error:
            wrong = rows[error.args[0]].tolist()
            raise InvalidRequest("state", f"is {wrong}; {right}") from error


def _corners(low: Any, high: Any) -> tuple[np.ndarray, np.ndarray]:
    """float64[D] both."""
    least, greatest = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    if least.ndim != 1 or least.shape != greatest.shape or least.size == 0:
        raise InvalidRequest(
            "low", f"has the shape {least.shape}, high {greatest.shape}; must be [D]"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        right = np.isfinite(least) & np.isfinite(greatest - least) & (least < greatest)
    if not right.all():
        wrong = int(right.argmin())
        raise InvalidRequest(
            f"low[{wrong}]",
            f"is {least[wrong]}, high[{wrong}] {greatest[wrong]}; must be finite, and below it",
        )
    return least, greatest


def tile_coding(name: str, *, tiles: int | Sequence[int] = 8, tilings: int = 8) -> TileCoding:
    """Tiles over the observations of one of Gymnasium's classic control problems.

    Args:
      name: as Gymnasium's id, "MountainCar-v0"; the version makes no difference.
      tiles, tilings: as of `TileCoding`.
    Raises:
      InvalidRequest: there is none of that name; lists the names.
    """
    found = _CLASSIC_CONTROL.get(name.rpartition("-v")[0] or name)
    if found is None:
        known = ", ".join(sorted(_CLASSIC_CONTROL))
        raise InvalidRequest("name", f"is {shown(name)}; must be one of {known}")
    return TileCoding(*found, tiles, tilings)
