"""What workers answer to their server, as bytes: `Reply`.

One comes for each job, by its number, and after those that tell what a watched search comes to on
its way; that to the building of the model has the number 0. A
server reads what follows and nothing else: of what a model may slip in, the server would import
the code. A plan goes as numbers and texts, which takes a tenth of the time that its objects do.
"""

from __future__ import annotations

import io
import pickle
import traceback
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from mcts_service import errors
from mcts_service.errors import MCTSServiceError, ModelFault
from mcts_service.planning import ActionStatistics, Plan, StopReason
from mcts_service.planning.plan import PrincipalVariationStep
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import BatchOutcome, PlanOutcome

__all__ = [
    "BUILDING",
    "Reply",
    "TracebackOfWorker",
    "fault_of_worker",
    "number_of_reply",
    "read_reply",
    "write_reply",
]

#: The number of the reply to what is to be built.
BUILDING = 0
#: Of the number of a job, before the rest.
_NUMBER_BYTES = 8

#: The end of a traceback tells most, and a recursion has no end.
_MAX_TRACEBACK = 20_000

_ACTION = tuple(field.name for field in fields(ActionStatistics))
_STEP = tuple(field.name for field in fields(PrincipalVariationStep))
_of_action, _of_step = attrgetter(*_ACTION), attrgetter(*_STEP)

_NUMPY_ARRAYS = frozenset({"_reconstruct", "_frombuffer", "scalar"})
_READABLE: dict[str, frozenset[str]] = {
    "_core": frozenset({"PlanColumns"}),  # as Cython names what is in mcts_service._core
    "mcts_service.errors": frozenset(errors.__all__),
    "mcts_service.models.spec": frozenset({"ActionSpec", "StateSpec"}),
    "mcts_service.planning.auto": frozenset({"Recipe"}),
    "mcts_service.planning.config": frozenset({"SearchConfig"}),
    "mcts_service.planning.plans": frozenset({"Plans"}),
    "mcts_service.service.budgets": frozenset({"BudgetLimits"}),
    "mcts_service.service.entry": frozenset({"ModelEntry"}),
    "mcts_service.service.query": frozenset({"BatchOutcome"}),
    __name__: frozenset({"fault_of_worker"}),
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy._core.multiarray": _NUMPY_ARRAYS,
    "numpy._core.numeric": _NUMPY_ARRAYS,
    "numpy.core.multiarray": _NUMPY_ARRAYS,
    "numpy.core.numeric": _NUMPY_ARRAYS,
}

T = TypeVar("T")


class Reply(NamedTuple):
    """What a job has come to.

    Attributes:
      number: of the job.
      content: the outcome, which of a watched search may not be the final one, or why there is
        none; of the building a description of the model.
    """

    number: int
    content: PlanOutcome | BatchOutcome | ModelEntry | MCTSServiceError

    @property
    def is_last(self) -> bool:
        """False while the search goes on."""
        return not isinstance(self.content, PlanOutcome) or self.content.plan.is_final


class TracebackOfWorker(Exception):
    """Where in a worker an error has its cause; for the log."""

    def __str__(self) -> str:
        """The lines, below whatever they are printed behind."""
        return f"\n{self.args[0]}"


def write_reply(reply: Reply) -> bytes:
    """The reply; of a ModelFault its traceback too, as text."""
    content: Any = reply.content
    is_plan = isinstance(content, PlanOutcome)
    stream = io.BytesIO()
    writer = _ReplyWriter(stream, pickle.HIGHEST_PROTOCOL)
    stream.write(reply.number.to_bytes(_NUMBER_BYTES, "little"))
    writer.dump((is_plan, _flat(content) if is_plan else content))
    return stream.getvalue()


def number_of_reply(data: bytes) -> int:
    """That of its job, which can be read where the rest cannot."""
    return int.from_bytes(data[:_NUMBER_BYTES], "little")


def read_reply(data: bytes) -> Reply:
    """The reply.

    Raises:
      ModelFault: it has something in it that no reply has.
    """
    try:
        stream = io.BytesIO(data)
        stream.seek(_NUMBER_BYTES)
        is_plan, content = _ReplyReader(stream).load()
        return Reply(number_of_reply(data), _outcome(*content) if is_plan else content)
    except Exception as error:
        raise ModelFault("a worker has answered with what cannot be read") from error


def fault_of_worker(text: str, cause: str) -> ModelFault:
    """A fault with a traceback that has come as text."""
    fault = ModelFault(text)
    fault.__cause__ = TracebackOfWorker(cause)
    return fault


def _flat(outcome: PlanOutcome) -> tuple[Any, ...]:
    """The outcome without objects of ours."""
    plan = dict(vars(outcome.plan))
    plan["actions"] = [_of_action(action) for action in outcome.plan.actions]
    plan["principal_variation"] = [_of_step(one) for one in outcome.plan.principal_variation]
    plan["stop_reason"] = outcome.plan.stop_reason.value
    return plan, outcome.queue_time, outcome.finished, outcome.was_cut


def _outcome(
    plan: dict[str, Any], queue_time: float, finished: float, was_cut: bool
) -> PlanOutcome:
    """What `_flat` was made of."""
    steps = plan["principal_variation"]
    plan["actions"] = [_filled(ActionStatistics, _ACTION, row) for row in plan["actions"]]
    plan["principal_variation"] = [_filled(PrincipalVariationStep, _STEP, row) for row in steps]
    plan["stop_reason"] = StopReason(plan["stop_reason"])
    return PlanOutcome(Plan.of(**plan), queue_time, finished, was_cut)


def _filled(kind: type[T], names: tuple[str, ...], values: tuple[Any, ...]) -> T:
    """A frozen dataclass, in a quarter of the time."""
    found = kind.__new__(kind)
    vars(found).update(zip(names, values, strict=True))
    return found


class _ReplyWriter(pickle.Pickler):
    def reducer_override(self, item: Any) -> Any:
        if isinstance(item, ModelFault) and item.__cause__ is not None:
            lines = traceback.format_exception(item.__cause__)
            return fault_of_worker, (str(item), "".join(lines)[-_MAX_TRACEBACK:])
        return NotImplemented


class _ReplyReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _READABLE.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not for replies")
