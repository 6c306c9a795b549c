"""Running the compiled search without the planner around it."""

from __future__ import annotations

from typing import Any

from mcts_service._core import Search


def run_search(
    model: Any,
    root: Any,
    simulations: int,
    *,
    seed: int = 0,
    max_depth: int = 50,
    horizon: int | None = None,
    use_value: bool = False,
    exploration: float = 1.0,
) -> Search:
    """A search from `root` that has run its simulations; its tree can be read."""
    handle = getattr(model, "handle", None)
    search = Search(
        handle if handle is not None else model,
        exploration=exploration,
        max_depth=max_depth,
        use_value=use_value,
    )
    state = root if handle is None else model.pack_state(root)
    search.begin(state, horizon=horizon or 0, allowed=None, seed=seed, max_bytes=2**28)
    assert search.run(simulations) == "simulations"
    return search
