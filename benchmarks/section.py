"""Fills the marked section of a page with what a run has found."""

from __future__ import annotations

from pathlib import Path

__all__ = ["fill_section"]


def fill_section(path: Path, begin: str, end: str, text: str) -> None:
    """Replaces what stands between two marks.

    Raises:
      ValueError: a mark is missing.
    """
    page = path.read_text()
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"{path}: must have the lines {begin!r} and {end!r}")
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")
