"""A model whose answers are slow gives up in time, and one that is lost is asked no more."""

from contextlib import contextmanager

import pytest
from small_batches import Walk

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    ReplicaLost,
    TerminalState,
)
from mcts_service.planning import CancelFlag, StopReason


class GivesUp(Walk):
    """A walk that answers so many calls, and then raises what it is told.

    Attributes:
      calls: answered or not.
      within: (seconds, whether cancelled) of each plan, as it began.
    """

    def __init__(self, error=None, after=0, **capabilities):
        super().__init__(**capabilities)
        self.error, self.after, self.calls, self.within = error, after, 0, []
        self.is_asked_within = False

    @contextmanager
    def answer_within(self, seconds, is_cancelled):
        self.within.append((seconds, is_cancelled()))
        self.is_asked_within = True
        yield
        self.is_asked_within = False

    def sample_batch(self, states, actions, rng):
        assert self.is_asked_within
        self.calls += 1
        if self.error is not None and self.calls > self.after:
            raise self.error
        return super().sample_batch(states, actions, rng)

    def is_terminal_batch(self, states):
        assert self.is_asked_within
        return super().is_terminal_batch(states)


class WithoutStart(GivesUp):
    """A walk that cannot say where it starts."""

    def is_terminal_batch(self, states):
        raise self.error


def plan_of(model, in_flight=1, **arguments):
    config = SearchConfig(in_flight=in_flight, max_depth=3)
    return MCTS(model, config).plan(5, Budget(simulations=1000), **arguments)


def plans_of(model, states=(4, 5, 6)):
    return MCTS(model, SearchConfig(max_depth=3)).plan_batch(states, Budget(simulations=1000))


STOPS = {DeadlineExpired: StopReason.TIME_LIMIT, Cancelled: StopReason.CANCELLED}


@pytest.mark.parametrize("error", STOPS)
@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_plan_that_its_model_gives_up_is_what_it_has_come_to(error, in_flight):
    plan = plan_of(GivesUp(error("late"), after=40), in_flight)
    assert plan.stop_reason is STOPS[error]
    assert 0 < plan.simulations < 1000
    assert sum(action.visits for action in plan.actions) >= plan.simulations


@pytest.mark.parametrize("error", STOPS)
@pytest.mark.parametrize("in_flight", [1, 4])
def test_before_one_simulation_there_is_no_plan(error, in_flight):
    with pytest.raises(error):
        plan_of(GivesUp(error("late")), in_flight)


@pytest.mark.parametrize("error", [DeadlineExpired, Cancelled, ReplicaLost])
def test_roots_that_are_given_up_have_no_plans(error):
    model = WithoutStart(error("late"))
    with pytest.raises(error):
        plan_of(model)
    assert [type(plan) for plan in plans_of(model)] == [error] * 3


@pytest.mark.parametrize("error", STOPS)
def test_rows_of_a_batch_that_is_given_up_are_what_they_have_come_to(error):
    plans = plans_of(GivesUp(error("late"), after=40))
    assert [plan.stop_reason for plan in plans] == [STOPS[error]] * 3


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_model_that_is_lost_is_asked_nothing_more(in_flight):
    model = GivesUp(ReplicaLost("gone"), after=40)
    with pytest.raises(ReplicaLost, match="gone"):
        plan_of(model, in_flight)
    assert model.calls == 41
    model.calls = 0
    assert [type(plan) for plan in plans_of(model)] == [ReplicaLost] * 3
    assert model.calls == 41, "no row is asked for by itself"


def test_a_model_that_is_back_is_planned_over_again():
    model = GivesUp(ReplicaLost("gone"))
    planner = MCTS(model, SearchConfig(max_depth=3))
    with pytest.raises(ReplicaLost):
        planner.plan(5, Budget(simulations=10))
    model.error = None
    assert planner.plan(5, Budget(simulations=10)).simulations == 10


def test_a_model_is_told_how_long_its_answers_are_of_use():
    model, cancel = GivesUp(), CancelFlag()
    plan_of(model)
    MCTS(model).plan(5, Budget(simulations=5, time_limit=50.0), cancel=cancel)
    cancel.cancel()
    plans = MCTS(model).plan_batch([5], Budget(simulations=5), cancel=cancel)
    assert isinstance(plans[0], Cancelled)
    assert model.within[0] == (None, False)
    assert 0 < model.within[1][0] <= 50.0
    assert model.within[2] == (None, True)


class Choosy(Walk):
    """A walk that nobody may plan from an odd place of."""

    def refused_states_batch(self, states):
        odd = InvalidRequest("state", "is odd; must be even")
        return {row: odd for row, place in enumerate(self.form.read(states)) if place % 2}


@pytest.mark.parametrize("form", ["int64", "float64[3]"])
def test_a_batch_model_may_refuse_states(form):
    model = Choosy(form, masks=True)
    planner = MCTS(model, SearchConfig(max_depth=3))
    with pytest.raises(InvalidRequest, match="state: is odd; must be even"):
        planner.plan(model.state(5))
    plans = planner.plan_batch(model.states(4, 5, 12, 6), Budget(simulations=20))
    assert isinstance(plans[1], InvalidRequest)
    assert isinstance(plans[2], TerminalState)
    assert [plans[row].simulations for row in (0, 3)] == [20, 20]
    assert all(isinstance(p, InvalidRequest) for p in planner.plan_batch(model.states(3, 5)))
