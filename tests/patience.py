"""Waits for what other threads and processes bring about; not for ever."""

import time


def eventually(holds):
    """Until it holds, within a minute."""
    give_up = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up, "it never came true"
        time.sleep(0.005)
