"""What a caller changes of a model's default search."""

import pytest
from every_setting import EVERY_SETTING

from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.service.search_changes import changed_search

DEFAULT = SearchConfig()


def violations(*arguments):
    with pytest.raises(InvalidRequest) as caught:
        changed_search(*arguments)
    return {violation.field: violation.description for violation in caught.value.violations}


def test_nothing_changed_is_the_default():
    default = SearchConfig(exploration=0.5)
    assert changed_search(default, None, {}) is default


def test_what_is_set_beside_a_preset_wins_and_the_rest_keeps_the_default():
    config = changed_search(SearchConfig(max_depth=9), "graph", {"sharing": "depth"})
    assert config == SearchConfig.preset("dp_uct", max_depth=9)


def test_every_setting_can_be_changed():
    assert changed_search(DEFAULT, "graph", EVERY_SETTING) == SearchConfig(**EVERY_SETTING)


@pytest.mark.parametrize(
    ("default", "preset", "changes"),
    [
        (SearchConfig.preset("graph"), None, {"evaluation": "rollout", "backup": "mean"}),
        (SearchConfig.preset("ments"), None, {"selection": "ucb1", "backup": "mean"}),
        (SearchConfig.preset("puct", root_noise=0.25), "uct", {"root_noise": 0.0}),
        (SearchConfig(temperature=1.0, recommendation="visits"), None,
         {"recommendation": "value", "temperature": 0.0}),
    ],
)  # fmt: skip
def test_settings_that_only_go_together_change_at_once(default, preset, changes):
    config = changed_search(default, preset, changes)
    assert {field: getattr(config, field) for field in changes} == changes


def test_every_value_that_is_wrong_in_itself_is_named():
    changes = {
        "selection": "uct", "soft_temperature": 0, "considered_actions": 0, "root_noise": 1.5,
        "root_noise_concentration": 0, "action_widening": -1, "outcome_widening": -1,
        "widening_exponent": 2, "evaluation": "trial", "value_weight": -0.5,
        "leaf_value": float("inf"), "rollout": "best", "rollout_depth": 0, "backup": "mean",
        "recommendation": "most", "temperature": -1, "early_stop": 1,
    }  # fmt: skip
    found = violations(DEFAULT, "best", changes)
    # That trials do not go with means is told once the rest is mended.
    assert list(found) == ["preset", *(f for f in changes if f not in ("evaluation", "backup"))]


def test_two_settings_that_contradict_are_told_by_one_of_them():
    found = violations(DEFAULT, "puct", {"backup": "soft", "outcome_key": "none"})
    assert list(found) == ["selection"]
    assert found["selection"].startswith("is 'puct', whose priors are those of a state")


def test_what_contradicts_the_default_names_the_settings_of_both():
    found = violations(SearchConfig.preset("puct", root_noise=0.25), "uct", {})
    assert found == {
        "root_noise": "is 0.25, which is mixed into priors, and selection 'ucb1' has none of that "
        "kind; selection 'puct' would work"
    }
