"""Lengths of time: messages of the wire and seconds."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from mcts_service.errors import InvalidRequest

__all__ = ["seconds", "write_duration"]


def write_duration(message: Duration, seconds: float) -> None:
    """Sets a length of time."""
    message.seconds, message.nanos = divmod(round(seconds * 1e9), 1_000_000_000)


def seconds(duration: Duration, field: str) -> float:
    """A length of time that is above zero.

    Raises:
      InvalidRequest: it is not, or its two parts contradict each other.
    """
    if not -1_000_000_000 < duration.nanos < 1_000_000_000:
        raise InvalidRequest(
            field, f"has {duration.nanos} nanos; must be from -999999999 to 999999999"
        )
    if duration.seconds * duration.nanos < 0:
        raise InvalidRequest(
            field,
            f"has {duration.seconds} seconds and {duration.nanos} nanos; must have one sign",
        )
    if duration.seconds <= 0 and duration.nanos <= 0:
        raise InvalidRequest(
            field, f"is {duration.seconds + duration.nanos * 1e-9:g} seconds; must be above zero"
        )
    return duration.seconds + duration.nanos * 1e-9
