"""mctx on the CPU, compiled as a whole, with the latent model as look-ups in a table."""

from __future__ import annotations

import os
import time
from typing import Any

# Before JAX is loaded: one thread, as the other sides, and the CPU.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import mctx
import numpy as np
from models.latent import STATES, LatentTable
from sides.work import Work

__all__ = ["MctxPolicy"]

DISCOUNT = 0.997


class MctxPolicy(Work):
    """One batch after the other, row i from state i. Compiling is done beforehand.

    Args:
      preset: "puct" for `muzero_policy`, without noise; "gumbel" for `gumbel_muzero_policy`.
      batch: rows.
      simulations: of each.
      library: compiled from latent.c.
    """

    def __init__(self, preset: str, batch: int, simulations: int, library: str) -> None:
        table = LatentTable.of(library)
        self.following = jnp.array(table.column("next", np.int32))
        self.rewards = jnp.array(table.column("reward", np.float32))
        self.values = jnp.array(table.column("value", np.float32))
        self.logits = jnp.log(jnp.array(table.column("prior", np.float32)))
        self.preset, self.batch, self.simulations = preset, batch, simulations
        self.states = jnp.arange(batch) % STATES
        self.policy = jax.jit(self._search).lower(jax.random.PRNGKey(0), self.states).compile()

    def turn(self, amount: int) -> float:
        total = self.batch * self.simulations
        batches = max(1, amount // total)
        keys = [jax.random.PRNGKey(seed) for seed in range(batches)]
        started = time.perf_counter()
        for key in keys:
            self.policy(key, self.states).action.block_until_ready()
        return batches * total / (time.perf_counter() - started)

    def counts(self) -> dict[str, float]:
        tree = self.policy(jax.random.PRNGKey(0), self.states).search_tree
        arrays = jax.tree_util.tree_leaves(tree)
        return {
            "depth": _mean_depth(np.asarray(tree.parents)),
            "steps": 1.0,
            "bytes": sum(array.nbytes for array in arrays) / (self.batch * self.simulations),
        }

    def _search(self, key: Any, states: Any) -> Any:
        root = mctx.RootFnOutput(
            prior_logits=self.logits[states], value=self.values[states], embedding=states
        )
        if self.preset == "gumbel":
            return mctx.gumbel_muzero_policy(None, key, root, self._step, self.simulations)
        return mctx.muzero_policy(
            None, key, root, self._step, self.simulations, dirichlet_fraction=0.0
        )

    def _step(self, params: None, key: Any, actions: Any, states: Any) -> Any:
        following = self.following[states, actions]
        output = mctx.RecurrentFnOutput(
            reward=self.rewards[states, actions],
            discount=jnp.full(actions.shape, DISCOUNT),
            prior_logits=self.logits[following],
            value=self.values[following],
        )
        return output, following


def _mean_depth(parents: np.ndarray) -> float:
    """Of the nodes, of which each simulation has added one behind the root.

    Args:
      parents: int[B, 1 + simulations], of which the first is the root's.
    """
    rows, depths = np.arange(len(parents)), np.zeros(parents.shape)
    for node in range(1, parents.shape[1]):
        depths[:, node] = depths[rows, parents[:, node]] + 1
    return float(depths[:, 1:].mean())
