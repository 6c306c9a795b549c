"""Settings and limits: what is accepted, and what a refusal says."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcts_service.errors import InvalidRequest
from mcts_service.planning import Budget, SearchConfig

NOT_NUMBERS = st.one_of(
    st.none(), st.booleans(), st.text(), st.binary(), st.lists(st.integers()), st.just(1j)
)
NOT_INTEGERS = st.one_of(NOT_NUMBERS, st.floats())
MOST_SIMULATIONS = 2**31 - 1


def refused_field(build: Any, **arguments: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        build(**arguments)
    [violation] = caught.value.violations
    assert "must be" in violation.description
    assert str(caught.value) == f"{violation.field}: {violation.description}"
    return violation.field


def outside(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(max_value=low - 1), st.integers(min_value=high + 1))


def given_not(field: str) -> st.SearchStrategy[Any]:
    """Values that a field of Budget refuses; None is not one of them."""
    bad = {
        "simulations": NOT_INTEGERS | outside(1, MOST_SIMULATIONS),
        "max_bytes": NOT_INTEGERS | outside(65_536, 2**63 - 1),
        "time_limit": NOT_NUMBERS
        | st.floats(max_value=0.0)
        | st.integers(max_value=0)
        | st.sampled_from([math.inf, -math.inf, math.nan, 10**400, np.float64("nan")]),
    }[field]
    return bad.filter(lambda value: value is not None)


@pytest.mark.parametrize("field", ["simulations", "max_bytes", "time_limit"])
@given(data=st.data())
def test_budget_names_the_limit_that_is_wrong(field: str, data: st.DataObject) -> None:
    value = data.draw(given_not(field))
    assert refused_field(Budget, **{field: value}) == f"budget.{field}"


@given(value=NOT_NUMBERS | st.floats(max_value=-1e-300) | st.sampled_from([math.inf, math.nan]))
def test_exploration_must_be_a_finite_number_from_zero_up(value: Any) -> None:
    assert refused_field(SearchConfig, exploration=value) == "exploration"


def test_exploration_too_large_for_a_float_is_refused() -> None:
    assert refused_field(SearchConfig, exploration=10**400) == "exploration"


@given(value=NOT_INTEGERS | outside(1, 2**16 - 1))
def test_max_depth_must_be_an_integer_in_range(value: Any) -> None:
    assert refused_field(SearchConfig, max_depth=value) == "max_depth"


@pytest.mark.parametrize("value", ["", "Rollout", None, 1, [], "mcts"])
def test_evaluation_is_one_of_three_words(value: Any) -> None:
    assert refused_field(SearchConfig, evaluation=value) == "evaluation"


@pytest.mark.parametrize("simulations", [1, 2, MOST_SIMULATIONS, None])
@pytest.mark.parametrize("time_limit", [1e-9, 1, 0.5, 1e9, None])
@pytest.mark.parametrize("max_bytes", [65_536, 2**63 - 1, None])
def test_budget_takes_every_limit_in_range(
    simulations: int | None, time_limit: float | None, max_bytes: int | None
) -> None:
    budget = Budget(simulations, time_limit, max_bytes)
    assert (budget.simulations, budget.time_limit, budget.max_bytes) == (
        simulations,
        time_limit,
        max_bytes,
    )


@pytest.mark.parametrize("kind", [np.int64, np.uint32])
def test_integers_of_numpy_are_integers(kind: Any) -> None:
    assert Budget(simulations=kind(7), max_bytes=kind(70_000)) == Budget(7, None, 70_000)
    assert SearchConfig(max_depth=kind(7)) == SearchConfig(max_depth=7)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_floats_of_numpy_are_numbers(kind: Any) -> None:
    assert Budget(time_limit=kind(0.5)) == Budget(time_limit=0.5)
    assert SearchConfig(exploration=kind(0.5)) == SearchConfig(exploration=0.5)


def test_zero_exploration_and_the_extremes_of_depth_are_allowed() -> None:
    assert SearchConfig(exploration=0).exploration == 0
    assert SearchConfig(max_depth=1).max_depth == 1
    assert SearchConfig(max_depth=65_535).max_depth == 65_535


def test_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SearchConfig().exploration = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        Budget().simulations = 2
    assert hash(SearchConfig()) == hash(SearchConfig())


def test_preset_uct_rolls_out_even_where_there_is_a_value() -> None:
    plain = {"selection": "ucb1", "backup": "mean", "sharing": "none", "outcome_key": "state"}
    assert SearchConfig.preset("uct") == SearchConfig(evaluation="rollout", **plain)
    changed = SearchConfig.preset("uct", exploration=0.3, max_depth=9)
    assert changed == SearchConfig(exploration=0.3, max_depth=9, evaluation="rollout", **plain)


def test_every_name_of_a_preset_gives_one() -> None:
    names = SearchConfig.presets()
    assert names == sorted(names)
    assert {"dp_uct", "graph", "uct"} <= set(names)
    assert [SearchConfig.preset(name).recipe for name in names] == names


def test_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"^preset: is 'alphago'; must be one of .*uct"):
        SearchConfig.preset("alphago")


def test_unknown_setting_lists_the_known_ones() -> None:
    with pytest.raises(
        InvalidRequest,
        match=r"^c_puct: is not a setting; .*early_stop, evaluation, exploration, "
        r"gumbel_value_scale, gumbel_visits, in_flight, leaf_value, max_depth",
    ):
        SearchConfig.preset("uct", c_puct=1.0)


def test_preset_refuses_a_bad_value() -> None:
    with pytest.raises(InvalidRequest, match=r"^exploration: is -1"):
        SearchConfig.preset("uct", exploration=-1)
