"""Plans of one model that are made together, and join and leave as they come: `ContinuousBatch`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mcts_service._core import CancelFlag, Search, SearchBatch
from mcts_service.planning.plan import Plan
from mcts_service.planning.request import Request
from mcts_service.planning.together import GroupRun
from mcts_service.planning.unfinished import SLICE, PlanSteps, RunSearch, SearchRun

__all__ = ["ContinuousBatch", "runs_in_batch"]

#: A group of searches runs so long for each of its members, where others wait for their turn; one
#: that cannot be woken, in any case.
_TURN_SECONDS = 0.002
#: And so long at most.
_LONGEST_SECONDS = 0.1

#: Of a plan, or of a batch of them: yield what is to be run, and plans on the way.
Steps = Generator[Any, Any, Any]


def runs_in_batch(request: Request, cancel: CancelFlag | None, is_apart: bool) -> RunSearch:
    """Has the search of a request run by the batch that its steps are added to."""

    def run(search: Search, simulations: int, *_: object) -> PlanSteps[str]:
        end = yield SearchRun(search, simulations, request.limits, cancel, is_apart=is_apart)
        assert isinstance(end, str)
        return end

    return run


@dataclass(eq=False, slots=True)
class _Member:
    """A plan in the making, and the run that it waits for.

    Attributes:
      pause_at: of that run, in seconds of time.perf_counter(); None: it has none.
    """

    key: Any
    steps: Steps
    sink: Callable[[Plan], None] | None
    run: Any = None
    pause_at: float | None = None


class ContinuousBatch:
    """Runs the searches of many plans; what they ask of their model goes to it together.

        batch = ContinuousBatch()
        for agent, state in waiting:
            batch.add(agent, planner.steps(state, budget))
        while len(batch):  # more may be added at any time
            for agent, plan in batch.run():
                ...

    A plan joins between two calls of the model, and leaves when it is made, whatever the others
    do. What it comes to depends on no other. Searches that ask other questions, such as for
    priors, those that ask a model in Python by `sample`, and the rows of each `plan_batch`, take
    turns: longer ones where more plans share them.

    Belongs to one thread.

    Args:
      wake: comes back from `run` soon after it is set, if that is possible; None: nothing does.
      turn: told whose turn it is, by their keys, and in the end that it is nobody's: by none.
    """

    def __init__(
        self,
        wake: CancelFlag | None = None,
        turn: Callable[[Sequence[Any]], None] | None = None,
    ) -> None:
        self._wake = wake
        self._turn = turn or _nobody
        self._groups: deque[_Group] = deque()
        self._made: list[tuple[Any, Any]] = []

    def __len__(self) -> int:
        """Plans that have been added, and not come back from `run`."""
        return sum(len(group.members) for group in self._groups) + len(self._made)

    @property
    def round_seconds(self) -> float:
        """What one call of the model for each group took of late, as of `SearchBatch`."""
        return sum(group.longest_round for group in self._groups)

    def add(self, key: Any, steps: Steps, sink: Callable[[Plan], None] | None = None) -> None:
        """Begins a plan, or a batch of them.

        Args:
          key: given back with what it has come to.
          steps: of `MCTS.steps`, `watch_steps` or `batch_steps`.
          sink: takes the plans on the way of what is watched.
        """
        self._go_on(_Member(key, steps, sink), None)
        self._turn(())

    def run(self, seconds: float = _LONGEST_SECONDS) -> list[tuple[Any, Any]]:
        """Searches for a while: until a plan is made, a turn or the time is over, or it is woken.

        Args:
          seconds: 0: for one call of the model.
        Returns:
          (key, result) of each plan that has been made, or the exception in its place.
        Raises:
          KeyboardInterrupt: the plans that it has met are given up.
        """
        if self._groups and not self._made:
            self._run_next(seconds)
            self._turn(())
        made, self._made = self._made, []
        interrupts = [result for _, result in made if isinstance(result, KeyboardInterrupt)]
        if interrupts:
            self._made = [one for one in made if not isinstance(one[1], KeyboardInterrupt)]
            raise interrupts[0]
        return made

    def _run_next(self, seconds: float) -> None:
        # What is due must not wait for the calls of others.
        group = next((group for group in self._groups if group.has_due()), self._groups[0])
        turn = _TURN_SECONDS * len(group.members)
        if group.can_be_woken and len(self._groups) == 1:
            turn = _LONGEST_SECONDS
        self._turn([member.key for member in group.members])
        ended = group.run(min(turn, seconds, _LONGEST_SECONDS), self._wake)
        self._groups.remove(group)
        if group.members:
            self._groups.append(group)
        for member, end in ended:
            self._go_on(member, end)

    def _go_on(self, member: _Member, end: Any) -> None:
        """Takes a plan's steps to its next run, or to its end."""
        steps = member.steps
        self._turn([member.key])
        try:
            run = steps.throw(end) if isinstance(end, BaseException) else steps.send(end)
            while isinstance(run, Plan):
                if member.sink is not None:
                    member.sink(run)
                run = steps.send(None)
        except StopIteration as stop:
            self._made.append((member.key, stop.value))
        except BaseException as error:
            self._made.append((member.key, error))
        else:
            self._join(member, run)

    def _join(self, member: _Member, run: SearchRun | GroupRun) -> None:
        member.run = run
        if isinstance(run, GroupRun):
            self._groups.append(_Rows(member))
            return
        member.pause_at = None
        if run.pause_seconds is not None:
            member.pause_at = time.perf_counter() + run.pause_seconds
        if not run.search.is_asked_in_rows:
            self._groups.append(_Alone(member))
            return
        for group in self._groups:
            if group.takes(run):
                group.join(member)
                return
        self._groups.append(_Joint(member))


def _nobody(_: Sequence[Any]) -> None:
    """Is told whose turn it is."""


class _Group(Protocol):
    """Searches that have a turn together.

    Attributes:
      members: whose searches they are.
      can_be_woken: whether `wake` ends its turn.
      longest_round: of the last run, in seconds: see `SearchBatch`; 0: not known.
    """

    members: list[_Member]
    can_be_woken: bool
    longest_round: float

    def has_due(self) -> bool:
        """Whether one of them is to end now."""
        ...

    def takes(self, run: SearchRun) -> bool: ...
    def join(self, member: _Member) -> None: ...
    def run(self, seconds: float, wake: CancelFlag | None) -> list[tuple[_Member, Any]]:
        """Those that have ended, who are members no more, and how."""
        ...


class _Single:
    """A group that no other joins."""

    can_be_woken = False
    longest_round = 0.0

    def __init__(self, member: _Member) -> None:
        self.members = [member]

    def takes(self, run: SearchRun) -> bool:
        return False

    def join(self, member: _Member) -> None:
        raise AssertionError("it takes no other")

    def _ended(self, end: Any) -> list[tuple[_Member, Any]]:
        (member,), self.members = self.members, []
        return [(member, end)]


class _Alone(_Single):
    """A search of a model that answers one question at a time."""

    def has_due(self) -> bool:
        return _is_due(self.members[0])

    def run(self, seconds: float, wake: CancelFlag | None) -> list[tuple[_Member, Any]]:
        member = self.members[0]
        run: SearchRun = member.run
        if _is_to_pause(member):
            return self._ended(SLICE)
        try:
            end = run.search.run(
                run.simulations,
                run.limits.seconds_left(),
                run.cancel,
                _until_pause(member, seconds),
                run.pause_simulations,
            )
        except BaseException as error:
            return self._ended(error)
        return self._ended(end) if end != SLICE or _is_to_pause(member) else []


class _Rows(_Single):
    """The searches of the rows of a `plan_batch`."""

    can_be_woken = True

    def __init__(self, member: _Member) -> None:
        super().__init__(member)
        run: GroupRun = member.run
        self._batch: SearchBatch | None = None
        self._end_at = None if run.seconds is None else time.perf_counter() + run.seconds

    def has_due(self) -> bool:
        run: GroupRun = self.members[0].run
        if run.cancel is not None and run.cancel.cancelled:
            return True
        return self._end_at is not None and time.perf_counter() >= self._end_at

    def run(self, seconds: float, wake: CancelFlag | None) -> list[tuple[_Member, Any]]:
        run: GroupRun = self.members[0].run
        left = None if self._end_at is None else max(0.0, self._end_at - time.perf_counter())
        try:
            if self._batch is None:
                self._batch = SearchBatch(run.searches)
            ends = self._batch.run_for(run.simulations, left, run.cancel, seconds, wake)
        except BaseException as error:
            return self._ended(error)
        self.longest_round = self._batch.longest_round
        return [] if SLICE in ends else self._ended(ends)


class _Joint:
    """Searches that the model is asked for together."""

    can_be_woken = True
    longest_round = 0.0

    def __init__(self, first: _Member) -> None:
        self.members = [first]
        self._batch: SearchBatch | None = None

    def takes(self, run: SearchRun) -> bool:
        first: SearchRun = self.members[0].run
        if run.is_apart or first.is_apart:
            return False
        return SearchBatch.holds_both(first.search, run.search)

    def join(self, member: _Member) -> None:
        self.members.append(member)
        self._batch = None

    def has_due(self) -> bool:
        return any(map(_is_due, self.members))

    def run(self, seconds: float, wake: CancelFlag | None) -> list[tuple[_Member, Any]]:
        due = [member for member in self.members if _is_due(member)]
        if due:
            # Without a call of the model for the others.
            self._leave(due)
            return [(member, _end_of(member.run)) for member in due]
        members = self.members
        for member in members:
            if member.run.pause_simulations or member.pause_at is not None:
                seconds = min(_until_pause(member, seconds), _TURN_SECONDS)
        runs: list[SearchRun] = [member.run for member in members]
        ends: list[Any]
        try:
            if self._batch is None:
                self._batch = SearchBatch([run.search for run in runs])
            ends = self._batch.run_each(
                [run.simulations for run in runs],
                [run.limits.seconds_left() for run in runs],
                [run.cancel for run in runs],
                seconds,
                wake,
            )
            self.longest_round = self._batch.longest_round
        except BaseException as error:
            ends = [error] * len(members)
        ended = [
            (member, end)
            for member, end in zip(members, ends, strict=True)
            if end != SLICE or _is_to_pause(member)
        ]
        if ended:
            self._leave([member for member, _ in ended])
        return ended

    def _leave(self, ended: list[_Member]) -> None:
        self.members = [member for member in self.members if member not in ended]
        self._batch = None


def _is_due(member: _Member) -> bool:
    """Whether its run is to end now, whatever it has come to."""
    run: SearchRun = member.run
    if run.cancel is not None and run.cancel.cancelled:
        return True
    left = run.limits.seconds_left()
    return left is not None and left <= 0


def _end_of(run: SearchRun) -> Any:
    """How a search ends that is due."""
    try:
        return run.search.run(run.simulations, 0.0, run.cancel)
    except BaseException as error:
        return error


def _is_to_pause(member: _Member) -> bool:
    """Whether its run is to be looked at now."""
    run: SearchRun = member.run
    if 0 < run.pause_simulations <= run.search.simulations < run.simulations:
        return True
    return member.pause_at is not None and time.perf_counter() >= member.pause_at


def _until_pause(member: _Member, seconds: float) -> float:
    """So many, or fewer if its run is to be looked at before."""
    if member.pause_at is None:
        return seconds
    return max(0.0, min(seconds, member.pause_at - time.perf_counter()))
