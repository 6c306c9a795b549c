"""Wins and losses that are proven: the core as the reference, and against exhaustive search."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from reference_proving import ReferenceProving
from searching import to_the_end

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service._core import Search
from mcts_service.errors import InvalidRequest
from mcts_service.models import ConnectFour, TicTacToe
from mcts_service.planning import StopReason


class Pile:
    """Take one, two or three of a pile; who takes the last one gets 1, the other -1."""

    num_actions = 3
    num_players = 2
    deterministic = True
    return_bounds = (-1.0, 1.0)

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, tuple[float, float], bool]:
        left, player = state
        left -= action + 1
        rewards = (0.0, 0.0)
        if left == 0:
            rewards = (1.0, -1.0) if player == 0 else (-1.0, 1.0)
        return (left, 1 - player), rewards, left == 0

    def legal_actions(self, state: Any) -> list[int]:
        return [action for action in range(3) if action < state[0]]

    def current_player(self, state: Any) -> int:
        return state[1]


class Discounted(Pile):
    """Sooner is better: only a win at once is worth all there is."""

    discount = 0.9


class Maze:
    """One player: the shortest of three corridors, each step for -1."""

    num_actions = 3
    deterministic = True
    return_bounds = (-10.0, 0.0)

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, float, bool]:
        corridor, left = (action, 2 + action) if state is None or state == "start" else state
        return (corridor, left - 1), -1.0, left == 1

    def legal_actions(self, state: Any) -> list[int]:
        return [0, 1, 2] if state == "start" else [0]


BOARD = ConnectFour().state_from_json("444444333335555")


def agree(search: ReferenceProving, node: Any, core: dict[str, Any]) -> int:
    """Asserts that two trees are the same; how many nodes were compared."""
    assert (core["visits"], core["terminal"]) == (node.visits, node.terminal)
    compared = 1
    for edge, other in zip(node.edges, core["edges"], strict=True):
        assert (other["action"], other["visits"], other["value"]) == (
            edge.action,
            edge.visits,
            edge.value,
        )
        for (_, child, _), (_, other_child) in zip(
            edge.outcomes.values(), other["outcomes"], strict=True
        ):
            compared += agree(search, child, other_child)
    return compared


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("model", "root", "horizon"),
    [
        (Pile(), (7, 0), None),
        (Pile(), (12, 1), None),
        (Discounted(), (9, 0), None),
        (Pile(), (12, 0), 4),
        (Maze(), "start", None),
        (TicTacToe(decisive=False), TicTacToe().initial_state(), None),
        (ConnectFour(decisive=False), BOARD, None),
    ],
    ids=["pile 7", "pile 12", "discounted", "horizon", "maze", "tic-tac-toe", "connect four"],
)
def test_the_core_proves_what_the_reference_proves(
    model: Any, root: Any, horizon: int | None, seed: int
) -> None:
    handle = getattr(model, "handle", None)
    core = Search(handle or model, exploration=1.0, max_depth=60, prove=True)
    packed = root if handle is None else model.pack_state(root)
    core.begin(packed, horizon=horizon or 0, allowed=None, seed=seed, max_bytes=2**26)
    end = core.run(300)
    reference = ReferenceProving(
        model, root, seed=seed, exploration=1.0, max_depth=60, horizon=horizon
    )
    node = reference.run(300)
    assert (end == "solved") == node.solved
    assert agree(reference, node, core.tree()) > 1


@cache
def worth(left: int) -> int:
    """Of a pile, to the player to move."""
    return max(1 if take == left else -worth(left - take) for take in (1, 2, 3) if take <= left)


@pytest.mark.parametrize("left", range(1, 13))
def test_a_solved_pile_is_worth_what_exhaustive_search_says(left: int) -> None:
    plan = MCTS(Pile()).plan((left, 0), Budget(simulations=20_000), seed=1)
    assert plan.stop_reason is StopReason.SOLVED
    assert plan.value == worth(left)
    for action in plan.actions:
        taken = action.action + 1
        if action.proven:
            assert action.value == (1 if taken == left else -worth(left - taken))
    assert next(a for a in plan.actions if a.action == plan.action).proven


def test_a_win_in_one_ends_the_search_at_once() -> None:
    state = ConnectFour().state_from_json("112233")
    plan = MCTS(ConnectFour()).plan(state, Budget(simulations=10_000), seed=1)
    assert (plan.action, plan.value, plan.stop_reason) == (3, 1.0, StopReason.SOLVED)
    assert plan.simulations < 200
    assert plan.deterministic


def test_what_is_not_asked_to_be_proven_is_not() -> None:
    state = ConnectFour().state_from_json("112233")
    config = to_the_end(prove=False)
    plan = MCTS(ConnectFour(), config).plan(state, Budget(simulations=500), seed=1)
    assert (plan.action, plan.simulations) == (3, 500)
    assert not any(action.proven for action in plan.actions)


def test_a_model_without_bounds_proves_nothing() -> None:
    class Unbounded(Pile):
        return_bounds = (0.0, 0.0)

    plan = MCTS(Unbounded(), to_the_end()).plan((7, 0), Budget(simulations=300), seed=1)
    assert plan.simulations == 300
    assert not any(action.proven for action in plan.actions)


@pytest.mark.parametrize("in_flight", [2, 16])
def test_what_is_proven_with_many_in_flight_is_true(in_flight: int) -> None:
    planner = MCTS(Pile(), SearchConfig(in_flight=in_flight))
    for left in range(2, 13):
        plan = planner.plan((left, 0), Budget(simulations=3_000), seed=left)
        for action in plan.actions:
            taken = action.action + 1
            if action.proven:
                assert action.value == (1 if taken == left else -worth(left - taken))


def test_a_proven_tree_is_gone_on_with() -> None:
    planner = MCTS(Pile())
    plan = planner.plan((7, 0), Budget(simulations=5_000), seed=1)
    following, _, _ = Pile().sample((7, 0), plan.action, np.random.default_rng(0))
    assert planner.advance(plan.action, following)
    after = planner.plan(following, Budget(simulations=100), seed=2)
    assert after.stop_reason is StopReason.SOLVED
    assert after.value == worth(following[0])
    mover = following[1]
    assert after.player_values[mover] == -after.player_values[1 - mover] == after.value


class Ring:
    """One player on a line: the right end pays 1; every other cell can be come back to."""

    num_actions = 2
    deterministic = True
    return_bounds = (0.0, 1.0)

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        state = max(0, state + (1 if action else -1))
        return state, float(state == 6), state == 6


@pytest.mark.parametrize("sharing", ["depth", "state"])
def test_nothing_is_proven_where_paths_meet(sharing: str) -> None:
    config = to_the_end(evaluation="rollout", backup="mean", sharing=sharing)
    for seed in range(10):
        plan = MCTS(Ring(), config).plan(3, Budget(simulations=500), seed=seed)
        assert plan.simulations == 500
        assert not any(action.proven for action in plan.actions)


@pytest.mark.parametrize("bounds", [(1.0, -1.0), (0.0,), 3, (0.0, float("nan")), ("a", 1.0)])
def test_bounds_that_are_none_are_named(bounds: Any) -> None:
    class Wrong(Pile):
        return_bounds = bounds

    with pytest.raises(InvalidRequest, match=r"^model\.return_bounds"):
        MCTS(Wrong())
