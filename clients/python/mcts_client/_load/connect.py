"""How a load test reaches its server: by what credentials, and as whom."""

from __future__ import annotations

from typing import Any

import grpc

from mcts_client._channel import channel_options
from mcts_client._load.settings import LoadSettings
from mcts_client._security import channel_credentials, token_source, with_token
from mcts_client.client import PlannerClient
from mcts_client.tls import Tls
from mcts_service.v1 import planner_pb2_grpc

__all__ = ["client_of", "open_channel", "stub_of"]


def client_of(settings: LoadSettings, timeout: float) -> PlannerClient:
    """For the questions before the first call.

    Raises:
      InvalidRequest: a file cannot be read, or a token would travel unencrypted.
    """
    return PlannerClient(
        settings.target, timeout=timeout, tls=_tls(settings), token_file=settings.token_file
    )


def open_channel(settings: LoadSettings) -> grpc.aio.Channel:
    """A channel with a connection of its own, and without gRPC's retries, which nobody sees."""
    options = channel_options(
        max_attempts=1, wait_for_ready=False, options=[("grpc.use_local_subchannel_pool", 1)]
    )
    secure = channel_credentials(_tls(settings), None)
    if secure is None:
        return grpc.aio.insecure_channel(settings.target, options)
    return grpc.aio.secure_channel(settings.target, secure, options)


def stub_of(settings: LoadSettings, channel: grpc.aio.Channel) -> Any:
    """The methods of the service, called as who the load test is."""
    token = token_source(
        None, settings.token_file, target=settings.target, is_encrypted=settings.tls
    )
    return with_token(planner_pb2_grpc.PlannerServiceStub(channel), token)


def _tls(settings: LoadSettings) -> bool | Tls:
    if not settings.tls:
        return False
    return Tls(settings.tls_ca, settings.tls_certificate, settings.tls_key)
