"""What a simulator says of states: looked up where it has said so already, else asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from google.rpc import code_pb2

from mcts_service.errors import InvalidRequest, MCTSServiceError, ModelFault
from mcts_service.rpc.remote_description import Description
from mcts_service.rpc.remote_facts import COLUMNS, Facts, KnownFacts, read_facts
from mcts_service.rpc.remote_questions import Questions
from mcts_service.v1 import model_pb2

__all__ = ["EVALUATIONS", "Inspection"]

#: The columns that EvaluateBatch gives.
EVALUATIONS = frozenset({"values", "priors"})


class Inspection:
    """The facts of one simulator's states. Any number of threads may use it."""

    def __init__(self, questions: Questions, described: Description) -> None:
        """Nothing is known yet."""
        self._questions, self._described = questions, described
        self._known = KnownFacts()

    def told(self, rows: np.ndarray, facts: Facts, sound: np.ndarray) -> None:
        """Keeps what an answer said of states beside other things, of those rows that are sound."""
        self._known.learn(self._described.form.identities(rows), facts, sound.tolist())

    def facts_beside(self, message: model_pb2.StateFacts, count: int) -> Facts:
        """Those of an answer to SampleBatch.

        Raises:
          InvalidRequest: a column has another length; names it.
        """
        announced = self._described.facts
        required = announced - EVALUATIONS - {"terminal"}
        return self._read(message, count, required, announced & EVALUATIONS)

    def inspected(self, states: np.ndarray, name: str, otherwise: Any) -> np.ndarray:
        """A column of the states' facts, with `otherwise` where asking failed."""
        return self._looked_up(states, [name], otherwise, self.inspect)[name]

    def evaluated(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """Their values [N, players] and priors [N, actions], as announced; NaN if that failed."""
        names = sorted(EVALUATIONS & self._described.facts)
        return self._looked_up(states, names, np.nan, self._evaluate)

    def inspect(self, states: np.ndarray) -> dict[int, MCTSServiceError]:
        """Asks what is to be known of some states.

        Returns:
          Why nothing is known of some of them: {row: error}.
        Raises:
          ReplicaLost, Cancelled, DeadlineExpired: as of `RemoteCalls.ask`.
        """
        announced, kind = self._described.facts, model_pb2.InspectBatchRequest
        required, welcome = announced - EVALUATIONS, announced & EVALUATIONS
        return self._learn("InspectBatch", kind, states, required, welcome)

    def _evaluate(self, states: np.ndarray) -> dict[int, MCTSServiceError]:
        """The same about what they are worth, and which actions are likely to be the best."""
        required, kind = EVALUATIONS & self._described.facts, model_pb2.EvaluateBatchRequest
        return self._learn("EvaluateBatch", kind, states, required, frozenset())

    def _looked_up(
        self,
        states: np.ndarray,
        names: Sequence[str],
        otherwise: Any,
        learn: Callable[[np.ndarray], Any],
    ) -> dict[str, np.ndarray]:
        """Columns of facts; what is not known of a state is learned first."""
        identities = self._described.form.identities(states)
        found = {name: self._known.find(identities, name) for name in names}
        missing = [i for i in range(len(states)) if any(found[name][i] is None for name in names)]
        if missing:
            learn(states[missing])
            for name in names:
                learned = self._known.find([identities[i] for i in missing], name)
                for i, value in zip(missing, learned, strict=True):
                    found[name][i] = value
        return {name: self._stacked(name, found[name], otherwise) for name in names}

    def _stacked(self, name: str, values: list[Any], otherwise: Any) -> np.ndarray:
        dtype, by = COLUMNS[name]
        shape = (len(values), self._described.widths[by]) if by else (len(values),)
        stacked = np.full(shape, otherwise, dtype)
        for i, value in enumerate(values):
            if value is not None:
                stacked[i] = value
        return stacked

    def _learn(
        self,
        method: str,
        kind: Callable[..., Any],
        states: np.ndarray,
        required: frozenset[str],
        welcome: frozenset[str],
    ) -> dict[int, MCTSServiceError]:
        form = self._described.form
        identities = form.identities(states)
        fault = ModelFault(f"{method} failed; an earlier line of the log says how")
        errors: dict[int, MCTSServiceError] = dict.fromkeys(range(len(states)), fault)

        def take(part: slice, answer: Any) -> None:
            size = part.stop - part.start
            facts = self._read(answer.facts, size, required, welcome)
            sound = self._questions.sound_rows(method, answer.errors, size)
            for row in sound.tolist():
                del errors[part.start + row]
            for error in answer.errors:
                if error.status.code == code_pb2.INVALID_ARGUMENT:
                    text = error.status.message or "is none of the model"
                    errors[part.start + error.row] = InvalidRequest("state", text)
            self._known.learn(identities[part], facts, sound.tolist())

        self._questions.ask(
            method, len(states), lambda part: kind(states=form.write(states[part])), take
        )
        return errors

    def _read(
        self,
        message: model_pb2.StateFacts,
        count: int,
        required: frozenset[str],
        welcome: frozenset[str],
    ) -> Facts:
        return read_facts(message, count, self._described.widths, required, welcome)
