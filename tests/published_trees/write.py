"""Writes the trees of this folder: those that mctx publishes, and more that mctx is asked for.

It needs mctx 0.0.71, which no test does: `pip install mctx && python write.py`.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mctx
import numpy as np

FOLDER = Path(__file__).parent
VERSION = f"mctx {importlib.metadata.version('mctx')}"
PUBLISHED = Path(mctx.__file__).parent / "_src/tests/test_data"
DIGITS = 10

#: name -> (policy, its arguments, num_actions, discount, illegal actions of the root)
ASKED_FOR: dict[str, tuple[str, dict[str, Any], int, float, tuple[int, ...]]] = {
    "puct_two_players": ("muzero", {"num_simulations": 200}, 12, -1.0, ()),
    "puct_root_noise": (
        "muzero",
        {"num_simulations": 100, "dirichlet_fraction": 0.25},
        8,
        0.95,
        (),
    ),
    "puct_illegal_actions": ("muzero", {"num_simulations": 100}, 10, 0.997, (0, 3, 7)),
    "puct_depth_bound": ("muzero", {"num_simulations": 150, "max_depth": 3}, 4, 0.9, ()),
    "gumbel_two_players": ("gumbel_muzero", {"num_simulations": 200}, 20, -1.0, ()),
    "gumbel_noise": ("gumbel_muzero", {"num_simulations": 100, "gumbel_scale": 1.0}, 18, 0.997, ()),
    "gumbel_illegal_actions": (
        "gumbel_muzero",
        {"num_simulations": 100},
        20,
        0.997,
        (0, 2, 3, 5, 8, 10, 11, 13, 14, 17, 19),
    ),
    "gumbel_three_considered": (
        "gumbel_muzero",
        {"num_simulations": 64, "max_num_considered_actions": 3},
        6,
        0.9,
        (),
    ),
    "gumbel_fewer_simulations_than_actions": (
        "gumbel_muzero",
        {"num_simulations": 11},
        20,
        0.997,
        (),
    ),
    "gumbel_depth_bound": ("gumbel_muzero", {"num_simulations": 150, "max_depth": 3}, 4, 0.9, ()),
}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    for path in sorted(PUBLISHED.glob("*.json")):
        write(path.stem, from_published(path))
    for seed, name in enumerate(ASKED_FOR):
        write(name, from_search(seed, *ASKED_FOR[name]))


def write(name: str, tree: dict[str, Any]) -> None:
    """One node a line, so that a change can be read."""
    head = json.dumps({key: value for key, value in tree.items() if key != "nodes"}, indent=1)
    lines = ",\n".join(json.dumps(node, separators=(",", ":")) for node in tree["nodes"])
    (FOLDER / f"{name}.json").write_text(f'{head[:-2]},\n "nodes": [\n{lines}\n]}}\n')


def from_published(path: Path) -> dict[str, Any]:
    published = json.loads(path.read_text())
    nodes: dict[int, dict[str, Any]] = {}

    def visit(stats: dict[str, Any], parent: int | None) -> None:
        index = stats["evaluation_index"]
        nodes[index] = {
            "parent": parent,
            "action": stats.get("action"),
            "reward": stats.get("reward"),
            "visits": stats["visit"],
            "value": round(stats["value_view"], DIGITS),
            "own_value": round(stats["raw_value_view"], DIGITS),
            "prior": [child["prior"] for child in stats["child_stats"]],
        }
        for child in stats["child_stats"]:
            if "visit" in child:
                visit(child, index)

    visit(published["tree"], None)
    return {
        "source": f"{VERSION}: mctx/_src/tests/test_data/{path.name}",
        "algorithm": published["algorithm"],
        "arguments": {"num_simulations": len(nodes) - 1, **published["algorithm_config"]},
        "discount": published["env_config"]["discount"],
        "nodes": [nodes[index] for index in range(len(nodes))],
    }


def from_search(
    seed: int,
    algorithm: str,
    arguments: dict[str, Any],
    num_actions: int,
    discount: float,
    illegal: tuple[int, ...],
) -> dict[str, Any]:
    """The tree that mctx grows in an environment whose numbers are all drawn from the seed."""
    policies = {"muzero": mctx.muzero_policy, "gumbel_muzero": mctx.gumbel_muzero_policy}
    silent = {"muzero": {"dirichlet_fraction": 0.0}, "gumbel_muzero": {"gumbel_scale": 0.0}}
    arguments = silent[algorithm] | arguments
    predict = jax.vmap(functools.partial(predicted, num_actions=num_actions))

    def step(params: Any, rng: Any, action: Any, embedding: Any) -> Any:
        following = jax.vmap(jax.random.fold_in)(embedding, action)
        logits, value, reward = predict(following)
        output = mctx.RecurrentFnOutput(
            reward=reward,
            discount=jnp.full_like(reward, discount),
            prior_logits=logits,
            value=value,
        )
        return output, following

    embedding = jax.random.PRNGKey(seed)[None]
    logits, value, _ = predict(embedding)
    rng = jax.random.PRNGKey(1000 + seed)
    invalid = np.isin(np.arange(num_actions), illegal)[None].astype(float)
    output = policies[algorithm](
        (),
        rng,
        mctx.RootFnOutput(prior_logits=logits, value=value, embedding=embedding),
        step,
        invalid_actions=invalid,
        **arguments,
    )
    tree = {
        "source": f"{VERSION}: grown by write.py, seed {seed}",
        "algorithm": algorithm,
        "arguments": arguments,
        "discount": discount,
        "nodes": searched_nodes(output.search_tree, jax.nn.softmax(logits[0])),
    }
    if algorithm == "gumbel_muzero":
        tree["recommended"] = int(output.action[0])
        if arguments["gumbel_scale"]:
            tree["gumbel"] = rounded(output.search_tree.extra_data.root_gumbel[0])
    elif arguments["dirichlet_fraction"]:
        # The draw that mctx makes: it does not hand the numbers on.
        _, noise_rng, _ = jax.random.split(rng, 3)
        alpha = jnp.full([num_actions], 0.3)
        tree["noise"] = rounded(jax.random.dirichlet(noise_rng, alpha, shape=(1,))[0])
        tree["noisy_prior"] = rounded(
            jax.nn.softmax(output.search_tree.children_prior_logits[0, 0])
        )
    if illegal:
        tree["illegal"] = list(illegal)
    return tree


def predicted(embedding: Any, num_actions: int) -> tuple[Any, Any, Any]:
    """(the logits of the priors, the value, the reward of getting here)."""
    logits, value, reward = (jax.random.fold_in(embedding, 1000 + i) for i in range(3))
    return (
        jax.random.normal(logits, [num_actions]),
        jax.random.uniform(value, minval=-1.0, maxval=1.0),
        jax.random.uniform(reward, minval=-0.5, maxval=0.5),
    )


def searched_nodes(tree: mctx.Tree, root_prior: Any) -> list[dict[str, Any]]:
    """Those that were reached, in the order in which they were; the root with the given priors.

    With a bound on the depth some simulations reach no new node, and their places stay empty.
    """
    reached = [i for i in range(tree.node_visits.shape[1]) if tree.node_visits[0, i] > 0]
    priors = jax.nn.softmax(tree.children_prior_logits[0]).at[0].set(root_prior)
    nodes = []
    for index in reached:
        parent, action = int(tree.parents[0, index]), int(tree.action_from_parent[0, index])
        nodes.append(
            {
                "parent": None if index == 0 else reached.index(parent),
                "action": None if index == 0 else action,
                "reward": None
                if index == 0
                else round(float(tree.children_rewards[0, parent, action]), DIGITS),
                "visits": int(tree.node_visits[0, index]),
                "value": round(float(tree.node_values[0, index]), DIGITS),
                "own_value": round(float(tree.raw_values[0, index]), DIGITS),
                "prior": rounded(priors[index]),
            }
        )
    return nodes


def rounded(numbers: Any) -> list[float]:
    return [round(float(number), DIGITS) for number in numbers]


if __name__ == "__main__":
    main()
