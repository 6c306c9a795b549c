"""What the conformance kit finds wrong with a batch model, and that it finds nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_batches import WholeWalk as Whole

from mcts_service.testing import check_model


class OnlyBatches(Whole):
    """The same without the forms for one state."""

    sample = None  # type: ignore[assignment]
    is_terminal = None  # type: ignore[assignment]

    def __init__(self, form: str = "int64") -> None:
        super().__init__(form)
        for name in ("legal_actions", "value", "state_key", "current_player"):
            delattr(self, name)


@pytest.mark.parametrize("kind", [Whole, OnlyBatches])
@pytest.mark.parametrize("form", ["int64", "float64[3]", "float32[1]", "bool[4]", "int8[2, 2]"])
def test_right_models_have_no_problem(form: str, kind: type[Whole]) -> None:
    report = check_model(kind(form))
    assert report.problems == []
    outcomes = {check.name: check.outcome for check in report.checks}
    for name in ("batch", "evaluate_batch", "legal_actions_batch", "is_terminal_batch",
                 "current_player_batch", "state_key_batch"):  # fmt: skip
        assert outcomes[name] == "ok"


def test_sizes_may_be_left_out() -> None:
    class Sizeless(Whole):
        sample = None  # type: ignore[assignment]

        def sample_batch(self, states: Any, actions: Any, rng: Any) -> Any:
            following, rewards, ended = super().sample_batch(states, actions, rng)
            return following, rewards + rng.normal()[:, None], ended

    assert check_model(Sizeless()).problems == []


def spoiled(name: str, change: Any) -> Whole:
    """A right model, one function of which is changed."""
    model = Whole()
    sound = getattr(model, name)
    setattr(model, name, lambda *arguments: change(sound(*arguments), *arguments))
    return model


def write_into(answer: Any, states: np.ndarray) -> Any:
    states[:] = 1
    return answer


def forget_a_draw(answer: Any, states: Any, actions: Any, rng: Any) -> Any:
    following, rewards, ended = answer
    return following, rewards + rng.random(len(states))[:, None], ended


def look_at_neighbours(answer: Any, states: Any, actions: Any, rng: Any) -> Any:
    following, rewards, ended = answer
    return following, rewards + (len(states) > 1), ended


#: What is changed, how, and what is said of it.
WRONG = {
    "draws that sample does not make": (
        "sample_batch", forget_a_draw, "batch: sample_batch gives row 0 the reward",
    ),
    "rows that depend on others": (
        "sample_batch", look_at_neighbours, "as it is alone",
    ),
    "values alone": ("evaluate_batch", lambda a, s: a[1], "must be a tuple (priors, values)"),
    "values of one player": (
        "evaluate_batch", lambda a, s: (None, a[1][:, 0]),
        "evaluate_batch: evaluate_batch: values is float64[16]; must be an array of float[16, 2]",
    ),
    "whole values": (
        "evaluate_batch", lambda a, s: (None, a[1].astype(int)), "values is int64[16, 2]",
    ),
    "values without end": (
        "evaluate_batch", lambda a, s: (None, a[1] / 0.0), "must be finite",
    ),
    "other values": (
        "evaluate_batch", lambda a, s: (None, a[1] + 1.0), "as value gives",
    ),
    "values by neighbours": (
        "evaluate_batch", lambda a, s: (None, a[1] + len(s)), "as it is alone",
    ),
    "priors of other actions": (
        "evaluate_batch", lambda a, s: (np.ones((len(s), 4)), a[1]), "priors is float64[16, 4]",
    ),
    "priors below 0": (
        "evaluate_batch", lambda a, s: (-np.ones((len(s), 3)), a[1]), "must be 0 or more",
    ),
    "masks of numbers": ("legal_actions_batch", lambda m, s: m * 1, "is int64[16, 3]"),
    "nothing legal": ("legal_actions_batch", lambda m, s: m & False, "gives none for"),
    "everything legal": ("legal_actions_batch", lambda m, s: m | True, "as legal_actions gives"),
    "ends as numbers": ("is_terminal_batch", lambda e, s: e * 1, "is int64[200]"),
    "no ends": ("is_terminal_batch", lambda e, s: e & False, "the episode ended there"),
    "all ends": ("is_terminal_batch", lambda e, s: e | True, "the episode goes on there"),
    "players of a half": ("current_player_batch", lambda p, s: p * 0.5, "is float64[16]"),
    "a third player": ("current_player_batch", lambda p, s: p * 2, "must be from 0 to 1"),
    "the other player": ("current_player_batch", lambda p, s: 1 - p, "as current_player gives"),
    "keys of a half": ("state_key_batch", lambda k, s: k * 0.5, "is float64[16]"),
    "one key": ("state_key_batch", lambda k, s: k * 0, "must join the states that state_key"),
    "keys of all": ("state_key_batch", lambda k, s: k // 2, "must join the states that state_key"),
    "keys by neighbours": ("state_key_batch", lambda k, s: k + len(s), "as it is alone"),
    "written input": ("state_key_batch", write_into, "changed its input"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_nothing_else(name: str) -> None:
    function, change, problem = WRONG[name]
    report = check_model(spoiled(function, change))
    checked = {"sample_batch": "batch"}.get(function, function)
    mine = [text for text in report.problems if text.startswith(f"{checked}: ")]
    assert len(mine) == 1
    assert problem in mine[0]


def test_unknown_draws_are_named() -> None:
    report = check_model(OnlyPermuting())
    assert any("has no permutation; it has random" in text for text in report.problems)


class OnlyPermuting(OnlyBatches):
    def sample_batch(self, states: Any, actions: Any, rng: Any) -> Any:
        return rng.permutation(len(states)), None, None
