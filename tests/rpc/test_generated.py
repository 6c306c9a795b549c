"""The committed stubs, and the contract that they come from."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def run(*command):
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_committed_stubs_are_current():
    result = run(sys.executable, "proto/generate.py", "--check")
    assert result.returncode == 0, result.stderr


def test_the_contract_passes_buf_lint():
    result = run(Path(sys.executable).with_name("buf"), "lint")
    assert result.returncode == 0, result.stdout + result.stderr
