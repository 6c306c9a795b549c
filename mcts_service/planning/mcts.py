"""Monte Carlo Tree Search over any sample model: `MCTS(model).plan(state)`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from mcts_service._core import CancelFlag, ModelHandle, Search, SplitMix64
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

MAX_HORIZON = 2**31 - 1


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
        self.config = config if config is not None else SearchConfig()
        self._handle: ModelHandle | None = getattr(model, "handle", None)
        _check_model(model, self._handle is not None)
        self._use_value = self._decide_value()
        self._seeds = SplitMix64(_check_seed(seed))
        self._first_seed: int | None = seed
        self._idle: list[Search] = []
        shared = self._handle is not None and self._handle.thread_safe
        self._turn: AbstractContextManager[Any] = nullcontext() if shared else threading.Lock()
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
        budget = budget if budget is not None else Budget()
        seed = self._next_seed() if seed is None else _check_seed(seed)
        if state is None:
            raise InvalidRequest("state", "is missing; must be a state of the model")
        root = self.model.pack_state(state) if self._handle is not None else state
        with self._turn:
            search = self._acquire()
            try:
                stop_reason = self._search(
                    search,
                    root,
                    budget,
                    started,
                    _check_horizon(horizon),
                    self._check_allowed(allowed_actions),
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
        actions = [int(action) for action in allowed]
        highest = self.model.num_actions - 1
        if not actions:
            raise InvalidRequest("allowed_actions", "is empty; must name at least one action")
        for index, action in enumerate(actions):
            if not 0 <= action <= highest:
                raise InvalidRequest(
                    f"allowed_actions[{index}]", f"is {action}; must be from 0 to {highest}"
                )
            if action in actions[:index]:
                raise InvalidRequest(f"allowed_actions[{index}]", f"repeats action {action}")
        return sorted(actions)

    def _next_seed(self) -> int:
        first, self._first_seed = self._first_seed, None
        if first is not None:
            return first
        return self._seeds.next_uint64()

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


def _check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise InvalidRequest("seed", f"is {seed!r}; must be an integer from 0 to 2**64 - 1")
    return int(seed)


def _check_horizon(horizon: Any) -> int:
    """The horizon as the core wants it: 0 for none."""
    if horizon is None:
        return 0
    if (
        isinstance(horizon, bool)
        or not isinstance(horizon, (int, np.integer))
        or not 1 <= horizon <= MAX_HORIZON
    ):
        raise InvalidRequest(
            "horizon", f"is {horizon!r}; must be an integer from 1 to {MAX_HORIZON}"
        )
    return int(horizon)


def _check_model(model: Any, is_native: bool) -> None:
    if is_native:
        return
    if not callable(getattr(model, "sample", None)):
        raise InvalidRequest(
            "model",
            f"{type(model).__name__} has no sample(state, action, rng); a distribution model "
            "becomes a sample model by mcts_service.models.SampledModel",
        )
    num_actions = getattr(model, "num_actions", None)
    if isinstance(num_actions, bool) or not isinstance(num_actions, (int, np.integer)):
        raise InvalidRequest("model.num_actions", f"is {num_actions!r}; must be an integer >= 1")
    discount = getattr(model, "discount", 1.0)
    if not isinstance(discount, (int, float)) or not 0 < discount <= 1:
        raise InvalidRequest("model.discount", f"is {discount!r}; must be a number in (0, 1]")
