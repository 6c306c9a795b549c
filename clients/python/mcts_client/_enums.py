"""Settings of a search that are one of a few words, and the wire's names of them."""

from __future__ import annotations

from typing import Any

from mcts_client._checks import shown
from mcts_client.errors import InvalidRequest
from mcts_service.v1 import planner_pb2

__all__ = ["wire_name", "word"]

#: For each such setting, its words by the wire's numbers: {"backup": {1: "auto", ...}, ...}. Of 0,
#: which means that none is set, there is no word.
_WORDS = {
    field.name: {
        value.number: value.name.removeprefix(f"{field.name}_".upper()).lower()
        for value in field.enum_type.values[1:]
    }
    for field in planner_pb2.SearchOptions.DESCRIPTOR.fields
    if field.enum_type is not None
}


def wire_name(field: str, value: Any) -> str:
    """The wire's name of a setting: "EVALUATION_AUTO" of "auto".

    Raises:
      InvalidRequest: the setting has no such value.
    """
    known = _WORDS[field].values()
    if not isinstance(value, str) or value not in known:
        raise InvalidRequest.of_field(
            field, f"is {shown(value)}; must be one of {', '.join(known)}"
        )
    return f"{field}_{value}".upper()


def word(field: str, number: int) -> str | None:
    """The setting of the wire's number; None if there is none, or none that is known here."""
    return _WORDS[field].get(number)
