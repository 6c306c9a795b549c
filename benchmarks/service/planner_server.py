"""A planning server in a process of its own, set up as a test needs it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.sides.server_process import ServerProcess

__all__ = ["planner_server"]


@contextmanager
def planner_server(settings: Mapping[str, float | str] | None = None) -> Iterator[ServerProcess]:
    """Serves the built-in models for the length of a block.

    Args:
      settings: of the table [server].
    """
    text = "[server]\n" + "".join(f"{key} = {value!r}\n" for key, value in (settings or {}).items())
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "server.toml")
        config.write_text(text)
        command = [str(Path(sys.executable).with_name("mcts-service")), "serve", "--port", "0"]
        with closing(ServerProcess([*command, "--config", str(config)])) as server:
            yield server
