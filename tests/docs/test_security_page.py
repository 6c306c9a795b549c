"""Runs the blocks of docs/security.md, in the order in which a reader would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcts_client import PlannerClient, ReplicaLost, Tls

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)
BIN = Path(sys.executable).parent
PORT = "50051"


def block(language: str, containing: str) -> str:
    """The one block of that language with that text in it."""
    [found] = [text for kind, text in BLOCKS if kind == language and containing in text]
    return found


def run(command: list[str] | str, folder: Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder, with the certificates, the token and the files of the page."""
    place = tmp_path_factory.mktemp("reader")
    run(block("sh", "openssl req -x509"), place)
    run(block("sh", "openssl rand"), place)
    digest = (place / "token.sha256").read_text().strip()
    for name in ("tokens.toml", "server.toml", "mutual.toml"):
        text = block("toml", f"# {name}").replace("SHA256", digest).replace(PORT, "0")
        (place / name).write_text(text)
    return place


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[[str], str]]:
    servers = []

    def start(command: str) -> str:
        """The port of a server, by the command on the page."""
        server = subprocess.Popen(
            command.split(), cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
        )
        servers.append(server)
        assert server.stdout is not None
        return server.stdout.readline().rpartition(":")[2].strip()

    yield start
    for server in servers:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
        assert server.returncode == 0


def test_every_block_is_run_by_a_test_below() -> None:
    kinds = ["sh", "sh", "toml", "toml", "sh", "sh", "python", "toml"]
    assert [kind for kind, _ in BLOCKS] == kinds


def test_the_configuration_can_be_served(folder: Path) -> None:
    told = run(block("sh", "check-config"), folder)
    assert told.startswith("server.toml can be served: ")
    assert told.endswith(", TLS, 1 token, no metrics\n")


def test_the_client_plans(folder: Path, serve: Callable[[str], str]) -> None:
    port = serve(block("sh", "serve --config"))
    (folder / "block.py").write_text(block("python", "PlannerClient").replace(PORT, port))
    models, action = run([sys.executable, "block.py"], folder).splitlines()
    assert models == "['connect_four', 'taxi']"
    assert action.isdecimal()


def test_mutual_tls_turns_away_who_has_no_certificate(
    folder: Path, serve: Callable[[str], str]
) -> None:
    port = serve("mcts-service serve --port 0 --config mutual.toml")
    tls = Tls(folder / "ca.pem")
    with (
        PlannerClient(f"localhost:{port}", tls=tls, max_attempts=1) as client,
        pytest.raises(ReplicaLost),
    ):
        client.list_models(timeout=60)
    own = Tls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    with PlannerClient(f"localhost:{port}", tls=own) as client:
        assert client.list_models(timeout=60)
