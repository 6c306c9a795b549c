"""Simulators for the tests of remote models: good ones, and such as go wrong in one way."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from small_batches import Walk

from mcts_client._simulator.servicer import ModelServicer
from mcts_service.rpc.remote_model import RemoteModel, connect
from mcts_service.service.remote_options import RemoteOptions
from mcts_service.v1 import model_pb2, model_pb2_grpc

TESTS = Path(__file__).parent


class Path13(Walk):
    """A walk that says where it begins."""

    def initial_state(self, rng: Any = None) -> Any:
        return self.state()


class Pegs:
    """Three pegs, each up or down; states are texts, which travel as bytes."""

    num_actions = 3
    discount = 0.9

    def sample(self, state: str, action: int, rng: np.random.Generator) -> tuple[str, float, bool]:
        flipped = "^" if state[action] == "_" else "_"
        following = state[:action] + flipped + state[action + 1 :]
        if rng.random() < 0.2:
            following = state
        return following, float(following == "^^^"), following == "^^^"

    def is_terminal(self, state: str) -> bool:
        return state == "^^^"

    def initial_state(self, rng: Any = None) -> str:
        return "___"

    def encode_state(self, state: str) -> bytes:
        return state.encode()

    def decode_state(self, data: bytes) -> str:
        state = data.decode()
        if len(state) != 3 or set(state) - set("^_"):
            raise ValueError("three of ^ and _ make a state")
        return state


class Simulator(ModelServicer):
    """ModelService of a model, with answers that a test may change, and calls that it counts.

    Attributes:
      calls: of each method.
      most_at_once: calls that were answered at the same time.
      asked, stuck: set with the first call, and with the first that waits for `released`.
    """

    def __init__(
        self,
        model: Any,
        *,
        threads: int = 1,
        change: Callable[[str, Any, grpc.ServicerContext], None] | None = None,
        seconds: float = 0.0,
        describe: dict[str, Any] | None = None,
        stuck_after: int | None = None,
    ) -> None:
        """Of a model.

        Args:
          change: `change(method, response, context)` may alter an answer, or end the call.
          seconds: that a call takes besides.
          describe: fields of its description that differ.
          stuck_after: so many calls are answered, and all others wait for `released`.
        """
        super().__init__(model, threads=threads, max_state_bytes=16)
        self._change, self._seconds, self._describe = change, seconds, describe or {}
        self._lock, self._busy = threading.Lock(), 0
        self.calls: dict[str, int] = {}
        self.most_at_once = 0
        self._stuck_after = math.inf if stuck_after is None else stuck_after
        self.asked, self.stuck, self.released = (threading.Event() for _ in range(3))

    def Describe(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        told = model_pb2.DescribeResponse()
        told.CopyFrom(super().Describe(request, context))
        for name, value in self._describe.items():
            setattr(told, name, value)
        return told

    def SampleBatch(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answered("SampleBatch", super().SampleBatch, request, context)

    def EvaluateBatch(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answered("EvaluateBatch", super().EvaluateBatch, request, context)

    def InspectBatch(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answered("InspectBatch", super().InspectBatch, request, context)

    def _answered(self, method: str, ask: Any, request: Any, context: grpc.ServicerContext) -> Any:
        with self._lock:
            self.calls[method] = self.calls.get(method, 0) + 1
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
            is_stuck = sum(self.calls.values()) > self._stuck_after
        self.asked.set()
        try:
            if is_stuck:
                self.stuck.set()
                self.released.wait()
            time.sleep(self._seconds)
            response = ask(request, context)
            if self._change is not None:
                self._change(method, response, context)
            return response
        finally:
            with self._lock:
                self._busy -= 1


@contextmanager
def answering(
    servicer: model_pb2_grpc.ModelServiceServicer, *, threads: int = 1, address: str = "127.0.0.1:0"
) -> Iterator[str]:
    """Serves for the length of a block; gives the address."""
    server = grpc.server(ThreadPoolExecutor(threads), options=[("grpc.so_reuseport", 0)])
    model_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield address if address.startswith("unix:") else f"127.0.0.1:{port}"
    finally:
        if isinstance(servicer, Simulator):
            servicer.released.set()
        server.stop(None).wait()


@contextmanager
def remote(
    servicer: model_pb2_grpc.ModelServiceServicer, *, threads: int = 1, **options: Any
) -> Iterator[RemoteModel]:
    """The remote model of a simulator that is served for the length of a block."""
    with answering(servicer, threads=threads) as address:
        model = connect(address, RemoteOptions(**options))
        try:
            yield model
        finally:
            model.close()


class SimulatorProcess:
    """A simulator in a process of its own, to be killed.

    Attributes:
      address: where it answers.
    """

    def __init__(self, address: str = "127.0.0.1:0", seconds: float = 0.0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "simulator_process.py"), address, str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address, "the simulator has not started"

    def kill(self) -> None:
        """Ends it as nothing can be prepared for."""
        self._process.kill()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
