"""The load test, as people run it."""

from __future__ import annotations

import json
import re
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
from mcts_client.load_test import main

from mcts_service.v1 import planner_pb2

SCRIPT = Path(__file__).parents[3] / "clients" / "load_test.py"
StartServer = Callable[..., str]


def command(target: str, *arguments: str) -> list[str]:
    """A test of the model "m" that a busy machine cannot fail."""
    patient = ("--max-lag", "60")
    return [sys.executable, str(SCRIPT), target, "--model", "m", *patient, *arguments]


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
        (["--duration", "1"], "one of --rate, --concurrency and --steps must be given"),
        (["--rate", "1", "--concurrency", "1", "--duration", "1"], "not allowed with"),
        (["--rate", "1", "--target", "h:1"], "give the server once, as HOST:PORT"),
        (["--steps", "1,2", "--rate", "1"], "cannot stand beside a list"),
        (["--steps", "2,1"], "rates are 2, 1; must ascend"),
        (["--steps", "1,x"], "argument --steps: 'x'; must be a number"),
        (["--steps", "--concurrency", "1"], "--concurrency cannot stand beside them"),
        (["--rate", "1", "--threshold", "p99"], "is 'p99'; must be a limit such as"),
        (["--rate", "1", "--scenario", "/no/such"], "--model stands in the scenario"),
        (["--rate", "1", "--processes", "2", "--connections", "1"], "connections is 1; must be"),
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
def test_wrong_arguments_are_one_clear_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(command("127.0.0.1:1", *arguments)[2:])
    assert stopped.value.code == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""


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
    assert "errors<0.1%" in shown


# ---- who asks --------------------------------------------------------------------------


def test_several_processes_make_the_calls_of_one_schedule(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    plan = Observer()
    result = report(
        tmp_path, scripted_server(plan), "--rate", "60", "--warmup", "0.5", "--duration", "1",
        "--processes", "3", "--connections", "5", "--seed", "5",
    )  # fmt: skip
    assert result["processes"] == 3
    assert result["statuses"] == {"OK": 60}
    assert result["latency_seconds"]["ok"]["count"] == 60
    assert sorted(request.seed for request in plan.requests) == list(range(5, 95))  # each once
    assert len(plan.peers) == 5


def test_several_processes_share_the_callers_of_a_closed_loop(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    plan = Observer()
    result = report(
        tmp_path, scripted_server(plan), "--concurrency", "5", "--processes", "2",
        "--warmup", "0", "--duration", "0.5",
    )  # fmt: skip
    assert result["calls"] == len(plan.requests)
    assert 3 <= plan.most_in_flight <= 5  # one process alone has three
    assert len({request.seed for request in plan.requests}) == len(plan.requests)


def test_a_client_that_cannot_keep_its_schedule_fails_the_test(
    scripted_server: StartServer,
) -> None:
    """No client starts 2,000 calls within a millisecond; each is given up right after."""
    done = load(
        scripted_server(), "--rate", "2000000", "--arrivals", "constant", "--warmup", "0",
        "--duration", "0.001", "--timeout", "0.001", "--max-lag", "0.01",
    )  # fmt: skip
    assert done.returncode == 1
    assert "FAILED: the load test itself was late" in done.stdout


def test_retries_are_made_and_counted_if_asked_for(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    refused = set()
    counting = threading.Lock()

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        with counting:
            is_first = request.seed not in refused
            refused.add(request.seed)
        if is_first and request.seed % 2:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", "1"),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")

    result = report(
        tmp_path, scripted_server(plan), "--rate", "20", "--warmup", "0", "--duration", "1",
        "--attempts", "2",
    )  # fmt: skip
    assert result["statuses"] == {"OK": 20}
    assert result["retries"] == 10


# ---- what comes of it ------------------------------------------------------------------


def test_a_broken_threshold_fails_the_test_with_a_line(scripted_server: StartServer) -> None:
    done = load(
        scripted_server(), "--rate", "50", "--warmup", "0", "--duration", "0.4",
        "--threshold", "errors<1%", "--threshold", "rate>=100000",
    )  # fmt: skip
    assert done.returncode == 1
    assert "threshold errors<1%: kept, 0.000%" in done.stdout
    assert "FAILED: rate>=100000: BROKEN" in done.stdout


def test_steps_find_the_rate_that_a_server_keeps(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    """One plan at a time, each 20 ms: 50 a second and no more, on a machine of any speed."""
    one_at_a_time = threading.Lock()

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        with one_at_a_time:
            time.sleep(0.02)

    result = report(
        tmp_path, scripted_server(plan), "--steps", "10,200", "--arrivals", "constant",
        "--warmup", "0.2", "--duration", "1", "--precision", "1", "--threshold", "p99<500ms",
    )  # fmt: skip
    steps = {step["asked_rate"]: step["kept"] for step in result["steps"]}
    assert list(steps)[:2] == [10, 200]
    assert steps[200] is False
    assert result["asked_rate"] == max(rate for rate, is_kept in steps.items() if is_kept) <= 60
    assert "p99<500ms" in result["rule"]


def test_control_c_in_a_search_keeps_the_steps_that_are_done(
    scripted_server: StartServer, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    arguments = ("--steps", "--rate", "20", "--warmup", "0", "--duration", "1", "--json", str(file))
    with subprocess.Popen(
        command(scripted_server(), *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "kept" in line:
                break
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "greatest rate kept: 20/s" in stdout
    assert len(json.loads(file.read_text())["steps"]) >= 1


def test_the_files_are_written(scripted_server: StartServer, tmp_path: Path) -> None:
    pytest.importorskip("hdrh")
    names = ("page.html", "report.json", "seconds.csv", "steps.csv", "latency.hlog")
    options = ("--html", "--json", "--seconds-csv", "--steps-csv", "--hdr-log")
    files = [
        argument
        for option, name in zip(options, names, strict=True)
        for argument in (option, str(tmp_path / name))
    ]
    done = load(scripted_server(), "--rate", "20", "--warmup", "0", "--duration", "1", *files)
    assert done.returncode == 0, done.stderr
    page, report_text, seconds, steps, log = [(tmp_path / name).read_text() for name in names]
    assert "<svg" in page
    assert json.loads(report_text)["calls"] == 20
    assert len(seconds.splitlines()) == len(steps.splitlines()) == 2
    assert log.startswith("#[Histogram log format version 1.2]")


def test_a_server_alone_is_enough_to_name(scripted_server: StartServer, tmp_path: Path) -> None:
    plan = Observer()
    target = scripted_server(plan)
    words = [sys.executable, str(SCRIPT), target, "--rate", "20", "--warmup", "0"]
    done = subprocess.run(
        [*words, "--duration", "0.5", "--max-lag", "60"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert {request.model for request in plan.requests} == {"beta"}  # the first of its list
    assert {request.budget.simulations for request in plan.requests} == {100}


def test_the_target_may_be_an_option(scripted_server: StartServer) -> None:
    words = [sys.executable, str(SCRIPT), "--target", scripted_server(), "--model", "m"]
    done = subprocess.run(
        [*words, "--rate", "20", "--duration", "0.2", "--warmup", "0", "--max-lag", "60"],
        timeout=120,
    )
    assert done.returncode == 0


# ---- against a real server -------------------------------------------------------------

SCENARIO = """
thresholds = ["errors<0.1%", "many:p50<60s"]

[[work]]
name = "opening"
weight = 2
model = "connect_four"
states = ["", "4455", "123"]
simulations = 20

[[work]]
name = "many"
model = "tic_tac_toe"
mode = "batch"
rows = 3
states = ["5137", "5"]
simulations = 10
search = {preset = "uct"}
"""


def real(folder: Path, target: str, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """The status, the report and the table of a load test that a busy machine cannot fail."""
    file = folder / "report.json"
    words = [str(Path(sys.executable).with_name("mcts-load-test")), target, "--json", str(file)]
    done = subprocess.run(
        [*words, "--max-lag", "60", "--timeout", "60", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text() or "{}"), done.stdout


@pytest.mark.parametrize("mode", ["unary", "batch", "stream"])
def test_every_mode_measures_a_real_server(mode: str, real_server: str, tmp_path: Path) -> None:
    rows = 4 if mode == "batch" else 1
    status, result, _ = real(
        tmp_path, real_server, "--model", "connect_four", "--simulations", "20", "--mode", mode,
        "--rows", str(rows), "--rate", "20", "--warmup", "0.2", "--duration", "1",
        "--processes", "2",
    )  # fmt: skip
    assert status == 0
    assert result["statuses"] == {"OK": 20}
    assert result["work"][0]["mode"] == mode
    assert result["simulations_per_second"] == pytest.approx(20 * rows * result["throughput"])


def test_a_mixture_measures_a_real_server(real_server: str, tmp_path: Path) -> None:
    (tmp_path / "mixed.toml").write_text(SCENARIO)
    status, result, shown = real(
        tmp_path, real_server, "--scenario", str(tmp_path / "mixed.toml"), "--rate", "30",
        "--warmup", "0.2", "--duration", "2",
    )  # fmt: skip
    assert status == 0
    assert result["statuses"] == {"OK": 60}
    calls = {name: one["calls"] for name, one in result["by_work"].items()}
    assert sum(calls.values()) == 60
    assert calls["opening"] > calls["many"] > 0
    assert "threshold errors<0.1%: kept" in shown


def test_a_plan_on_a_stream_fails_alone(real_server: str, tmp_path: Path) -> None:
    (tmp_path / "over.toml").write_text(
        '[[work]]\nmodel = "tic_tac_toe"\nmode = "stream"\n'
        'states = ["5", "14253"]\nsimulations = 10\n'  # of which the second is over
    )
    status, result, _ = real(
        tmp_path, real_server, "--scenario", str(tmp_path / "over.toml"), "--rate", "20",
        "--warmup", "0", "--duration", "1",
    )  # fmt: skip
    assert status == 0
    assert set(result["statuses"]) == {"OK", "FAILED_PRECONDITION"}
    assert sum(result["statuses"].values()) == 20


def test_a_batch_with_a_row_that_failed_has_failed(real_server: str, tmp_path: Path) -> None:
    (tmp_path / "over.toml").write_text(
        '[[work]]\nmodel = "tic_tac_toe"\nmode = "batch"\nrows = 2\n'
        'states = ["5", "14253"]\nsimulations = 10\n'  # of which the second is over
    )
    status, result, _ = real(
        tmp_path, real_server, "--scenario", str(tmp_path / "over.toml"), "--rate", "10",
        "--warmup", "0", "--duration", "1",
    )  # fmt: skip
    assert status == 1
    assert result["statuses"] == {"FAILED_PRECONDITION": 10}
    assert result["failures"] == ["no call succeeded"]


@pytest.mark.skipif(
    "priority" not in planner_pb2.PlanRequest.DESCRIPTOR.fields_by_name,
    reason="the protocol of this version has no priorities",
)
def test_a_priority_is_sent(scripted_server: StartServer, tmp_path: Path) -> None:
    plan = Observer()
    (tmp_path / "first.toml").write_text('[[work]]\nmodel = "m"\npriority = 7\n')
    words = [sys.executable, str(SCRIPT), scripted_server(plan), "--rate", "20", "--max-lag", "60"]
    options = ["--scenario", str(tmp_path / "first.toml"), "--warmup", "0", "--duration", "0.2"]
    assert subprocess.run([*words, *options], timeout=120).returncode == 0
    assert {request.priority for request in plan.requests} == {7}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('model = "chess"', "1: work[0]: .*known"),
        ('model = "taxi"\nsimulations = "many"', "1: work[0]: simulations: is 'many'"),
        (
            'model = "taxi"\nsearch = {speed = 3}',
            "1: work[0]: search: got an unexpected .* 'speed'",
        ),
    ],
)
def test_work_that_cannot_be_asked_for_is_named_with_its_line(
    line: str, says: str, real_server: str, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(f"[[work]]\n{line}\n")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), real_server, "--scenario", str(file), "--rate", "5"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert re.search(says.replace("[", r"\["), done.stderr)
    assert len(done.stderr.splitlines()) == 1
