"""Plays matches within a time, and goes on with those that an earlier run left."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.quality.matches import Pair, play_pair

__all__ = ["MILLISECONDS", "MOST_PAIRS", "play_matches", "read_pairs"]

#: A move.
MILLISECONDS = (1, 10, 100)
MOST_PAIRS = 100


def play_matches(
    path: Path,
    seconds: float,
    games: Sequence[str],
    milliseconds: Sequence[int] = MILLISECONDS,
    most_pairs: int = MOST_PAIRS,
) -> list[Pair]:
    """The pairs that a file keeps, and those played in so many seconds, which it keeps then too."""
    pairs, started = read_pairs(path), time.perf_counter()
    while True:
        seconds_left = seconds - (time.perf_counter() - started)
        match = _next_match(pairs, games, milliseconds, most_pairs, seconds_left)
        if match is None:
            return pairs
        number = sum((pair.game, pair.milliseconds) == match for pair in pairs)
        pairs.append(play_pair(*match, number))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(asdict(pairs[-1])) + "\n")


def read_pairs(path: Path) -> list[Pair]:
    """What a file keeps. A last line that was cut short is removed, and played again."""
    text = path.read_text() if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return [Pair(**json.loads(line)) for line in whole.splitlines()]


def _next_match(
    pairs: Sequence[Pair],
    games: Sequence[str],
    milliseconds: Sequence[int],
    most_pairs: int,
    seconds_left: float,
) -> tuple[str, int] | None:
    """A game and time: of those that lack pairs and still fit in, the one played least long."""
    spent: dict[tuple[str, int], float] = {}
    for game, limit in ((game, limit) for game in games for limit in milliseconds):
        played = [p.wall_seconds for p in pairs if (p.game, p.milliseconds) == (game, limit)]
        lasts = sum(played) / len(played) if played else 0.0
        if len(played) < most_pairs and lasts < seconds_left:
            spent[game, limit] = sum(played)
    return min(spent, key=lambda match: spent[match], default=None)
