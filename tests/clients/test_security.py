"""What the clients send of a token, to whom, and how they are told of certificates.

Servers with real certificates are in tests/rpc/test_tls.py and test_tokens.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from mcts_client import InvalidRequest, PlannerClient, Tls

Ask = Callable[..., Any]
StartServer = Callable[..., str]

TOKEN = "a-token-of-the-red-team"


class Listener:
    """A Plan that notes the tokens that came."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, request: Any, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        self.heard.append(str(metadata.get("authorization", "")))


def test_a_token_goes_with_every_call(ask: Ask, scripted_server: StartServer) -> None:
    listener = Listener()
    target = scripted_server(plan=listener, get_model=listener)
    ask(target, "plan", "m", 5, options={"token": TOKEN})
    ask(target, "get_model", "m", options={"token": TOKEN})
    assert listener.heard == [f"Bearer {TOKEN}"] * 2


def test_without_a_token_none_is_sent(ask: Ask, scripted_server: StartServer) -> None:
    listener = Listener()
    ask(scripted_server(plan=listener), "plan", "m", 5)
    assert listener.heard == [""]


def test_a_function_is_asked_at_each_call(scripted_server: StartServer) -> None:
    listener = Listener()
    tokens = iter(["first", "second"])
    with PlannerClient(scripted_server(plan=listener), token=lambda: next(tokens)) as client:
        client.plan("m", 5)
        client.plan("m", 5)
    assert listener.heard == ["Bearer first", "Bearer second"]


def test_a_token_file_may_change(scripted_server: StartServer, tmp_path: Path) -> None:
    listener = Listener()
    path = tmp_path / "token"
    path.write_text("first\n")
    with PlannerClient(scripted_server(plan=listener), token_file=path) as client:
        client.plan("m", 5)
        path.write_text("second, which is longer".replace(", ", "-").replace(" ", "-"))
        client.plan("m", 5)
        # Whoever writes it may be half way: the last good one is as good as it was.
        path.write_text("")
        client.plan("m", 5)
        path.unlink()
        client.plan("m", 5)
    second = "Bearer second-which-is-longer"
    assert listener.heard == ["Bearer first", second, second, second]


def test_many_threads_may_share_a_token_file(scripted_server: StartServer, tmp_path: Path) -> None:
    listener = Listener()
    path = tmp_path / "token"
    path.write_text("first")
    with PlannerClient(scripted_server(plan=listener), token_file=path) as client:
        threads = [threading.Thread(target=client.plan, args=("m", 5)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert listener.heard == ["Bearer first"] * 8


# ---- to whom ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "planner.test:443",
        "planner.test",
        "192.0.2.7:50051",
        "0.0.0.0:50051",
        "[2001:db8::1]:50051",
        "dns:///planner.test:443",
        "ipv4:127.0.0.1:1,192.0.2.7:1",
        "localhost.planner.test:443",
        "127.0.0.1.planner.test:443",
        "xds:///localhost",
    ],
)
def test_a_token_does_not_leave_the_machine_unencrypted(target: str) -> None:
    with pytest.raises(InvalidRequest, match="token: would travel unencrypted to ") as caught:
        PlannerClient(target, token=TOKEN)
    assert TOKEN not in str(caught.value)
    PlannerClient(target, token=TOKEN, tls=True).close()
    PlannerClient(target, token=TOKEN, credentials=grpc.ssl_channel_credentials()).close()


@pytest.mark.parametrize(
    "target",
    [
        "localhost:50051",
        "localhost",
        "127.0.0.1:50051",
        "127.9.9.9",
        "[::1]:50051",
        "::1",
        "dns:///localhost:50051",
        "dns:localhost:50051",
        "ipv4:127.0.0.1:1,127.0.0.2:1",
        "ipv6:[::1]:50051",
        "unix:/run/planner.sock",
        "unix-abstract:planner",
    ],
)
def test_within_a_machine_it_may(target: str) -> None:
    PlannerClient(target, token=TOKEN).close()


# ---- arguments --------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "é", 7, b"bytes"])
def test_what_is_no_token_is_refused_and_not_quoted(token: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^token: has no token: must be printable ASCII"):
        PlannerClient("localhost", token=token)
    if isinstance(token, str):
        path = tmp_path / "token"
        path.write_text(token, encoding="utf-8")
        with pytest.raises(InvalidRequest, match=r"^token_file: "):
            PlannerClient("localhost", token_file=path)


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^token_file: .*none' cannot be read: No such file"):
        PlannerClient("localhost", token_file=tmp_path / "none")


def test_one_token_is_enough(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^token: is given, and token_file too"):
        PlannerClient("localhost", token=TOKEN, token_file=tmp_path)


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        (Tls("none.pem"), "tls.root_certificates: 'none.pem' cannot be read: No such file"),
        (Tls(certificate=b"a"), "tls: has one of certificate and private_key; must have both"),
        (Tls(private_key=b"a"), "tls: has one of certificate and private_key; must have both"),
        ("ca.pem", "tls: is 'ca.pem'; must be True, False or a Tls"),
    ],
)
def test_what_is_wrong_with_tls_is_named(tls: Any, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        PlannerClient("localhost", tls=tls)
    assert str(caught.value).startswith(message)


def test_tls_is_told_once() -> None:
    with pytest.raises(InvalidRequest, match=r"^tls: is given, and credentials too"):
        PlannerClient("localhost", tls=True, credentials=grpc.ssl_channel_credentials())
