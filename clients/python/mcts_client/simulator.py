"""Serves a model to a planner elsewhere: `serve_model`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import grpc

from mcts_client._checks import integer_from, shown
from mcts_client._simulator.servicer import ModelServicer
from mcts_client.errors import InvalidRequest
from mcts_service.v1 import model_pb2_grpc

__all__ = ["ModelServer", "serve_model"]

#: Of one message; a question has 1,024 states at most.
_MAX_MESSAGE_BYTES = 256 * 2**20


def serve_model(
    model: Any,
    address: str = "127.0.0.1:0",
    *,
    threads: int = 1,
    max_state_bytes: int = 4096,
    credentials: grpc.ServerCredentials | None = None,
) -> ModelServer:
    """Serves a model as a simulator that mcts_service plans over.

        with serve_model(MyModel(), "127.0.0.1:50061") as server:
            server.wait()

    The model is what it is in the planner's own process: `sample(state, action, rng)`, or
    `sample_batch(states, actions, rng)` for many states at once, `num_actions`, and those of the
    optional functions and attributes that it has. Its states are integers, arrays of one form, or
    anything with `encode_state` and `decode_state`.

    Args:
      model: a sample model or a batch model, whose actions are numbered.
      address: "host:port", port 0 for any free one, or "unix:/path" of a socket.
      threads: calls that may use the model at the same time.
      max_state_bytes: of a state by `encode_state`, at most; 1 .. 2**20. Each state in a search
        tree takes as many.
      credentials: by `grpc.ssl_server_credentials`, for planners with `tls`; None: not encrypted.

    Returns:
      The server, which answers already.

    Raises:
      InvalidRequest: the model cannot be served, or the address not be had.
    """
    threads = integer_from("threads", threads, 1, 256)
    most = integer_from("max_state_bytes", max_state_bytes, 1, 2**20)
    if not isinstance(address, str) or not address:
        raise InvalidRequest.of_field("address", f'is {shown(address)}; must be "host:port"')
    return ModelServer(
        ModelServicer(model, threads=threads, max_state_bytes=most), address, threads, credentials
    )


class ModelServer:
    """A model that is served; a context manager that stops it.

    Attributes:
      address: where, with the port that it got.
    """

    def __init__(
        self,
        servicer: ModelServicer,
        address: str,
        threads: int,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        """Starts; arguments as of `serve_model`."""
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix="simulator"),
            options=[
                # Two simulators on one port would share its calls at random.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
            ],
        )
        model_pb2_grpc.add_ModelServiceServicer_to_server(servicer, self._server)
        try:
            if credentials is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise InvalidRequest.of_field(
                "address", f"is {shown(address)}, which cannot be listened on"
            ) from error
        is_socket = address.startswith("unix:")
        self.address = address if is_socket else f"{address.rpartition(':')[0]}:{port}"
        self._stopped = threading.Event()
        self._server.start()

    def wait(self) -> None:
        """Comes back when it is stopped; Ctrl-C gets through."""
        # An endless wait would not be interrupted on every system.
        while not self._stopped.wait(60.0):
            pass

    def stop(self, grace_seconds: float = 1.0) -> None:
        """Takes no more calls, and lets those that run come to their end for so long."""
        self._server.stop(grace_seconds).wait()
        self._stopped.set()

    def __enter__(self) -> ModelServer:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops it."""
        self.stop()
