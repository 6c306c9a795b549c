"""The settings of a search as options of a command line: `--root-noise 0.25`."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_settings", "given_settings"]

#: Every field of `SearchConfig`, which takes too long to import for a --help: its type, and what
#: it is.
_SETTINGS: dict[str, tuple[type, str]] = {
    "selection": (str, "of actions: auto, ucb1, ucb1_tuned, puct, gumbel, thompson or ments"),
    "exploration": (float, "weight of exploration"),
    "soft_temperature": (float, "of ments and soft backups"),
    "considered_actions": (int, "of gumbel, at the root"),
    "gumbel_visits": (float, "of gumbel: how much values count beside priors"),
    "gumbel_value_scale": (float, "the same: each visit more, by so much more"),
    "value_scaling": (str, "by the range of values: seen or bounds, of the model's returns"),
    "root_noise": (float, "weight of Dirichlet noise in the root's priors, of puct"),
    "root_noise_concentration": (float, "of that noise"),
    "action_widening": (float, "above 0: few actions at first, more by visits"),
    "outcome_widening": (float, "above 0: few outcomes at first, more by visits"),
    "widening_exponent": (float, "of both, 0 to 1"),
    "max_depth": (int, "steps to look ahead"),
    "evaluation": (str, "of a new leaf: auto, rollout, value, trial, mixed or constant"),
    "value_weight": (float, "of the model's value in mixed, 0 to 1"),
    "leaf_value": (float, "of constant"),
    "rollout": (str, "whose actions: model, random or decisive"),
    "rollout_depth": (int, "steps of a rollout at most"),
    "backup": (str, "of what was learned: auto, mean, bellman, max or soft"),
    "sharing": (str, "paths that have one node: auto, none, depth or state"),
    "outcome_key": (str, "what tells outcomes apart: auto, state, observation or none"),
    "recommendation": (str, "what is best: auto, visits, value or lower_bound"),
    "temperature": (float, "above 0: draws the action by its visits"),
    "discount": (float, "per step, for the model's own"),
    "prove": (bool, "whether what is proven counts in place of means, in a game"),
    "early_stop": (bool, "whether to end once the action is decided"),
    "in_flight": (int, "simulations at once, of a model that answers in batches"),
    "threads": (int, "that search one tree together, of a model that is thread-safe"),
}
_METAVARS = {int: "N", float: "X", str: "HOW"}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds an option for each setting, and --preset."""
    group = parser.add_argument_group("settings of the search (default: the model's own)")
    group.add_argument(
        "--preset",
        metavar="NAME",
        help="auto, uct, max_uct, dp_uct, graph, puct, gumbel, ments, open_loop or pomcp: sets "
        "selection, evaluation, backup, sharing and outcome-key; those that are given too win",
    )
    for setting, (kind, description) in _SETTINGS.items():
        option = f"--{setting}".replace("_", "-")
        if kind is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, help=description)
        else:
            group.add_argument(option, type=kind, metavar=_METAVARS[kind], help=description)


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that a command line gives, without the preset."""
    given = {setting: getattr(options, setting) for setting in _SETTINGS}
    return {setting: value for setting, value in given.items() if value is not None}
