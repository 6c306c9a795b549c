"""A planner in every order of calls, with a model that raises when told to.

Whatever was called before, a plan is sound or the right error is raised, and no state outlives
the planner that held it.
"""

from __future__ import annotations

import gc
import math
import os
import sys
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import (
    Cancelled,
    InvalidRequest,
    ModelFault,
    NoLegalAction,
    TerminalState,
)
from mcts_service.planning import CancelFlag, KeptTree, Plan

PRESETS = ["uct", "dp_uct", "graph", "open_loop", "pomcp"]
RING = 12


class Place:
    """A state that can be counted."""

    def __init__(self, number: int) -> None:
        self.number = number


class Told(Exception):
    """What the model raises when it is told to."""


class Ring:
    """A walk round a ring, told apart by `state_key`; 11 ends it; every step costs."""

    num_actions = 3
    discount = 0.9

    def __init__(self, deterministic: bool, declares: bool, valued: bool) -> None:
        self.deterministic = deterministic
        self.alive: weakref.WeakSet[Place] = weakref.WeakSet()  # what something still holds
        self.raises_in = 0  # calls; 0: never
        self.cancels: CancelFlag | None = None
        if declares and not deterministic:
            self.max_outcomes = 2
            self.transitions = self.both_outcomes
        if valued:
            self.value = self.worth

    def place(self, number: int) -> Place:
        place = Place(number)
        self.alive.add(place)
        return place

    def asked(self) -> None:
        if self.raises_in:
            self.raises_in -= 1
            if not self.raises_in:
                if self.cancels is None:
                    raise Told("as told")
                self.cancels.cancel()

    def to(self, state: Place, steps: int) -> tuple[Place, float, bool]:
        number = (state.number + steps) % RING
        return self.place(number), -1.0 - 0.1 * steps, number == RING - 1

    def sample(self, state: Place, action: int, rng: Any) -> tuple[Place, float, bool]:
        self.asked()
        return self.to(state, action + (not self.deterministic and rng.random() < 0.5))

    def both_outcomes(self, state: Place, action: int) -> list[tuple[float, Place, float, bool]]:
        self.asked()
        return [(0.5, *self.to(state, action + slip)) for slip in (0, 1)]

    def legal_actions(self, state: Place) -> list[int]:
        self.asked()
        return [1, 2] if state.number % 4 == 1 else [0, 1, 2]

    def is_terminal(self, state: Place) -> bool:
        self.asked()
        return state.number == RING - 1

    def observe(self, action: int, following: Place, rng: Any) -> int:
        self.asked()
        return (following.number + (rng.random() < 0.2)) % 3

    def validate_state(self, state: Place) -> None:
        self.asked()
        if state.number < 0:
            raise InvalidRequest("state", "is below 0")

    def state_key(self, state: Place) -> int:
        self.asked()
        return state.number

    def worth(self, state: Place) -> float:
        self.asked()
        return -5.0


def assert_sound(plan: Plan, preset: str) -> None:
    actions = plan.actions
    assert [a.action for a in actions] == sorted({a.action for a in actions})
    assert plan.action in [a.action for a in actions]
    visits, counted = sum(a.visits for a in actions), plan.simulations + plan.reused_simulations
    assert visits >= counted if preset == "graph" else visits == counted
    assert plan.deterministic <= (plan.reused_simulations == 0)
    # A step costs from 1 to 1.3, and there is a discount: anything else was never learned.
    assert -13.0 - 1e-9 <= plan.value <= -1.0 + 1e-9
    known = [a.value for a in actions if not math.isnan(a.value)]
    assert all(-13.0 - 1e-9 <= value <= -1.0 + 1e-9 for value in known)
    if preset in ("dp_uct", "graph"):
        assert plan.value == max(known)
    assert plan.nodes >= 1
    assert 0 <= plan.depth <= 20


class PlannerMachine(RuleBasedStateMachine):
    @initialize(
        preset=st.sampled_from(PRESETS),
        deterministic=st.booleans(),
        declares=st.booleans(),
        valued=st.booleans(),
        max_depth=st.integers(1, 20),
        in_flight=st.just(1) | st.integers(2, 12),
        seed=st.integers(0, 2**64 - 1),
    )
    def begin(
        self,
        preset: str,
        deterministic: bool,
        declares: bool,
        valued: bool,
        max_depth: int,
        in_flight: int,
        seed: int,
    ) -> None:
        self.preset, self.model = preset, Ring(deterministic, declares, valued)
        config = SearchConfig.preset(preset, max_depth=max_depth, in_flight=in_flight)
        self.planner: MCTS | None = MCTS(self.model, config, seed=seed)
        self.plan: Plan | None = None
        self.kept = KeptTree()
        self.at = 0

    def teardown(self) -> None:
        self.planner = None
        self.kept = KeptTree()
        gc.collect()
        if sys.exc_info()[0] is None:  # the traceback of a failure holds states too
            assert not self.model.alive

    def check_cause(self, fault: ModelFault) -> None:
        assert isinstance(fault.__cause__, Told)

    def planned(self, number: int, *, told: bool = False, **request: Any) -> None:
        """A plan, or the error that the state, and what the model was told, make right."""
        assert self.planner is not None
        cancelled = self.model.cancels is not None
        self.plan = None
        try:
            plan = self.planner.plan(self.model.place(number), **request)
        except TerminalState:
            assert number == RING - 1
        except NoLegalAction:
            assert number % 4 == 1
            assert list(request["allowed_actions"]) == [0]
        except ModelFault as error:
            self.check_cause(error)
            assert told
        except InvalidRequest as error:
            field = error.violations[0].field
            assert (field == "state" and (number < 0 or told)) or field == "budget.max_bytes"
        except Cancelled:
            assert cancelled
        else:
            assert_sound(plan, self.preset)
            self.plan, self.at = plan, number
        finally:
            self.model.raises_in, self.model.cancels = 0, None

    @rule(
        number=st.integers(-1, RING - 1),
        simulations=st.integers(1, 120),
        horizon=st.none() | st.integers(1, 30),
        allowed=st.none() | st.lists(st.integers(0, 2), min_size=1, unique=True),
    )
    def plans(
        self, number: int, simulations: int, horizon: int | None, allowed: list[int] | None
    ) -> None:
        budget = Budget(simulations=simulations)
        self.planned(number, budget=budget, horizon=horizon, allowed_actions=allowed)

    @rule(
        number=st.integers(0, RING - 2),
        more=st.integers(0, 40_000),
        simulations=st.integers(1, 500),
    )
    def plans_in_little_memory(self, number: int, more: int, simulations: int) -> None:
        self.planned(number, budget=Budget(simulations=simulations, max_bytes=65536 + more))

    @rule(number=st.integers(0, RING - 2), call=st.integers(1, 300))
    def plans_while_the_model_raises(self, number: int, call: int) -> None:
        self.model.raises_in = call
        self.planned(number, told=True, budget=Budget(simulations=40))

    @rule(number=st.integers(0, RING - 2), call=st.integers(1, 300))
    def plans_until_cancelled(self, number: int, call: int) -> None:
        self.model.raises_in, self.model.cancels = call, CancelFlag()
        flag = self.model.cancels
        self.planned(number, budget=Budget(simulations=40), cancel=flag)

    @rule(
        request=st.fixed_dictionaries(
            {},
            optional={
                "horizon": st.sampled_from([0, -1, 2**31, 1.5, "1"]),
                "seed": st.sampled_from([-1, 2**64, 0.5, "0"]),
                "allowed_actions": st.sampled_from([[], [3], [-1], [0, 0], 1, ["0"]]),
                "budget": st.sampled_from([1, "many", {}]),
                "cancel": st.sampled_from([1, True, object()]),
            },
        ).filter(bool)
    )
    def refuses_odd_arguments(self, request: dict[str, Any]) -> None:
        assert self.planner is not None
        with pytest.raises(InvalidRequest):
            self.planner.plan(self.model.place(0), **request)

    @rule(
        numbers=st.lists(st.integers(-1, RING - 1), min_size=1, max_size=4),
        simulations=st.integers(1, 60),
        call=st.integers(0, 200),
        data=st.data(),
    )
    def plans_several(
        self, numbers: list[int], simulations: int, call: int, data: st.DataObject
    ) -> None:
        assert self.planner is not None
        seeds = data.draw(st.lists(st.integers(0, 9), min_size=len(numbers), max_size=len(numbers)))
        self.model.raises_in = call
        self.plan = None
        states = [self.model.place(number) for number in numbers]
        plans = self.planner.plan_batch(states, Budget(simulations=simulations), seeds=seeds)
        self.model.raises_in = 0
        faults = 0
        for number, seed, plan in zip(numbers, seeds, plans, strict=True):
            if isinstance(plan, ModelFault):
                self.check_cause(plan)
                faults += 1
            elif isinstance(plan, Plan):
                assert_sound(plan, self.preset)
                assert plan.seed == seed
            else:
                assert isinstance(plan, TerminalState if number == RING - 1 else InvalidRequest)
                assert number in (-1, RING - 1) or call
        assert faults <= (call > 0)
        del states, plans

    @precondition(lambda self: self.plan is not None)
    @rule(steps=st.integers(0, 2), simulations=st.integers(1, 60), horizon=st.none() | st.just(5))
    def advances_and_plans(self, steps: int, simulations: int, horizon: int | None) -> None:
        assert self.planner is not None
        assert self.plan is not None
        number = (self.at + self.plan.action + steps) % RING
        kept = self.planner.advance(self.plan.action, self.model.place(number))
        assert isinstance(kept, bool)
        assert not kept or self.preset not in ("open_loop", "pomcp")
        if steps == 2 or number == RING - 1:
            assert not kept
        self.planned(number, budget=Budget(simulations=simulations), horizon=horizon)
        if not kept and self.plan is not None:
            assert self.plan.reused_simulations == 0

    @rule(action=st.integers(-2, 4), number=st.integers(-1, RING), call=st.integers(0, 6))
    def advances_anywhere(self, action: int, number: int, call: int) -> None:
        assert self.planner is not None
        self.model.raises_in = call
        try:
            assert isinstance(self.planner.advance(action, self.model.place(number)), bool)
        except InvalidRequest:
            assert not 0 <= action <= 2
        except ModelFault as error:
            self.check_cause(error)
        finally:
            self.model.raises_in = 0
        self.plan = None

    @rule(number=st.integers(-1, RING), simulations=st.integers(1, 60), call=st.integers(0, 6))
    def plans_with_a_kept_tree(self, number: int, simulations: int, call: int) -> None:
        assert self.planner is not None
        self.model.raises_in = call
        try:
            budget = Budget(simulations=simulations)
            plan = self.planner.plan(self.model.place(number), budget, tree=self.kept)
            assert_sound(plan, self.preset)
        except (InvalidRequest, TerminalState):
            assert number in (-1, RING - 1)
        except ModelFault as error:
            self.check_cause(error)
        finally:
            self.model.raises_in = 0
        assert not self.kept.is_lent
        self.plan = None

    @invariant()
    def holds_no_more_states_than_its_trees(self) -> None:
        if getattr(self, "planner", None) is None:
            return
        assert self.planner is not None
        held = self.planner._searches.trees
        idle = [tree for group in held._idle.values() for tree in group]
        kept = [tree for tree in (held._latest, self.kept._tree) if tree]
        trees = [*idle, *kept]
        # One more for each tree: the state that its search began from.
        most = sum(tree.search.nodes + 1 for tree in trees)
        if len(self.model.alive) > most:
            gc.collect()  # an error and its frames hold each other
        assert len(self.model.alive) <= most


# The tests look at the same examples every time; `make fuzz` at more, and at others.
EXAMPLES = os.environ.get("MCTS_FUZZ_EXAMPLES")
PlannerMachine.TestCase.settings = settings(
    max_examples=int(EXAMPLES or 60),
    stateful_step_count=20,
    deadline=None,
    derandomize=EXAMPLES is None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestPlanner = PlannerMachine.TestCase
