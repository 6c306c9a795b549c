"""ModelService of a Python object."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
from google.rpc import code_pb2, status_pb2

from mcts_client._simulator.answers import Answers, as_rows, picked
from mcts_client._simulator.forms import Form, form_of, write_spec
from mcts_service.v1 import model_pb2, model_pb2_grpc

__all__ = ["ModelServicer"]

logger = logging.getLogger("mcts_client")

_PROTOCOL_VERSION = 1
#: Whoever asks is told no more than this of a failure.
_FAILED = "the model failed; the simulator's log has more"


class ModelServicer(model_pb2_grpc.ModelServiceServicer):
    """Reads a request, asks the model, and writes what it says."""

    def __init__(self, model: Any, *, threads: int, max_state_bytes: int) -> None:
        """Finds out what the model is; arguments as of `serve_model`.

        Raises:
          InvalidRequest: it cannot be served.
        """
        self._answers = Answers(model)
        initial_state = getattr(model, "initial_state", None)
        example = initial_state(np.random.default_rng(0)) if callable(initial_state) else None
        self._form: Form = form_of(model, example, max_state_bytes)
        self._told = _description(model, self._answers, self._form, example, threads)

    def Describe(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """What the model can do."""
        return self._told

    def SampleBatch(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """One transition a row."""
        with _logged("SampleBatch", context):
            states, errors = self._form.read(request.states)
            count = _count(len(states), request.actions, request.seeds)
            rows = _others(errors, count)
            found = self._answers.transitions(
                picked(states, rows),
                [request.actions[row] for row in rows],
                [request.seeds[row] for row in rows],
            )
            errors |= {rows[at]: error for at, error in found.errors.items()}
            kept = _others(found.errors, len(rows))

            def answer(which: list[int]) -> Any:
                """About those of the transitions that there are."""
                response = model_pb2.SampleBatchResponse()
                own = [kept[one] for one in which]
                at, ended = [rows[row] for row in own], found.terminated[own]
                following = [found.next_states[one] for one in which]
                response.next_states.CopyFrom(self._form.write(following, at, count))
                _extend(response.rewards, found.rewards[own], at, count)
                _extend(response.terminated, ended, at, count)
                _extend(response.next_seeds, np.array(found.next_seeds, np.uint64), rows, count)
                there = as_rows(following, states)
                self._write_facts(response.facts, there, ended, at, count)
                self._write_evaluations(response.facts, there, ended, at, count)
                return response

            response, failed = _of_those_that_can(answer, len(kept))
            faults = {rows[kept[one]]: error for one, error in failed.items()}
            _write_errors(response, "SampleBatch", errors, faults)
        return response

    def EvaluateBatch(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """What states are worth, and which actions are likely to be the best."""
        with _logged("EvaluateBatch", context):
            states, errors = self._form.read(request.states)
            rows = _others(errors, len(states))

            def answer(which: list[int]) -> Any:
                response = model_pb2.EvaluateBatchResponse()
                at = [rows[one] for one in which]
                none_ended = np.zeros(len(at), np.bool_)
                self._write_evaluations(
                    response.facts, picked(states, at), none_ended, at, len(states)
                )
                return response

            response, failed = _of_those_that_can(answer, len(rows))
            faults = {rows[one]: error for one, error in failed.items()}
            _write_errors(response, "EvaluateBatch", errors, faults)
        return response

    def InspectBatch(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """What is to be known of states that are planned from."""
        with _logged("InspectBatch", context):
            states, errors = self._form.read(request.states)
            count, rows = len(states), _others(errors, len(states))
            refused = self._answers.refusals(picked(states, rows))
            errors |= {rows[at]: error for at, error in refused.items()}
            rows = _others(errors, count)

            def answer(which: list[int]) -> Any:
                response = model_pb2.InspectBatchResponse()
                at = [rows[one] for one in which]
                known = picked(states, at)
                ended = self._answers.terminal(known)
                if "terminal" in self._answers.facts:
                    _extend(response.facts.terminal, ended, at, count)
                self._write_facts(response.facts, known, ended, at, count)
                self._write_evaluations(response.facts, known, ended, at, count)
                return response

            response, failed = _of_those_that_can(answer, len(rows))
            faults = {rows[one]: error for one, error in failed.items()}
            _write_errors(response, "InspectBatch", errors, faults)
        return response

    def _write_facts(
        self, facts: model_pb2.StateFacts, states: Any, ended: Any, rows: list[int], count: int
    ) -> None:
        """Puts the facts of some states into those rows."""
        for name, column in self._answers.facts_of(states, ended).items():
            _extend(getattr(facts, name), column, rows, count)

    def _write_evaluations(
        self, facts: model_pb2.StateFacts, states: Any, ended: Any, rows: list[int], count: int
    ) -> None:
        for name, column in self._answers.evaluations(states, ended).items():
            _extend(getattr(facts, name), column, rows, count)


@contextmanager
def _logged(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Ends a call that raises with INTERNAL; what was raised stays here."""
    if not context.is_active():  # nobody waits for it any more: the simulator has better to do
        context.abort(grpc.StatusCode.CANCELLED, "the call was given up")
    try:
        yield
    except Exception:
        logger.exception("%s failed", method)
        context.abort(grpc.StatusCode.INTERNAL, _FAILED)


def _of_those_that_can(
    answer: Callable[[list[int]], Any], count: int
) -> tuple[Any, dict[int, Exception]]:
    """An answer about all of so many rows, or about those for which alone it does not fail.

    Returns:
      (the answer, {row: why it has none}).
    """
    rows = list(range(count))
    try:
        return answer(rows), {}
    except Exception:
        failed: dict[int, Exception] = {}
        for row in rows:
            try:
                answer([row])
            except Exception as error:
                failed[row] = error
        if not failed:
            raise
        return answer(_others(failed, count)), failed


def _count(states: int, actions: Sequence[int], seeds: Sequence[int]) -> int:
    if not states == len(actions) == len(seeds):
        raise ValueError(f"{states} states, {len(actions)} actions and {len(seeds)} seeds")
    return states


def _others(errors: dict[int, Exception], count: int) -> list[int]:
    """The rows without an error."""
    return [row for row in range(count) if row not in errors]


def _extend(field: Any, column: np.ndarray[Any, Any], rows: list[int], count: int) -> None:
    """Adds a column of so many rows to a message: these in those rows, zeros elsewhere."""
    if len(rows) == count:
        field.extend(column.ravel().tolist())
        return
    whole = np.zeros((count, *column.shape[1:]), column.dtype)
    whole[rows] = column
    field.extend(whole.ravel().tolist())


def _write_errors(
    response: Any, method: str, errors: dict[int, Exception], faults: dict[int, Exception]
) -> None:
    """Says which rows failed. Why goes to the log, unless it is meant for the planner's caller.

    Args:
      errors: of the states that were sent, and of the transitions.
      faults: of what was to be told of them.
    """
    for row, error in sorted({**errors, **faults}.items()):
        status = status_pb2.Status(code=code_pb2.INTERNAL, message=_FAILED)
        if isinstance(error, ValueError) and method == "InspectBatch" and row not in faults:
            status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=str(error))
        else:
            logger.error("%s: row %d failed", method, row, exc_info=error)
        response.errors.add(row=row, status=status)


def _description(
    model: Any, answers: Answers, form: Form, example: Any, threads: int
) -> model_pb2.DescribeResponse:
    """What a model's attributes say of it."""
    spec, action_spec = getattr(model, "state_spec", None), getattr(model, "action_spec", None)
    about = getattr(model, "description", "") or type(model).__doc__ or ""
    told = model_pb2.DescribeResponse(
        protocol_version=_PROTOCOL_VERSION,
        model_version=str(getattr(model, "model_version", "")),
        description=about.strip().partition("\n")[0],
        num_actions=answers.num_actions,
        action_description=getattr(action_spec, "description", ""),
        num_players=answers.num_players,
        discount=float(getattr(model, "discount", 1.0)),
        deterministic=bool(getattr(model, "deterministic", False)),
        continuing=bool(getattr(model, "continuing", False)),
        horizon=int(getattr(model, "horizon", None) or 0),
        default_simulations=int(getattr(model, "default_simulations", 0)),
        validates_states=answers.validates or form.validates,
        calls_at_once=threads,
        continues_streams=True,
    )
    for name in answers.facts:
        setattr(told, f"has_{name}", True)
    bounds = getattr(model, "return_bounds", None)
    if bounds is not None:
        told.return_bounds.least, told.return_bounds.greatest = bounds
    write_spec(told, form, example, getattr(spec, "description", ""))
    return told
