"""A few seconds of what `make fuzz` does for longer."""

from __future__ import annotations

import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SECONDS, SEED = 5, 2026


def test_random_lives_of_a_search_leave_nothing_behind(tmp_path: Path) -> None:
    command = ["scripts/fuzz.sh", str(SECONDS), str(tmp_path), str(SEED)]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
