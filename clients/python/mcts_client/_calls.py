"""Requests, built from Python arguments: what the two clients share before the call.

A function here is pure: it checks what no message can hold, builds the request, and says how
to read the response. Whether a value makes sense is the server's judgement.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_type_hints
from urllib.parse import quote

import numpy as np
from google.protobuf.message import Message

from mcts_client import _checks, _responses, _settings
from mcts_client._channel import SESSION_KEY
from mcts_client._checks import INT32, UINT64, shown
from mcts_client._values import Value, write_value
from mcts_client.errors import InvalidRequest
from mcts_client.results import ModelInfo, ModelSummary, Plan
from mcts_client.settings import SearchSettings
from mcts_service.v1 import planner_pb2

if sys.version_info >= (3, 11):
    from typing import Unpack
else:
    from typing_extensions import Unpack

__all__ = ["Call", "as_method", "get_model", "list_models", "plan"]

Request = TypeVar("Request", bound=Message)
Result = TypeVar("Result")
_Method = TypeVar("_Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Call(Generic[Request, Result]):
    """One call, ready to be made.

    Attributes:
      method: the name of a method of PlannerService.
      request: its request.
      read: makes the result of the response.
      model: the model's name, for error messages.
      timeout: the deadline that the caller gave, in seconds from the call, or None.
      own_timeout: the deadline that suits the request, for when nobody gave one, or None.
      session_id: what the request is part of, or empty.
    """

    method: str
    request: Request
    read: Callable[[Any], Result]
    model: str = ""
    timeout: float | None = None
    own_timeout: float | None = None
    session_id: str = ""

    @property
    def metadata(self) -> list[tuple[str, str]] | None:
        """What goes beside the request, for whoever routes it: a proxy, or the channel itself."""
        if not self.session_id:
            return None
        return [(SESSION_KEY, quote(self.session_id, safe=""))]

    def deadline(self, client_timeout: float | None) -> float | None:
        """Seconds that the call may take: the caller's, else the client's, else its own."""
        given = client_timeout if self.timeout is None else self.timeout
        return self.own_timeout if given is None else given


def plan(
    model: str,
    state: Value,
    *,
    simulations: int | None = None,
    time_limit: float | None = None,
    max_bytes: int | None = None,
    horizon: int | None = None,
    seed: int | None = None,
    allowed_actions: Iterable[Value] | None = None,
    model_version: str = "",
    request_id: str = "",
    priority: int = 0,
    session_id: str = "",
    timeout: float | None = None,
    **settings: Unpack[SearchSettings],
) -> Call[planner_pb2.PlanRequest, Plan]:
    """Asks for the best action in a state, and why.

    An integer travels as `discrete`, an array as `tensor`, bytes as `opaque`; None, bools,
    floats, strings, lists and dicts as `json`.

    Args:
      model: a name from `list_models`.
      state: where to plan from, in the form of the model's `state_spec`.
      simulations: new simulations, 1 or more. With no limit set, the model's default counts.
      time_limit: seconds from the receipt of the request, waiting included.
      max_bytes: memory of the search tree.
      horizon: steps left, where the problem has an end.
      seed: the same seed and a budget of simulations alone give the same plan.
      allowed_actions: the plan chooses among these only.
      model_version: empty for the newest.
      request_id: comes back in the plan, and stands in the server's log.
      priority: from -100 to 100; of what waits on the server, what is higher comes first.
      session_id: your own name for plans that follow each other, such as those of an episode: the
        server goes on from what the last one of them has learned of this state, if it still has it;
        the plan's `reused_simulations` tell.
      timeout: the call's deadline in seconds, retries included. The server trims the search
        to it. Default: the client's `timeout`; else, with a `time_limit`, 1.25 times that
        plus a second, so that the deadline never cuts the search; else none.
      settings: how to search, by name: any of `SearchSettings`.

    Raises:
      InvalidRequest, UnknownModel, TerminalState, NoLegalAction, BudgetTooLarge, Overloaded,
      DeadlineExpired, ModelFault, ReplicaLost: see `mcts_client.errors`.
    """
    request = planner_pb2.PlanRequest(
        model=_checks.text("model", model),
        model_version=_checks.text("model_version", model_version),
        request_id=_checks.text("request_id", request_id),
        priority=_checks.integer("priority", priority, INT32),
        session_id=_checks.text("session_id", session_id),
        state=write_value(planner_pb2.State(), "state", state),
        budget=_settings.budget(simulations, time_limit, max_bytes),
        options=_settings.search_options(settings),
        allowed_actions=_action_set(allowed_actions),
        horizon=_checks.integer("horizon", horizon, INT32),
        seed=_checks.integer("seed", seed, UINT64),
    )
    return Call(
        "Plan",
        request,
        _responses.plan,
        model=model,
        timeout=_checks.timeout(timeout),
        own_timeout=_settings.own_timeout(time_limit),
        session_id=session_id,
    )


def list_models(
    *, timeout: float | None = None
) -> Call[planner_pb2.ListModelsRequest, tuple[ModelSummary, ...]]:
    """Lists the models that the server knows, by name.

    Args:
      timeout: the call's deadline in seconds; default the client's.
    """
    request = planner_pb2.ListModelsRequest()
    return Call("ListModels", request, _responses.model_list, timeout=_checks.timeout(timeout))


def get_model(
    model: str, version: str = "", *, timeout: float | None = None
) -> Call[planner_pb2.GetModelRequest, ModelInfo]:
    """Says what one model's states and actions look like, and what a budget may ask for.

    Args:
      model: a name from `list_models`.
      version: empty for the newest.
      timeout: the call's deadline in seconds; default the client's.

    Raises:
      UnknownModel: the message lists the names.
    """
    request = planner_pb2.GetModelRequest(
        model=_checks.text("model", model), model_version=_checks.text("version", version)
    )
    return Call(
        "GetModel", request, _responses.model_info, model=model, timeout=_checks.timeout(timeout)
    )


def as_method(
    build: Callable[..., Call[Any, Any]], wrapped_in: Any = None
) -> Callable[[_Method], _Method]:
    """Gives a client's method the name, the docstring and the arguments of its builder.

    `help` and `inspect.signature` then show what a caller writes: `self` first, and the
    result in place of the `Call`, `wrapped_in` a generic type that is not None.
    """

    def decorate(method: _Method) -> _Method:
        signature = inspect.signature(build)
        _, result = get_args(get_type_hints(build)["return"])
        if wrapped_in is not None:
            result = wrapped_in[result]
        itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        method.__name__ = build.__name__
        method.__doc__ = build.__doc__
        method.__dict__["__signature__"] = signature.replace(
            parameters=[itself, *signature.parameters.values()], return_annotation=result
        )
        return method

    return decorate


def _action_set(allowed_actions: Iterable[Value] | None) -> planner_pb2.ActionSet | None:
    """Present and empty if the caller allows nothing: the server says what is wrong with it."""
    if allowed_actions is None:
        return None
    if not _holds_actions(allowed_actions):
        raise InvalidRequest.of_field(
            "allowed_actions", f"is {shown(allowed_actions)}; must be a sequence of actions"
        )
    return planner_pb2.ActionSet(
        actions=[
            write_value(planner_pb2.Action(), f"allowed_actions[{i}]", action)
            for i, action in enumerate(allowed_actions)
        ]
    )


def _holds_actions(value: Any) -> bool:
    """False also for what iterates over something else: letters, bytes, keys."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
