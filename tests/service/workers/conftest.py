"""Workers of a model, and what they are asked."""

import time
from dataclasses import replace
from functools import partial

import pytest
from misbehaving_models import in_service

from mcts_service.service.query import BatchQuery, BatchRow, PlanQuery
from mcts_service.service.sessions import SessionLimits
from mcts_service.service.states import given
from mcts_service.service.workers import WorkerSettings, Workforce


class Asked:
    """A workforce, and how to ask it."""

    def __init__(self, workforce):
        self.workforce = workforce
        self.entry = workforce.description()
        workforce.complete()

    def query(self, state=4, simulations=100, time_limit=60.0, **changes):
        read = state if callable(state) else partial(given, state)
        query = PlanQuery(
            model=self.entry,
            read_state=read,
            budget=self.entry.limits.admit(simulations=simulations, time_limit=time_limit),
            config=self.entry.config,
            received=time.monotonic(),
            seed=3,
        )
        return replace(query, **changes)

    def plan(self, *arguments, cancel=None, **fields):
        query = self.query(*arguments, **fields)
        end_by = query.received + query.budget.time_limit
        cancel = cancel or self.workforce.new_cancel()
        return self.workforce.plan(query, end_by, cancel).plan

    def watch(self, *arguments, every=None, **fields):
        """All plans, in their order."""
        query, plans = self.query(*arguments, **fields), []
        end_by = query.received + query.budget.time_limit
        cancel = self.workforce.new_cancel()
        outcome = self.workforce.watch(
            every, lambda on_the_way: plans.append(on_the_way.plan), query, end_by, cancel
        )
        return [*plans, outcome.plan]

    def plan_batch(self, states, simulations=100, **fields):
        readers = [state if callable(state) else partial(given, state) for state in states]
        query = BatchQuery(
            model=self.entry,
            rows=[BatchRow(f"rows[{i}]", read) for i, read in enumerate(readers)],
            budget=self.entry.limits.admit(simulations=simulations, time_limit=60.0),
            config=self.entry.config,
            received=time.monotonic(),
            **fields,
        )
        cancel = self.workforce.new_cancel()
        return self.workforce.plan_batch(query, query.received + 60, cancel)

    @property
    def workers(self):
        """Those that there are, whatever they do."""
        return set(self.workforce._staff._workers)

    def wait_for_idle(self, count, seconds=60):
        """Until so many wait for work."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if len(self.workforce._staff._idle) == count:
                return
            time.sleep(0.005)
        raise AssertionError(f"{self.workers} are not {count} that wait")


@pytest.fixture
def workers_of():
    """Starts the workers of a factory: `workers_of(Corridor)`."""
    workforces = []

    def start(factory, *arguments, name="model", **settings):
        settings = {"overrun_seconds": 0.3} | settings
        build = partial(in_service, name, factory, *arguments)
        workforces.append(Workforce(name, build, WorkerSettings(**settings), SessionLimits()))
        return Asked(workforces[-1])

    yield start
    for workforce in workforces:
        workforce.close()
