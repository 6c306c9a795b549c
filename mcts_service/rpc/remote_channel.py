"""The connection to a simulator elsewhere."""

from __future__ import annotations

from pathlib import Path

import grpc

from mcts_service.errors import InvalidRequest
from mcts_service.service.remote_options import RemoteOptions

__all__ = ["open_channel"]

_OPTIONS = (
    ("grpc.max_receive_message_length", 256 * 2**20),
    ("grpc.max_send_message_length", 256 * 2**20),
    # A simulator that is back is found soon; gRPC's own choice is up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


def open_channel(address: str, options: RemoteOptions) -> grpc.Channel:
    """Encrypted, if the options say so. It connects with the first call.

    Raises:
      InvalidRequest: a file cannot be read.
    """
    if not options.tls:
        return grpc.insecure_channel(address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_contents(options, "server_ca"),
        private_key=_contents(options, "private_key"),
        certificate_chain=_contents(options, "certificate"),
    )
    return grpc.secure_channel(address, credentials, options=_OPTIONS)


def _contents(options: RemoteOptions, field: str) -> bytes | None:
    path: str | None = getattr(options, field)
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"remote_options.{field}", f'is "{path}", which cannot be read: {error.strerror}'
        ) from error
