"""Runs every block of README.md, in the order in which a reader would."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
#: Ports in the text; each stands for whatever free port the server got.
PORT, OWN_PORT = "50051", "50052"
SIMULATOR_PORT = "50061"
needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="Node.js and npm are not installed"
)


class Block(NamedTuple):
    language: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)]


def block(language: str, containing: str) -> str:
    """The one block of that language with that text in it."""
    [found] = [b.text for b in BLOCKS if b.language == language and containing in b.text]
    return found


class Place(NamedTuple):
    """A reader's folder, and the address of the server that runs there."""

    folder: Path
    port: str

    def run(self, command: list[str] | str) -> str:
        """The output of a command that must succeed."""
        done = subprocess.run(
            command,
            shell=isinstance(command, str),
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        (self.folder / "block.py").write_text(code.replace(PORT, self.port), encoding="utf-8")
        return self.run([sys.executable, "block.py"])

    def shell(self, command: str) -> str:
        return self.run(command.replace(PORT, self.port))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@contextmanager
def serving(command: str, folder: Path) -> Iterator[str]:
    """Runs a `serve` block on a free port, which is given; SIGTERM must end it with 0."""
    words = re.sub(r"--port \d+", "--port 0", command).split()
    with subprocess.Popen(
        words, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            for line in server.stdout:
                if found := re.fullmatch(r"serving on 127\.0\.0\.1:(\d+)\n", line):
                    yield found[1]
                    break
            else:
                pytest.fail("the server ended before it served")
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "proto", folder / "proto")
    (folder / "corridor.py").write_text(block("python", "class Corridor"), encoding="utf-8")
    (folder / "server.toml").write_text(block("toml", "corridor"), encoding="utf-8")
    with serving(block("sh", "serve --port 50051"), folder) as port:
        yield Place(folder, port)


def test_every_block_is_run_by_a_test_below() -> None:
    assert [b.language for b in BLOCKS] == [
        "sh", "text", "sh", "sh", "js", "python", "python", "python", "python", "python", "python",
        "sh", "python", "python", "python", "python", "sh", "python", "toml", "sh", "python",
        "toml", "sh", "python", "python", "python", "sh",
    ]  # fmt: skip


def test_the_two_commands_are_targets() -> None:
    """Both are run for real elsewhere: this is one of them, and examples/ tests the other."""
    for command in block("sh", "make run").splitlines():
        subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_shell_call(place: Place) -> None:
    answer = json.loads(place.shell(block("sh", "buf curl")))
    assert 0 < int(answer["simulations"]) <= 10_000
    assert "discrete" in answer["action"]


@needs_node
@pytest.mark.node
def test_node_client(place: Place) -> None:
    install = re.search(r"`(npm install [^`]*)`", README)
    assert install
    place.run(install[1] + " --no-audit --no-fund --silent")
    (place.folder / "plan.js").write_text(block("js", "PlannerService").replace(PORT, place.port))
    assert re.fullmatch(r"action \d, value [\d.]+\n", place.run(["node", "plan.js"]))


def test_python_client(place: Place) -> None:
    lines = place.python(block("python", "time_limit=0.05")).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith(("time_limit", "decided"))


def test_python_client_with_many_states(place: Place) -> None:
    assert place.python(block("python", "plan_batch")) == "(64,) (64, 7) {}\n"


def test_python_client_with_a_session(place: Place) -> None:
    lines = place.python(block("python", 'session_id="episode-1"')).splitlines()
    reused = [int(line.split()[2]) for line in lines]
    assert reused[0] == 0
    assert min(reused[1:]) > 0


def test_python_client_of_several_servers(place: Place) -> None:
    """Of which one is not there."""
    assert place.python(block("python", "route_by_session")).strip().isdigit()


def test_kept_tree(place: Place) -> None:
    lines = place.python(block("python", "KeptTree()")).splitlines()
    reused = [int(line.split()[1]) for line in lines]
    assert reused[0] == 0
    assert min(reused[1:]) > 0


def test_python_client_that_watches(place: Place) -> None:
    lines = place.python(block("python", "client.watch(")).splitlines()
    assert [line.endswith("True") for line in lines] == [False] * (len(lines) - 1) + [True]


def test_python_client_with_a_pipeline(place: Place) -> None:
    assert int(place.python(block("python", "client.pipeline("))) >= 64


def test_load_test(place: Place) -> None:
    # A busy machine may keep the load test itself from its schedule, which fails the test.
    patient = block("sh", "mcts-load-test").rstrip() + " --max-lag 60"
    assert "p99" in place.shell(patient)


def test_plan_in_process(place: Place) -> None:
    assert place.python(block("python", "frozen_lake_8x8")).endswith("1000 simulations\n")


def test_own_model_passes_the_check(place: Place) -> None:
    place.shell(block("sh", "mcts-service check"))


def test_belief(place: Place) -> None:
    assert place.python(block("python", "class Tiger")) == "0 pomcp\n"


def test_own_model_is_planned(place: Place) -> None:
    assert place.python(block("python", "from corridor import")).startswith("1 ")


def test_policy_is_learned(place: Place) -> None:
    assert place.python(block("python", "QLearning")).startswith("-13.0 after ")


def test_table_is_solved(place: Place) -> None:
    solved, within = place.python(block("python", "backward_induction")).splitlines()
    assert solved.startswith("0.54202593")
    assert within.startswith("0.74419028")


def test_a_model_is_learned_and_planned_by_its_file(place: Place) -> None:
    lines = place.python(block("python", "fit_table")).splitlines()
    assert lines[0].endswith("model   baseline")
    assert lines[-1].startswith("0 0.")
    assert place.shell(block("sh", "plan lake.npz")).startswith("lake: take action 0")


def test_own_model_is_a_simulator_elsewhere(place: Place) -> None:
    port = str(free_port())
    code = block("python", "serve_model").replace(SIMULATOR_PORT, port)
    (place.folder / "remote.toml").write_text(block("toml", "remote").replace(SIMULATOR_PORT, port))
    with subprocess.Popen([sys.executable, "-c", code], cwd=place.folder) as simulator:
        try:
            planned = place.shell(block("sh", "--config remote.toml"))
            assert planned.startswith("walk: take action 1")
        finally:
            simulator.kill()


def test_own_model_is_served(place: Place) -> None:
    with serving(block("sh", "--config server.toml"), place.folder) as port:
        own = Place(place.folder, port)
        request = '{"model": "corridor", "state": {"discrete": 5}}'
        call = re.sub(r"--data '.*?'", f"--data '{request}'", block("sh", "buf curl"))
        assert json.loads(own.shell(call))["action"] == {"discrete": "1"}
