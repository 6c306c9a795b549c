"""A Python object as a simulator: what `serve_model` makes of it, asked by the bare stub."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import numpy as np
import pytest
from google.rpc import code_pb2
from served_models import Corridor, Herd, Point, Switches

from mcts_client import InvalidRequest, ModelServer, PlannerClient, ReplicaLost, serve_model
from mcts_client._simulator.servicer import ModelServicer
from mcts_service.models import make
from mcts_service.v1 import model_pb2, model_pb2_grpc, planner_pb2

SECRET = "the wires are crossed at /etc/secret"


@contextmanager
def asked(model: Any, **options: Any) -> Iterator[model_pb2_grpc.ModelServiceStub]:
    """The stub of a model that is served for the length of a block."""
    with serve_model(model, **options) as server, grpc.insecure_channel(server.address) as channel:
        yield model_pb2_grpc.ModelServiceStub(channel)


def discrete(*values: int) -> model_pb2.StateRows:
    return model_pb2.StateRows(discrete=planner_pb2.DiscreteStates(values=values))


def opaque(*values: bytes) -> model_pb2.StateRows:
    return model_pb2.StateRows(opaque=model_pb2.OpaqueStates(values=values))


def sampled(stub: Any, states: model_pb2.StateRows, actions: list[int], seeds: list[int]) -> Any:
    request = model_pb2.SampleBatchRequest(states=states, actions=actions, seeds=seeds)
    return stub.SampleBatch(request, timeout=60)


class Gate(Corridor):
    """A corridor that opens when it is told to, and counts who waits."""

    def __init__(self) -> None:
        self.open, self.waiting = threading.Event(), threading.Semaphore(0)

    def sample(self, state: int, action: int, rng: Any) -> Any:
        self.waiting.release()
        assert self.open.wait(60)
        return super().sample(state, action, rng)


class Broken(Corridor):
    """A corridor with holes in the places 2 and 3."""

    def sample(self, state: int, action: int, rng: Any) -> Any:
        if state == 2:
            raise RuntimeError(SECRET)
        following, reward, terminated = super().sample(state, action, rng)
        return following, float("nan") if state == 3 else reward, terminated

    def validate_state(self, state: int) -> None:
        if not 0 <= state <= 9:
            raise ValueError(f"is {state}; must be from 0 to 9")
        if state == 2:
            raise RuntimeError(SECRET)


class BrokenHerd(Herd):
    """Points of which one to the right of 0.9 breaks whatever it is in."""

    def sample_batch(self, states: Any, actions: Any, rng: Any) -> Any:
        if (states[:, 0] > 0.9).any():
            raise RuntimeError(SECRET)
        return super().sample_batch(states, actions, rng)


class Coded(Corridor):
    """A corridor whose places travel as bytes of its own."""

    state_spec = None

    def initial_state(self, rng: Any = None) -> Switches:
        return Switches(frozenset({1}))

    def sample(self, state: Any, action: int, rng: Any) -> Any:
        return Switches(state.on ^ {action}), 0.0, False

    def is_terminal(self, state: Any) -> bool:
        return len(state.on) == 2

    def encode_state(self, state: Switches) -> bytes:
        return bytes(sorted(state.on))

    def decode_state(self, data: bytes) -> Switches:
        if any(number > 1 for number in data):
            raise ValueError("a switch is 0 or 1")
        return Switches(frozenset(data))


def test_a_model_describes_itself() -> None:
    with asked(Corridor(), threads=3) as stub:
        told = stub.Describe(model_pb2.DescribeRequest(protocol_version=1), timeout=60)
    assert (told.protocol_version, told.num_actions, told.discount) == (1, 2, 0.9)
    assert told.state_spec.kind == planner_pb2.VALUE_KIND_DISCRETE
    assert told.state_spec.num_values == 10
    assert told.state_spec.example.discrete == 4
    assert told.has_terminal
    others = (told.has_legal, told.has_values, told.has_priors, told.validates_states)
    assert not any(others)
    assert (told.calls_at_once, told.default_simulations) == (3, 200)


def test_a_seed_draws_what_it_draws_in_the_planners_own_process() -> None:
    from mcts_service._core import SplitMix64

    actions, seeds = [1, 0, 1, 0], [0, 7, 2**64 - 1, 12345]
    with asked(Corridor()) as stub:
        answer = sampled(stub, discrete(4, 5, 6, 7), actions, seeds)
    for row, seed in enumerate(seeds):
        stream = SplitMix64(seed)
        due = Corridor().sample(4 + row, actions[row], np.random.Generator(stream))
        there = answer.next_states.discrete.values[row], answer.rewards[row], answer.terminated[row]
        assert there == due
        assert answer.next_seeds[row] == stream.counter


DRAWS = {
    "random": {},
    "integers": {"low": 3, "high": 1000},
    "normal": {"loc": np.array([0.0, 5.0, 9.0])},
    "choice": {"a": np.arange(50), "p": np.full(50, 0.02)},
    "poisson": {"lam": 3.0, "size": (3, 2)},
}


@pytest.mark.parametrize("name", DRAWS)
def test_rows_are_drawn_as_in_the_planners_own_process(name: str) -> None:
    from mcts_client._simulator.rows_generator import RowsGenerator
    from mcts_service._core import SeededRows

    here, there = SeededRows([1, 2, 3]), RowsGenerator([1, 2, 3])
    for _ in range(2):
        drawn = getattr(there, name)(**DRAWS[name])
        np.testing.assert_array_equal(drawn, getattr(here, name)(**DRAWS[name]))
    assert len(there) == 3
    assert there.counters == here.counters.tolist()


def test_rows_refuse_what_is_not_one_a_row() -> None:
    from mcts_client._simulator.rows_generator import RowsGenerator

    rows = RowsGenerator([1, 2, 3])
    with pytest.raises(ValueError, match="its first axis must be the 3 rows"):
        rows.random(4)
    with pytest.raises(ValueError, match="loc has 2 entries; must be a number or have an entry"):
        rows.normal(np.zeros(2))
    with pytest.raises(
        AttributeError, match="the generator of a batch has no shuffle; it has beta"
    ):
        _ = rows.shuffle
    with pytest.raises(TypeError, match="random takes size, each once"):
        rows.random(3, size=3)


def test_a_row_that_fails_harms_no_other_and_tells_no_more_than_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with asked(Broken()) as stub:
        answer = sampled(stub, discrete(1, 2, 3, 4), [1] * 4, [1, 2, 3, 4])
        alone = sampled(stub, discrete(4), [1], [4])
    assert [(e.row, e.status.code) for e in answer.errors] == [
        (1, code_pb2.INTERNAL),
        (2, code_pb2.INTERNAL),
    ]
    assert SECRET not in str(answer)
    assert SECRET in caplog.text
    assert "must be finite" in caplog.text
    assert len(answer.rewards) == len(answer.next_states.discrete.values) == 4
    assert answer.next_states.discrete.values[3] == alone.next_states.discrete.values[0]


def test_a_batch_that_fails_is_tried_row_by_row() -> None:
    states = np.array([[0.0, 0.0], [0.95, 0.0], [0.5, 0.5]])
    tensor = planner_pb2.Tensor(
        dtype=planner_pb2.DTYPE_FLOAT64, shape=states.shape, data=states.tobytes()
    )
    with asked(BrokenHerd()) as stub:
        answer = sampled(stub, model_pb2.StateRows(tensor=tensor), [0, 1, 2], [1, 2, 3])
    with asked(Herd()) as stub:
        sound = sampled(stub, model_pb2.StateRows(tensor=tensor), [0, 1, 2], [1, 2, 3])
    assert [error.row for error in answer.errors] == [1]
    rows = [np.frombuffer(a.next_states.tensor.data).reshape(3, 2) for a in (answer, sound)]
    np.testing.assert_array_equal(rows[0][[0, 2]], rows[1][[0, 2]])
    assert list(answer.next_seeds) == [*sound.next_seeds[:1], 2, *sound.next_seeds[2:]]


def test_a_state_that_is_none_is_told_its_sender_and_a_failure_is_not() -> None:
    with asked(Broken()) as stub:
        request = model_pb2.InspectBatchRequest(states=discrete(4, 12, 2, 9))
        answer = stub.InspectBatch(request, timeout=60)
    assert [(e.row, e.status.code) for e in answer.errors] == [
        (1, code_pb2.INVALID_ARGUMENT),
        (2, code_pb2.INTERNAL),
    ]
    assert answer.errors[0].status.message == "is 12; must be from 0 to 9"
    assert SECRET not in str(answer)
    assert list(answer.facts.terminal) == [False, False, False, True]


def test_states_that_are_neither_numbers_nor_arrays_travel_by_the_models_own_encoding() -> None:
    with asked(Coded(), max_state_bytes=2) as stub:
        told = stub.Describe(model_pb2.DescribeRequest(), timeout=60)
        answer = sampled(stub, opaque(b"", b"\1", b"\7"), [0, 0, 0], [1, 2, 3])
        seen = stub.InspectBatch(
            model_pb2.InspectBatchRequest(states=opaque(b"\0\1", b"\7")), timeout=60
        )
    assert told.state_spec.kind == planner_pb2.VALUE_KIND_OPAQUE
    assert (told.max_state_bytes, told.state_spec.example.opaque) == (2, b"\1")
    assert list(answer.next_states.opaque.values) == [b"\0", b"\0\1", b""]
    assert [error.row for error in answer.errors] == [2]
    assert list(seen.facts.terminal) == [True, False]
    assert seen.errors[0].status.message == "a switch is 0 or 1"


def test_a_longer_state_than_was_told_fails_its_row(caplog: pytest.LogCaptureFixture) -> None:
    with asked(Coded(), max_state_bytes=1) as stub:
        answer = sampled(stub, opaque(b"", b"\1"), [0, 0], [1, 2])
    assert [(e.row, e.status.code) for e in answer.errors] == [(1, code_pb2.INTERNAL)]
    assert answer.errors[0].status.message == "the model failed; the simulator's log has more"
    assert answer.next_states.opaque.values[0] == b"\0"
    assert "max_state_bytes must be as much, and is 1" in caplog.text


class Forgetful(Corridor):
    """A corridor that does not know all about its place 3."""

    def __init__(self, forgets: str) -> None:
        self._forgets = forgets

    def _known(self, name: str, state: int, value: Any) -> Any:
        if name == self._forgets and state == 3:
            raise ValueError(SECRET)
        return value

    def is_terminal(self, state: int) -> Any:
        return self._known("is_terminal", state, state == 9)

    def legal_actions(self, state: int) -> Any:
        return self._known("legal_actions", state, [0, 1])

    def state_key(self, state: int) -> Any:
        return self._known("state_key", state, state)

    def value(self, state: int) -> Any:
        return self._known("value", state, 0.5)

    def prior(self, state: int) -> Any:
        return self._known("prior", state, [1.0, 1.0])


@pytest.mark.parametrize("forgets", ["legal_actions", "state_key", "value", "prior"])
def test_what_fails_of_one_state_fails_its_row_alone(
    forgets: str, caplog: pytest.LogCaptureFixture
) -> None:
    with asked(Forgetful(forgets)) as stub:
        moved = sampled(stub, discrete(5, 2, 6), [1, 1, 1], [1, 2, 3])
        seen = stub.InspectBatch(
            model_pb2.InspectBatchRequest(states=discrete(5, 3, 6)), timeout=60
        )
        states = discrete(5, 3, 6)
        worth = stub.EvaluateBatch(model_pb2.EvaluateBatchRequest(states=states), timeout=60)
    with asked(Forgetful("nothing")) as stub:
        sound = sampled(stub, discrete(5, 2, 6), [1, 1, 1], [1, 2, 3])
    answers = [moved, seen, worth] if forgets in ("value", "prior") else [moved, seen]
    for answer in answers:
        assert [(e.row, e.status.code) for e in answer.errors] == [(1, code_pb2.INTERNAL)]
        assert SECRET not in str(answer)
    assert SECRET in caplog.text
    for row in (0, 2):
        assert moved.next_states.discrete.values[row] == sound.next_states.discrete.values[row]
        assert moved.facts.values[row] == sound.facts.values[row] == 0.5
    assert list(moved.next_seeds) == list(sound.next_seeds)
    assert len(moved.rewards) == 3


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (model_pb2.SampleBatchRequest(states=discrete(1, 2), actions=[0], seeds=[0]), "2 states"),
        (
            model_pb2.SampleBatchRequest(states=discrete(1), actions=[0]),
            "1 states, 1 actions and 0",
        ),
    ],
)
def test_a_request_that_does_not_hold_together_fails(
    request_: Any, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with asked(Corridor()) as stub, pytest.raises(grpc.RpcError) as caught:
        stub.SampleBatch(request_, timeout=60)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert text in caplog.text


@pytest.mark.parametrize("threads", [1, 3])
def test_so_many_calls_use_the_model_at_once(threads: int) -> None:
    gate = Gate()
    with asked(gate, threads=threads) as stub:
        request = model_pb2.SampleBatchRequest(states=discrete(4), actions=[1], seeds=[1])
        calls = [stub.SampleBatch.future(request, timeout=60) for _ in range(5)]
        for _ in range(threads):
            assert gate.waiting.acquire(timeout=60)
        assert not gate.waiting.acquire(timeout=0.2), "one more has to wait"
        gate.open.set()
        assert len({call.result().rewards[0] for call in calls}) == 1


def test_a_call_that_was_given_up_while_it_waited_does_not_reach_the_model() -> None:
    """Without a server: nobody can say when one has heard that a call was given up."""

    class GivenUp:
        def is_active(self) -> bool:
            return False

        def abort(self, code: grpc.StatusCode, details: str) -> None:
            raise grpc.RpcError(code, details)

    gate = Gate()
    servicer = ModelServicer(gate, threads=1, max_state_bytes=64)
    request = model_pb2.SampleBatchRequest(states=discrete(4), actions=[1], seeds=[1])
    with pytest.raises(grpc.RpcError) as caught:
        servicer.SampleBatch(request, cast(Any, GivenUp()))
    assert caught.value.args[0] is grpc.StatusCode.CANCELLED
    assert not gate.waiting.acquire(blocking=False)


def test_a_socket_of_unix_will_do(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/model.sock"
    with serve_model(Point(), address) as server, grpc.insecure_channel(address) as channel:
        assert server.address == address
        stub = model_pb2_grpc.ModelServiceStub(channel)
        told = stub.Describe(model_pb2.DescribeRequest(), timeout=60)
    assert list(told.state_spec.shape) == [2]


def test_it_waits_until_it_is_stopped() -> None:
    server = serve_model(Corridor())
    waiting = threading.Thread(target=server.wait)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    server.stop()
    waiting.join(60)
    assert not waiting.is_alive()
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        model_pb2_grpc.ModelServiceStub(channel).Describe(model_pb2.DescribeRequest(), timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_an_address_that_is_taken_is_told_of() -> None:
    refusal = pytest.raises(InvalidRequest, match=r"^address: is .* which cannot be listened on")
    with serve_model(Corridor()) as server, refusal:
        serve_model(Corridor(), server.address)


class Nothing:
    """No model."""

    num_actions = 2


class Unnumbered:
    """A model that names its actions."""

    def sample(self, state: Any, action: Any, rng: Any) -> Any:
        raise NotImplementedError

    def actions(self, state: Any) -> list[str]:
        return ["on"]


class Shapeless(Unnumbered):
    """A model that says nothing of its states."""

    num_actions = 2


class OfTuples(Shapeless):
    """A model of states that have no form on the wire."""

    def initial_state(self, rng: Any = None) -> Any:
        return (1, 2)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Nothing(), {}, "model: is a Nothing; must have sample"),
        (Unnumbered(), {}, "model: has no num_actions; actions must be numbered from 0"),
        (Shapeless(), {}, "initial_state gives none; it must give an integer"),
        (OfTuples(), {}, "initial_state gives a tuple; it must give an integer or an array"),
        (Corridor(), {"threads": 0}, "threads: is 0; must be an integer from 1 to 256"),
        (Corridor(), {"threads": True}, "threads: is True; must be an integer from 1 to 256"),
        (Corridor(), {"max_state_bytes": 0}, "max_state_bytes: is 0; must be an integer from 1"),
        (Corridor(), {"address": ""}, "address: is ''; must be \"host:port\""),
    ],
)
def test_what_cannot_be_served_is_refused(model: Any, options: Any, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        serve_model(model, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["connect_four", "frozen_lake_4x4", "cart_pole", "tic_tac_toe"])
def test_a_native_model_of_the_package_can_be_served(name: str) -> None:
    model = make(name)
    with asked(model) as stub:
        told = stub.Describe(model_pb2.DescribeRequest(), timeout=60)
        state = told.state_spec.example
        rows = model_pb2.StateRows()
        if state.HasField("discrete"):
            rows = discrete(state.discrete)
        else:
            rows.tensor.CopyFrom(state.tensor)
            rows.tensor.shape.insert(0, 1)
        answer = sampled(stub, rows, [0], [1])
    assert not answer.errors
    assert told.num_actions == model.num_actions
    assert len(answer.rewards) == max(told.num_players, 1)


PROGRAM = """
import sys
from mcts_client import serve_model
class Coin:
    num_actions = 1
    def sample(self, state, action, rng): return state, float(rng.random()), False
    def initial_state(self, rng=None): return 0
with serve_model(Coin()) as server:
    assert isinstance(server.address, str)
print("\\n".join(name for name in sys.modules if name.startswith("mcts_service._")))
"""


def test_serving_a_model_loads_nothing_compiled_of_the_package() -> None:
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert program.stdout.split() == []


def test_errors_are_logged_under_the_clients_name(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "mcts_client"), asked(Broken()) as stub:
        sampled(stub, discrete(2), [0], [0])
    assert {record.name for record in caplog.records} == {"mcts_client"}


def test_a_server_is_what_serving_gives() -> None:
    with serve_model(Corridor()) as server:
        assert isinstance(server, ModelServer)
        assert server.address.startswith("127.0.0.1:")


def test_a_real_server_plans_over_a_served_model(
    start_real_server: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "server.toml"
    with serve_model(Corridor(), f"unix:{tmp_path}/corridor.sock") as simulator:
        config.write_text(f'[[models]]\nname = "far"\nremote = "{simulator.address}"\n')
        server = start_real_server("--config", str(config))
        with PlannerClient(server.target) as client:
            assert client.plan("far", 6, simulations=50).action == 1
            assert list(client.plan_batch("far", [6, 7], simulations=50).actions) == [1, 1]
            simulator.stop()
            with pytest.raises(ReplicaLost):
                client.plan("far", 6, simulations=50, timeout=60)
            assert client.plan("frozen_lake_4x4", 0, simulations=50).simulations == 50
