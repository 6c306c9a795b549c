"""Starts a planning server, plays it from an agent in another process, and stops it.

python examples/run.py [--seconds SECONDS] [--seed SEED]
"""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SERVE = [str(Path(sys.executable).with_name("mcts-service")), "serve", "--port", "0"]
AGENT = [sys.executable, str(Path(__file__).with_name("play.py"))]
ANNOUNCEMENT = "serving on "
START_SECONDS = 60.0
STOP_SECONDS = 15.0


def main() -> int:
    """Returns the agent's exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # end like Ctrl-C does: stop the server first
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with running_server() as target:
            print(f"server: mcts-service {' '.join(SERVE[1:])}, {ANNOUNCEMENT}{target}")
            print(f"agent:  python examples/play.py --target {target}", flush=True)
            agent = [*AGENT, "--target", target, *sys.argv[1:]]
            return subprocess.run(agent, check=False).returncode
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except ServerFailed as failure:
        print(failure, file=sys.stderr)
        return 1


class ServerFailed(Exception):
    """The server did not start, or did not end well; the message holds its log."""


@contextmanager
def running_server() -> Iterator[str]:
    """A server in a process of its own, for as long as the context lasts.

    Yields:
      HOST:PORT.

    Raises:
      ServerFailed: it did not start, or did not end well.
    """
    with tempfile.TemporaryFile("w+") as log:
        # A session of its own, so that Ctrl-C reaches it through `finally` and not at once.
        server = subprocess.Popen(
            SERVE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
        try:
            yield _wait_until_serving(server, log)
        finally:
            status = _stop(server)
        if status != 0:
            raise ServerFailed(f"the server ended with status {status}:\n{_text(log)}")


def _wait_until_serving(server: subprocess.Popen[str], log: IO[str]) -> str:
    assert server.stdout is not None
    line = ""
    if select.select([server.stdout], [], [], START_SECONDS)[0]:
        line = server.stdout.readline()
    if not line.startswith(ANNOUNCEMENT):
        raise ServerFailed(f"the server did not start; it said {line!r} and:\n{_text(log)}")
    return line.removeprefix(ANNOUNCEMENT).strip()


def _stop(server: subprocess.Popen[str]) -> int:
    server.terminate()
    try:
        return server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


def _text(log: IO[str]) -> str:
    log.seek(0)
    return log.read()


if __name__ == "__main__":
    sys.exit(main())
