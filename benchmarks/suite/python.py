"""Models written in Python against as many calls of them, and against pomdp-py."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side
from suite.exploration import EXPLORATION, grid10_range
from suite.names import NANOSECONDS_A_STEP, OURS, POMDP_PY

__all__ = ["python_grid10"]

C_LOOP, PYTHON_LOOP = "bare model, C loop", "bare model, Python loop"
SIMULATIONS = 10_000
#: By the horizon.
AIMS = {50: Aim(1.15, "lower"), 10: Aim(1.3, "lower")}
#: Forms of the model, by what their comparisons are called.
FORMS = {
    "states are ints": "int",
    "states are tuples": "tuple",
    "states are arrays": "array",
    "never draws": "firm",
}


def python_grid10(programs: Programs) -> Iterator[Comparison]:
    """grid10 as a Python model against pomdp-py and the bare model."""
    for horizon, aim in AIMS.items():
        for words, form in FORMS.items():
            exploration = EXPLORATION / grid10_range(horizon)
            search = {"simulations": SIMULATIONS, "horizon": horizon}
            loop = {"horizon": horizon, "form": form}
            ours = {**search, "form": form, "exploration": exploration}
            c_loop = {**loop, "library": str(programs.bare_loop)}
            sides = {
                OURS: Side("sides.ours:python_grid10", ours, 2 * SIMULATIONS),
                C_LOOP: Side("sides.bare_model:CLoop", c_loop, 2 * SIMULATIONS),
            }
            pairs = [Pair(OURS, C_LOOP, aim)]
            if form == "int":
                peer = {**search, "exploration": EXPLORATION}
                sides |= {
                    PYTHON_LOOP: Side("sides.bare_model:PythonLoop", loop, 2 * SIMULATIONS),
                    POMDP_PY: Side("sides.pomdp_py_planner:PomdpPyPlanner", peer, SIMULATIONS),
                }
                pairs += [
                    Pair(OURS, PYTHON_LOOP),
                    Pair(OURS, POMDP_PY),
                    Pair(POMDP_PY, C_LOOP),
                ]
            yield Comparison(
                f"grid10 in Python, {SIMULATIONS:,} simulations",
                f"{words}, horizon {horizon}",
                NANOSECONDS_A_STEP,
                "lower",
                sides,
                pairs,
                is_long=form in ("tuple", "array"),
            )
