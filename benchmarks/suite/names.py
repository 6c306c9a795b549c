"""What sides and measures are called."""

from __future__ import annotations

__all__ = [
    "LIMIT",
    "NANOSECONDS_A_STEP",
    "OPEN_SPIEL",
    "OURS",
    "OURS_SAME_FLAGS",
    "POMDP_PY",
    "SIMULATIONS_A_SECOND",
]

SIMULATIONS_A_SECOND = "simulations a second"
NANOSECONDS_A_STEP = "nanoseconds a model step"

OURS, OURS_SAME_FLAGS = "ours", "ours, same flags"
LIMIT, OPEN_SPIEL, POMDP_PY = "limit", "OpenSpiel", "pomdp-py"
