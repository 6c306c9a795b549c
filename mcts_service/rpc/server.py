"""The gRPC server: starts, serves, and comes to an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from mcts_service.errors import InvalidRequest
from mcts_service.rpc.caller import by_token
from mcts_service.rpc.calls import Calls
from mcts_service.rpc.connection_options import connection_options
from mcts_service.rpc.raw_handlers import register_service
from mcts_service.rpc.server_credentials import server_credentials
from mcts_service.rpc.servicer import PlannerServicer
from mcts_service.service.call_record import CallRecord, EndedCall
from mcts_service.service.config import ServerConfig
from mcts_service.service.engine import Engine
from mcts_service.service.logs import LogSettings
from mcts_service.service.margin import ReplyClocks
from mcts_service.service.observer import Observer
from mcts_service.service.registry import Registry
from mcts_service.service.request_log import RequestLog
from mcts_service.service.sessions import Sessions
from mcts_service.service.start_checks import open_certificates, open_tokens
from mcts_service.v1 import planner_pb2

__all__ = ["PlannerServer", "serve"]

logger = logging.getLogger("mcts_service")

_PLANNER = planner_pb2.DESCRIPTOR.services_by_name["PlannerService"]
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
#: Message for message the same as v1alpha; newer clients ask for it first.
_REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"

#: A Python model holds the interpreter for this many seconds at a time, so the event loop
#: waits no longer for its turn. The interpreter's own default is ten times as much.
_SWITCH_INTERVAL_SECONDS = 0.0005
#: For the last replies to leave, once nothing runs any more.
_LAST_REPLIES_SECONDS = 1.0


class PlannerServer:
    """PlannerService, health and reflection on one port. Lives in one event loop."""

    def __init__(
        self, config: ServerConfig, registry: Registry, observer: Observer | None = None
    ) -> None:
        """Puts the server together; nothing listens yet.

        Args:
          observer: told what happens; None: nobody is.
        Raises:
          InvalidRequest: certificates or tokens cannot be had, or would be of no use.
        """
        settings = config.server
        observer = observer or Observer()
        self._certificates = open_certificates(config)
        self._tokens = open_tokens(config)
        clocks, batch_clocks = (ReplyClocks(config.deadline_margin) for _ in range(2))
        self._settings = settings
        self._engine = Engine(
            registry.entries,
            workers=settings.workers,
            max_waiting=settings.max_waiting,
            max_priority=settings.max_priority,
            max_total_bytes=settings.max_total_bytes,
            at_once_seconds=settings.at_once_seconds,
            clocks=clocks,
            batch_clocks=batch_clocks,
            sessions=Sessions(config.sessions),
        )
        observer.engine_is(self._engine.state)
        self._calls = Calls()
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            options=[
                # Two servers on one port would share its calls at random.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                *connection_options(config.limits),
            ]
        )
        ended = _ended(config.log, observer)
        planner = PlannerServicer(
            registry,
            self._engine,
            clocks,
            batch_clocks,
            observer,
            ended,
            draining=self._calls.draining,
            max_in_flight_per_stream=settings.max_in_flight_per_stream,
        )
        self._register(planner, ended, config.auth.open_health)

    async def start(self) -> int:
        """Listens.

        Returns:
          The port.
        Raises:
          InvalidRequest: the address cannot be had; says why.
        """
        host, port = self._settings.host, self._settings.port
        _require_free(host, port)
        address = f"[{host}]" if ":" in host and not host.startswith("[") else host
        try:
            port = self._listen(f"{address}:{port}")
        except RuntimeError as error:
            raise InvalidRequest("port", f"{host}:{port} cannot be listened on") from error
        for service in ("", _PLANNER.full_name):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()
        return port

    async def drain(self, hurry: asyncio.Event) -> None:
        """Sends callers elsewhere, finishes the calls in progress, and stops.

        First the health says that the server stops, and all goes on: clients that watch it, as
        ours do, and balancers leave meanwhile. Then new calls are turned away.

        What still runs after the grace period, or when `hurry` is set, is cut short: a
        search answers with what it has found by then.
        """
        hurrying = asyncio.ensure_future(hurry.wait())
        await self._health.enter_graceful_shutdown()
        await asyncio.wait({hurrying}, timeout=self._settings.leave_seconds)
        self._calls.drain()
        grace = self._settings.grace_seconds
        idle = asyncio.ensure_future(self._calls.idle())
        await asyncio.wait({idle, hurrying}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        self._engine.stop_searches()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(idle, _LAST_REPLIES_SECONDS)
        hurrying.cancel()
        self._calls.close()
        await self._server.stop(_LAST_REPLIES_SECONDS)
        self._engine.close()
        if self._tokens is not None:
            self._tokens.close()

    def _listen(self, address: str) -> int:
        if self._certificates is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, server_credentials(self._certificates))

    def _register(self, planner: PlannerServicer, ended: EndedCall, open_health: bool) -> None:
        identify = None if self._tokens is None else by_token(self._tokens)
        add = partial(register_service, self._server, calls=self._calls, ended=ended)
        names = [service.full_name for service in (_PLANNER, _HEALTH, _REFLECTION)]
        describer = reflection.aio.ReflectionServicer(names)
        add(_PLANNER, planner, identify=identify, streams_end=True)
        health_identify = None if open_health else identify
        add(_HEALTH, self._health, identify=health_identify, while_draining=True)
        for name in (_REFLECTION.full_name, _REFLECTION_V1):
            add(_REFLECTION, describer, identify=identify, name=name)


async def serve(
    config: ServerConfig,
    registry: Registry,
    ready: Callable[[str, int], None],
    observer: Observer | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, then drains. A second signal cuts the draining short.

    Args:
      ready: called with the host and the port once calls are accepted.
      observer: told what happens; None: nobody is.
    Raises:
      InvalidRequest: the address, certificates or tokens cannot be had.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    server = PlannerServer(config, registry, observer)
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal(name: str) -> None:
        logger.info("%s: %s", name, "stopping now" if stop.is_set() else "finishing what runs")
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    port = await server.start()
    ready(config.server.host, port)
    await stop.wait()
    await server.drain(hurry)


def _ended(settings: LogSettings, observer: Observer) -> EndedCall:
    """What is done at the end of each call."""
    if settings.requests == "off":
        return observer.call_ended
    log = RequestLog(settings)

    def ended(call: CallRecord, status: str, seconds: float) -> None:
        log.call_ended(call, status, seconds)
        observer.call_ended(call, status, seconds)

    return ended


def _require_free(host: str, port: int) -> None:
    """Raises InvalidRequest, in the system's own words, unless the address can be bound.

    gRPC says only that it failed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InvalidRequest(
            "port", f"{host}:{port} cannot be listened on: {error.strerror}"
        ) from error
