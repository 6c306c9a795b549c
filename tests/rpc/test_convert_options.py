"""SearchOptions and SearchConfig: the same settings, word for word."""

import dataclasses

import pytest
from every_setting import EVERY_SETTING

from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.planning.config import CHOICES
from mcts_service.rpc.convert_options import options_message, search_config
from mcts_service.v1.planner_pb2 import SearchOptions

GRAPH = SearchConfig.preset("graph")
NOISY = SearchConfig.preset("puct", root_noise=0.25)


def test_the_wire_has_every_setting_and_the_preset():
    settings = [field.name for field in dataclasses.fields(SearchConfig)]
    assert list(SearchOptions.DESCRIPTOR.fields_by_name) == [*settings, "preset"]


@pytest.mark.parametrize(("field", "words"), CHOICES.items())
def test_the_wire_has_every_word_of_a_setting_and_one_for_the_default(field, words):
    enum = SearchOptions.DESCRIPTOR.fields_by_name[field].enum_type
    names = [f"{field}_{word}".upper() for word in ("unspecified", *words)]
    assert [value.name for value in enum.values] == names
    assert [value.number for value in enum.values] == list(range(len(names)))


@pytest.mark.parametrize(
    "config",
    [
        SearchConfig(),
        GRAPH,
        SearchConfig.preset("dp_uct", exploration=0.25, max_depth=7),
        SearchConfig(evaluation="value", sharing="state"),
        SearchConfig.preset("pomcp", in_flight=16),
        SearchConfig(**EVERY_SETTING),
        *(SearchConfig.preset(name) for name in SearchConfig.presets()),
    ],
    ids=lambda config: config.recipe,
)
def test_a_search_written_out_is_read_back_whatever_the_default(config):
    for default in (SearchConfig(), GRAPH):
        assert search_config(options_message(config), default) == config


def test_what_is_absent_keeps_the_default():
    assert search_config(SearchOptions(), GRAPH) == GRAPH
    changed = search_config(SearchOptions(sharing="SHARING_DEPTH"), GRAPH)
    assert changed == dataclasses.replace(GRAPH, sharing="depth")


def test_a_preset_keeps_the_default_of_what_it_does_not_set():
    default = SearchConfig(exploration=0.25, max_depth=7, evaluation="value", sharing="depth")
    config = search_config(SearchOptions(preset="graph"), default)
    assert config == SearchConfig.preset("graph", exploration=0.25, max_depth=7)


def test_settings_that_need_each_other_may_be_set_together():
    options = SearchOptions(evaluation="EVALUATION_TRIAL", backup="BACKUP_BELLMAN")
    config = search_config(options, SearchConfig())
    assert (config.evaluation, config.backup) == ("trial", "bellman")
    assert search_config(SearchOptions(preset="uct", root_noise=0), NOISY).selection == "ucb1"


def test_zero_and_false_are_values_and_not_absent():
    default = SearchConfig(action_widening=1.5, temperature=0.5)
    options = SearchOptions(action_widening=0, temperature=0, prove=False, early_stop=False)
    assert search_config(options, default) == SearchConfig(prove=False, early_stop=False)


def test_what_is_not_known_is_absent():
    options = options_message(SearchConfig())
    assert not options.HasField("discount")
    assert not options.HasField("rollout_depth")
    assert not options.preset


def test_every_wrong_setting_is_named_and_no_other():
    options = SearchOptions(
        exploration=-1, max_depth=0, evaluation="EVALUATION_TRIAL", backup=9, preset="best"
    )
    with pytest.raises(InvalidRequest) as caught:
        search_config(options, SearchConfig())
    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["backup", "preset", "exploration", "max_depth"]
