"""The tree that the docstring of `mcts_service.errors` draws is the tree of its classes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcts_service import errors


def _subclasses(error: type[Exception]) -> Iterator[type[Exception]]:
    for subclass in error.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _own_errors() -> set[str]:
    return {
        error.__name__
        for error in _subclasses(errors.MCTSServiceError)
        if error.__module__.startswith("mcts_service.")
    }


def test_every_error_is_drawn_with_a_line_about_it() -> None:
    drawn = re.findall(r"[├└]── (\w+) {2,}\S", errors.__doc__ or "")
    assert sorted(drawn) == sorted(_own_errors())


def test_every_error_is_public() -> None:
    assert _own_errors() < set(errors.__all__)
