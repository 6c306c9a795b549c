"""Which comparisons there are.

Exploration is the same on all sides, as far as it acts. The limit programs and the peers add
exploration * sqrt(ln N / n) to returns as they are; ours first scales returns to the range that
was seen. So ours explores as they do with their constant divided by that range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from compare import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side, SideProcess

__all__ = ["GROUPS"]

#: Of the limit program, on returns as they are; the peers are given the same.
EXPLORATION = 2.0
#: Returns of a game are from -1 to 1.
GAME_RANGE = 2.0

SIMULATIONS_A_SECOND = "simulations a second"
NANOSECONDS_A_STEP = "nanoseconds a model step"

OURS, OURS_SAME_FLAGS = "ours", "ours, same flags"
OURS_BY_STEPS = "ours, without its rollout"
LIMIT, OPEN_SPIEL, POMDP_PY = "limit", "OpenSpiel", "pomdp-py"
C_LOOP, PYTHON_LOOP = "bare model, C loop", "bare model, Python loop"
PLAN, PLAN_LESS_SEARCH, EMPTY = "Plan", "Plan, less its search", "empty call"

#: Simulations of a turn; the limit program has as many.
TURN = 200_000
PEER_TURN = 50_000


def games(programs: Programs) -> Iterator[Comparison]:
    """Connect four and tic-tac-toe against the limit and OpenSpiel."""
    for game, problem, factory, open_spiel_aim in (
        ("connect four", "c4", "connect_four", Aim(20, "higher")),
        ("tic-tac-toe", "ttt", "tic_tac_toe", None),
    ):
        for simulations in (1_000, 20_000):
            arguments = {"simulations": simulations, "exploration": EXPLORATION / GAME_RANGE}
            peer = {"game": factory, "simulations": simulations, "exploration": EXPLORATION}
            limit = {
                "program": str(programs.limit),
                "problem": problem,
                "simulations": simulations,
            }
            sides = {
                OURS_SAME_FLAGS: _ours(factory, arguments, programs.native_extension),
                LIMIT: Side("sides.limit_program:LimitProgram", limit, TURN),
                OURS: _ours(factory, arguments),
                OPEN_SPIEL: Side("sides.openspiel_bot:OpenSpielBot", peer, PEER_TURN),
            }
            yield Comparison(
                "Games, native",
                f"{game}, {simulations:,} simulations",
                SIMULATIONS_A_SECOND,
                "higher",
                sides,
                [
                    Pair(OURS_SAME_FLAGS, LIMIT, Aim(0.8, "higher")),
                    Pair(OURS, LIMIT),
                    Pair(OURS, OPEN_SPIEL, open_spiel_aim),
                ],
            )


def native_grid10(programs: Programs) -> Iterator[Comparison]:
    """grid10 as a user's compiled model against the limit."""
    horizon = 50
    for simulations in (1_000, 20_000, 200_000):
        search = {
            "simulations": simulations,
            "exploration": EXPLORATION / _grid10_range(horizon),
            "horizon": horizon,
        }
        limit = {
            "program": str(programs.limit),
            "problem": "grid",
            "simulations": simulations,
            "horizon": horizon,
        }
        extension = programs.native_extension
        sides = {
            OURS_SAME_FLAGS: _native_grid10(search, programs.grid10_native, True, extension),
            OURS_BY_STEPS: _native_grid10(search, programs.grid10_native, False, extension),
            LIMIT: Side("sides.limit_program:LimitProgram", limit, TURN),
            OURS: _native_grid10(search, programs.grid10, True),
        }
        yield Comparison(
            "grid10, native",
            f"grid10, {simulations:,} simulations",
            SIMULATIONS_A_SECOND,
            "higher",
            sides,
            [
                Pair(OURS_SAME_FLAGS, LIMIT, Aim(0.8, "higher")),
                Pair(OURS_BY_STEPS, LIMIT),
                Pair(OURS, LIMIT),
            ],
        )


def python_grid10(programs: Programs) -> Iterator[Comparison]:
    """grid10 as a Python model against pomdp-py and the bare model."""
    simulations = 10_000
    for horizon, aim in ((50, 1.15), (10, 1.3)):
        search = {"simulations": simulations, "horizon": horizon}
        scaled = {**search, "exploration": EXPLORATION / _grid10_range(horizon)}
        loop = {"horizon": horizon}
        c_loop = {**loop, "library": str(programs.bare_loop)}
        sides = {
            OURS: Side("sides.ours:python_grid10", scaled, 2 * simulations),
            C_LOOP: Side("sides.bare_model:CLoop", c_loop, 2 * simulations),
            PYTHON_LOOP: Side("sides.bare_model:PythonLoop", loop, 2 * simulations),
            POMDP_PY: Side(
                "sides.pomdp_py_planner:PomdpPyPlanner",
                {**search, "exploration": EXPLORATION},
                simulations,
            ),
        }
        yield Comparison(
            "grid10, Python",
            f"grid10 in Python, horizon {horizon}, {simulations:,} simulations",
            NANOSECONDS_A_STEP,
            "lower",
            sides,
            [
                Pair(OURS, C_LOOP, Aim(aim, "lower")),
                Pair(OURS, PYTHON_LOOP),
                Pair(OURS, POMDP_PY),
                Pair(POMDP_PY, C_LOOP),
            ],
        )


def calls(programs: Programs) -> Iterator[Comparison]:
    """`Plan` with one simulation against a call that does nothing."""
    with closing(SideProcess(_call("PlanCall", 1, 1))) as process:
        response_bytes = int(process.counts()["response bytes"])
    latency = {
        PLAN: _call("PlanCall", 1, 1_000),
        PLAN_LESS_SEARCH: _call("PlanCall", 1, 1_000, less_search_time=True),
        EMPTY: _call("EmptyCall", 1, 1_000, response_bytes=response_bytes),
    }
    pairs = [Pair(PLAN_LESS_SEARCH, EMPTY, Aim(1.15, "lower")), Pair(PLAN, EMPTY)]
    work = "unary call, one at a time"
    yield Comparison("gRPC", work, "ms, median latency", "lower", latency, pairs)
    rate = {
        PLAN: _call("PlanCall", 64, 4_000),
        EMPTY: _call("EmptyCall", 64, 4_000, response_bytes=response_bytes),
    }
    pairs = [Pair(PLAN, EMPTY, Aim(0.85, "higher"))]
    yield Comparison("gRPC", "unary calls, 64 in flight", "calls a second", "higher", rate, pairs)


#: By the name that `--only` takes. Each gives comparisons when it is asked to.
GROUPS: dict[str, Callable[[Programs], Iterator[Comparison]]] = {
    "games": games,
    "grid10": native_grid10,
    "python": python_grid10,
    "calls": calls,
}


def _ours(factory: str, arguments: dict[str, Any], modules: Path | None = None) -> Side:
    return Side(f"sides.ours:{factory}", arguments, TURN, modules)


def _native_grid10(
    search: dict[str, Any], library: Path, own_rollout: bool, modules: Path | None = None
) -> Side:
    model = {"library": str(library), "own_rollout": own_rollout}
    return _ours("native_grid10", {**search, **model}, modules)


def _call(name: str, in_flight: int, amount: int, **arguments: Any) -> Side:
    return Side(f"sides.unary_calls:{name}", {"in_flight": in_flight, **arguments}, amount)


def _grid10_range(horizon: int) -> float:
    """Between the highest and the lowest return of a grid10 that lasts `horizon` steps.

    The goal is 18 steps from the start; a return that misses it is one of costs alone, of one
    step at least.
    """
    discount, cost, goal_reward, steps_to_goal = 0.95, 0.1, 10.0, 18
    lowest = -cost * (1 - discount**horizon) / (1 - discount)
    highest = goal_reward if horizon >= steps_to_goal else -cost
    return highest - lowest
