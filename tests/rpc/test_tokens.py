"""A server that lets in by tokens, each to its own models."""

import hashlib
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from patience import eventually
from served_models import Corridor, Slow, entry_of

from benchmarks.chaos.certificates import Authority
from mcts_client import PlannerClient, Tls, UnknownModel
from mcts_service.errors import InvalidRequest
from mcts_service.rpc.server import PlannerServer
from mcts_service.service.auth import AuthSettings
from mcts_service.service.config import ServerConfig, ServerSettings
from mcts_service.service.registry import Registry
from mcts_service.service.tls import TlsSettings
from mcts_service.v1 import planner_pb2

RED, BLUE, OLD = "the-token-of-the-red-team", "the-token-of-the-blue-team", "an-expired-old-token"
TOKENS = f"""
[[tokens]]
name = "red"
token = "{RED}"
models = ["corridor"]

[[tokens]]
name = "blue"
sha256 = "{hashlib.sha256(BLUE.encode()).hexdigest()}"
models = "*"

[[tokens]]
name = "old"
token = "{OLD}"
models = "*"
expires = 2020-01-01T00:00:00Z
"""
MODELS = {"corridor": Corridor(), "slow": Slow(), "hall": Corridor()}
REGISTRY = Registry([entry_of(model, name) for name, model in MODELS.items()])
PLANNER = planner_pb2.DESCRIPTOR.services_by_name["PlannerService"]
REFUSAL = "a valid bearer token is needed"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    path.write_text(TOKENS)
    return path


@pytest.fixture(scope="module")
def guarded(server_of, token_file):
    with server_of(REGISTRY, tables={"auth": AuthSettings(str(token_file))}) as served:
        yield served


def bearer(token):
    return [("authorization", f"Bearer {token}")]


def error_of(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, timeout=60, **options)
    return caught.value


# ---- who is let in ----------------------------------------------------------------------


def test_a_call_with_a_token_is_answered(guarded):
    for token in (RED, BLUE):
        with PlannerClient(guarded.address, token=token) as client:
            assert client.plan("corridor", 4, simulations=10).simulations == 10


WAYS = {
    "plan": lambda client, model: client.plan(model, 4),
    "watch": lambda client, model: list(client.watch(model, 4)),
    "pipeline": lambda client, model: client.pipeline().plan(model, 4).result(),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_is_not_the_callers_is_unknown_by_whichever_call(guarded, way):
    with PlannerClient(guarded.address, token=RED) as client:
        texts = []
        for model in ("slow", "nowhere"):
            with pytest.raises(UnknownModel) as caught:
                WAYS[way](client, model)
            texts.append(str(caught.value).replace(model, "MODEL"))
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        bearer(""),
        bearer(RED + "x"),
        bearer(RED[:-1]),
        bearer(OLD),
        bearer(hashlib.sha256(BLUE.encode()).hexdigest()),
        [("authorization", RED)],
        [("authorization", f"Basic {RED}")],
        [("x-token", f"Bearer {RED}")],
        bearer(RED) + bearer(RED),
        bearer(RED) + bearer(BLUE),
    ],
)
@pytest.mark.parametrize("method", [method.name for method in PLANNER.methods])
def test_any_other_call_is_refused_in_the_same_words(guarded, method, metadata):
    path = f"/{PLANNER.full_name}/{method}"
    # What is not let in is not read: the bytes are no message.
    error = error_of(guarded.channel.unary_unary(path), b"\xff", metadata=metadata)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error.details() == REFUSAL
    assert "www-authenticate" not in dict(error.trailing_metadata() or ())


def test_the_scheme_is_read_as_http_does(guarded):
    metadata = [("authorization", f"bearer  {RED}")]
    guarded.stub.ListModels(planner_pb2.ListModelsRequest(), metadata=metadata, timeout=60)


def test_the_health_is_open(guarded):
    stub = health_pb2_grpc.HealthStub(guarded.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_health_may_be_closed(server_of, token_file):
    auth = AuthSettings(str(token_file), open_health=False)
    with server_of(REGISTRY, tables={"auth": auth}) as served:
        stub = health_pb2_grpc.HealthStub(served.channel)
        request = health_pb2.HealthCheckRequest()
        assert error_of(stub.Check, request).code() is grpc.StatusCode.UNAUTHENTICATED
        assert stub.Check(request, metadata=bearer(RED), timeout=60).status
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.Watch(request, timeout=60))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_needs_a_token(guarded, version):
    stub = reflection_pb2_grpc.ServerReflectionStub(guarded.channel)
    call = guarded.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    )
    with pytest.raises(grpc.RpcError) as caught:
        next(call(iter([b""]), timeout=60))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([question]), metadata=bearer(RED), timeout=60)
    assert answer.list_services_response.service


# ---- models -----------------------------------------------------------------------------


def test_a_caller_is_shown_its_own_models_only(guarded):
    with PlannerClient(guarded.address, token=RED) as red:
        assert [model.name for model in red.list_models()] == ["corridor"]
    with PlannerClient(guarded.address, token=BLUE) as blue:
        assert [model.name for model in blue.list_models()] == sorted(MODELS)


NAMES_A_MODEL = [m for m in PLANNER.methods if "model" in m.input_type.fields_by_name]


@pytest.mark.parametrize("method", NAMES_A_MODEL, ids=lambda method: method.name)
def test_a_model_that_is_not_allowed_looks_like_one_that_does_not_exist(guarded, method):
    """On every method that takes one request with the name of a model, those to come included."""
    make = guarded.channel.unary_stream if method.server_streaming else guarded.channel.unary_unary
    request_type = getattr(planner_pb2, method.input_type.name)

    def answer(model):
        call = make(f"/{PLANNER.full_name}/{method.name}")
        first = (lambda *a, **k: next(call(*a, **k))) if method.server_streaming else call
        request = request_type(model=model).SerializeToString()
        error = error_of(first, request, metadata=bearer(RED))
        return error.code(), error.details()

    code, text = answer("hall")
    assert code is grpc.StatusCode.NOT_FOUND
    assert text == "model: 'hall' is not known; known models: corridor"
    assert answer("nowhere") == (code, text.replace("hall", "nowhere"))


def test_there_are_methods_that_name_a_model():
    assert {"Plan", "PlanBatch", "GetModel"} <= {method.name for method in NAMES_A_MODEL}


def test_no_name_of_a_model_at_all_lists_the_allowed_ones(guarded):
    request = planner_pb2.GetModelRequest()
    error = error_of(guarded.stub.GetModel, request, metadata=bearer(RED))
    assert error.details() == "model: is empty; must be one of corridor"


# ---- rotation ---------------------------------------------------------------------------


def test_tokens_come_and_go_without_a_restart(server_of, tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(TOKENS)
    with server_of(REGISTRY, tables={"auth": AuthSettings(str(path))}) as served:

        def listed(token):
            request = planner_pb2.ListModelsRequest()
            try:
                answer = served.stub.ListModels(request, metadata=bearer(token), timeout=60)
            except grpc.RpcError as error:
                return error.code()
            return [model.model.name for model in answer.models]

        assert listed(RED) == ["corridor"]
        path.write_text(TOKENS.replace(RED, "the-next-token-of-the-red-team"))
        eventually(lambda: listed("the-next-token-of-the-red-team") == ["corridor"])
        assert listed(RED) is grpc.StatusCode.UNAUTHENTICATED
        path.write_text(TOKENS.replace('["corridor"]', '["hall", "slow"]'))
        eventually(lambda: listed(RED) == ["hall", "slow"])
        path.write_text("[[tokens]]\n")
        time.sleep(1.5)
        assert listed(RED) == ["hall", "slow"]


# ---- encryption -------------------------------------------------------------------------


def test_tokens_travel_over_tls(server_of, token_file, tmp_path):
    authority = Authority(tmp_path)
    tables = {
        "auth": AuthSettings(str(token_file)),
        "tls": TlsSettings(**authority.issue().names),
    }
    with server_of(REGISTRY, tables=tables) as served:
        tls = Tls(authority.certificate)
        with PlannerClient(served.address, tls=tls, token=RED) as client:
            assert client.plan("corridor", 4, simulations=10).simulations == 10
            with pytest.raises(UnknownModel):
                client.plan("hall", 4, simulations=10)


def config_of(host, token_file, **auth):
    return ServerConfig(server=ServerSettings(host), auth=AuthSettings(str(token_file), **auth))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.1", "planner.test"])
async def test_tokens_for_everyone_to_see_are_refused_at_the_start(host, token_file):
    with pytest.raises(InvalidRequest) as caught:
        PlannerServer(config_of(host, token_file), REGISTRY)
    assert str(caught.value).startswith(
        f"auth.token_file: is set, and tokens would travel unencrypted to {host}; must have [tls]"
    )
    PlannerServer(config_of(host, token_file, allow_insecure_tokens=True), REGISTRY)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
async def test_within_a_machine_tokens_need_no_tls(host, token_file):
    PlannerServer(config_of(host, token_file), REGISTRY)


async def test_what_is_wrong_with_the_file_is_told_at_the_start(tmp_path):
    path = tmp_path / "tokens.toml"
    for content, message in [(None, "cannot be read: No such file"), ("[[tokens]]", "has no name")]:
        if content is not None:
            path.write_text(content)
        with pytest.raises(InvalidRequest, match=rf"^auth\.token_file: .*tokens\.toml.*{message}"):
            PlannerServer(config_of("127.0.0.1", path), REGISTRY)
