"""Servers with real certificates, and clients that have the right ones, wrong ones or none."""

import grpc
import pytest
from patience import eventually
from served_models import Corridor, entry_of

from benchmarks.chaos.certificates import Authority, encrypted
from mcts_client import PlannerClient, ReplicaLost, Tls
from mcts_service.errors import InvalidRequest
from mcts_service.rpc.server import PlannerServer
from mcts_service.service.config import ServerConfig
from mcts_service.service.registry import Registry
from mcts_service.service.tls import TlsSettings
from mcts_service.v1 import planner_pb2

REGISTRY = Registry([entry_of(Corridor(), "corridor")])


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path):
    """An authority that nobody trusts."""
    return Authority(tmp_path, "stranger")


def tls_of(pair, **settings):
    return {"tls": TlsSettings(**pair.names, **settings)}


def plan(served, tls, **options):
    """A plan of a client with a connection of its own."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    with PlannerClient(served.address, tls=tls, max_attempts=1, options=own, **options) as client:
        return client.plan("corridor", 4, simulations=10, timeout=60)


def refusal(served, tls):
    """Why a client gets no plan."""
    with pytest.raises(ReplicaLost) as caught:
        plan(served, tls)
    return str(caught.value)


def test_a_plan_comes_over_tls(server_of, authority):
    with server_of(REGISTRY, tables=tls_of(authority.issue())) as served:
        assert plan(served, Tls(authority.certificate)).simulations == 10
        assert plan(served, Tls(authority.certificate.read_bytes())).simulations == 10


def test_grpcs_own_credentials_do_too(server_of, authority):
    own = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
    with server_of(REGISTRY, tables=tls_of(authority.issue()), credentials=own) as served:
        assert served.plan("corridor").simulations == 100
        assert plan(served, False, credentials=own).simulations == 10


def test_a_client_that_does_not_know_the_authority_stays_away(server_of, authority, stranger):
    with server_of(REGISTRY, tables=tls_of(authority.issue())) as served:
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(served, Tls(stranger.certificate))
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(served, True)


def test_a_client_stays_away_from_an_expired_certificate(server_of, authority):
    with server_of(REGISTRY, tables=tls_of(authority.issue(days=-1))) as served:
        assert "certificate has expired" in refusal(served, Tls(authority.certificate))


def test_a_client_stays_away_from_the_certificate_of_another_host(server_of, authority):
    with server_of(REGISTRY, tables=tls_of(authority.issue(host="elsewhere.test"))) as served:
        assert "Hostname Verification" in refusal(served, Tls(authority.certificate))


def test_what_is_not_encrypted_gets_no_answer(server_of, authority):
    with server_of(REGISTRY, tables=tls_of(authority.issue())) as served:
        refusal(served, False)
        assert plan(served, Tls(authority.certificate)).simulations == 10


# ---- mutual TLS -------------------------------------------------------------------------


@pytest.fixture
def mutual(server_of, authority):
    """A server that lets in whom its authority has signed."""
    tables = tls_of(
        authority.issue(), client_ca=str(authority.certificate), require_client_certificate=True
    )
    with server_of(REGISTRY, tables=tables) as served:
        yield served


def shown_by(authority, pair):
    return Tls(authority.certificate, pair.certificate, pair.private_key)


def test_a_client_with_a_certificate_is_let_in(mutual, authority):
    assert plan(mutual, shown_by(authority, authority.issue("agent"))).simulations == 10


def test_a_client_without_a_certificate_is_not(mutual, authority):
    refusal(mutual, Tls(authority.certificate))


def test_a_client_with_a_strangers_certificate_is_not(mutual, authority, stranger):
    refusal(mutual, shown_by(authority, stranger.issue("agent")))


def test_a_client_with_an_expired_certificate_is_not(mutual, authority):
    refusal(mutual, shown_by(authority, authority.issue("agent", days=-1)))
    assert plan(mutual, shown_by(authority, authority.issue("agent"))).simulations == 10


# ---- renewal ----------------------------------------------------------------------------


def can_plan(served, tls):
    try:
        return plan(served, tls).simulations == 10
    except ReplicaLost:
        return False


def test_a_renewed_certificate_counts_without_a_restart(server_of, tmp_path, authority):
    other = Authority(tmp_path, "other")
    pair, renewed = authority.issue(), other.issue("renewed")
    with server_of(REGISTRY, tables=tls_of(pair)) as served:
        assert not can_plan(served, Tls(other.certificate))
        old = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
        with grpc.secure_channel(served.address, old) as channel:
            call = channel.unary_unary("/mcts_service.v1.PlannerService/ListModels")
            call(b"", timeout=60)
            pair.replace(renewed)
            eventually(lambda: can_plan(served, Tls(other.certificate)))
            # A connection that is open stays open.
            call(b"", timeout=60)
        assert not can_plan(served, Tls(authority.certificate))


def test_half_a_renewal_changes_nothing(server_of, tmp_path, authority, caplog):
    other = Authority(tmp_path, "other")
    pair, renewed = authority.issue(), other.issue("renewed")
    with server_of(REGISTRY, tables=tls_of(pair)) as served:
        pair.certificate.write_bytes(renewed.certificate.read_bytes())

        def complains():
            assert can_plan(served, Tls(authority.certificate))
            return "the certificates stay as they are: tls.private_key: " in caplog.text

        eventually(complains)
        pair.private_key.write_bytes(renewed.private_key.read_bytes())
        eventually(lambda: can_plan(served, Tls(other.certificate)))


# ---- at the start -----------------------------------------------------------------------


async def start_error(tls):
    with pytest.raises(InvalidRequest) as caught:
        PlannerServer(ServerConfig(tls=tls), REGISTRY)
    return str(caught.value)


async def test_a_missing_file_is_named_at_the_start(tmp_path, authority):
    pair = authority.issue()
    missing = TlsSettings(str(tmp_path / "none.pem"), str(pair.private_key))
    assert (await start_error(missing)).startswith("tls.certificate: ")
    assert "none.pem' cannot be read: No such file" in await start_error(missing)


async def test_a_key_of_another_certificate_is_named_at_the_start(authority):
    pair, other = authority.issue(), authority.issue("other")
    mixed = TlsSettings(str(pair.certificate), str(other.private_key))
    assert "other.key' is not the key of '" in await start_error(mixed)


@pytest.mark.parametrize("content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\n"])
async def test_a_broken_file_is_named_at_the_start(authority, content):
    pair = authority.issue()
    good = {name: path.read_bytes() for name, path in vars(pair).items()}
    for name, path in vars(pair).items():
        path.write_bytes(content)
        assert (await start_error(TlsSettings(**pair.names))).startswith(f"tls.{name}: ")
        path.write_bytes(good[name])
    authority.certificate.write_bytes(content)
    ca = TlsSettings(
        **pair.names, client_ca=str(authority.certificate), require_client_certificate=True
    )
    assert (await start_error(ca)).startswith("tls.client_ca: ")


async def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(authority):
    pair = authority.issue()
    pair.private_key.write_bytes(encrypted(pair, b"secret"))
    assert "has no private key in PEM that is not encrypted" in await start_error(
        TlsSettings(**pair.names)
    )


def test_settings_that_do_not_go_together_are_refused():
    for settings, field in [
        ({"certificate": "a"}, "private_key"),
        ({"private_key": "a"}, "certificate"),
        ({"certificate": "a", "private_key": "b", "client_ca": "c"}, "client_ca"),
        ({"require_client_certificate": True}, "client_ca"),
        ({"client_ca": "c", "require_client_certificate": True}, "certificate"),
        ({"certificate": ""}, "certificate"),
        ({"require_client_certificate": 1}, "require_client_certificate"),
    ]:
        with pytest.raises(InvalidRequest) as caught:
            TlsSettings(**settings)
        assert caught.value.violations[0].field == field


def test_all_methods_are_there_over_tls(server_of, authority):
    own = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
    with server_of(REGISTRY, tables=tls_of(authority.issue()), credentials=own) as served:
        found = served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
        assert [model.model.name for model in found.models] == ["corridor"]
