"""The exceptions of mcts_service, one tree.

    MCTSServiceError
    ├── InvalidRequest      the caller's input; names the field and what would be right
    ├── UnknownModel        no model of that name; lists the names
    ├── TerminalState       nothing is left to plan
    ├── NoLegalAction       the state, or the allowed actions, leave none
    ├── BudgetTooLarge      more than the caller may ask for
    ├── Overloaded          no room now; says when to try again
    ├── Cancelled           the caller went away
    ├── DeadlineExpired     not one simulation fitted in the time
    ├── Unauthenticated     the caller is not known
    ├── ReplicaLost         the model's process died; safe to try again
    └── ModelFault          the model broke its contract

`mcts_service.rpc.status` holds the one table from these to gRPC status codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BudgetTooLarge",
    "Cancelled",
    "DeadlineExpired",
    "FieldViolation",
    "InvalidRequest",
    "MCTSServiceError",
    "ModelFault",
    "NoLegalAction",
    "Overloaded",
    "ReplicaLost",
    "TerminalState",
    "Unauthenticated",
    "UnknownModel",
]


class MCTSServiceError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True)
class FieldViolation:
    """One field of a request that is wrong.

    Attributes:
      field: the field's path, as a caller writes it: "budget.simulations".
      description: the value that was given and what would be right.
    """

    field: str
    description: str


class InvalidRequest(MCTSServiceError, ValueError):
    """The caller's input is wrong.

    Attributes:
      violations: each wrong field with its description.
    """

    def __init__(self, field: str, description: str, *more: FieldViolation) -> None:
        self.violations: Sequence[FieldViolation] = (FieldViolation(field, description), *more)
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in self.violations))

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was raised; an exception's own way would give the text in place of the fields."""
        first, *more = self.violations
        return type(self), (first.field, first.description, *more)


class UnknownModel(MCTSServiceError, LookupError):
    """No model has that name.

    Attributes:
      name: what was asked for.
      known: the names that exist, sorted.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(f"model: {name!r} is not known; known models: {', '.join(self.known)}")

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was raised."""
        return type(self), (self.name, self.known)


class TerminalState(MCTSServiceError):
    """The state is terminal: there is no action left to plan."""


class NoLegalAction(MCTSServiceError):
    """The state has no legal action, or none of the allowed actions is legal in it."""


class BudgetTooLarge(MCTSServiceError):
    """The budget asks for more than a request may have."""


class Overloaded(MCTSServiceError):
    """The request cannot be served in time and was refused at once.

    Attributes:
      retry_after: seconds after which another try makes sense.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was raised."""
        return type(self), (str(self), self.retry_after)


class Cancelled(MCTSServiceError):
    """The caller cancelled before one simulation was done."""


class DeadlineExpired(MCTSServiceError):
    """Not one simulation fitted in the time that was given."""


class Unauthenticated(MCTSServiceError):
    """The caller's credentials are missing or wrong."""


class ReplicaLost(MCTSServiceError):
    """The process that ran the model died; the request is safe to retry."""


class ModelFault(MCTSServiceError):
    """The model raised, or gave an answer that breaks its contract.

    The cause, where there is one, is in `__cause__`; a server logs it and never shows it.
    """
