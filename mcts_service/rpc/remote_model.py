"""A simulator in another process or language, as a batch model: it serves ModelService.

The search asks for many states at once; the questions are split over as many calls as the simulator
takes at the same time. What an answer says of the states that it leads to is kept, so that a step
takes one call and no more.

    fails                                       is
    one row                                     a fault of that row; its text is in the log
    a call, or its answer breaks the contract   a fault of all its rows; the same
    the simulator is gone, or too slow          ReplicaLost, after some attempts
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import grpc
import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.rpc.remote_calls import RemoteCalls
from mcts_service.rpc.remote_channel import open_channel
from mcts_service.rpc.remote_description import PROTOCOL_VERSION, Description, read_description
from mcts_service.rpc.remote_inspection import Inspection
from mcts_service.rpc.remote_questions import Questions, column
from mcts_service.rpc.remote_rows import OpaqueRows
from mcts_service.service.remote_options import RemoteOptions, require_address
from mcts_service.v1 import model_pb2, model_pb2_grpc

__all__ = ["RemoteModel", "connect"]

#: Simulations in progress for each call at once, so that a call has some rows.
_ROWS_FOR_EACH_CALL = 4


def connect(address: str, options: RemoteOptions | None = None) -> RemoteModel:
    """Waits for a simulator and asks it what it is.

    Args:
      address: "host:port", or "unix:/path" of a socket.
      options: how it is asked.
    Raises:
      InvalidRequest: nothing answers there in time, what answers is no such simulator, or a
        certificate cannot be read.
    """
    require_address("remote", address)
    options = options or RemoteOptions()
    channel = open_channel(address, options)
    try:
        return RemoteModel(channel, address, _described(channel, address, options), options)
    except BaseException:
        channel.close()
        raise


def _described(channel: grpc.Channel, address: str, options: RemoteOptions) -> Description:
    request = model_pb2.DescribeRequest(protocol_version=PROTOCOL_VERSION)
    seconds = options.connect_seconds
    try:
        told = model_pb2_grpc.ModelServiceStub(channel).Describe(
            request, timeout=seconds, wait_for_ready=True
        )
    except grpc.RpcError as error:
        code = error.code()
        if code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
            what = (
                f"no simulator answers there within {seconds:g} s; start it first, or wait longer"
            )
        elif code is grpc.StatusCode.UNIMPLEMENTED:
            what = "what answers there does not serve mcts_service.v1.ModelService"
        else:
            what = f"its Describe ended with {code.name}"
        raise InvalidRequest("remote", f'is "{address}"; {what}') from error
    try:
        return read_description(told)
    except InvalidRequest as error:
        raise InvalidRequest(
            "remote", f'is "{address}", whose Describe is wrong: {error}'
        ) from error


class RemoteModel:
    """A simulator that is asked over the wire. Any number of threads may ask.

    Besides `sample_batch` it has those functions of a batch model that the simulator announces.

    Attributes:
      num_actions, num_players, discount, deterministic, continuing, return_bounds, state_spec,
        action_spec, description, model_version: as it describes itself; horizon and
        default_simulations too, where it says them.
      plans_at_once: as in `RemoteOptions`.
      default_in_flight: simulations of one search at once, so that the simulator is not idle.
    """

    def __init__(
        self, channel: grpc.Channel, address: str, described: Description, options: RemoteOptions
    ) -> None:
        self._channel, self._described = channel, described
        calls_at_once = options.calls_at_once or described.calls_at_once
        stub = model_pb2_grpc.ModelServiceStub(channel)
        methods = ("SampleBatch", "EvaluateBatch", "InspectBatch")
        subject = f"simulator at {address}"
        self._calls = RemoteCalls(
            {name: getattr(stub, name) for name in methods},
            subject,
            # Where several plans ask, one call waits at the simulator: it is not idle between two.
            in_flight=calls_at_once + (options.plans_at_once > 1),
            call_seconds=options.call_seconds,
            attempts=options.attempts,
        )
        max_rows = min(options.rows_per_call or described.max_rows, described.max_rows)
        self._questions = Questions(
            self._calls, subject, calls_at_once=calls_at_once, max_rows=max_rows
        )
        self._inspection = Inspection(self._questions, described)
        self.plans_at_once = options.plans_at_once
        self.default_in_flight = options.in_flight or _ROWS_FOR_EACH_CALL * calls_at_once
        self._take_attributes(described)
        self._take_capabilities(described)

    def _take_attributes(self, described: Description) -> None:
        self.num_actions = described.num_actions
        self.num_players = described.num_players
        self.discount = described.discount
        self.deterministic = described.deterministic
        self.continuing = described.continuing
        self.return_bounds = described.return_bounds
        self.state_spec, self.action_spec = described.state_spec, described.action_spec
        self.description = described.description
        self.model_version = described.model_version
        if described.horizon is not None:
            self.horizon = described.horizon
        if described.default_simulations is not None:
            self.default_simulations = described.default_simulations

    def _take_capabilities(self, described: Description) -> None:
        """What is looked up once by whoever plans."""
        facts, inspected = described.facts, self._inspection.inspected
        if described.inspects:
            self.refused_states_batch = self._inspection.inspect
        if "legal" in facts:
            self.legal_actions_batch = partial(inspected, name="legal", otherwise=False)
        if "terminal" in facts:
            self.is_terminal_batch = partial(inspected, name="terminal", otherwise=False)
        if described.num_players > 1:
            self.current_player_batch = partial(inspected, name="players", otherwise=-1)
        if "keys" in facts:
            self.state_key_batch = partial(inspected, name="keys", otherwise=0)
        if "values" in facts:
            self.gives_priors = "priors" in facts
            self.evaluate_batch = self._evaluate
        elif "priors" in facts:
            self.prior = self._prior
        if described.example is not None:
            self.initial_state = self._initial_state
        if isinstance(described.form, OpaqueRows):
            self.encode_state = described.form.data
            self.decode_state = described.form.row

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def answer_within(
        self, seconds: float | None, is_cancelled: Callable[[], bool] | None
    ) -> AbstractContextManager[None]:
        """In it, calls of this thread end with DeadlineExpired or Cancelled when nobody waits."""
        return self._calls.within(seconds, is_cancelled)

    def sample_batch(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One transition a row, as of `BatchSampleModel`.

        Returns:
          The transitions; of a row that failed the reward is NaN, which is a fault of that row.
        Raises:
          ReplicaLost: the simulator does not answer.
          Cancelled, DeadlineExpired: nobody waits for the answer any more.
        """
        form, count, players = self._described.form, len(states), self.num_players
        goes_on = self._described.continues_streams and hasattr(rng, "counters")
        seeds = rng.counters if goes_on else _drawn_seeds(rng, count)
        next_seeds = seeds.copy()
        following = np.zeros((count, *form.shape), form.dtype)
        rewards = np.full((count, players), np.nan)
        terminated = np.ones(count, np.bool_)

        def request(part: slice) -> model_pb2.SampleBatchRequest:
            return model_pb2.SampleBatchRequest(
                states=form.write(states[part]),
                actions=actions[part].tolist(),
                seeds=seeds[part].tolist(),
            )

        def take(part: slice, answer: model_pb2.SampleBatchResponse) -> None:
            size = part.stop - part.start
            rows = form.read(answer.next_states, size)
            numbers = column("rewards", answer.rewards, size * players, np.float64)
            ends = column("terminated", answer.terminated, size, np.bool_)
            facts = self._inspection.facts_beside(answer.facts, size)
            if goes_on:
                next_seeds[part] = column("next_seeds", answer.next_seeds, size, np.uint64)
            sound = self._questions.sound_rows("SampleBatch", answer.errors, size)
            at = part.start + sound
            following[at], terminated[at] = rows[sound], ends[sound]
            rewards[at] = numbers.reshape(size, players)[sound]
            self._inspection.told(rows, facts, sound)

        self._questions.ask("SampleBatch", count, request, take)
        if goes_on:
            rng.counters = next_seeds
        return following, rewards[:, 0] if players == 1 else rewards, terminated

    def _evaluate(self, states: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """(priors, values) of each state, as `evaluate_batch`; NaN where that failed."""
        found = self._inspection.evaluated(states)
        values = found["values"]
        return found.get("priors"), values[:, 0] if self.num_players == 1 else values

    def _prior(self, state: Any) -> np.ndarray:
        """How likely each action of a state is to be the best."""
        priors: np.ndarray = self._inspection.evaluated(np.asarray(state)[np.newaxis])["priors"][0]
        return priors

    def _initial_state(self, rng: Any = None) -> Any:
        """The state that the simulator gives as an example."""
        example = self._described.example
        assert example is not None
        return int(example) if self.state_spec.kind == "discrete" else example.copy()


def _drawn_seeds(rng: Any, count: int) -> np.ndarray:
    """One seed a row, from the row's own stream where there is one: uint64[N]."""
    return np.asarray(rng.integers(0, 2**64, size=count, dtype=np.uint64), np.uint64)
