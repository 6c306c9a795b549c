"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every run, however slow the machine is.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
