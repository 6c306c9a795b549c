"""Load tests that never ran: settings, records and results, made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from mcts_client._load.machine import Machine
from mcts_client._load.records import Answer, Records
from mcts_client._load.result import Result, Step
from mcts_client._load.settings import LoadSettings
from mcts_client._load.steps import rule
from mcts_client._load.summary import Summary, summarise
from mcts_client._load.thresholds import Threshold
from mcts_client._load.work import Work

OK = grpc.StatusCode.OK
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXPIRED = grpc.StatusCode.DEADLINE_EXCEEDED
#: When the warm-up of every load test here begins, which ends a second later.
BEGIN = 100.0

MACHINE = Machine("Some CPU", 2, 2**34, "Linux 6.1", "3.11.7", "1.76.0", 0.5)


def settings(**changes: object) -> LoadSettings:
    """Ten calls a second, for two seconds after one of warm-up."""
    given: dict[str, object] = {"rate": 10.0, "warmup": 1.0, "duration": 2.0}
    return LoadSettings("h:1", **(given | changes))  # type: ignore[arg-type]


def sent(records: Records, intended: float, late: float = 0.0, work: int = 0) -> int:
    """A call that starts so many seconds late."""
    return records.send(intended, intended + late, work)


def answered(
    records: Records,
    intended: float,
    latency: float,
    code: grpc.StatusCode = OK,
    *,
    late: float = 0.0,
    simulations: int = 1,
    work: int = 0,
    retries: int = 0,
) -> None:
    """A call and its answer."""
    message = "" if code is OK else "gone <away>\n& far"
    answer = Answer(code, simulations if code is OK else 0, retries, message)
    records.answer(sent(records, intended, late, work), intended + latency, answer)


def even_calls(rate: float, latency: float, *, seconds: float = 2.0, late: float = 0.0) -> Records:
    """All calls of a constant rate after the warm-up, each as long as the others."""
    records = Records()
    for number in range(round(rate * seconds)):
        answered(records, BEGIN + 1 + number / rate, latency, late=late)
    return records


def summary(
    records: Records,
    names: Sequence[str] = ("m",),
    interrupted_at: float | None = None,
    **changes: object,
) -> Summary:
    """Of records whose settings are those above but for the changes."""
    return summarise(settings(**changes), records.outcome(), names, BEGIN, interrupted_at)


def step(records: Records, broken: tuple[str, ...] = (), **changes: object) -> Step:
    """A run that lasted as its settings say."""
    columns = records.outcome().columns
    measured = columns.rows(columns.intended >= BEGIN + 1)
    return Step(summary(records, **changes), measured, BEGIN + 1, broken)  # type: ignore[arg-type]


def result(
    *steps: Step,
    thresholds: Sequence[str] = (),
    work: Sequence[Work] = (Work("m", "m", states=(0,), simulations=100),),
) -> Result:
    """Of one run, or of a search by several."""
    is_stepped = len(steps) > 1
    limits = [Threshold.parse(text, [one.name for one in work]) for text in thresholds]
    kept = [one for one in steps if not one.broken]
    chosen = max(kept, key=lambda one: one.summary.settings.rate or 0, default=None)
    return Result(
        work=tuple(work),
        steps=steps,
        is_stepped=is_stepped,
        rule=rule(limits) if is_stepped else "",
        chosen=chosen,
        verdicts=tuple(limit.of(chosen.summary) for limit in limits) if chosen else (),
        machine=MACHINE,
        started_at=1_700_000_000.0,
    )
