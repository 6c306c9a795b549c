"""The exceptions of the client: the service's own tree, name by name.

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
    ├── ReplicaLost         no answer came from the server; safe to try again
    └── ModelFault          the model, or the server, broke

The client raises `InvalidRequest` itself for what no message can hold; everything else is
the server's judgement. The `grpc.RpcError` behind an error is its `__cause__`. All of them
survive pickling, so they pass between processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    """Base of every error that a client raises for a call."""


@dataclass(frozen=True)
class FieldViolation:
    """One field of a request that is wrong.

    Attributes:
      field: the field's path: "budget.simulations"; an argument's name for what the client
        refused itself.
      description: the value that was given and what would be right.
    """

    field: str
    description: str


class InvalidRequest(MCTSServiceError, ValueError):
    """The caller's input is wrong.

    Attributes:
      violations: each wrong field with its description; empty if the server named none.
    """

    def __init__(self, message: str, violations: Sequence[FieldViolation] = ()) -> None:
        self.violations = tuple(violations)
        super().__init__(message)

    @classmethod
    def of_field(cls, field: str, description: str) -> InvalidRequest:
        """The error for one wrong field."""
        return cls(f"{field}: {description}", (FieldViolation(field, description),))


class UnknownModel(MCTSServiceError, LookupError):
    """No model has that name; the message lists the names that exist.

    Attributes:
      name: what was asked for.
    """

    def __init__(self, message: str, name: str = "") -> None:
        self.name = name
        super().__init__(message)


class TerminalState(MCTSServiceError):
    """The state is terminal: there is no action left to plan."""


class NoLegalAction(MCTSServiceError):
    """The state has no legal action, or none of the allowed actions is legal in it."""


class BudgetTooLarge(MCTSServiceError):
    """The budget asks for more than a request may have."""


class Overloaded(MCTSServiceError):
    """The request could not be served in time and was refused at once.

    Attributes:
      retry_after: seconds after which another try makes sense; NaN if the server named none.
    """

    def __init__(self, message: str, retry_after: float = math.nan) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Cancelled(MCTSServiceError):
    """The call was cancelled."""


class DeadlineExpired(MCTSServiceError):
    """Not one simulation fitted in the time that was given, or no answer came within it."""


class Unauthenticated(MCTSServiceError):
    """The caller's credentials are missing or wrong."""


class ReplicaLost(MCTSServiceError):
    """No answer came: the server cannot be reached, or its process died. Safe to retry."""


class ModelFault(MCTSServiceError):
    """The model, or the server, broke. The server's log holds the cause under the id given."""
