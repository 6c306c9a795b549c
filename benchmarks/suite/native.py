"""Compiled models against programs written by hand for one problem, and against OpenSpiel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparison import Comparison, Pair
from programs import Programs
from report import Aim, Known
from side_process import Side
from suite.exploration import EXPLORATION, GAME_RANGE, grid10_range
from suite.names import LIMIT, OPEN_SPIEL, OURS, OURS_SAME_FLAGS, SIMULATIONS_A_SECOND

__all__ = ["games", "native_grid10"]

SIMULATIONS = (1_000, 20_000, 200_000)
HORIZON = 50
OURS_BY_STEPS = "ours, without its rollout"

#: Simulations of a turn; the limit program has as many.
TURN = 200_000
PEER_TURN = 50_000

#: From here on a quick run has no time for it.
LONG = 200_000

#: AI-Toolbox is C++, and no package of PyPI: simulations a second on grid10, by their number.
AI_TOOLBOX = {1_000: "1.5M", 20_000: "0.55M", 200_000: "0.32M"}


def games(programs: Programs) -> Iterator[Comparison]:
    """Connect four and tic-tac-toe against the limit and OpenSpiel."""
    for game, problem, factory in (
        ("connect four", "c4", "connect_four"),
        ("tic-tac-toe", "ttt", "tic_tac_toe"),
    ):
        for simulations in SIMULATIONS:
            # The aim names these.
            aimed_at = game == "connect four" and simulations <= 20_000
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
                    Pair(OURS, OPEN_SPIEL, Aim(20, "higher") if aimed_at else None),
                ],
                is_long=simulations >= LONG,
            )


def native_grid10(programs: Programs) -> Iterator[Comparison]:
    """grid10 as a user's compiled model against the limit."""
    for simulations in SIMULATIONS:
        search = {
            "simulations": simulations,
            "exploration": EXPLORATION / grid10_range(HORIZON),
            "horizon": HORIZON,
        }
        limit = {
            "program": str(programs.limit),
            "problem": "grid",
            "simulations": simulations,
            "horizon": HORIZON,
        }
        extension = programs.native_extension
        sides = {
            OURS_SAME_FLAGS: _native_grid10(search, programs.grid10_native, True, extension),
            OURS_BY_STEPS: _native_grid10(search, programs.grid10_native, False, extension),
            LIMIT: Side("sides.limit_program:LimitProgram", limit, TURN),
            OURS: _native_grid10(search, programs.grid10, True),
        }
        rate = AI_TOOLBOX[simulations]
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
            known=(Known("AI-Toolbox", f"{rate} simulations a second, 251 bytes a simulation"),),
            is_long=simulations >= LONG,
        )


def _ours(factory: str, arguments: dict[str, Any], modules: Path | None = None) -> Side:
    return Side(f"sides.ours:{factory}", arguments, TURN, modules)


def _native_grid10(
    search: dict[str, Any], library: Path, own_rollout: bool, modules: Path | None = None
) -> Side:
    model = {"library": str(library), "own_rollout": own_rollout}
    return _ours("native_grid10", {**search, **model}, modules)
