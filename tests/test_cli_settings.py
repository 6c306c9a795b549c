"""The settings of a search on a command line: all there are, and their words."""

import argparse
import re
from dataclasses import fields

import pytest
from every_setting import EVERY_SETTING

from mcts_service.cli_settings import add_settings, given_settings
from mcts_service.planning import SearchConfig
from mcts_service.planning.config import CHOICES


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    add_settings(parser)
    return parser


def option(setting, value):
    name = setting.replace("_", "-")
    return [f"--{name}" if value else f"--no-{name}"] if isinstance(value, bool) else [
        f"--{name}={value}"
    ]  # fmt: skip


def test_there_is_an_option_for_every_setting(parser):
    given = given_settings(parser.parse_args([]))
    assert given == {}
    options = parser.parse_args([])
    assert [*vars(options)] == ["preset", *(field.name for field in fields(SearchConfig))]


def test_every_option_gives_its_setting(parser):
    words = [word for item in EVERY_SETTING.items() for word in option(*item)]
    assert given_settings(parser.parse_args(words)) == EVERY_SETTING


@pytest.mark.parametrize("setting", CHOICES)
def test_help_names_every_word_of_a_setting(parser, setting):
    (action,) = (action for action in parser._actions if action.dest == setting)
    words = re.findall(r"\w+", action.help)
    assert set(CHOICES[setting]) <= set(words)


def test_help_names_every_preset(parser):
    (action,) = (action for action in parser._actions if action.dest == "preset")
    assert set(SearchConfig.presets()) <= set(re.findall(r"\w+", action.help))
