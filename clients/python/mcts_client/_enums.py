"""Settings of a search that are one of a few words, and the wire's names of them."""

from __future__ import annotations

from typing import Any

from mcts_client._checks import shown
from mcts_client.errors import InvalidRequest
from mcts_service.v1 import planner_pb2

__all__ = ["wire_name", "word"]


def _words(field: str, enum: Any) -> dict[int, str]:
    """{1: "auto", ...}; what is not specified has no word."""
    prefix = f"{field.upper()}_"
    return {n: name.removeprefix(prefix).lower() for name, n in enum.items() if n != 0}


_WORDS = {
    "evaluation": _words("evaluation", planner_pb2.Evaluation),
    "backup": _words("backup", planner_pb2.Backup),
    "sharing": _words("sharing", planner_pb2.Sharing),
    "outcome_key": _words("outcome_key", planner_pb2.OutcomeKey),
}


def wire_name(field: str, value: Any) -> str | None:
    """The wire's name of a setting: "EVALUATION_AUTO" of "auto"; None of None.

    Raises:
      InvalidRequest: the setting has no such value.
    """
    if value is None:
        return None
    known = _WORDS[field].values()
    if not isinstance(value, str) or value not in known:
        raise InvalidRequest.of_field(
            field, f"is {shown(value)}; must be one of {', '.join(known)}"
        )
    return f"{field}_{value}".upper()


def word(field: str, number: int) -> str | None:
    """The setting of the wire's number; None if there is none, or none that is known here."""
    return _WORDS[field].get(number)
