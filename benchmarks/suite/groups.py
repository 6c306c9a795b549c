"""The groups of comparisons by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from comparison import Comparison
from programs import Programs
from suite.calls import calls
from suite.graph import graphs
from suite.latent import latent_loops, latent_trees
from suite.native import games, native_grid10
from suite.python import python_grid10
from suite.scaling import scaling
from suite.threads import threads

__all__ = ["GROUPS"]

#: By the name that `--only` takes. Each gives comparisons when it is asked to.
GROUPS: dict[str, Callable[[Programs], Iterator[Comparison]]] = {
    "games": games,
    "grid10": native_grid10,
    "scaling": scaling,
    "threads": threads,
    "graph": graphs,
    "python": python_grid10,
    "latent": latent_trees,
    "mctx": latent_loops,
    "calls": calls,
}
