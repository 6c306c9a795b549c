"""From counts to a table: weights of outcomes, and what fills the gaps."""

from __future__ import annotations

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.outcomes import Outcomes
from mcts_service.learning.fit.unseen import Assumed
from mcts_service.models import TabularModel

__all__ = ["assumed_next", "sampled_weights", "table_of", "weights_of"]

#: Outcomes of a table with a prior: every state after every action of every state.
_MOST_DENSE = 50_000_000


def weights_of(outcomes: Outcomes, prior: float) -> np.ndarray:
    """How much each outcome weighs in its row: counts, and after them the prior of each state.

    Returns:
      float64[K], or with a prior float64[K + num_rows * num_states].
    Raises:
      InvalidRequest: a table with a prior has more entries than are reasonable.
    """
    seen = outcomes.counts.astype(np.float64)
    if prior == 0:
        return seen
    dense = outcomes.num_rows * outcomes.num_states
    if dense > _MOST_DENSE:
        raise InvalidRequest(
            "prior",
            f"is {prior}; must be 0 for {outcomes.num_states} states and {outcomes.num_actions} "
            f"actions, as every state would follow every action: {dense} outcomes",
        )
    return np.concatenate([seen, np.full(dense, prior)])


def sampled_weights(outcomes: Outcomes, prior: float, rng: np.random.Generator) -> np.ndarray:
    """Weights as of `weights_of`, drawn: in proportion, a row is one draw of its posterior.

    What was seen and the prior of the same state are two entries of one outcome: sums of gamma
    variables are gamma variables, so that their sum is drawn right.

    Draws are made as logarithms and scaled by the greatest of their row: of a small prior a gamma
    variable is mostly less than any float, and rows would end without an outcome.
    Source: gamma(a) = gamma(a + 1) U^(1 / a), Marsaglia and Tsang (2000), section 6.
    """
    shapes = weights_of(outcomes, prior)
    # A prior near the least float divides to infinity, and differences of two would be NaN.
    exponents = np.minimum(
        rng.standard_exponential(len(shapes)) / shapes, 0.5 * np.finfo(np.float64).max
    )
    drawn = np.log(rng.standard_gamma(shapes + 1.0)) - exponents
    seen = len(outcomes.rows)
    greatest = np.full(outcomes.num_rows, -np.inf)
    np.maximum.at(greatest, outcomes.rows, drawn[:seen])
    if prior > 0:
        of_prior = drawn[seen:].reshape(outcomes.num_rows, outcomes.num_states)
        greatest = np.maximum(greatest, of_prior.max(axis=1))
        of_prior -= greatest[:, np.newaxis]
    drawn[:seen] -= greatest[outcomes.rows]
    weights: np.ndarray = np.exp(drawn)
    return weights


def table_of(
    outcomes: Outcomes,
    weights: np.ndarray,
    prior: float,
    terminal: np.ndarray,
    assumed: Assumed,
    *,
    is_legal: bool,
    initial: np.ndarray,
    discount: float,
) -> TabularModel:
    """The native table of weighted outcomes.

    Args:
      weights: as of `weights_of`; a row's probabilities are in their proportion.
      terminal: bool[num_states]; those stay where they are, with reward 0, ended.
      assumed: of an action never seen.
      is_legal: whether it may be taken where another was seen.
      initial: the probability of each state to start in, float64[num_states].
    """
    row, following, reward, ended = _entries(outcomes, prior, terminal)
    kept = (weights > 0) & ~terminal[row // outcomes.num_actions]
    row, following, reward, ended = row[kept], following[kept], reward[kept], ended[kept]
    weights = weights[kept]
    filled, gap_following, gap_reward, gap_ended = _gaps(outcomes, row, terminal, assumed, is_legal)
    row = np.concatenate([row, filled])
    weights = np.concatenate([weights, np.ones(len(filled))])
    following = np.concatenate([following, gap_following])
    reward = np.concatenate([reward, gap_reward])
    ended = np.concatenate([ended, gap_ended])
    order = np.argsort(row, kind="stable")
    lengths = np.bincount(row, minlength=outcomes.num_rows)
    totals = np.bincount(row, weights, outcomes.num_rows)
    return TabularModel.from_arrays(
        np.concatenate(([0], np.cumsum(lengths))),
        (weights / totals[row])[order],
        following[order],
        reward[order],
        ended[order],
        num_actions=outcomes.num_actions,
        discount=discount,
        initial=initial,
        description=f"learned from {int(outcomes.counts.sum()):,} steps",
    )


def _entries(
    outcomes: Outcomes, prior: float, terminal: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(row, next state, reward, terminated) of each weight; those of the prior come last."""
    seen = (outcomes.rows, outcomes.next_states, outcomes.rewards, outcomes.terminated)
    if prior == 0:
        return seen
    row = np.repeat(np.arange(outcomes.num_rows), outcomes.num_states)
    following = np.tile(np.arange(outcomes.num_states), outcomes.num_rows)
    ended = terminal[following]
    place = outcomes.find(row, following, ended)
    reward = np.where(place >= 0, outcomes.rewards[place], outcomes.mean_rewards()[row])
    return (
        np.concatenate([seen[0], row]),
        np.concatenate([seen[1], following]),
        np.concatenate([seen[2], reward]),
        np.concatenate([seen[3], ended]),
    )


def _gaps(
    outcomes: Outcomes,
    row: np.ndarray,
    terminal: np.ndarray,
    assumed: Assumed,
    is_legal: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(row, next state, reward, terminated) of what is filled in where no outcome is known."""
    num_actions = outcomes.num_actions
    is_empty = np.bincount(row, minlength=outcomes.num_rows) == 0
    by_state = is_empty.reshape(-1, num_actions)
    is_unknown = np.repeat(by_state.all(axis=1), num_actions)
    is_terminal = np.repeat(terminal, num_actions)
    if not is_legal:
        is_empty &= is_unknown
    filled = np.flatnonzero(is_empty)
    reward = np.where(is_unknown, assumed.unknown_reward, assumed.reward)
    reward, ended = np.where(is_terminal, 0.0, reward), is_terminal | assumed.terminated
    state = np.repeat(np.arange(outcomes.num_states), num_actions)
    following = np.where(is_terminal, state, assumed_next(state, assumed, terminal))
    return filled, following[filled], reward[filled], ended[filled]


def assumed_next(states: np.ndarray, assumed: Assumed, terminal: np.ndarray) -> np.ndarray:
    """Where an action never tried leads to from each state: int64[N].

    Where it ends the episode, to the first terminal state, if there is one.
    """
    if not assumed.terminated or not terminal.any():
        return states
    return np.full_like(states, int(terminal.argmax()))
