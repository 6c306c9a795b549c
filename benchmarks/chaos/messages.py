"""Bytes that are nearly a message: real requests, mutated."""

from __future__ import annotations

import random
from collections.abc import Sequence

__all__ = ["mutated"]

#: Varints at the edges of what integers of 32 and 64 bits hold.
_EDGES = [
    b"\x00",
    b"\x7f",
    b"\x80\x01",
    b"\xff\xff\xff\xff\x07",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
]
_MOST_CHANGES = 4
_MOST_BYTES = 4_096


def mutated(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """One of the seeds with a few changes: bits, bytes, parts cut, doubled, or of another seed."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, _MOST_CHANGES)):
        _change(data, seeds, rng)
    return bytes(data[:_MOST_BYTES])


def _change(data: bytearray, seeds: Sequence[bytes], rng: random.Random) -> None:
    start = rng.randint(0, len(data))
    end = min(len(data), start + rng.randint(0, 8))
    kind = rng.randrange(6)
    if kind == 0 and data:
        data[start % len(data)] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[start:end]
    elif kind == 2:
        data[start:start] = data[start:end] * rng.randint(1, 16)
    elif kind == 3:
        data[start:end] = rng.choice(_EDGES)
    elif kind == 4:
        data[start:end] = rng.randbytes(rng.randint(0, 8))
    else:
        other = rng.choice(seeds)
        cut = rng.randint(0, len(other))
        data[start:end] = other[cut : cut + rng.randint(0, 32)]
