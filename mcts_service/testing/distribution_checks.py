"""What a model owes that knows its probabilities: a distribution, and samples from it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from mcts_service.errors import ModelFault
from mcts_service.models.ladder import require_distribution
from mcts_service.testing.capability_checks import capability
from mcts_service.testing.report import NotApplicable, Problem, shown
from mcts_service.testing.subject import Step, Subject, copied, is_flag, require_numbers

__all__ = ["FALSE_ALARM", "check_transitions", "deviates"]

#: Chance that a model whose samples follow its distribution is reported, at most.
FALSE_ALARM = 1e-6

_STEPS = 50
# The actions with the most outcomes are sampled so often.
_SAMPLED_ACTIONS = 3
_DRAWS = 2_000

# (identity of the next state, reward, terminated)
Outcome = tuple[Hashable, Any, bool]


def check_transitions(subject: Subject) -> None:
    """Probabilities sum to 1, and `sample` draws by them."""
    transitions = capability(subject, "transitions")
    found: list[tuple[Mapping[Outcome, float], Step]] = []
    for step in subject.some_steps(_STEPS):
        distribution = _distribution(subject, transitions(copied(step.state), step.action), step)
        drawn = _outcome(subject, step.next_state, step.reward, step.terminated)
        if distribution.get(drawn, 0.0) <= 0.0:
            raise Problem(
                f"sample({shown(step.state)}, {shown(step.action)}) gave "
                f"({shown(step.next_state)}, {step.reward}, {step.terminated}); "
                "must be an outcome of transitions"
            )
        found.append((distribution, step))
    found.sort(key=lambda pair: -len(pair[0]))
    for distribution, step in found[:_SAMPLED_ACTIONS]:
        _require_agreement(subject, distribution, step)


def deviates(count: int, draws: int, probability: float, false_alarm: float) -> bool:
    """True if an event was counted too often or too seldom for its probability.

    Args:
      count: how often the event came.
      draws: how often it could have.
      probability: of the event.
      false_alarm: the chance of True where the probability is right, at most, in (0, 1).
    Source: the Chernoff bound, P(count / draws further out than f) <= exp(-draws * KL(f, p)) on
      either side (Hoeffding 1963, theorem 1).
    """
    divergence = 0.0
    for share, expected in (
        (count / draws, probability),
        (1.0 - count / draws, 1.0 - probability),
    ):
        if share > 0.0:
            divergence += share * math.log(share / expected) if expected > 0.0 else math.inf
    return draws * divergence > math.log(2.0 / false_alarm)


def _distribution(subject: Subject, outcomes: Sequence[Any], step: Step) -> Mapping[Outcome, float]:
    """Outcomes that are the same put together."""
    asked = f"transitions({shown(step.state)}, {shown(step.action)})"
    distribution: defaultdict[Outcome, float] = defaultdict(float)
    for entry in outcomes:
        if not (isinstance(entry, tuple) and len(entry) == 4):
            raise Problem(
                f"{asked} has {shown(entry)}; must be a tuple (probability, next_state, reward, "
                "terminated)"
            )
        probability, next_state, reward, terminated = entry
        require_numbers(f"{asked}: probability", probability, 1)
        require_numbers(f"{asked}: reward", reward, subject.num_players)
        if not is_flag(terminated):
            raise Problem(f"{asked}: terminated is {shown(terminated)}; must be a bool")
        distribution[_outcome(subject, next_state, reward, terminated)] += float(probability)
    try:
        require_distribution([entry[0] for entry in outcomes], step.state, step.action)
    except ModelFault as fault:
        raise Problem(str(fault)) from fault
    return distribution


def _require_agreement(subject: Subject, distribution: Mapping[Outcome, float], step: Step) -> None:
    counts: Counter[Outcome] = Counter()
    for _ in range(_DRAWS):
        drawn = subject.transition(step.state, step.action, subject.draw_seed())
        counts[_outcome(subject, drawn.next_state, drawn.reward, drawn.terminated)] += 1
    events = {*distribution, *counts}
    for event in events:
        probability = min(distribution.get(event, 0.0), 1.0)
        if deviates(
            counts[event], _DRAWS, probability, FALSE_ALARM / (_SAMPLED_ACTIONS * len(events))
        ):
            raise Problem(
                f"sample({shown(step.state)}, {shown(step.action)}) gave {shown(event)} in "
                f"{counts[event]} of {_DRAWS} draws; transitions gives it the probability "
                f"{probability:.4g}"
            )


def _outcome(subject: Subject, next_state: Any, reward: Any, terminated: bool) -> Outcome:
    try:
        key = subject.key(next_state)
    except TypeError as error:
        raise NotApplicable("outcomes cannot be told apart without keys of states") from error
    # Two ways to compute one reward may round differently.
    return key, tuple(np.round(np.atleast_1d(reward), 9).tolist()), bool(terminated)
