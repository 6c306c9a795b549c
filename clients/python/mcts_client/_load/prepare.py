"""From kinds of work to the messages that calls will send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcts_client import _batch, _calls
from mcts_client._load.work import Work
from mcts_client.client import PlannerClient
from mcts_client.errors import InvalidRequest, UnknownModel

__all__ = ["PreparedWork", "first_model", "prepare"]


@dataclass(frozen=True)
class PreparedWork:
    """One kind of call, ready to be made, and to travel to another process.

    Attributes:
      work: what it was made of, its states spelled out.
      requests: serialized messages, one for each state or batch, complete but for seeds.
    """

    work: Work
    requests: tuple[bytes, ...]


def first_model(client: PlannerClient) -> str:
    """The first of the server's models by name, for who does not care.

    Raises:
      InvalidRequest: it has none.
    """
    models = client.list_models()
    if not models:
        raise InvalidRequest.of_field("model", "must be given: the server lists none")
    return models[0].name


def prepare(
    work: Sequence[Work], client: PlannerClient, places: Sequence[str] = ()
) -> list[PreparedWork]:
    """Asks for examples of states, and builds all requests.

    Args:
      places: where each kind stands in a file, for errors.

    Raises:
      MCTSServiceError: the server is not there, or does not know a model.
      InvalidRequest: no message holds a state or a setting.
    """
    prepared = []
    for position, one in enumerate(work):
        try:
            prepared.append(_prepare(one, client))
        except (InvalidRequest, UnknownModel) as error:
            if not places:
                raise
            raise InvalidRequest(f"{places[position]}: {error}") from error
    return prepared


def _prepare(work: Work, client: PlannerClient) -> PreparedWork:
    model = client.get_model(work.model, work.model_version)
    if not work.states:
        if model.state_spec.example is None:
            raise InvalidRequest.of_field("states", f"{work.model} has no example; give some")
        work = replace(work, states=(model.state_spec.example,))
    try:
        built = _batches(work) if work.mode == "batch" else _plans(work)
    except TypeError as error:  # of a search setting that there is not
        raise InvalidRequest.of_field("search", str(error)) from error
    return PreparedWork(work, tuple(call.request.SerializeToString() for call in built))


def _plans(work: Work) -> list[_calls.Call[Any, Any]]:
    return [_calls.plan(work.model, state, **_arguments(work)) for state in work.states]


def _batches(work: Work) -> list[_calls.Call[Any, Any]]:
    """So many that each state has its turn, each of `work.rows` states."""
    states = work.states
    starts = range(0, max(len(states), 1), work.rows)
    return [
        _batch.plan_batch(
            work.model,
            [states[(start + row) % len(states)] for row in range(work.rows)],
            **_arguments(work),
        )
        for start in starts
    ]


def _arguments(work: Work) -> dict[str, Any]:
    priority = {"priority": work.priority} if work.priority else {}
    return {
        **priority,
        "model_version": work.model_version,
        "simulations": work.simulations,
        "time_limit": work.time_limit,
        "max_bytes": work.max_bytes,
        "horizon": work.horizon,
        "early_stop": False,
        **work.search,
    }
