"""A server that is asked for its metrics, as Prometheus asks."""

import sys
import urllib.request
from contextlib import contextmanager

import grpc
import pytest
from patience import eventually
from prometheus_client.parser import text_string_to_metric_families
from served_models import Corridor, Faulty, Gated, entry_of

from mcts_client import PlannerClient, errors
from mcts_service.errors import InvalidRequest
from mcts_service.service.auth import AuthSettings
from mcts_service.service.metrics import MetricsSettings, observing
from mcts_service.service.observer import EngineState, Observer, WorkerState
from mcts_service.service.prometheus import PrometheusObserver, serving
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

PLAN = "mcts_service.v1.PlannerService/Plan"
RED = "the-token-of-the-red-team"


@contextmanager
def observed(server_of, models, **options):
    """A server, and a function that asks for its metrics: {(name, labels): value}."""
    registry = Registry([entry_of(model, name) for name, model in models.items()])
    observer = PrometheusObserver(models)
    with (
        serving(observer, "127.0.0.1", 0) as port,
        server_of(registry, observer=observer, **options) as served,
    ):

        def ask():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                text = answer.read().decode()
            return {
                (sample.name, *sorted(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }

        yield served, ask


def called(metrics, **labels):
    """The number of calls with these labels, whatever their others are."""
    return sum(
        value
        for (name, *found), value in metrics.items()
        if name == "mcts_calls_total" and labels.items() <= dict(found).items()
    )


def test_calls_are_counted_by_method_model_and_status(server_of):
    models = {"corridor": Corridor(), "faulty": Faulty("raises")}
    with observed(server_of, models) as (served, ask):
        for _ in range(3):
            served.plan("corridor")
        served.error("corridor", -1)
        served.error("faulty")
        for name in ("nowhere", "x" * 1000, "\n"):
            served.error(name)
        served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
        metrics = ask()
    assert called(metrics, method=PLAN, model="corridor", status="OK") == 3
    assert called(metrics, method=PLAN, model="corridor", status="INVALID_ARGUMENT") == 1
    assert called(metrics, method=PLAN, model="faulty", status="INTERNAL") == 1
    assert called(metrics, method=PLAN, model="unknown", status="NOT_FOUND") == 3
    assert called(metrics, method="mcts_service.v1.PlannerService/ListModels", model="") == 1
    assert called(metrics) == 9
    assert {dict(found).get("caller", "") for _, *found in metrics} == {""}


def test_times_and_simulations_are_counted(server_of):
    with observed(server_of, {"corridor": Corridor()}) as (served, ask):
        for _ in range(3):
            served.plan("corridor", budget=planner_pb2.Budget(simulations=7))
        rows = planner_pb2.DiscreteStates(values=[1, 2, 3])
        served.stub.PlanBatch(
            planner_pb2.PlanBatchRequest(
                model="corridor", discrete=rows, budget=planner_pb2.Budget(simulations=5)
            ),
            timeout=60,
        )
        metrics = ask()
    of_plan = (("method", PLAN), ("model", "corridor"))
    assert metrics[("mcts_call_seconds_count", *of_plan)] == 3
    assert metrics[("mcts_call_seconds_sum", *of_plan)] > 0
    assert metrics[("mcts_call_seconds_bucket", ("le", "60.0"), *of_plan)] == 3
    assert metrics["mcts_simulations_total", ("model", "corridor")] == 3 * 7 + 3 * 5


def test_each_plan_of_a_stream_counts_as_a_call_under_its_model(server_of):
    many = "mcts_service.v1.PlannerService/PlanMany"
    with observed(server_of, {"corridor": Corridor()}) as (served, ask):
        with PlannerClient(served.address) as client, client.pipeline() as pipeline:
            plans = [pipeline.plan("corridor", 4, simulations=5) for _ in range(3)]
            wrong = pipeline.plan("corridor", -1)
            assert isinstance(wrong.exception(), errors.InvalidRequest)
        eventually(lambda: called(ask(), method=many, model=""))  # the stream itself
        metrics = ask()
    assert [plan.result().simulations for plan in plans] == [5, 5, 5]
    assert called(metrics, method=many, model="corridor", status="OK") == 3
    assert called(metrics, method=many, model="corridor", status="INVALID_ARGUMENT") == 1
    assert called(metrics, method=many, model="", status="OK") == 1
    assert metrics["mcts_simulations_total", ("model", "corridor")] == 3 * 5


def test_a_watched_plan_is_counted_as_one(server_of):
    with observed(server_of, {"corridor": Corridor()}) as (served, ask):
        with PlannerClient(served.address) as client:
            assert len(list(client.watch("corridor", 4, simulations=20))) > 1
        watch = "mcts_service.v1.PlannerService/WatchPlan"
        eventually(lambda: called(ask(), method=watch, model="corridor", status="OK") == 1)
        assert ask()["mcts_simulations_total", ("model", "corridor")] == 20


def test_a_cancelled_call_is_counted_as_one(server_of):
    model = Gated()
    with observed(server_of, {"model": model}) as (served, ask):
        state = planner_pb2.State(discrete=4)
        call = served.stub.Plan.future(planner_pb2.PlanRequest(model="model", state=state))
        assert model.asked.wait(60)
        call.cancel()
        model.gate.set()
        while not called(ask(), status="CANCELLED", model="model"):
            pass


def test_the_queue_is_told(server_of):
    model = Gated()
    with observed(server_of, {"model": model}) as (served, ask):
        before = ask()
        request = planner_pb2.PlanRequest(
            model="model",
            state=planner_pb2.State(discrete=4),
            budget=planner_pb2.Budget(simulations=5),
        )
        calls = [served.stub.Plan.future(request, timeout=600) for _ in range(3)]
        assert model.asked.wait(60)
        while (during := ask())[("mcts_queue_waiting",)] < 2:
            pass
        oldest = during[("mcts_queue_oldest_seconds",)]
        while ask()[("mcts_queue_oldest_seconds",)] <= oldest:
            pass
        model.gate.set()
        assert [call.result().simulations for call in calls] == [5, 5, 5]
        after = ask()
    assert before[("mcts_queue_waiting",)] == before[("mcts_queue_running",)] == 0
    assert (during[("mcts_queue_waiting",)], during[("mcts_queue_running",)]) == (2, 1)
    assert after[("mcts_queue_waiting",)] == after[("mcts_queue_oldest_seconds",)] == 0


def test_a_caller_has_a_name_by_its_token_only(server_of, tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(f"[[tokens]]\nname = 'red'\ntoken = '{RED}'\nmodels = '*'\n")
    tables = {"auth": AuthSettings(str(path))}
    with observed(server_of, {"corridor": Corridor()}, tables=tables) as (served, ask):
        call = served.stub.ListModels
        request = planner_pb2.ListModelsRequest()
        with pytest.raises(grpc.RpcError):
            call(request, metadata=[("authorization", "Bearer red")], timeout=60)
        call(request, metadata=[("authorization", f"Bearer {RED}")], timeout=60)
        metrics = ask()
    assert called(metrics, caller="red", status="OK") == 1
    assert called(metrics, caller="", status="UNAUTHENTICATED") == 1
    assert called(metrics) == 2
    assert RED not in str(metrics)


def test_the_process_is_told(server_of):
    with observed(server_of, {"corridor": Corridor()}) as (_, ask):
        metrics = ask()
    assert metrics[("process_resident_memory_bytes",)] > 2**20
    assert metrics[("process_open_fds",)] > 3


def test_sessions_are_counted(server_of):
    with observed(server_of, {"corridor": Corridor()}) as (served, ask):
        for session_id in ("a", "a", "b", "", "a"):
            served.plan("corridor", session_id=session_id)
        metrics = ask()
    found = {
        result: metrics["mcts_sessions_total", ("model", "corridor"), ("result", result)]
        for result in ("hit", "miss")
    }
    assert found == {"hit": 2, "miss": 2}
    assert metrics[("mcts_sessions_kept",)] == 2
    assert metrics[("mcts_sessions_bytes",)] > 0


def test_workers_are_counted():
    observer = PrometheusObserver(["maze"])
    observer.engine_is(lambda: EngineState(workers={"maze": WorkerState(1, 2, 3, 4)}))
    names = ["workers_busy", "workers_alive", "worker_restarts_total", "workers_bytes"]
    value = observer.registry.get_sample_value
    assert [value(f"mcts_{name}", {"model": "maze"}) for name in names] == [1, 2, 3, 4]


# ---- settings ---------------------------------------------------------------------------


def test_without_a_port_nothing_is_observed():
    with observing(MetricsSettings(), []) as observer:
        assert type(observer) is Observer


def test_what_is_missing_of_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    message = r"^port: needs prometheus-client: pip install 'mcts-service\[metrics\]'$"
    with pytest.raises(InvalidRequest, match=message), observing(MetricsSettings(port=0), []):
        pass
    with observing(MetricsSettings(), []):
        pass


def test_a_port_that_is_taken_is_named():
    observer = PrometheusObserver([])
    with serving(observer, "127.0.0.1", 0) as port:
        taken = MetricsSettings(port=port)
        message = r"^port: .* cannot be listened on: Address"
        with pytest.raises(InvalidRequest, match=message), observing(taken, []):
            pass


def test_the_endpoint_ends_with_the_block():
    with serving(PrometheusObserver([]), "127.0.0.1", 0) as port:
        pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60)


@pytest.mark.parametrize(("setting", "value"), [("port", -1), ("port", "1"), ("host", "")])
def test_a_setting_that_cannot_be_is_named(setting, value):
    with pytest.raises(InvalidRequest, match=f"^{setting}: "):
        MetricsSettings(**{setting: value})
