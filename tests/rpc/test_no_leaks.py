"""No text of the inside leaves a server: not a model's, not a path's, not a class's."""

import json
import re

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from served_models import FAULTS, Corridor, Faulty, entry_of

from mcts_service.errors import MCTSServiceError
from mcts_service.rpc.status import STATUS_CODES
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

#: What no caller has any business to read: files, modules, tracebacks, addresses of objects.
INSIDE = re.compile(r'Traceback|File "|\.py\b|site-packages|mcts_service\.(?!v1\b)|0x[0-9a-f]{6}')
PLANNER = planner_pb2.DESCRIPTOR.services_by_name["PlannerService"]


class SecretEverywhere(Corridor):
    """Each thing that a model may be asked raises, with a secret in the text."""

    def __init__(self, asked):
        self.asked = asked

    def _fail(self):
        raise type("WiresCrossed", (Exception,), {})(Faulty.SECRET)

    def sample(self, state, action, rng):
        if self.asked == "sample":
            self._fail()
        return super().sample(state, action, rng)

    def is_terminal(self, state):
        if self.asked == "is_terminal":
            self._fail()
        return False

    def validate_state(self, state):
        if self.asked == "validate_state":
            self._fail()

    def legal_actions(self, state):
        if self.asked == "legal_actions":
            self._fail()
        return [0, 1]

    def state_key(self, state):
        if self.asked == "state_key":
            self._fail()
        return state


ASKED = ("sample", "is_terminal", "validate_state", "legal_actions", "state_key")


@pytest.fixture(scope="module")
def leaky(server_of):
    models = {f"faulty_{n}": Faulty(fault) for n, fault in enumerate(FAULTS)}
    models |= {asked: SecretEverywhere(asked) for asked in ASKED}
    entries = [entry_of(model, name) for name, model in models.items()]
    with server_of(Registry(entries)) as served:
        yield served


def everything(error):
    """All that a caller gets to see of an error."""
    return json.dumps(
        [error.details(), [list(m) for m in error.trailing_metadata() or ()]], default=str
    )


MODELS = [*(f"faulty_{n}" for n in range(len(FAULTS))), *ASKED]


@pytest.mark.parametrize("model", MODELS)
def test_what_a_model_raises_stays_inside(leaky, model, caplog):
    request = planner_pb2.PlanRequest(
        model=model,
        state=planner_pb2.State(discrete=4),
        budget=planner_pb2.Budget(simulations=50),
        options=planner_pb2.SearchOptions(sharing=planner_pb2.SHARING_STATE),
    )
    with pytest.raises(grpc.RpcError) as caught:
        leaky.stub.Plan(request, timeout=60)
    told = everything(caught.value)
    assert Faulty.SECRET not in told
    assert "WiresCrossed" not in told
    assert not INSIDE.search(told)


@pytest.mark.parametrize("model", MODELS)
def test_what_a_row_of_a_batch_raises_stays_inside(leaky, model):
    request = planner_pb2.PlanBatchRequest(
        model=model,
        discrete=planner_pb2.DiscreteStates(values=[4, 4]),
        budget=planner_pb2.Budget(simulations=50),
    )
    try:
        told = str(leaky.stub.PlanBatch(request, timeout=60).errors)
    except grpc.RpcError as error:
        told = everything(error)
    assert told
    assert Faulty.SECRET not in told
    assert "WiresCrossed" not in told
    assert not INSIDE.search(told)


class Broken(Exception):
    """An error that nobody thought of."""


@pytest.mark.parametrize("method", [method.name for method in PLANNER.methods])
def test_an_error_that_nobody_thought_of_stays_inside(server_of, monkeypatch, method):
    """Whatever goes wrong within the server itself, on every method."""
    from mcts_service.service.catalogue import Catalogue

    def fail(self, caller):
        raise Broken(Faulty.SECRET)

    monkeypatch.setattr(Catalogue, "of", fail)
    with server_of(Registry([entry_of(Corridor())])) as served:
        call = served.channel.unary_unary(f"/{PLANNER.full_name}/{method}")
        if method == "PlanMany":
            request = planner_pb2.PlanManyRequest(request_id="a", plan=planner_pb2.PlanRequest())
            answer = call(request.SerializeToString(), timeout=60)
            error = planner_pb2.PlanManyResponse.FromString(answer).error
            code, text, told = error.code, error.message, str(error)
        else:
            with pytest.raises(grpc.RpcError) as caught:
                call(b"", timeout=60)
            code, text = caught.value.code().value[0], caught.value.details()
            told = everything(caught.value)
    assert code == grpc.StatusCode.INTERNAL.value[0]
    assert re.fullmatch(
        r"internal error [0-9a-f]{12}: the server's log has more under this id", text
    )
    assert Faulty.SECRET not in told
    assert "Broken" not in told


SERVICES = [
    service
    for module in (planner_pb2, health_pb2, reflection_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]


@pytest.mark.parametrize(
    ("service", "method"),
    [(service.full_name, method) for service in SERVICES for method in service.methods],
    ids=lambda part: getattr(part, "name", part),
)
@pytest.mark.parametrize("data", [b"", b"\xff", b"\x0a\x02\xff\xfe", b"\x08" * 100])
def test_bytes_that_are_no_request_learn_nothing(leaky, service, method, data):
    make = leaky.channel.stream_stream if method.client_streaming else leaky.channel.unary_stream
    call = make(f"/{service}/{method.name}")
    sent = iter([data]) if method.client_streaming else data
    error = error_of(call, sent)
    assert error is None or not INSIDE.search(everything(error))
    assert error is None or error.code() is not grpc.StatusCode.INTERNAL


def error_of(call, sent):
    """What a call ends with before its first response; None: it has one."""
    try:
        next(call(sent, timeout=60))
    except grpc.RpcError as error:
        return error
    return None


def test_only_faults_of_the_inside_have_a_fixed_text():
    """An exception that is no part of the tree can have no other status than INTERNAL."""
    assert MCTSServiceError not in STATUS_CODES
    assert Exception not in STATUS_CODES
