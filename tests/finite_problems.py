"""Small finite problems drawn at random, and their exact values by plain NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies

from mcts_service.models import TabularModel

MOST_STATES, MOST_ACTIONS, MOST_OUTCOMES = 7, 3, 4

#: (probability, next_state, reward, terminated)
Outcome = tuple[float, int, float, bool]
Table = list[dict[int, list[Outcome]]]


@strategies.composite
def tables(draw: strategies.DrawFn, always_ends: bool = False) -> Table:
    """P[state][action]: some actions are not legal, some outcomes terminated or to one state.

    Args:
      always_ends: every action may end the episode, so that it does by any policy.
    """
    rng = np.random.default_rng(draw(strategies.integers(0, 2**32 - 1)))
    size = draw(strategies.integers(1, MOST_STATES))
    num_actions = draw(strategies.integers(1, MOST_ACTIONS))

    def outcomes() -> list[Outcome]:
        count = int(rng.integers(1, MOST_OUTCOMES + 1)) + always_ends
        probabilities = rng.dirichlet(np.ones(count))
        ends = rng.random(count) < 0.2
        ends[0] |= always_ends
        return [
            (float(p), int(rng.integers(size)), float(rng.normal()), bool(end))
            for p, end in zip(probabilities, ends, strict=True)
        ]

    table: Table = []
    for _ in range(size):
        legal = np.flatnonzero(rng.random(num_actions) < 0.7)
        legal = legal if len(legal) else np.array([int(rng.integers(num_actions))])
        table.append({int(action): outcomes() for action in legal})
    return table


def exact_q(model: TabularModel, values: np.ndarray, discount: float) -> np.ndarray:
    """Action values by definition, outcome by outcome; -inf where not legal or terminal."""
    q = np.full((model.num_states, model.num_actions), -np.inf)
    rows = model.rows()
    terminal = model.terminal_states()
    for row in range(rows.num_rows):
        entries = range(rows.row_start[row], rows.row_start[row + 1])
        state, action = divmod(row, rows.num_actions)
        if entries and not terminal[state]:
            q[state, action] = sum(
                rows.probabilities[k]
                * (
                    rows.rewards[k]
                    + discount * values[rows.next_states[k]] * (not rows.terminated[k])
                )
                for k in entries
            )
    return q


def exact_policy_values(model: TabularModel, policy: np.ndarray, discount: float) -> np.ndarray:
    """(1 - discount P) v = r for a policy float64[S, A], solved as it is."""
    rows = model.rows()
    matrix, right = np.eye(model.num_states), np.zeros(model.num_states)
    for row in range(rows.num_rows):
        state, action = divmod(row, rows.num_actions)
        if model.terminal_states()[state]:
            continue
        for k in range(rows.row_start[row], rows.row_start[row + 1]):
            weight = policy[state, action] * rows.probabilities[k]
            right[state] += weight * rows.rewards[k]
            if not rows.terminated[k]:
                matrix[state, rows.next_states[k]] -= discount * weight
    values: np.ndarray = np.linalg.solve(matrix, right)
    return values


def exact_values(model: TabularModel, discount: float) -> np.ndarray:
    """The best values, by Howard's policy iteration on the equations above."""
    zero = exact_q(model, np.zeros(model.num_states), discount)
    acts = np.isfinite(zero).any(axis=1)
    actions = zero.argmax(axis=1)
    while True:
        values = exact_policy_values(model, np.eye(model.num_actions)[actions], discount)
        values[~acts] = 0.0
        q = exact_q(model, values, discount)
        better = acts & (q.max(axis=1) > values + 1e-11)
        if not better.any():
            return values
        actions = np.where(better, q.argmax(axis=1), actions)
