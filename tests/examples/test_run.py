"""`make run`, cut short."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / "examples" / "run.py"
TITLES = ["FrozenLake 4x4", "FrozenLake 8x8", "CliffWalking", "Taxi", "CartPole", "Connect four"]


def test_run_plays_every_problem_against_a_server_and_leaves_none_behind() -> None:
    result = subprocess.run(
        [sys.executable, RUN, "--seconds", "6"], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for title in (
        "FrozenLake 4x4",
        "FrozenLake 8x8",
        "CliffWalking",
        "Taxi",
        "CartPole",
        "Connect four",
    ):
        assert len(re.findall(title, result.stdout)) == 2, "a line when it ends, a row at the end"
    target = re.search(r"serving on ([\d.]+):(\d+)", result.stdout)
    assert target is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((target[1], int(target[2])), timeout=10)
