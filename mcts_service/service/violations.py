"""Names and gathers every wrong field of a request, so that a caller mends them at once."""

from __future__ import annotations

from types import TracebackType

from mcts_service.errors import FieldViolation, InvalidRequest

__all__ = ["Violations", "prefixed"]


class prefixed:  # noqa: N801 (used as a function; one of contextlib would take far longer)
    """Puts where a field stands before its name, in an InvalidRequest of the block."""

    def __init__(self, prefix: str) -> None:
        """`prefix` "options." makes "options.exploration" of "exploration"."""
        self._prefix = prefix

    def __enter__(self) -> None:
        """Nothing is done before."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises the error with other names."""
        if isinstance(error, InvalidRequest):
            raise _error_of(_prefixed(self._prefix, error)) from error


class Violations:
    """The wrong fields found so far."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def collected(self, prefix: str = "") -> _Collected:
        """Keeps what an InvalidRequest of the block says and goes on after the block.

        Args:
          prefix: as of `prefixed`.
        """
        return _Collected(self._found, prefix)

    def raise_if_any(self) -> None:
        """Raises one InvalidRequest with all that was found."""
        if self._found:
            raise _error_of(self._found)


class _Collected:
    """The block of `Violations.collected`."""

    def __init__(self, found: list[FieldViolation], prefix: str) -> None:
        self._found, self._prefix = found, prefix

    def __enter__(self) -> None:
        """Nothing is done before."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Keeps what is wrong; all else goes on."""
        if not isinstance(error, InvalidRequest):
            return False
        self._found.extend(_prefixed(self._prefix, error))
        return True


def _prefixed(prefix: str, error: InvalidRequest) -> list[FieldViolation]:
    return [
        FieldViolation(prefix + violation.field, violation.description)
        for violation in error.violations
    ]


def _error_of(violations: list[FieldViolation]) -> InvalidRequest:
    first, *more = violations
    return InvalidRequest(first.field, first.description, *more)
