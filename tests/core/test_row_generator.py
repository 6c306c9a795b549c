"""The generator of a batch: each row draws what it would draw alone, from its own stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from reference_search import Stream

from mcts_service import MCTS, Budget, Plan
from mcts_service._core import SeededRows
from mcts_service.errors import ModelFault

ROWS = 6
SEEDS = [0, 1, 2, 77, 2**63, 2**64 - 1]
PER_ROW = np.array([0.5, 1.0, 2.0, 3.0, 7.0, 40.0])
WEIGHTS = np.array([[0.1, 0.2, 0.7], [1.0, 0.0, 0.0], [0.3, 0.3, 0.4]] * 2)

Draw = Callable[..., Any]


class OneStep:
    """A bandit with one arm, whose batch of pulls is handed to `draw`."""

    num_actions = 1

    def __init__(self, draw: Draw) -> None:
        self.draw, self.drawn = draw, None
        self.error: Exception | None = None  # of the first call, for all rows

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        if self.error is None:
            try:
                self.drawn = self.draw(rng)
            except Exception as error:
                self.error = error
        return states, np.zeros(len(states)), np.ones(len(states), np.bool_)


def draw_by_rows(draw: Draw, seeds: list[int] = SEEDS) -> Any:
    """What `draw` gets from the generator of a batch with these seeds."""
    model = OneStep(draw)
    plans = MCTS(model).plan_batch([0] * len(seeds), Budget(simulations=1), seeds=seeds)
    assert all(isinstance(plan, Plan) for plan in plans)
    if model.error is not None:
        raise model.error
    return model.drawn


def generator_of(seed: int) -> np.random.Generator:
    """NumPy's, on the stream of that row when its step is asked for."""
    stream = Stream(seed, 0)
    stream.draw()  # the choice among the one untried action
    return np.random.Generator(stream.bit_generator)


def assert_rows_are_as_alone(by_rows: Draw, alone: Draw | None = None) -> None:
    """`alone` draws for one row, from a NumPy generator and the row's number."""
    drawn = draw_by_rows(by_rows)
    assert isinstance(drawn, np.ndarray)
    assert len(drawn) == ROWS
    one = alone or (lambda rng, row: by_rows(rng))
    for row, seed in enumerate(SEEDS):
        expected = np.asarray(one(generator_of(seed), row))
        assert drawn[row].dtype == expected.dtype
        assert drawn[row].shape == expected.shape
        assert drawn[row].tobytes() == expected.tobytes()


#: Drawn once a row, with no size: each reads the same for one state and for many.
WITHOUT_SIZE: dict[str, Draw] = {
    "random": lambda rng: rng.random(),
    "uniform": lambda rng: rng.uniform(),
    "uniform with bounds": lambda rng: rng.uniform(-3.0, 5.5),
    "uniform by name": lambda rng: rng.uniform(high=2.0, low=1.0),
    "uniform between equal bounds": lambda rng: rng.uniform(2.0, 2.0),
    "integers": lambda rng: rng.integers(10),
    "integers of width 1": lambda rng: rng.integers(7, 8),
    "integers of width 1 by endpoint": lambda rng: rng.integers(7, 7, endpoint=True),
    "integers of width 2": lambda rng: rng.integers(2),
    "integers below 0": lambda rng: rng.integers(-9, -3),
    "integers around 0": lambda rng: rng.integers(-5, 5, endpoint=True),
    "integers that are often rejected": lambda rng: rng.integers(2**31 + 1),
    "integers of width 2**32 - 2": lambda rng: rng.integers(2**32 - 2),
    "integers of width 2**32 - 1": lambda rng: rng.integers(2**32 - 1),
    "integers of width 2**32": lambda rng: rng.integers(2**32),
    "integers of width 2**32 by endpoint": lambda rng: rng.integers(2**32 - 1, endpoint=True),
    "integers of width 2**32 + 1": lambda rng: rng.integers(2**32 + 1),
    "integers of 40 bits": lambda rng: rng.integers(2**40),
    "integers of all 64 bits": lambda rng: rng.integers(-(2**63), 2**63 - 1, endpoint=True),
    "integers from the least": lambda rng: rng.integers(-(2**63), 10 - 2**63),
    "integers to the greatest": lambda rng: rng.integers(2**63 - 3, 2**63 - 1, endpoint=True),
    "integers by NumPy's own": lambda rng: rng.integers(np.int64(-2), np.int32(3)),
    "integers over NumPy's whole range": lambda rng: rng.integers(
        np.int64(-(2**63)), np.int64(2**63 - 1)
    ),
    "integers of another type": lambda rng: rng.integers(200, dtype=np.uint8),
    "normal": lambda rng: rng.normal(),
    "normal with moments": lambda rng: rng.normal(3.0, 0.25),
    "standard_normal": lambda rng: rng.standard_normal(),
    "lognormal": lambda rng: rng.lognormal(0.5, 0.2),
    "exponential": lambda rng: rng.exponential(2.0),
    "standard_exponential": lambda rng: rng.standard_exponential(),
    "gamma": lambda rng: rng.gamma(0.5, 2.0),
    "beta": lambda rng: rng.beta(2.0, 3.0),
    "laplace": lambda rng: rng.laplace(1.0, 2.0),
    "triangular": lambda rng: rng.triangular(0.0, 1.0, 4.0),
    "poisson": lambda rng: rng.poisson(3.5),
    "poisson of much": lambda rng: rng.poisson(lam=1e4),
    "binomial": lambda rng: rng.binomial(20, 0.3),
    "geometric": lambda rng: rng.geometric(0.2),
    "choice of a number": lambda rng: rng.choice(5),
    "choice by weights": lambda rng: rng.choice(3, p=[0.5, 0.25, 0.25]),
    "choice of a list": lambda rng: rng.choice([10, 20, 30]),
}


@pytest.mark.parametrize("name", WITHOUT_SIZE)
def test_a_row_is_drawn_as_it_is_alone(name: str) -> None:
    assert_rows_are_as_alone(WITHOUT_SIZE[name])


#: The same with sizes: for many rows, and for the one.
WITH_SIZE: dict[str, Draw] = {
    "random": lambda rng, size: rng.random(size),
    "random by name": lambda rng, size: rng.random(size=size),
    "uniform": lambda rng, size: rng.uniform(-1.0, 2.0, size),
    "integers": lambda rng, size: rng.integers(-3, 4, size),
    "integers of width 2**32 - 1": lambda rng, size: rng.integers(0, 2**32 - 1, size),
    "integers of width 2**33": lambda rng, size: rng.integers(0, 2**33, size=size),
    "integers of width 1": lambda rng, size: rng.integers(4, 5, size=size),
    "normal": lambda rng, size: rng.normal(0.0, 2.0, size),
    "standard_normal": lambda rng, size: rng.standard_normal(size),
    "poisson": lambda rng, size: rng.poisson(2.0, size),
    "choice": lambda rng, size: rng.choice(9, size),
    "choice by weights": lambda rng, size: rng.choice(3, size=size, p=[0.2, 0.3, 0.5]),
}


@pytest.mark.parametrize("rest", [(), (1,), (3,), (2, 3), (0,)])
@pytest.mark.parametrize("name", WITH_SIZE)
def test_the_first_axis_of_a_size_is_the_rows(name: str, rest: tuple[int, ...]) -> None:
    draw = WITH_SIZE[name]
    size: Any = rest or None
    assert_rows_are_as_alone(lambda rng: draw(rng, (ROWS, *rest)), lambda rng, row: draw(rng, size))


def test_a_size_may_be_a_number_a_list_or_one_of_numpys() -> None:
    for size in (ROWS, [ROWS], np.int64(ROWS), (np.int32(ROWS),)):
        assert_rows_are_as_alone(
            lambda rng, size=size: rng.random(size), lambda rng, row: rng.random()
        )


def test_choice_without_replacement_is_each_rows_own() -> None:
    assert_rows_are_as_alone(
        lambda rng: rng.choice(5, (ROWS, 3), replace=False),
        lambda rng, row: rng.choice(5, 3, replace=False),
    )


#: Arguments with one entry a row.
BY_ROW: dict[str, tuple[Draw, Draw]] = {
    "uniform's bounds": (
        lambda rng: rng.uniform(-PER_ROW, PER_ROW),
        lambda rng, row: rng.uniform(-PER_ROW[row], PER_ROW[row]),
    ),
    "uniform's bounds, several a row": (
        lambda rng: rng.uniform(0.0, PER_ROW, (ROWS, 4)),
        lambda rng, row: rng.uniform(0.0, PER_ROW[row], 4),
    ),
    "integers' bound": (
        lambda rng: rng.integers(PER_ROW.astype(np.int64) + 1),
        lambda rng, row: rng.integers(int(PER_ROW[row]) + 1),
    ),
    "poisson's rate": (
        lambda rng: rng.poisson(PER_ROW),
        lambda rng, row: rng.poisson(PER_ROW[row]),
    ),
    "normal's moments": (
        lambda rng: rng.normal(PER_ROW, scale=PER_ROW, size=(ROWS, 2)),
        lambda rng, row: rng.normal(PER_ROW[row], PER_ROW[row], 2),
    ),
    "choice's weights": (
        lambda rng: rng.choice(3, p=WEIGHTS),
        lambda rng, row: rng.choice(3, p=WEIGHTS[row]),
    ),
}


@pytest.mark.parametrize("name", BY_ROW)
def test_an_argument_with_an_entry_a_row_is_each_rows_own(name: str) -> None:
    assert_rows_are_as_alone(*BY_ROW[name])


@pytest.mark.parametrize("count", [ROWS, ROWS + 1])
def test_what_choice_chooses_from_is_the_same_for_all_rows(count: int) -> None:
    prizes, weights = np.arange(10.0, 10.0 + count), np.arange(1.0, count + 1)
    weights /= weights.sum()
    assert_rows_are_as_alone(lambda rng: rng.choice(prizes))
    assert_rows_are_as_alone(lambda rng: rng.choice(prizes, p=weights))


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(np.zeros(3), size=(ROWS, 3)),
        lambda rng: rng.uniform(np.zeros(3), 1.0, (ROWS, 3)),
        lambda rng: rng.poisson(np.ones(1)),
        lambda rng: rng.integers(np.array([3, 4])),
    ],
)
def test_an_array_with_another_number_of_entries_is_refused(draw: Draw) -> None:
    with pytest.raises(ValueError, match=rf"must be a number or have an entry a row, {ROWS}"):
        draw_by_rows(draw)


def test_draws_follow_each_other_on_one_stream() -> None:
    def several(rng: Any, count: Any) -> list[Any]:
        return [
            rng.random(count),
            rng.integers(5, size=count),
            rng.normal(size=count),
            rng.integers(2**31 + 1, size=count),
            rng.choice(4, count),
            rng.uniform(1.0, 2.0, count),
            rng.poisson(2.0, count),
            rng.random(count),
        ]

    assert_rows_are_as_alone(
        lambda rng: np.stack([np.asarray(d, float) for d in several(rng, ROWS)], axis=1),
        lambda rng, row: np.array([float(d) for d in several(rng, None)]),
    )


def test_a_row_does_not_depend_on_how_many_there_are() -> None:
    def draw(rng: Any) -> Any:
        return np.stack([rng.random(), rng.normal(), rng.choice([1.0, 2.0, 3.0])], axis=1)

    together = draw_by_rows(draw)
    for row, seed in enumerate(SEEDS):
        assert draw_by_rows(draw, [seed]).tobytes() == together[row].tobytes()


def test_its_length_is_the_rows() -> None:
    assert draw_by_rows(len) == ROWS


@pytest.mark.parametrize("size", [ROWS - 1, ROWS + 1, 0, (), [], (3, ROWS), (1,), "6"])
def test_a_size_without_the_rows_is_refused(size: Any) -> None:
    for name in ("random", "standard_normal", "uniform"):
        with pytest.raises(ValueError, match=rf"its first axis must be the {ROWS} rows"):
            draw_by_rows(lambda rng, name=name: getattr(rng, name)(size=size))
    with pytest.raises(ValueError, match=rf"its first axis must be the {ROWS} rows"):
        draw_by_rows(lambda rng: rng.integers(3, size=size))


@pytest.mark.parametrize("name", ["permutation", "shuffle", "bytes", "dirichlet", "bit_generator"])
def test_what_cannot_be_drawn_by_rows_says_what_can(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"has no {name}; it has random, uniform, integers"):
        draw_by_rows(lambda rng: getattr(rng, name))


@pytest.mark.parametrize(
    ("draw", "error"),
    [
        (lambda rng: rng.integers(0), ValueError),
        (lambda rng: rng.integers(5, 5), ValueError),
        (lambda rng: rng.integers(5, 4), ValueError),
        (lambda rng: rng.integers(0, 2**63 + 1), ValueError),
        (lambda rng: rng.integers(2**63, 2**63 + 1), ValueError),
        (lambda rng: rng.integers(-(2**63) - 1, 3 - 2**63), ValueError),
        (lambda rng: rng.uniform(1.0, -1.0), ValueError),
        (lambda rng: rng.uniform(0.0, float("inf")), OverflowError),
        (lambda rng: rng.uniform(float("nan"), 1.0), OverflowError),
        (lambda rng: rng.normal(0.0, -1.0), ValueError),
        (lambda rng: rng.choice(3, p=[0.5, 0.6, 0.7]), ValueError),
        (lambda rng: rng.random(ROWS, ROWS), TypeError),
        (lambda rng: rng.normal(0.0, 1.0, ROWS, 4), TypeError),
        (lambda rng: rng.poisson(rate=3.0), TypeError),
        (lambda rng: rng.poisson(2.0, lam=3.0), TypeError),
    ],
)
def test_a_wrong_argument_raises_as_numpys_generator_does(
    draw: Draw, error: type[Exception]
) -> None:
    with pytest.raises(error):
        draw(np.random.default_rng(0))
    with pytest.raises(error):
        draw_by_rows(draw)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.random(),
        lambda rng: rng.uniform(),
        lambda rng: rng.integers(3),
        lambda rng: rng.integers(2**40),
        lambda rng: rng.normal(),
        lambda rng: rng.choice(3),
        lambda rng: rng.poisson(np.ones(ROWS)),
    ],
)
def test_after_the_call_it_says_that_it_is_too_late(draw: Draw) -> None:
    kept = draw_by_rows(lambda rng: rng)
    assert len(kept) == 0
    with pytest.raises(RuntimeError, match="used after sample_batch has returned"):
        draw(kept)


def test_a_method_kept_after_the_call_draws_nothing() -> None:
    for name in ("random", "integers", "normal", "choice"):
        method = draw_by_rows(lambda rng, name=name: getattr(rng, name))
        with pytest.raises(RuntimeError, match="used after sample_batch has returned"):
            method(3) if name != "random" else method()


def test_it_is_no_good_after_a_call_that_raised() -> None:
    kept: list[Any] = []

    class Failing(OneStep):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            kept.append(rng)
            raise ValueError("now")

    [fault] = MCTS(Failing(len)).plan_batch([0], Budget(simulations=1))
    assert isinstance(fault, ModelFault)
    with pytest.raises(RuntimeError, match="used after sample_batch has returned"):
        kept[0].random()


def test_the_streams_of_the_rows_can_be_read_and_set() -> None:
    rows = SeededRows([7, 2**64 - 1, 0])
    assert rows.counters.tolist() == [7, 2**64 - 1, 0]
    first = rows.random()
    assert (rows.counters != [7, 2**64 - 1, 0]).all()
    rows.counters = [7, 2**64 - 1, 0]
    assert (rows.random() == first).all()
    with pytest.raises(ValueError, match="has 2 counters; must have one a row, 3"):
        rows.counters = [1, 2]
