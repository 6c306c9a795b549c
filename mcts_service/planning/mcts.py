"""Monte Carlo Tree Search over any sample model: `MCTS(model).plan(state)`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import numpy as np

from mcts_service._core import CancelFlag, ModelHandle, Search, SplitMix64
from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import Cancelled, DeadlineExpired, InvalidRequest
from mcts_service.planning.config import (
    DEFAULT_SIMULATIONS,
    MAX_SIMULATIONS,
    Budget,
    SearchConfig,
)
from mcts_service.planning.plan import (
    ActionStatistics,
    Plan,
    PrincipalVariationStep,
    StopReason,
)

__all__ = ["DEFAULT_MAX_BYTES", "MCTS", "CancelFlag"]

#: Memory of a search tree whose budget sets no limit.
DEFAULT_MAX_BYTES = 2**30

MAX_SEED = 2**64 - 1
MAX_HORIZON = 2**31 - 1
MAX_STATE_BYTES = 2**63 - 1
#: What the core numbers actions and players with.
MAX_ACTIONS, MAX_PLAYERS = 2**24, 255

T = TypeVar("T")


class MCTS:
    """A planner over one model; also a `Policy`, so it can stand wherever a policy can.

    Any number of threads may call `plan`. Native models that are thread-safe plan at the same
    time; any other model serves one plan after the other.

    Args:
      model: a sample model (see `mcts_service.protocols`), compiled or in Python.
      config: the algorithm.
      seed: 0 .. 2**64 - 1. The first plan uses it as it is, later ones seeds that follow
        from it, so that a planner's whole run can be repeated.
    Raises:
      InvalidRequest: the model lacks what a sample model, or the config, needs.
    """

    def __init__(self, model: Any, config: SearchConfig | None = None, *, seed: int = 0) -> None:
        self.model = model
        self.config = _of_type("config", config, SearchConfig)
        self._handle: ModelHandle | None = getattr(model, "handle", None)
        _check_model(model, self._handle is not None)
        self._use_value = self._decide_value()
        self._seeds = SplitMix64(require_integer("seed", seed, 0, MAX_SEED))
        self._first_seed: int | None = seed
        self._drawing = threading.Lock()
        self._idle: list[Search] = []
        shared = self._handle is not None and self._handle.thread_safe
        # Reentrant, because a model may ask its own planner for an action.
        self._turn: AbstractContextManager[Any] = nullcontext() if shared else threading.RLock()
        self._release(self._acquire())

    def plan(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[int] | None = None,
        cancel: CancelFlag | None = None,
    ) -> Plan:
        """The best action for a state, and why.

        Args:
          state: one of the model's states that is not terminal. Not changed.
          budget: limits; the first one reached stops the search.
          horizon: steps left, >= 1, where the problem has an end.
          seed: of this plan, in place of the planner's own.
          allowed_actions: the plan chooses among these only; default all legal ones.
          cancel: another thread may set it to stop the search.
        Returns:
          A plan from at least one simulation, whatever stopped the search.
        Raises:
          InvalidRequest: an argument is wrong.
          TerminalState, NoLegalAction: there is nothing to choose.
          ModelFault: the model raised, or broke its contract.
          Cancelled, DeadlineExpired: before one simulation was done.
        """
        started = time.perf_counter()
        budget = _of_type("budget", budget, Budget)
        if seed is not None:
            require_integer("seed", seed, 0, MAX_SEED)
        if cancel is not None:
            _of_type("cancel", cancel, CancelFlag)
        if state is None:
            raise InvalidRequest("state", "is missing; must be a state of the model")
        # 0 is the core's word for no end.
        horizon = 0 if horizon is None else require_integer("horizon", horizon, 1, MAX_HORIZON)
        allowed = self._check_allowed(allowed_actions)
        root = self.model.pack_state(state) if self._handle is not None else state
        # Last: a request that is refused uses up none of the planner's seeds.
        seed = self._next_seed() if seed is None else int(seed)
        with self._turn:
            search = self._acquire()
            try:
                stop_reason = self._search(
                    search,
                    root,
                    budget,
                    started,
                    horizon,
                    allowed,
                    seed,
                    cancel,
                )
                return _read_plan(search, stop_reason, time.perf_counter() - started, seed)
            finally:
                self._release(search)

    def action(self, state: Any, rng: np.random.Generator | None = None) -> Any:
        """The action of a plan with the default budget; with `rng`, by a seed drawn from it."""
        seed = None if rng is None else int(rng.integers(2**64, dtype=np.uint64))
        return self.plan(state, seed=seed).action

    def _search(
        self,
        search: Search,
        root: Any,
        budget: Budget,
        started: float,
        horizon: int,
        allowed: list[int] | None,
        seed: int,
        cancel: CancelFlag | None,
    ) -> StopReason:
        limit_bytes = budget.max_bytes if budget.max_bytes is not None else DEFAULT_MAX_BYTES
        no_room = InvalidRequest(
            "budget.max_bytes", f"is {limit_bytes}; not one simulation fits into that"
        )
        try:
            search.begin(root, horizon=horizon, allowed=allowed, seed=seed, max_bytes=limit_bytes)
        except MemoryError:
            raise no_room from None
        seconds = budget.time_limit
        if seconds is not None:
            seconds = max(0.0, seconds - (time.perf_counter() - started))
        stop_reason = StopReason(search.run(self._simulations(budget), seconds, cancel))
        if search.simulations > 0:
            return stop_reason
        if stop_reason is StopReason.CANCELLED:
            raise Cancelled("the search was cancelled before one simulation was done")
        if stop_reason is StopReason.TIME_LIMIT:
            raise DeadlineExpired(f"not one simulation fits into {budget.time_limit} s")
        raise no_room

    def _simulations(self, budget: Budget) -> int:
        if budget.simulations is not None:
            return budget.simulations
        if budget.time_limit is not None or budget.max_bytes is not None:
            return MAX_SIMULATIONS
        return int(getattr(self.model, "default_simulations", DEFAULT_SIMULATIONS))

    def _decide_value(self) -> bool:
        has_value = (
            self._handle.has_value
            if self._handle is not None
            else getattr(self.model, "value", None) is not None
        )
        if self.config.evaluation == "value" and not has_value:
            raise InvalidRequest(
                "evaluation", "is 'value', and the model has no value(state); 'rollout' would work"
            )
        return has_value and self.config.evaluation != "rollout"

    def _check_allowed(self, allowed: Sequence[int] | None) -> list[int] | None:
        if allowed is None:
            return None
        if not isinstance(allowed, Iterable):
            raise InvalidRequest(
                "allowed_actions", f"is {shown(allowed)}; must be a sequence of actions"
            )
        highest = self.model.num_actions - 1
        actions: list[int] = []
        for index, action in enumerate(allowed):
            actions.append(require_integer(f"allowed_actions[{index}]", action, 0, highest))
            if action in actions[:index]:
                raise InvalidRequest(f"allowed_actions[{index}]", f"repeats action {action}")
        if not actions:
            raise InvalidRequest("allowed_actions", "is empty; must name at least one action")
        return sorted(actions)

    def _next_seed(self) -> int:
        with self._drawing:
            first, self._first_seed = self._first_seed, None
            return self._seeds.next_uint64() if first is None else first

    def _acquire(self) -> Search:
        """A search that no other thread holds; its memory is used again."""
        try:
            return self._idle.pop()
        except IndexError:
            return Search(
                self._handle if self._handle is not None else self.model,
                exploration=self.config.exploration,
                max_depth=self.config.max_depth,
                use_value=self._use_value,
                bytes_per_state=int(getattr(self.model, "state_size_bytes", 0)),
            )

    def _release(self, search: Search) -> None:
        self._idle.append(search)


def _of_type(field: str, value: T | None, kind: type[T]) -> T:
    """The value, or one with every default where it is None."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise InvalidRequest(field, f"is {shown(value)}; must be a {kind.__name__}")
    return value


def _read_plan(search: Search, stop_reason: StopReason, seconds: float, seed: int) -> Plan:
    actions = [ActionStatistics(*row) for row in search.root_actions()]
    best = max(actions, key=lambda a: (a.visits, a.value))
    return Plan(
        action=best.action,
        value=best.value,
        player_values=search.player_values,
        actions=actions,
        principal_variation=[PrincipalVariationStep(*s) for s in search.principal_variation()],
        simulations=search.simulations,
        nodes=search.nodes,
        depth=search.depth,
        bytes=search.bytes,
        recipe="uct",
        stop_reason=stop_reason,
        search_time=seconds,
        seed=seed,
        deterministic=stop_reason is StopReason.SIMULATIONS,
    )


def _check_model(model: Any, is_native: bool) -> None:
    """What the core would find out later, or not tell by its name."""
    if not is_native:
        _check_python_model(model)
    states = getattr(model, "state_size_bytes", 0)
    require_integer("model.state_size_bytes", states, 0, MAX_STATE_BYTES)
    simulations = getattr(model, "default_simulations", DEFAULT_SIMULATIONS)
    require_integer("model.default_simulations", simulations, 1, MAX_SIMULATIONS)


def _check_python_model(model: Any) -> None:
    if not callable(getattr(model, "sample", None)):
        raise InvalidRequest(
            "model",
            f"{type(model).__name__} has no sample(state, action, rng); a distribution model "
            "becomes a sample model by mcts_service.models.SampledModel",
        )
    num_actions = getattr(model, "num_actions", None)
    require_integer("model.num_actions", num_actions, 1, MAX_ACTIONS)
    require_integer("model.num_players", getattr(model, "num_players", 1), 1, MAX_PLAYERS)
    discount = require_number("model.discount", getattr(model, "discount", 1.0), 0, 1)
    if discount == 0:
        raise InvalidRequest("model.discount", "is 0; must be above 0")
