"""PUCT in batches over a latent model: the trees alone, and the whole loop beside mctx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparison import Comparison, Pair
from programs import Programs
from report import Aim, Known
from side_process import Side
from suite.names import LIMIT, SIMULATIONS_A_SECOND

__all__ = ["latent_loops", "latent_trees"]

BATCHES = (1, 32, 256)

TREES_SAME_FLAGS, TREES = "our trees alone, same flags", "our trees alone"
PLANS = "plan_batch"
LIMIT_BY_TREE = "limit, scaled by tree"
#: Of the trees alone.
SIMULATIONS, TURN = 50, 50_000

#: LightZero's calls of its trees, without a model: simulations a second, by the batch.
LIGHT_ZERO = {1: 128_000, 32: 310_000, 256: 253_000}

MCTX, SEARCHES = "mctx", "our searches alone"
LOOP_SIMULATIONS = (32, 128, 512)
LOOP_TURNS = {1: 2_048, 32: 8_192, 256: 16_384}
LOOP_ROUNDS = 5
#: From so many simulations a call on, mctx works for tens of seconds.
LONG, LONG_ROUNDS = 100_000, 2
#: What a quick run has time for, as JAX takes seconds to compile each.
QUICK = (32, 32)


def latent_trees(programs: Programs) -> Iterator[Comparison]:
    """Our trees with a compiled model that answers in batches against the limit."""
    for batch in BATCHES:
        work = {"batch": batch, "simulations": SIMULATIONS}
        ours = {**work, "preset": "puct", "library": str(programs.latent)}
        limit = {**work, "program": str(programs.batch_limit)}
        extension = programs.native_extension
        sides = {
            TREES_SAME_FLAGS: Side("sides.our_batches:Trees", ours, TURN, extension),
            LIMIT: _limit(limit, "node"),
            TREES: Side("sides.our_batches:Trees", ours, TURN),
            PLANS: Side("sides.our_batches:Plans", ours, TURN),
            LIMIT_BY_TREE: _limit(limit, "tree"),
        }
        known = Known(
            "LightZero, its tree calls alone",
            f"{LIGHT_ZERO[batch]:,} simulations a second, 743 bytes a simulation",
            TREES,
            LIGHT_ZERO[batch],
            Aim(5, "higher"),
        )
        yield Comparison(
            f"Latent PUCT, trees of {SIMULATIONS} simulations, compiled model",
            f"batch {batch}",
            SIMULATIONS_A_SECOND,
            "higher",
            sides,
            [
                Pair(TREES_SAME_FLAGS, LIMIT),
                Pair(TREES, LIMIT),
                Pair(PLANS, TREES),
                Pair(TREES_SAME_FLAGS, LIMIT_BY_TREE),
            ],
            known=(known,),
        )


def latent_loops(programs: Programs) -> Iterator[Comparison]:
    """`plan_batch` with the model in NumPy against mctx with the same table, compiled."""
    for preset in ("puct", "gumbel"):
        for batch in BATCHES:
            for simulations in LOOP_SIMULATIONS:
                yield _loop(programs, preset, batch, simulations)


def _loop(programs: Programs, preset: str, batch: int, simulations: int) -> Comparison:
    work = {
        "preset": preset,
        "batch": batch,
        "simulations": simulations,
        "library": str(programs.latent),
    }
    takes_long = batch * simulations >= LONG
    amount = max(LOOP_TURNS[batch], batch * simulations)
    sides = {
        PLANS: Side("sides.our_batches:NumpyPlans", work, amount),
        MCTX: Side("sides.mctx_policy:MctxPolicy", work, amount),
    }
    pairs = [Pair(PLANS, MCTX, Aim(1.0, "higher"))]
    if not takes_long:
        sides[SEARCHES] = Side("sides.our_batches:NumpyTrees", work, amount)
        pairs.append(Pair(PLANS, SEARCHES))
    return Comparison(
        "Latent model in NumPy, whole loop",
        f"{preset}, batch {batch}, {simulations} simulations",
        SIMULATIONS_A_SECOND,
        "higher",
        sides,
        pairs,
        most_rounds=LONG_ROUNDS if takes_long else LOOP_ROUNDS,
        warms_up=not takes_long,
        is_long=(batch, simulations) != QUICK,
    )


def _limit(arguments: dict[str, Any], scale: str) -> Side:
    return Side("sides.batch_limit:BatchLimit", {**arguments, "scale": scale}, TURN)
