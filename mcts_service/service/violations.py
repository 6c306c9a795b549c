"""Names and gathers every wrong field of a request, so that a caller mends them at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mcts_service.errors import FieldViolation, InvalidRequest

__all__ = ["Violations", "prefixed"]


@contextmanager
def prefixed(prefix: str) -> Iterator[None]:
    """Puts where a field stands before its name, in an InvalidRequest of the block.

    Args:
      prefix: "options." makes "options.exploration" of "exploration".
    """
    try:
        yield
    except InvalidRequest as error:
        first, *more = (
            FieldViolation(prefix + violation.field, violation.description)
            for violation in error.violations
        )
        raise InvalidRequest(first.field, first.description, *more) from error


class Violations:
    """The wrong fields found so far."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    @contextmanager
    def collected(self, prefix: str = "") -> Iterator[None]:
        """Keeps what an InvalidRequest of the block says and goes on after the block.

        Args:
          prefix: as of `prefixed`.
        """
        try:
            with prefixed(prefix):
                yield
        except InvalidRequest as error:
            self._found.extend(error.violations)

    def raise_if_any(self) -> None:
        """Raises one InvalidRequest with all that was found."""
        if self._found:
            first, *more = self._found
            raise InvalidRequest(first.field, first.description, *more)
