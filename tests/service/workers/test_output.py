"""What workers print is read without end and logged with one."""

import logging
import multiprocessing
import os
import time

import pytest

from mcts_service.service.workers import output
from mcts_service.service.workers.output import MAX_CHARACTERS, MAX_LINES, log_output


@pytest.fixture
def printed(caplog):
    """Logs what is printed, and gives the lines of the log once all is read."""
    caplog.set_level(logging.INFO, logger="mcts_service")

    def run(*pieces):
        reading, writing = multiprocessing.Pipe(duplex=False)
        log_output(reading, "worker")
        with writing:
            for piece in pieces:
                while piece:
                    piece = piece[os.write(writing.fileno(), piece) :]
                    time.sleep(0 if len(pieces) > 3 else 0.01)
        give_up = time.monotonic() + 60
        while not reading.closed and time.monotonic() < give_up:
            time.sleep(0.001)
        time.sleep(0.01)
        return [record.getMessage() for record in caplog.records]

    return run


def test_lines_are_logged_as_they_were_printed(printed):
    lines = printed(b"one\ntwo", b" and a half\n", b"three")
    assert lines == ["worker: one", "worker: two and a half", "worker: three"]


def test_what_could_forge_a_log_is_written_out(printed):
    assert printed(b"a\rb\x1b[31m\xff\n") == [r"worker: a\rb\x1b[31m\xff"]


def test_long_lines_are_cut(printed):
    assert printed(b"x" * 100_000 + b"\nend\n") == [
        "worker: " + "x" * MAX_CHARACTERS,
        "worker: end",
    ]


def test_many_lines_are_counted(printed):
    lines = printed(*[b"spam\n" * 1000] * 20)
    assert lines[:MAX_LINES] == ["worker: spam"] * MAX_LINES
    left_out = sum(int(line.split()[3]) for line in lines if "lines more" in line)
    assert len(lines) < MAX_LINES + 10
    assert left_out + sum(line == "worker: spam" for line in lines) == 20_000


def test_after_a_while_there_is_room_again(printed, monkeypatch):
    monkeypatch.setattr(output, "WINDOW_SECONDS", 0.0)
    lines = printed(*[b"a\n" * 60] * 4)
    assert lines.count("worker: a") > MAX_LINES
