"""Whom the service takes for the caller of a request."""

import socket
from socket import AF_INET, AF_INET6

import grpc
import pytest
from served_models import Corridor, entry_of

from mcts_service.service.auth import AuthSettings
from mcts_service.service.call_record import address_of
from mcts_service.service.engine import Engine
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

RED = "the-token-of-the-red-team"
REQUEST = planner_pb2.PlanRequest(
    model="corridor",
    state=planner_pb2.State(discrete=4),
    budget=planner_pb2.Budget(simulations=10),
)
BATCH = planner_pb2.PlanBatchRequest(
    model="corridor",
    discrete=planner_pb2.DiscreteStates(values=[4]),
    budget=planner_pb2.Budget(simulations=10),
)


def has_address(host):
    """True if this machine can listen there; not all have IPv6."""
    try:
        with socket.create_server((host, 0), family=AF_INET6 if ":" in host else AF_INET):
            return True
    except OSError:
        return False


@pytest.fixture
def callers(monkeypatch):
    """The callers of the queries that reach the engine."""
    found = []
    for name in ("plan", "plan_batch"):
        original = getattr(Engine, name)

        async def noting(self, query, original=original):
            found.append(query.caller)
            return await original(self, query)

        monkeypatch.setattr(Engine, name, noting)
    return found


@pytest.mark.parametrize(("kind", "host"), [("ipv4", "127.0.0.1"), ("ipv6", "::1")])
def test_without_tokens_it_is_the_address(server_of, callers, kind, host):
    if not has_address(host):
        pytest.skip(f"this machine has no {host}")
    with server_of(Registry([entry_of(Corridor(), "corridor")]), host=host) as served:
        port = served.address.rpartition(":")[2]
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        with grpc.insecure_channel(target) as channel:
            path = "/mcts_service.v1.PlannerService/"
            channel.unary_unary(f"{path}Plan")(REQUEST.SerializeToString(), timeout=60)
            channel.unary_unary(f"{path}PlanBatch")(BATCH.SerializeToString(), timeout=60)
    assert callers == [f"{kind}:{host}"] * 2


def test_with_a_token_it_is_its_name(server_of, callers, tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(f"[[tokens]]\nname = 'red'\ntoken = '{RED}'\nmodels = '*'\n")
    tables = {"auth": AuthSettings(str(path))}
    with server_of(Registry([entry_of(Corridor(), "corridor")]), tables=tables) as served:
        metadata = [("authorization", f"Bearer {RED}")]
        served.stub.Plan(REQUEST, metadata=metadata, timeout=60)
        served.stub.PlanBatch(BATCH, metadata=metadata, timeout=60)
    assert callers == ["red", "red"]


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:50123", "ipv4:192.0.2.7"),
        ("ipv6:%5B2001:db8::1%5D:50123", "ipv6:2001:db8::1"),
        ("ipv6:[::1]:50123", "ipv6:::1"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:50123", "ipv4:192.0.2.7"),
        ("unix:/run/planner.sock", "unix:/run/planner.sock"),
    ],
)
def test_an_address_is_read_without_its_port(peer, address):
    assert address_of(peer) == address
