"""The load test, as people run it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

SCRIPT = Path(__file__).parents[2] / "clients" / "load_test.py"
StartServer = Callable[..., str]


def command(target: str, *arguments: str) -> list[str]:
    return [sys.executable, str(SCRIPT), "--target", target, "--model", "m", *arguments]


def load(target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(target, *arguments), capture_output=True, text=True, timeout=120)


def report(tmp_path: Path, target: str, *arguments: str, status: int = 0) -> dict[str, Any]:
    file = tmp_path / "report.json"
    done = load(target, "--json", str(file), *arguments)
    assert done.returncode == status, done.stderr
    result: dict[str, Any] = json.loads(file.read_text())
    return result


class Observer:
    """A Plan that remembers its requests and who sent them."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.peers: set[str] = set()
        self.most_in_flight = 0
        self._in_flight = 0
        self._lock = threading.Lock()

    def __call__(self, request: Any, context: grpc.ServicerContext) -> None:
        with self._lock:
            self.requests.append(request)
            self.peers.add(context.peer())
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        time.sleep(0.002)
        with self._lock:
            self._in_flight -= 1


def test_an_open_loop_counts_every_call(scripted_server: StartServer, tmp_path: Path) -> None:
    plan = Observer()
    result = report(
        tmp_path, scripted_server(plan), "--rate", "50", "--warmup", "0.5", "--duration", "1",
        "--simulations", "9", "--seed", "5",
    )  # fmt: skip
    assert result["loop"] == "open"
    assert result["arrivals"] == "poisson"
    assert result["calls"] == 50
    assert result["statuses"] == {"OK": 50}
    assert result["unfinished"] == 0
    assert result["latency_seconds"]["ok"] == result["latency_seconds"]["all"]
    assert result["latency_seconds"]["ok"]["count"] == 50
    assert result["latency_seconds"]["ok"]["p50"] >= 0.002
    assert result["generator_lag_seconds"]["max"] >= 0
    assert result["simulations_per_second"] == pytest.approx(9 * result["throughput"])
    assert len(plan.requests) == 75  # those of the warm-up too
    assert {request.seed for request in plan.requests} == set(range(5, 80))
    assert all(request.budget.simulations == 9 for request in plan.requests)
    assert all(request.state.discrete == 7 for request in plan.requests)  # the model's example


def test_a_closed_loop_keeps_its_number_of_calls_in_flight(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    plan = Observer()
    result = report(
        tmp_path, scripted_server(plan), "--concurrency", "3", "--warmup", "0", "--duration", "0.5",
        "--connections", "2", "--time-limit", "0.5",
    )  # fmt: skip
    assert result["loop"] == "closed"
    assert result["calls"] == result["statuses"]["OK"] == len(plan.requests)
    assert plan.most_in_flight <= 3
    assert len(plan.peers) == 2
    assert all(request.budget.time_limit.nanos == 500_000_000 for request in plan.requests)
    assert len({request.seed for request in plan.requests}) == len(plan.requests)


def test_a_state_of_ones_own_travels_as_json(scripted_server: StartServer, tmp_path: Path) -> None:
    plan = Observer()
    target = scripted_server(plan)
    short = ("--rate", "20", "--warmup", "0", "--duration", "0.1")
    report(tmp_path, target, *short, "--state", '"4455"')
    assert plan.requests[-1].state.json.string_value == "4455"
    report(tmp_path, target, *short, "--state", "[[1, 0], 2]")
    assert plan.requests[-1].state.json.list_value.values[1].number_value == 2
    report(tmp_path, target, *short, "--state", "3")
    assert plan.requests[-1].state.json.number_value == 3


def test_a_stall_shows_in_every_call_that_it_kept_waiting(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    """The server stops once, for half a second; 25 calls are meant to start in that time.

    Call number k of them waits for the rest of the stall, half a second less k / 50, however
    late the load test gets around to sending it.
    """
    one_at_a_time = threading.Lock()
    calls = 0

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        nonlocal calls
        with one_at_a_time:
            calls += 1
            if calls == 10:
                time.sleep(0.5)

    result = report(
        tmp_path, scripted_server(plan), "--rate", "50", "--arrivals", "constant",
        "--warmup", "0", "--duration", "1",
    )  # fmt: skip
    assert result["statuses"] == {"OK": 50}
    latency = result["latency_seconds"]["ok"]
    assert latency["max"] >= 0.5
    # The six slowest of the 50 would be those of k = 0 .. 5; calls may overtake each other a bit.
    assert latency["p90"] >= 0.5 - 10 / 50
    assert latency["p90"] <= latency["p99"] <= latency["max"]


def test_failures_are_counted_by_name_and_never_retried(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    calls = 0
    counting = threading.Lock()

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        nonlocal calls
        with counting:
            calls += 1
            number = calls
        if number % 5 == 0:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone for a moment")
        if number % 5 == 1:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")

    result = report(
        tmp_path, scripted_server(plan), "--rate", "100", "--warmup", "0", "--duration", "0.5"
    )
    assert calls == 50
    assert result["statuses"] == {"OK": 30, "UNAVAILABLE": 10, "RESOURCE_EXHAUSTED": 10}
    assert result["first_messages"]["UNAVAILABLE"] == "gone for a moment"
    assert result["latency_seconds"]["ok"]["count"] == 30
    assert result["latency_seconds"]["all"]["count"] == 50


def test_a_call_has_a_deadline_so_the_test_ends_by_itself(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    def plan(request: Any, context: grpc.ServicerContext) -> None:
        over = threading.Event()
        context.add_callback(over.set)
        over.wait()

    result = report(
        tmp_path, scripted_server(plan), "--rate", "20", "--warmup", "0", "--duration", "0.25",
        "--timeout", "0.2", status=1,
    )  # fmt: skip
    assert result["statuses"] == {"DEADLINE_EXCEEDED": 5}
    assert result["latency_seconds"]["ok"] is None


def test_the_table_is_for_people(scripted_server: StartServer) -> None:
    done = load(scripted_server(), "--rate", "100", "--warmup", "0", "--duration", "0.2")
    assert done.returncode == 0
    assert "open loop, poisson arrivals at 100/s, 1 connection" in done.stdout
    assert "OK 20" in done.stdout
    assert "of 100.0/s asked" in done.stdout


def test_control_c_prints_what_there_is(scripted_server: StartServer, tmp_path: Path) -> None:
    """One call is answered, the next ones hang; then comes the interruption."""
    hanging = threading.Event()
    calls = 0

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            over = threading.Event()
            context.add_callback(over.set)
            hanging.set()
            over.wait()

    file = tmp_path / "report.json"
    arguments = ("--concurrency", "1", "--warmup", "0", "--duration", "60", "--timeout", "60")
    process = subprocess.Popen(
        command(scripted_server(plan), *arguments, "--json", str(file)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert hanging.wait(timeout=60)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in stderr
    assert "interrupted" in stdout
    result = json.loads(file.read_text())
    assert result["interrupted"] is True
    assert (result["calls"], result["unfinished"]) == (2, 1)
    assert result["statuses"] == {"OK": 1}
    assert result["measured_seconds"] < 60


def test_an_absent_server_is_one_clear_line() -> None:
    done = load("127.0.0.1:1", "--rate", "1", "--duration", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("mcts-load-test: error: 127.0.0.1:1 is unavailable")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--duration", "1"], "one of the arguments --rate --concurrency is required"),
        (["--rate", "1", "--concurrency", "1", "--duration", "1"], "not allowed with"),
        (["--rate", "1"], "required: --duration"),
        (["--rate", "fast", "--duration", "1"], "argument --rate: 'fast'; must be a number"),
        (["--rate", "0", "--duration", "1"], "argument --rate: '0'; must be above 0"),
        (["--rate", "nan", "--duration", "1"], "argument --rate: 'nan'; must be a number"),
        (["--rate", "1", "--duration", "-1"], "argument --duration: '-1'; must be above 0"),
        (["--rate", "1", "--duration", "1", "--warmup", "-1"], "'-1'; must be 0 or more"),
        (["--concurrency", "1.5", "--duration", "1"], "'1.5'; must be a whole number from 1 on"),
        (["--rate", "1", "--duration", "1", "--connections", "0"], "must be a whole number from 1"),
        (["--rate", "1", "--duration", "1", "--arrivals", "bursty"], "invalid choice: 'bursty'"),
        (["--rate", "1", "--duration", "1", "--state", "4455x"], "'4455x' is not JSON"),
        (["--rate", "1", "--duration", "1", "--simulations", "0"], "whole number from 1 on"),
        (["--rate", "1", "--duration", "0.1"], "no call falls into 0.1 s at 1/s"),
        (["--rate", "1", "--duration", "1", "--json", "/no/such/folder/x"], "/no/such/folder/x"),
    ],
    ids=lambda value: None,
)
def test_wrong_arguments_are_one_clear_line(arguments: list[str], says: str) -> None:
    done = load("127.0.0.1:1", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_an_unknown_model_is_a_wrong_argument(scripted_server: StartServer) -> None:
    def get_model(request: Any, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.NOT_FOUND, "model: 'm' is not known; known models: taxi")

    target = scripted_server(get_model=get_model)
    done = load(target, "--rate", "1", "--duration", "1")
    assert done.returncode == 2
    assert "known models: taxi" in done.stderr


def test_help_teaches_with_examples_and_the_report() -> None:
    shown = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "examples:" in shown
    assert "--concurrency 8 --duration 10" in shown
    assert "generator_lag_seconds" in shown
