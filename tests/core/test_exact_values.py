"""Problems small enough to be worked out by hand."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from searching import read, run_search
from small_models import Arms

from mcts_service.planning import ActionStatistics


def best(search: Any) -> ActionStatistics:
    """The root's action with the most visits."""
    return max(read(search).actions, key=lambda row: row.visits)


def test_certain_arms_are_worth_what_they_pay() -> None:
    search = run_search(Arms(lambda rng: 0.25, lambda rng: 1.0, lambda rng: -0.5), 0, 500)
    assert [row.value for row in read(search).actions] == [0.25, 1.0, -0.5]
    assert [row.standard_error for row in read(search).actions] == [0.0, 0.0, 0.0]
    assert best(search).action == 1


def test_uncertain_arms_are_worth_their_expectation() -> None:
    search = run_search(
        Arms(
            lambda rng: float(rng.random() < 0.7),
            lambda rng: 2.0 * (rng.random() < 0.3),
            lambda rng: rng.random(),
        ),
        0,
        20_000,
    )
    # Within 5 standard errors but for one seed in 500,000, three values together.
    for row, expected in zip(read(search).actions, [0.7, 0.6, 0.5], strict=True):
        assert row.visits > 1
        assert abs(row.value - expected) < 5 * row.standard_error
    assert best(search).action == 0


def test_equal_arms_share_the_visits() -> None:
    search = run_search(Arms(*[lambda rng: 1.0] * 4), 0, 400)
    assert [row.visits for row in read(search).actions] == [100] * 4


class TwoSteps:
    """Two choices in a row: 0.6 for sure, or a gamble that a second choice can mend.

    Action 0 pays 0.6 and ends. Action 1 leads to the good or the bad room, each with
    probability 1/2; in the good one the actions pay 2 and 0, in the bad one 0 and 0.1. The
    expectation of action 1 under the best play is (2 + 0.1) / 2 = 1.05.
    """

    num_actions = 2
    pay: ClassVar = {"good": (2.0, 0.0), "bad": (0.0, 0.1)}

    def sample(self, state: str, action: int, rng: Any) -> tuple[str, float, bool]:
        if state != "start":
            return "end", self.pay[state][action], True
        if action == 0:
            return "end", 0.6, True
        return ("good" if rng.random() < 0.5 else "bad"), 0.0, False


@pytest.mark.parametrize("seed", range(3))
def test_two_step_tree_finds_the_value_of_the_best_play(seed: int) -> None:
    search = run_search(TwoSteps(), "start", 20_000, seed=seed)
    tried = best(search)
    assert tried.action == 1
    # Exploration in the rooms costs a little; the rest is chance, of standard error 0.007.
    assert 0.95 < tried.value < 1.09
    assert read(search).actions[0].value == pytest.approx(0.6, abs=1e-12)


class DelayedPay:
    """Pays 1 on the third step, whatever is done."""

    num_actions = 2
    discount = 0.5

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        return state + 1, float(state == 2), state == 2


def test_discount_is_exact_in_tree_and_rollout() -> None:
    for simulations in (2, 10, 1000):
        search = run_search(DelayedPay(), 0, simulations)
        assert [row.value for row in read(search).actions] == [0.25, 0.25]


class DoubleOrNothing:
    """A game against oneself as two players: what one wins the other loses."""

    num_actions = 2
    num_players = 2

    def current_player(self, state: int) -> int:
        return state % 2

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, tuple[float, float], bool]:
        pay = (3.0 if action else 1.0) * (1 if state % 2 == 0 else -1)
        return state + 1, (pay, -pay), state == 1


def test_each_player_takes_what_is_best_for_itself() -> None:
    search = run_search(DoubleOrNothing(), 0, 20_000)
    tried = best(search)
    # The first takes 3, then the second takes 3 back; without 1 in 100 visits of exploration.
    assert tried.action == 1
    assert tried.visits > 19_000
    assert abs(tried.value) < 0.1
    first, second = read(search).player_values
    assert first == -second
    line = read(search).principal_variation
    assert [step.action for step in line] == [1, 1]
    assert line[1].value == 3.0
