"""A simulator across a network: encrypted, and each side knows the other."""

from contextlib import closing
from dataclasses import replace

import grpc
import pytest
from served_models import Corridor

from benchmarks.chaos.certificates import Authority
from mcts_client import serve_model
from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest
from mcts_service.rpc.remote_model import connect
from mcts_service.service.remote_options import RemoteOptions


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def simulator(authority):
    """The port of a simulator that lets in whoever the authority has signed."""
    pair = authority.issue()
    credentials = grpc.ssl_server_credentials(
        [(pair.private_key.read_bytes(), pair.certificate.read_bytes())],
        root_certificates=authority.certificate.read_bytes(),
        require_client_auth=True,
    )
    with serve_model(Corridor(), "127.0.0.1:0", credentials=credentials) as server:
        yield server.address.rpartition(":")[2]


@pytest.fixture
def options(authority):
    pair = authority.issue("planner")
    return RemoteOptions(
        connect_seconds=0.5, tls=True, server_ca=str(authority.certificate), **pair.names
    )


def test_each_side_knows_the_other(simulator, options):
    with closing(
        connect(f"localhost:{simulator}", replace(options, connect_seconds=60.0))
    ) as model:
        theirs = MCTS(model).plan(4, Budget(simulations=50), seed=3)
    ours = MCTS(Corridor()).plan(4, Budget(simulations=50), seed=3)
    assert theirs.action == ours.action


@pytest.mark.parametrize(
    "change",
    [
        {"tls": False, "server_ca": None, "certificate": None, "private_key": None},
        {"certificate": None, "private_key": None},
        {"server_ca": None},
    ],
)
def test_who_is_not_known_gets_no_answer(simulator, options, change):
    with pytest.raises(InvalidRequest, match="no simulator answers there"):
        connect(f"localhost:{simulator}", replace(options, **change))


def test_a_file_that_is_not_there_is_named(options):
    with pytest.raises(
        InvalidRequest, match=r'remote_options.server_ca: is "none.pem", which cannot be read: No'
    ):
        connect("localhost:1", replace(options, server_ca="none.pem"))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"server_ca": "a.pem"}, "server_ca"),
        ({"tls": True, "certificate": "a.pem"}, "private_key"),
        ({"tls": True, "private_key": "a.key"}, "certificate"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, field):
    with pytest.raises(InvalidRequest) as caught:
        RemoteOptions(**settings)
    assert caught.value.violations[0].field == field
