"""Callers that are not who they should be: each is turned away, and the others do not notice."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from benchmarks.chaos.certificates import Authority, Pair
from benchmarks.chaos.row import Row, Scale, percentile
from benchmarks.chaos.served import Holding, Server
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["credentials"]

_GOOD, _EXPIRED, _WRONG = "a-good-token-of-red", "an-expired-token-of-red", "a-token-of-nobody"
_REQUEST = planner_pb2.PlanRequest(
    model="taxi", state={"discrete": 328}, budget={"simulations": 20}
)
_CALL_SECONDS = 5.0
_PROBES = 50
#: How much slower the calls of others may get, as a factor and in seconds.
_MOST_TIMES, _MOST_MORE = 2.0, 0.01
#: Of whom a connection is refused, and whose calls are.
_NO_CONNECTION, _NO_CALL = "UNAVAILABLE", "UNAUTHENTICATED"

_TOKENS = f"""
[[tokens]]
name = "red"
token = "{_GOOD}"
models = "*"

[[tokens]]
name = "late"
token = "{_EXPIRED}"
models = "*"
expires = 2020-01-01T00:00:00Z
"""

#: Makes a call by a channel and a token.
_Open = Callable[[], grpc.Channel]


def credentials(scale: Scale) -> list[Row]:
    """Certificates that are expired, of another authority or missing; tokens likewise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, other = Authority(folder), Authority(folder, "other")
        server_pair = ours.issue()
        (folder / "tokens.toml").write_text(_TOKENS)
        with Server(_configuration(folder, server_pair, ours)) as server:
            target = f"localhost:{server.target.rpartition(':')[2]}"

            def shown(pair: Pair | None, trusted: Authority = ours) -> _Open:
                return lambda: _channel(target, trusted, pair)

            good = shown(ours.issue("agent"))
            callers: dict[str, tuple[_Open, str | None, str]] = {
                "an expired token": (good, _EXPIRED, _NO_CALL),
                "a token of nobody": (good, _WRONG, _NO_CALL),
                "no token": (good, None, _NO_CALL),
                "an expired certificate": (
                    shown(ours.issue("old", days=-1)), _GOOD, _NO_CONNECTION,
                ),
                "a certificate of another authority": (
                    shown(other.issue("stranger")), _GOOD, _NO_CONNECTION,
                ),
                "no certificate": (shown(None), _GOOD, _NO_CONNECTION),
                "trust in another authority": (
                    shown(ours.issue("doubter"), other), _GOOD, _NO_CONNECTION,
                ),
                "no encryption": (lambda: grpc.insecure_channel(target), _GOOD, _NO_CONNECTION),
            }  # fmt: skip
            return _rows(server, good, callers, scale.seconds)


def _rows(
    server: Server,
    good: _Open,
    callers: dict[str, tuple[_Open, str | None, str]],
    seconds: float,
) -> list[Row]:
    with good() as channel:
        alone = _latency(channel)
        before = Holding(server.pid)
        with _again_and_again(callers, seconds) as found:
            beside = _latency(channel)
        time.sleep(1.0)
        after = Holding(server.pid)
    wrong = {
        f"{name}: {code}": count
        for (name, code), count in found.items()
        if code != callers[name][2]
    }
    slower = beside > max(_MOST_TIMES * alone, alone + _MOST_MORE)
    left = after.descriptors - before.descriptors
    return [
        Row(
            f"{', '.join(callers)}: {found.total():,} calls",
            "UNAUTHENTICATED or no connection; others' p99 < 2x (or 10 ms more); nothing is left",
            f"otherwise: {wrong or 'none'}; p99 of others {1e3 * alone:.2g} -> "
            f"{1e3 * beside:.2g} ms; {left:+d} descriptors afterwards",
            not wrong and left <= 0 and {name for name, _ in found} == set(callers),
            not slower,
        )
    ]


@contextmanager
def _again_and_again(
    callers: dict[str, tuple[_Open, str | None, str]], seconds: float
) -> Iterator[Counter[tuple[str, str]]]:
    """One of each after the other, in a thread, for at least as long; how the calls ended."""
    found: Counter[tuple[str, str]] = Counter()
    stop, end = threading.Event(), time.monotonic() + seconds

    def call_all() -> None:
        while not (stop.is_set() and time.monotonic() > end):
            for name, (open_channel, token, _) in callers.items():
                with open_channel() as channel:
                    found[name, _status(channel, token)] += 1

    thread = threading.Thread(target=call_all)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _status(channel: grpc.Channel, token: str | None) -> str:
    """The name of the status that a call ends with."""
    try:
        _plan(channel, token)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()  # type: ignore[attr-defined]
        return code.name
    return "OK"


def _plan(channel: grpc.Channel, token: str | None) -> Any:
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    stub = planner_pb2_grpc.PlannerServiceStub(channel)
    return stub.Plan(_REQUEST, timeout=_CALL_SECONDS, metadata=metadata)


def _latency(channel: grpc.Channel) -> float:
    """The 99th percentile of a few short plans, in seconds."""
    seconds = []
    for _ in range(_PROBES):
        started = time.perf_counter()
        _plan(channel, _GOOD)
        seconds.append(time.perf_counter() - started)
    return percentile(seconds, 99)


def _channel(target: str, trusted: Authority, pair: Pair | None) -> grpc.Channel:
    own = (None, None)
    if pair is not None:
        own = (pair.private_key.read_bytes(), pair.certificate.read_bytes())
    return grpc.secure_channel(
        target,
        grpc.ssl_channel_credentials(trusted.certificate.read_bytes(), *own),
        # Each call has a connection of its own, or the first one's would do for the others.
        [("grpc.use_local_subchannel_pool", 1)],
    )


def _configuration(folder: Path, pair: Pair, authority: Authority) -> str:
    return f"""
[auth]
token_file = "{folder}/tokens.toml"

[tls]
certificate = "{pair.certificate}"
private_key = "{pair.private_key}"
client_ca = "{authority.certificate}"
require_client_certificate = true
"""
