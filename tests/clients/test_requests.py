"""Arguments to requests: what is sent, and what is refused before any call."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from every_setting import EVERY_SETTING

from mcts_client import InvalidRequest, SearchSettings, _calls
from mcts_service.planning import SearchConfig
from mcts_service.planning.config import CHOICES
from mcts_service.v1 import planner_pb2


def request(**arguments: Any) -> planner_pb2.PlanRequest:
    return _calls.plan("m", 0, **arguments).request


def test_what_is_not_given_is_not_sent() -> None:
    sent = request()
    assert not sent.HasField("horizon")
    assert not sent.HasField("seed")
    assert not sent.HasField("allowed_actions")
    assert not sent.budget.ListFields()
    assert not sent.options.ListFields()


def test_every_argument_finds_its_field() -> None:
    sent = request(
        simulations=100,
        time_limit=0.25,
        max_bytes=1 << 20,
        horizon=7,
        seed=2**64 - 1,
        allowed_actions=[1, 2],
        preset="graph",
        model_version="2",
        request_id="r-1",
        priority=-7,
    )
    assert sent.model == "m"
    assert sent.state.discrete == 0
    assert sent.budget.simulations == 100
    assert sent.budget.time_limit.ToTimedelta().total_seconds() == 0.25
    assert sent.budget.max_bytes == 1 << 20
    assert sent.horizon == 7
    assert sent.seed == 2**64 - 1
    assert [action.discrete for action in sent.allowed_actions.actions] == [1, 2]
    assert sent.options.preset == "graph"
    assert sent.model_version == "2"
    assert sent.request_id == "r-1"
    assert sent.priority == -7


@pytest.mark.parametrize("setting", EVERY_SETTING)
def test_every_setting_is_sent_and_no_other(setting: str) -> None:
    options = request(**{setting: EVERY_SETTING[setting]}).options
    ((field, value),) = options.ListFields()
    assert field.name == setting
    if setting in CHOICES:
        value = field.enum_type.values_by_number[value].name.removeprefix(f"{setting}_".upper())
        assert value.lower() == EVERY_SETTING[setting]
    else:
        assert value == EVERY_SETTING[setting]


@pytest.mark.parametrize(("setting", "words"), CHOICES.items())
def test_every_word_of_a_setting_is_sent_by_its_wires_name(
    setting: str, words: tuple[str, ...]
) -> None:
    numbers = [getattr(request(**{setting: word}).options, setting) for word in words]
    assert numbers == list(range(1, len(words) + 1))


def test_settings_are_those_of_a_planner_in_process_and_the_preset() -> None:
    there = [field.name for field in dataclasses.fields(SearchConfig)]
    assert list(SearchSettings.__annotations__) == [*there, "preset"]
    assert list(EVERY_SETTING) == there


def test_a_setting_that_is_none_is_not_sent() -> None:
    none: dict[str, Any] = dict.fromkeys(SearchSettings.__annotations__)
    assert not request(**none).options.ListFields()


def test_a_setting_that_there_is_not_is_no_argument() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'explore'"):
        request(explore=1.0)


def test_zero_is_sent_as_zero() -> None:
    sent = request(seed=0, simulations=0, horizon=0, temperature=0, prove=False)
    assert sent.HasField("seed")
    assert sent.budget.HasField("simulations")
    assert sent.HasField("horizon")
    assert sent.options.HasField("temperature")
    assert sent.options.HasField("prove")


def test_numpy_numbers_are_numbers() -> None:
    sent = request(simulations=np.int32(5), time_limit=np.float32(0.5), seed=np.uint64(2**63))
    assert sent.budget.simulations == 5
    assert sent.budget.time_limit.nanos == 500_000_000
    assert sent.seed == 2**63


def test_a_time_limit_above_zero_never_becomes_zero() -> None:
    assert request(time_limit=1e-12).budget.time_limit.nanos == 1


def test_a_negative_time_limit_reaches_the_server_that_judges_it() -> None:
    duration = request(time_limit=-1.5).budget.time_limit
    assert (duration.seconds, duration.nanos) == (-1, -500_000_000)


@pytest.mark.parametrize("actions", [[3, 1], (3, 1), np.array([3, 1]), iter([3, 1])], ids=repr)
def test_allowed_actions_are_any_iterable(actions: Any) -> None:
    sent = request(allowed_actions=actions)
    assert [action.discrete for action in sent.allowed_actions.actions] == [3, 1]


def test_allowing_nothing_is_sent_as_nothing_allowed() -> None:
    sent = request(allowed_actions=[])
    assert sent.HasField("allowed_actions")
    assert not sent.allowed_actions.actions


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        ({"simulations": 1.5}, "simulations", "is 1.5; must be an integer"),
        ({"simulations": True}, "simulations", "must be an integer"),
        ({"simulations": 2**63}, "simulations", "must be an integer from"),
        ({"max_bytes": "1G"}, "max_bytes", "must be an integer"),
        ({"horizon": 2**31}, "horizon", "must be an integer from"),
        ({"seed": -1}, "seed", "must be an integer from 0"),
        ({"seed": 2**64}, "seed", "must be an integer from 0"),
        ({"max_depth": 10.0}, "max_depth", "must be an integer"),
        ({"time_limit": "1s"}, "time_limit", "must be a number"),
        ({"time_limit": math.nan}, "time_limit", "must be seconds above 0"),
        ({"time_limit": math.inf}, "time_limit", "must be seconds above 0"),
        ({"time_limit": 10**400}, "time_limit", "too large"),
        ({"exploration": "a lot"}, "exploration", "must be a number"),
        ({"rollout_depth": True}, "rollout_depth", "is True; must be an integer"),
        ({"considered_actions": 2**31}, "considered_actions", "must be an integer from"),
        ({"early_stop": 1}, "early_stop", "is 1; must be True or False"),
        ({"selection": "uct"}, "selection", "must be one of auto, ucb1, ucb1_tuned, puct, gumbel"),
        ({"rollout": "best"}, "rollout", "must be one of model, random"),
        ({"recommendation": 2}, "recommendation", "must be one of auto, visits, value, lower_"),
        ({"evaluation": "guess"}, "evaluation", "must be one of auto, rollout, value, trial"),
        ({"evaluation": ["auto"]}, "evaluation", "must be one of auto, rollout, value, trial"),
        ({"backup": "min"}, "backup", "is 'min'; must be one of auto, mean, bellman, max, soft"),
        ({"backup": 1}, "backup", "is 1; must be one of auto, mean, bellman"),
        ({"sharing": "all"}, "sharing", "is 'all'; must be one of auto, none, depth, state"),
        ({"sharing": ""}, "sharing", "is ''; must be one of auto, none, depth, state"),
        ({"sharing": "unspecified"}, "sharing", "must be one of auto, none, depth, state"),
        ({"preset": 3}, "preset", "is 3; must be a string"),
        ({"allowed_actions": 3}, "allowed_actions", "must be a sequence of actions"),
        ({"allowed_actions": "01"}, "allowed_actions", "must be a sequence of actions"),
        ({"allowed_actions": b"01"}, "allowed_actions", "must be a sequence of actions"),
        ({"allowed_actions": {0: 1}}, "allowed_actions", "must be a sequence of actions"),
        ({"allowed_actions": np.array(3)}, "allowed_actions", "must be a sequence of actions"),
        ({"allowed_actions": [0, {1}]}, "allowed_actions[1]", "is of type set"),
        ({"model_version": 1}, "model_version", "must be a string"),
        ({"request_id": "\ud800"}, "request_id", "must be Unicode text"),
        ({"priority": "high"}, "priority", "is 'high'; must be an integer"),
        ({"priority": 2**31}, "priority", "is 2147483648; must be an integer from"),
        ({"timeout": 0}, "timeout", "must be seconds above 0"),
        ({"timeout": math.nan}, "timeout", "must be seconds above 0"),
        ({"timeout": math.inf}, "timeout", "must be seconds above 0"),
    ],
    ids=lambda value: None,
)
def test_what_no_message_holds_is_refused_by_name(
    arguments: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**arguments)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert says in violation.description


def test_a_model_is_a_string() -> None:
    with pytest.raises(InvalidRequest, match=r"model: is None; must be a string"):
        _calls.plan(None, 0)
    with pytest.raises(InvalidRequest, match=r"model: is 3; must be a string"):
        _calls.get_model(3)


@pytest.mark.parametrize(
    ("timeout", "time_limit", "client_timeout", "expected"),
    [
        (None, None, None, None),
        (None, 2.0, None, 3.5),
        (None, 2.0, 9.0, 9.0),
        (1.0, 2.0, 9.0, 1.0),
        (None, -1.0, None, None),
    ],
)
def test_the_deadline_is_the_calls_the_clients_or_fits_the_time_limit(
    timeout: float | None,
    time_limit: float | None,
    client_timeout: float | None,
    expected: float | None,
) -> None:
    call = _calls.plan("m", 0, timeout=timeout, time_limit=time_limit)
    assert call.deadline(client_timeout) == expected
