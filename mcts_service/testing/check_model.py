"""The conformance kit: does a model keep the contract of `mcts_service.protocols`?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcts_service.errors import InvalidRequest
from mcts_service.testing import (
    batch_capability_checks,
    batch_checks,
    capability_checks,
    distribution_checks,
    sample_checks,
)
from mcts_service.testing.report import Check, CheckReport, NotApplicable, Problem
from mcts_service.testing.subject import Subject

__all__ = ["assert_model", "check_model"]

DEFAULT_STEPS = 200

_CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "num_actions": sample_checks.check_num_actions,
    "num_players": sample_checks.check_num_players,
    "initial_state": sample_checks.check_initial_state,
    "sample": Subject.walk,
    "same_seed": sample_checks.check_same_seed,
    "input_unchanged": sample_checks.check_input_unchanged,
    "global_randomness": sample_checks.check_global_randomness,
    "state_identity": sample_checks.check_state_identity,
    "deterministic": sample_checks.check_deterministic,
    "terminal_states": capability_checks.check_terminal_states,
    "legal_actions": capability_checks.check_legal_actions,
    "actions": capability_checks.check_actions,
    "current_player": capability_checks.check_current_player,
    "transitions": distribution_checks.check_transitions,
    "validate_state": capability_checks.check_validate_state,
    "codec": capability_checks.check_codec,
    "action_codec": capability_checks.check_action_codec,
    "packing": capability_checks.check_packing,
    "value": capability_checks.check_value,
    "rollout_action": capability_checks.check_rollout_action,
    "batch": batch_checks.check_batch,
    "evaluate_batch": batch_capability_checks.check_evaluate_batch,
    "legal_actions_batch": batch_capability_checks.check_legal_actions_batch,
    "is_terminal_batch": batch_capability_checks.check_is_terminal_batch,
    "current_player_batch": batch_capability_checks.check_current_player_batch,
    "state_key_batch": batch_capability_checks.check_state_key_batch,
    "declarations": capability_checks.check_declarations,
}
# Without these there is nothing to check the others on.
_ESSENTIAL = ("num_actions", "num_players", "initial_state", "sample")


def check_model(
    model: Any, *, initial_state: Any = None, steps: int = DEFAULT_STEPS, seed: int = 0
) -> CheckReport:
    """Tries a model on the steps of a random walk.

    The kit plays random legal actions from the initial state and asks every question again on
    the states that it sees. It can show that a model is wrong, never that it is right: what
    the walk does not reach stays unchecked. `sample` is never asked in a terminal state.

    Args:
      model: a sample, distribution or batch model, of Python or native.
      initial_state: where to start; default the model's own `initial_state(rng)`.
      steps: how many steps of the walk to look at, >= 1.
      seed: of the walk. The same seed gives the same report.
    Returns:
      What was checked and what is wrong. A model that keeps the contract is reported with a
      chance of at most 1e-6 (`distribution_checks.FALSE_ALARM`).
    Raises:
      InvalidRequest: steps < 1.
    """
    if steps < 1:
        raise InvalidRequest("steps", f"is {steps!r}; must be an integer >= 1")
    subject = Subject(model, initial_state, steps, seed)
    checks: list[Check] = []
    missing = ""
    for name, check in _CHECKS.items():
        if missing:
            checks.append(Check(name, "not run", f"{missing} must be right first"))
            continue
        checks.append(_run(subject, name, check))
        if name in _ESSENTIAL and checks[-1].outcome == "problem":
            missing = name
    return CheckReport(checks)


def assert_model(
    model: Any, *, initial_state: Any = None, steps: int = DEFAULT_STEPS, seed: int = 0
) -> None:
    """`check_model`, for a test.

    Raises:
      AssertionError: the model has problems; one line each.
    """
    report = check_model(model, initial_state=initial_state, steps=steps, seed=seed)
    if not report.ok:
        raise AssertionError("\n".join(report.problems))


def _run(subject: Subject, name: str, check: Callable[[Subject], None]) -> Check:
    try:
        check(subject)
    except NotApplicable as reason:
        return Check(name, "not applicable", str(reason))
    except Problem as problem:
        return Check(name, "problem", _one_line(str(problem)))
    except Exception as error:  # whatever the model raises
        return Check(name, "problem", _one_line(f"raised {type(error).__name__}: {error}"))
    return Check(name, "ok")


def _one_line(text: str) -> str:
    return " ".join(text.split())
