"""Who makes a call: by its token, or else by its network address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from mcts_service.service.call_record import current_call
from mcts_service.service.caller import Caller
from mcts_service.service.tokens import WatchedTokens

__all__ = ["by_token", "caller_of", "identity_of"]

Context = grpc.aio.ServicerContext[Any, Any]

_SCHEME = "bearer "


def identity_of(context: Context) -> Caller:
    """The caller, with the models that it may use. Valid in the task of the call."""
    return current_call.get().caller


def caller_of(context: Context) -> str:
    """The caller's name in logs, and to be fair by: its token's, else its network address.

    Valid in the task of the call.
    """
    return current_call.get().caller_name


def by_token(tokens: WatchedTokens) -> Callable[[Context], Caller]:
    """What tells the caller of a call by the token in its metadata.

    It raises Unauthenticated where there is none, or one that is not let in.
    """

    def identify(context: Context) -> Caller:
        return tokens.current.caller_of(_bearer_token(context))

    return identify


def _bearer_token(context: Context) -> str:
    """The token that came with a call; empty: none, or more than one."""
    given = [str(value) for key, value in _metadata(context) if key == "authorization"]
    if len(given) != 1 or not given[0].lower().startswith(_SCHEME):
        return ""
    return given[0][len(_SCHEME) :].strip()


def _metadata(context: Context) -> Any:
    return context.invocation_metadata() or ()
