"""The simulator in Node.js, installed as the README says, and planned over by a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcts_client import InvalidRequest, PlannerClient, TerminalState

REPOSITORY = Path(__file__).parents[2]

#: What npm says where there is no way to its registry.
UNREACHABLE = (b"ENOTFOUND", b"EAI_AGAIN", b"ECONNREFUSED", b"ETIMEDOUT", b"ENETUNREACH")

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="needs Node.js and npm, which are not installed here",
    ),
]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with its packages, beside a copy of the .proto files."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copytree(REPOSITORY / "proto", copy / "proto")
    folder = copy / "examples" / "remote_model_node"
    shutil.copytree(
        REPOSITORY / "examples" / "remote_model_node",
        folder,
        ignore=shutil.ignore_patterns("node_modules"),
    )
    try:
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=1"],
            cwd=folder,
            check=True,
            timeout=300,
            capture_output=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        if any(code in (error.stderr or b"") for code in UNREACHABLE):
            pytest.skip("needs the npm registry, which cannot be reached")
        raise
    return folder


@pytest.fixture(params=["tcp", "socket"])
def simulator(example: Path, request: Any, tmp_path: Path) -> Iterator[str]:
    """The address of the simulator, on a port and on a Unix socket."""
    address = "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/lake.sock"
    process = subprocess.Popen(
        ["node", "simulator.js", address], cwd=example, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = re.fullmatch(r"simulating on (\S+)\n", process.stdout.readline())
    assert told is not None
    yield told[1]
    process.terminate()
    process.wait(60)
    process.stdout.close()


def test_a_server_plans_over_a_simulator_in_node(
    simulator: str, start_real_server: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "server.toml"
    config.write_text(f'[[models]]\nname = "lake"\nremote = "{simulator}"\n')
    server = start_real_server("--config", str(config))
    with PlannerClient(server.target) as client:
        info = client.get_model("lake")
        assert (info.action_spec.num_actions, info.discount) == (4, 0.97)
        assert info.description == "A frozen lake in Node.js."
        plan = client.plan("lake", 19, simulations=300, seed=1)
        assert plan.action == 2, "down, to the goal"
        again = client.plan("lake", 19, simulations=300, seed=1)
        assert (again.action, again.value) == (plan.action, plan.value)
        corner = client.plan("lake", 0, simulations=50)
        assert [action.action for action in corner.actions] == [1, 2], "none leaves the lake"
        batch = client.plan_batch("lake", [19, 23, 14], simulations=300, seeds=[1, 2, 3])
        assert list(batch.actions[:2]) == [2, 1]
        with pytest.raises(TerminalState):
            client.plan("lake", 24)
        with pytest.raises(InvalidRequest):
            client.plan("lake", 25)
