"""A real server whose models run in worker processes, whatever they do there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from misbehaving_models import BAD_STATE, MISDEEDS
from patience import eventually
from played import Played
from served_models import Corridor

from mcts_client import PlannerClient
from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_table, save
from mcts_service.models import make
from mcts_service.policies import Uniform
from mcts_service.service.config import ModelConfig, ServerConfig, ServerSettings
from mcts_service.service.config_file import read_config
from mcts_service.service.loading import load_models
from mcts_service.service.workers import WorkerSettings
from mcts_service.v1 import planner_pb2, planner_pb2_grpc
from mcts_service.v1.planner_pb2 import PlanBatchRequest, State, StateList

INTERNAL, TOO_LATE = grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED
OF_DEEDS = {
    "raise_error": INTERNAL,
    "sleep_for_ever": TOO_LATE,
    "loop_in_python": TOO_LATE,
    "loop_in_c": TOO_LATE,
    "allocate_in_python": INTERNAL,
    "allocate_in_c": INTERNAL,
    "exit_at_once": INTERNAL,
    "exit_like_a_lost_worker": INTERNAL,
    "exit_in_python": INTERNAL,
    "segfault": INTERNAL,
    "abort": INTERNAL,
    "print_without_end": TOO_LATE,
    "print_one_long_line": grpc.StatusCode.OK,
    "start_threads": grpc.StatusCode.OK,
    "start_process": grpc.StatusCode.OK,
    "close_all_files": INTERNAL,
    "stop_itself": TOO_LATE,
    "recurse": INTERNAL,
    "nan": INTERNAL,
}
PROCESSES = WorkerSettings(overrun_seconds=0.3, max_memory_bytes=256 * 2**20)
TESTS = Path(__file__).parents[1]


def configuration(*models, processes=PROCESSES):
    settings = ServerSettings(built_in_models=False, entry_points=False)
    return ServerConfig(server=settings, worker_processes=processes, models=models)


def of_factory(name, factory, **arguments):
    return ModelConfig(name, f"served_models:{factory}", arguments)


@pytest.fixture(scope="module")
def isolated(server_of):
    """A server with a model for each misdeed, and some that are good."""
    bad = [ModelConfig(deed, "misbehaving_models:Misbehaving", {"deed": deed}) for deed in OF_DEEDS]
    good = [
        of_factory(factory.lower(), factory)
        for factory in ("Corridor", "Grid", "Panel", "Streets", "Crew", "Herd")
    ]
    with server_of(load_models(configuration(*bad, *good))) as served:
        yield served


def asked(served, model, state=4, *, simulations=100, time_limit=30.0):
    budget = planner_pb2.Budget(simulations=simulations)
    budget.time_limit.FromNanoseconds(int(time_limit * 1e9))
    request = planner_pb2.PlanRequest(
        model=model, state=planner_pb2.State(discrete=state), budget=budget, seed=3
    )
    return served.stub.Plan.future(request, timeout=60)


def test_every_misdeed_is_tried():
    assert OF_DEEDS.keys() == {*MISDEEDS, "nan"}


@pytest.mark.parametrize("deed", OF_DEEDS)
def test_a_misdeed_costs_its_own_request_and_no_other(isolated, deed):
    time_limit = 0.5 if OF_DEEDS[deed] is TOO_LATE else 30.0
    bad = asked(isolated, deed, BAD_STATE, simulations=1, time_limit=time_limit)
    same = [asked(isolated, deed) for _ in range(3)]
    other = asked(isolated, "corridor")
    assert bad.code() is OF_DEEDS[deed]
    if bad.code() is INTERNAL:
        assert re.fullmatch("internal error [0-9a-f]{12}: the server's log has .*", bad.details())
    expected = MCTS(Corridor()).plan(4, Budget(simulations=100), seed=3)
    assert [action.visits for action in other.result().actions] == [
        action.visits for action in expected.actions
    ]
    assert [call.result().simulations for call in same] == [100] * 3
    assert asked(isolated, deed).result().simulations == 100


@pytest.mark.parametrize(
    ("model", "state"),
    [
        ("grid", (0, 0)),
        ("panel", b"\x00"),
        ("streets", (0, 1)),
        ("crew", 0),
        ("herd", np.array([0.5, 0.0])),
    ],
)
def test_states_and_actions_of_every_kind_come_and_go(isolated, model, state):
    with PlannerClient(isolated.address) as client:
        plan = client.plan(model, state, simulations=50, seed=1)
        assert plan.simulations == 50
        allowed = [plan.actions[0].action, plan.actions[1].action]
        among = client.plan(model, state, simulations=50, seed=1, allowed_actions=allowed)
        assert [one.action for one in among.actions] == allowed
        batch = client.plan_batch(model, [state, state], simulations=50, seeds=[1, 2])
        assert batch.seeds.tolist() == [1, 2]
        assert not batch.errors
        info = client.get_model(model)
        assert client.plan(model, info.state_spec.example, simulations=5).simulations == 5


def test_rows_that_are_wrong_have_their_own_errors(isolated):
    rows = [State(opaque=b"\x00"), State(opaque=b"\x09"), State(discrete=1)]
    rows += [State(json={"number_value": float("nan")}), State(json={"string_value": "01"})]
    request = PlanBatchRequest(model="panel", list=StateList(states=rows))
    response = isolated.stub.PlanBatch(request, timeout=60)
    assert [error.row for error in response.errors] == [1, 2, 3]
    assert {error.status.code for error in response.errors} == {
        grpc.StatusCode.INVALID_ARGUMENT.value[0]
    }
    assert [count > 0 for count in response.simulations] == [True, False, False, False, True]


def test_killed_workers_cost_a_client_that_tries_again_nothing(isolated):
    (entry,) = [e for e in isolated.registry.entries if e.name == "corridor"]
    killed, stop = [], threading.Event()

    def kill():
        while not stop.wait(0.25):
            for worker in list(entry.host._staff._workers)[:1]:
                os.kill(worker.pid, signal.SIGKILL)
                killed.append(worker.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with PlannerClient(isolated.address) as client:
            until = time.monotonic() + 4
            plans = 0
            while time.monotonic() < until:
                assert client.plan("corridor", 4, simulations=300).simulations == 300
                plans += 1
    finally:
        stop.set()
        killer.join()
    assert plans > 0
    assert len(killed) > 3


def test_native_models_are_in_the_process_unless_told_otherwise(server_of):
    lake = "mcts_service.models.toy_text:frozen_lake"
    inside = ModelConfig("inside", lake)
    outside = ModelConfig("outside", lake, isolation="process")
    settled = ModelConfig("settled", lake, worker_processes=WorkerSettings(replicas=2))
    within = ModelConfig("within", "served_models:Corridor", isolation="thread")
    registry = load_models(configuration(inside, outside, settled, within))
    assert [entry.host is None for entry in registry.entries] == [True, False, False, True]
    assert registry.find("settled").host.capacity == 2
    with server_of(registry) as served:
        plans = [asked(served, name, 0).result() for name in ("inside", "outside", "settled")]
        assert plans[0].actions == plans[1].actions == plans[2].actions
        assert asked(served, "within").result().simulations == 100


def test_a_learned_model_of_a_file_is_searched_in_a_worker(tmp_path, server_of):
    lake = collect(Played(make("frozen_lake_4x4")), Uniform(4), 50, np.random.default_rng(0))
    model = fit_table(lake, 16, 4)
    save(model, tmp_path / "lake.npz")
    (tmp_path / "server.toml").write_text(
        "[server]\nbuilt_in_models = false\nentry_points = false\n"
        '[[models]]\nname = "lake"\nfile = "lake.npz"\nisolation = "process"\n'
    )
    registry = load_models(read_config(tmp_path / "server.toml"))
    own = MCTS(model).plan(0, Budget(simulations=200), seed=1)
    with server_of(registry) as served, PlannerClient(served.address) as client:
        plan = client.plan("lake", 0, simulations=200, seed=1)
    assert (plan.action, plan.value, plan.warnings) == (own.action, own.value, tuple(own.warnings))


# ---- a server of its own ----------------------------------------------------------------

WATCHED = """
import os, time
from pathlib import Path
from mcts_service.models.spec import StateSpec
from served_models import Corridor

class Watched(Corridor):
    state_spec = StateSpec("discrete", num_values=20)

    def __init__(self, folder):
        self.folder = folder
        for process in (os.getpid(), os.getppid()):
            Path(folder, str(process)).touch()

    def sample(self, state, action, rng):
        if state == 15:  # a child, and no end, in C
            if os.fork() == 0:
                Path(self.folder, str(os.getpid())).touch()
                time.sleep(1e6)
            9 ** (9**9)
        Path(self.folder, "asked").touch()
        time.sleep(0.002)
        return super().sample(state, action, rng)
"""


class Program:
    """`mcts-service serve` with a model that tells its processes."""

    def __init__(self, folder, **environment):
        self.marks = folder / "marks"
        self.marks.mkdir()
        (folder / "watched.py").write_text(WATCHED)
        (folder / "server.toml").write_text(
            "[server]\nport = 0\nbuilt_in_models = false\nentry_points = false\n"
            '[[models]]\nname = "watched"\nfactory = "watched:Watched"\n'
            f"arguments = {{ folder = '{self.marks}' }}\n"
            "[models.worker_processes]\nreplicas = 2\n"
        )
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("mcts-service"), "serve", "--config", "server.toml"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.address = self.process.stdout.readline().removeprefix("serving on ").strip()
        give_up = time.monotonic() + 60
        while len(self.processes()) < 4 and time.monotonic() < give_up:
            time.sleep(0.01)

    def processes(self):
        """Those of the model and what they were forked from."""
        return [int(mark.name) for mark in self.marks.iterdir() if mark.name != "asked"]

    def wait_until_alone(self):
        """Until none of them is left."""
        eventually(lambda: not any(Path(f"/proc/{one}").exists() for one in self.processes()))


@pytest.fixture
def program(tmp_path):
    running = Program(tmp_path)
    with running.process:
        yield running
        running.process.kill()


def test_a_killed_server_leaves_no_process(program):
    assert len(program.processes()) == 4
    program.process.kill()
    program.process.wait(60)
    program.wait_until_alone()


def test_a_killed_server_leaves_no_process_that_is_busy_and_none_that_one_has_started(program):
    with grpc.insecure_channel(program.address) as channel:
        stub = planner_pb2_grpc.PlannerServiceStub(channel)
        request = planner_pb2.PlanRequest(model="watched", state=State(discrete=15))
        calls = [stub.Plan.future(request, timeout=60) for _ in range(2)]
        while len(program.processes()) < 6:
            time.sleep(0.001)
        program.process.kill()
        program.process.wait(60)
        program.wait_until_alone()
    assert all(call.exception() for call in calls)


def test_a_plan_of_a_worker_is_watched_and_its_calls_may_share_a_stream(program):
    with PlannerClient(program.address) as client:
        plans = list(client.watch("watched", 4, simulations=20, early_stop=False))
        assert [plan.is_final for plan in plans] == [False] * (len(plans) - 1) + [True]
        assert len(plans) > 3
        assert plans[-1].simulations == 20
        with client.pipeline() as pipeline:
            futures = [pipeline.plan("watched", 4, simulations=20) for _ in range(5)]
        assert all(future.result().simulations for future in futures)
        for _ in client.watch("watched", 4, simulations=10**6, early_stop=False):
            break  # which ends the search: its worker is free again
        assert client.plan("watched", 4, simulations=20).simulations


def test_sigterm_to_all_processes_finishes_what_was_accepted(program):
    with PlannerClient(program.address) as client:
        answers = []
        plan = threading.Thread(
            target=lambda: answers.append(
                client.plan("watched", 4, simulations=20, early_stop=False)
            )
        )
        plan.start()
        while not (program.marks / "asked").exists():
            time.sleep(0.001)
        for process in [*program.processes(), program.process.pid]:
            os.kill(process, signal.SIGTERM)
        plan.join()
    assert answers[0].simulations == 20
    assert program.process.wait(60) == 0
    program.wait_until_alone()


def test_workers_know_nothing_of_the_wire_and_inherit_nothing(program):
    ours = program.process.pid
    workers = [p for p in program.processes() if Path(f"/proc/{p}/maps").exists()]
    assert workers
    listening = {os.readlink(f"/proc/{ours}/fd/{fd}") for fd in os.listdir(f"/proc/{ours}/fd")}
    sockets = [Path(f"/proc/{ours}/net/{table}").read_text() for table in ("tcp", "tcp6")]
    rows = [line.split() for table in sockets for line in table.splitlines()[1:]]
    inodes = {row[9] for row in rows if row[3] == "0A"}
    of_server = {f"socket:[{inode}]" for inode in inodes} & listening
    for process in workers:
        assert "cygrpc" not in Path(f"/proc/{process}/maps").read_text()
        held = {os.readlink(f"/proc/{process}/fd/{fd}") for fd in os.listdir(f"/proc/{process}/fd")}
        assert not held & of_server
    assert of_server


def test_a_model_that_cannot_be_built_stops_the_start_by_line_and_key(tmp_path):
    (tmp_path / "server.toml").write_text(
        "\n[[models]]\nname = 'bad'\nfactory = 'misbehaving_models:misbehaving_when_built'\n"
        "arguments = { deed = 'segfault' }\n"
    )
    with pytest.raises(InvalidRequest) as caught:
        load_models(read_config(tmp_path / "server.toml"))
    place = f"{tmp_path}/server.toml:2: models[0]"
    how = "ended its worker by signal SIGSEGV while it was built"
    assert str(caught.value) == f"{place}: {how}"
