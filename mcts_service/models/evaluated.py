"""What a state is worth, and which action is likely the best, told to a model from outside.

A search asks its model for both. They may come from background planning, from a network, from
whoever knows the game: `with_evaluation` puts them beside the dynamics that a model has.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np

from mcts_service import _models
from mcts_service._core import ModelHandle
from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.models.labelled_table import LabelledTable
from mcts_service.models.pass_on import PassesOn

__all__ = ["EvaluateBatch", "EvaluatedModel", "with_evaluation"]

S = TypeVar("S")

#: states -> (priors float64[N, num_actions] or None, values float64[N] or [N, num_players]).
EvaluateBatch: TypeAlias = Callable[[Any], tuple["np.ndarray | None", "np.ndarray | None"]]


def with_evaluation(
    model: Any,
    *,
    value: np.ndarray | Callable[[Any], Any] | None = None,
    prior: np.ndarray | Callable[[Any], Any] | None = None,
    evaluate_batch: EvaluateBatch | None = None,
    gives_priors: bool = True,
) -> Any:
    """The same model with values of states, priors of actions, or both; the given one stays.

    A table is evaluated by arrays, and stays compiled and thread-safe. A compiled model that a
    Python function evaluates goes on to step by itself: only its leaves are asked about with the
    GIL, many at once where several simulations are in flight or several states are planned.

    Args:
      model: a sample model, compiled or in Python.
      value: the discounted return from a state on. float64[num_states] for a table, in the order
        of its states; or a function of a state that gives a float, or one for each player. None:
        the model's own, if it has values.
      prior: how likely each action is to be the best, each >= 0, as of `prior(state)` in
        `mcts_service.protocols`. float64[num_states, num_actions], or a function of a state that
        gives num_actions numbers. None: the model's own, if it has priors.
      evaluate_batch: in place of both, a function of many states that gives (priors, values), as of
        `BatchSampleModel`. The states are an array [N, ...], or a list where they are no arrays.
        What it refers to lives as long as the model: a function that refers to the model keeps
        both for good.
      gives_priors: whether `evaluate_batch` gives priors beside values.
    Raises:
      InvalidRequest: nothing is given, or what does not go together or with the model.
    """
    if evaluate_batch is not None and (value is not None or prior is not None):
        raise InvalidRequest("evaluate_batch", "is given beside value or prior; must stand alone")
    if evaluate_batch is None and value is None and prior is None:
        raise InvalidRequest("value", "is missing, and so are prior and evaluate_batch")
    handle: ModelHandle | None = getattr(model, "handle", None)
    if isinstance(value, np.ndarray) or isinstance(prior, np.ndarray):
        return _of_table(model, handle, value, prior)
    for field, given in (("value", value), ("prior", prior), ("evaluate_batch", evaluate_batch)):
        if given is not None and not callable(given):
            raise InvalidRequest(field, f"is {shown(given)}; must be a function or a NumPy array")
    if handle is None:
        return EvaluatedModel(
            model,
            value=value,
            prior=prior,
            evaluate_batch=evaluate_batch,
            gives_priors=gives_priors,
        )
    function = _by_rows(value, prior) if evaluate_batch is None else evaluate_batch
    unpack = getattr(model, "unpack_states", None) or _unpack_one_by_one(model)
    capsule = _models.evaluated_by_function(
        handle.capsule,
        lambda rows: function(unpack(rows)),
        evaluate_batch is not None or value is not None,
        prior is not None if evaluate_batch is None else gives_priors,
    )
    return _with_capsule(model, capsule)


class EvaluatedModel(PassesOn, Generic[S]):
    """A model in Python with an evaluation from elsewhere; see `with_evaluation`.

    Attributes:
      model: that it is made from, and that answers all else.
    """

    def __init__(
        self,
        model: Any,
        *,
        value: Callable[[S], Any] | None,
        prior: Callable[[S], Any] | None,
        evaluate_batch: EvaluateBatch | None,
        gives_priors: bool = True,
    ) -> None:
        """Arguments as of `with_evaluation`."""
        self.model = model
        answers_in_batches = callable(getattr(model, "sample_batch", None))
        if evaluate_batch is not None:
            if not answers_in_batches:
                raise InvalidRequest(
                    "evaluate_batch", "needs a model with sample_batch; give value and prior"
                )
            self.evaluate_batch, self.gives_priors = evaluate_batch, gives_priors
            # What the model says of one state is another evaluation.
            self.value = self.prior = None
            return
        if answers_in_batches:
            own = None if value and prior else getattr(model, "evaluate_batch", None)
            if value is None and own is None:
                raise InvalidRequest("value", "is missing: a batch model is asked for values too")
            self.evaluate_batch = _by_rows(value, prior, own)
            self.gives_priors = prior is not None or bool(getattr(model, "gives_priors", False))
        if value is not None:
            self.value = value
        if prior is not None:
            self.prior = prior


def _of_table(model: Any, handle: ModelHandle | None, value: Any, prior: Any) -> Any:
    """A table that is evaluated by arrays."""
    num_states = getattr(getattr(model, "table", model), "num_states", None)
    if handle is None or num_states is None:
        field = "value" if isinstance(value, np.ndarray) else "prior"
        raise InvalidRequest(field, "is an array, which is for a table; give a function")
    values = _numbers("value", value, (num_states,))
    priors = _numbers("prior", prior, (num_states, model.num_actions))
    low, high = handle.return_bounds
    if values is not None and low < high and ((values < low) | (values > high)).any():
        raise InvalidRequest("value", f"has a number beyond the model's returns, {low} to {high}")
    if priors is not None and (priors < 0).any():
        raise InvalidRequest("prior", "has a number below 0; all must be at least 0")
    return _with_capsule(model, _models.evaluated_by_table(handle.capsule, values, priors))


def _numbers(field: str, given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if given is None:
        return None
    if not isinstance(given, np.ndarray):
        raise InvalidRequest(field, f"is {shown(given)}; must be an array, as the other is one")
    try:  # A copy: what the search reads, nobody changes.
        array = np.array(given, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InvalidRequest(field, f"has the dtype {given.dtype}; must be numbers") from error
    if array.shape != shape:
        raise InvalidRequest(field, f"has the shape {array.shape}; must be {shape}")
    if not np.isfinite(array).all():
        raise InvalidRequest(field, "has a number that is not finite")
    return array


def _with_capsule(model: Any, capsule: Any) -> Any:
    """The model as it is, but for what is compiled."""
    evaluated = copy.copy(model)
    evaluated.handle = ModelHandle(capsule)
    if isinstance(evaluated, LabelledTable):
        evaluated.table = copy.copy(evaluated.table)
        evaluated.table.handle = evaluated.handle
    return evaluated


def _unpack_one_by_one(model: Any) -> Callable[[np.ndarray], list[Any]]:
    return lambda rows: [model.unpack_state(row.tobytes()) for row in rows]


def _by_rows(value: Any, prior: Any, own: Any = None) -> EvaluateBatch:
    """Functions of one state as one of many; what is not given, the model's `own` one gives."""

    def evaluate(states: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
        priors, values = (None, None) if own is None else own(states)
        if prior is not None:
            priors = np.array([prior(state) for state in states], dtype=np.float64)
        if value is not None:
            values = np.array([value(state) for state in states], dtype=np.float64)
        return priors, values

    return evaluate
