"""The reference for selection by priors, where no published tree says what it must do."""

from __future__ import annotations

import pytest
from reference_priors import GumbelSearch, PuctSearch, considered_visits
from reference_search import Node, ReferenceSearch


class Level:
    """Every path is worth nothing, so that priors alone decide."""

    num_actions = 4
    deterministic = True

    def sample(
        self, state: tuple[int, ...], action: int, rng: object
    ) -> tuple[object, float, bool]:
        return (*state, action), 0.0, False

    def value(self, state: tuple[int, ...]) -> float:
        return 0.0


class Leaning(Level):
    """Actions differ in their priors, which do not sum to 1, and one has none."""

    def prior(self, state: tuple[int, ...]) -> list[float]:
        return [2.0, 0.0, 4.0, 2.0]


def visits(root: Node) -> list[int]:
    return [edge.visits for edge in root.edges]


def puct(model: Level, simulations: int) -> ReferenceSearch:
    search = PuctSearch(model, (), max_depth=9)
    search.run(simulations)
    return search


def gumbel(model: Level, simulations: int, considered: int = 16) -> ReferenceSearch:
    search = GumbelSearch(model, (), simulations=simulations, considered=considered, max_depth=9)
    search.run(simulations)
    return search


@pytest.mark.parametrize(
    ("considered", "simulations", "by_hand"),
    [
        # Two phases of four simulations: four actions once, two of them twice more.
        (4, 8, [0, 0, 0, 0, 1, 1, 2, 2]),
        # Half of three is one, but two are always left.
        (3, 9, [0, 0, 0, 1, 1, 2, 2, 3, 3]),
        (2, 5, [0, 0, 1, 1, 2]),
        (1, 3, [0, 1, 2]),
        # Too few to visit each action once.
        (4, 3, [0, 0, 0]),
        (4, 0, []),
    ],
)
def test_schedule_of_sequential_halving(
    considered: int, simulations: int, by_hand: list[int]
) -> None:
    assert considered_visits(considered, simulations) == by_hand


@pytest.mark.parametrize("grow", [puct, gumbel])
def test_without_priors_the_lowest_of_equal_actions_is_first(grow) -> None:
    assert visits(grow(Level(), 1).root) == [1, 0, 0, 0]
    assert visits(grow(Level(), 2).root) == [1, 1, 0, 0]


def test_puct_visits_equal_values_in_proportion_to_their_priors() -> None:
    search = puct(Leaning(), 400)
    assert [edge.prior for edge in search.root.edges] == [0.25, 0.0, 0.5, 0.25]
    assert visits(search.root) == [100, 0, 200, 100]
    assert search.recommended() == 2


def test_gumbel_considers_an_action_without_a_prior_only_after_all_others() -> None:
    assert visits(gumbel(Leaning(), 3).root) == [1, 0, 1, 1]
    assert visits(gumbel(Leaning(), 4).root) == [1, 1, 1, 1]
    assert visits(gumbel(Leaning(), 8).root) == [3, 1, 3, 1]


def test_gumbel_with_one_considered_action_plays_it() -> None:
    search = gumbel(Leaning(), 5, considered=1)
    assert visits(search.root) == [0, 0, 5, 0]
    assert search.recommended() == 2
