"""Monte Carlo Tree Search over any sample model: `MCTS(model).plan(state)`."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from mcts_service._core import CancelFlag, ModelHandle, Search, SplitMix64
from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
)
from mcts_service.labels import is_hashable, is_labelled
from mcts_service.models.identity import state_identity
from mcts_service.planning.config import (
    DEFAULT_SIMULATIONS,
    LEAST_SECONDS,
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
        self._is_labelled = self._handle is None and is_labelled(model)
        self._evaluation = self._decide_evaluation()
        self._seeds = SplitMix64(require_integer("seed", seed, 0, MAX_SEED))
        self._first_seed: int | None = seed
        # Of the fields below and the seeds; reentrant, because a state_key may plan.
        self._own = threading.RLock()
        self._idle: list[_Tree] = []
        self._latest: _Tree | None = None
        shared = self._handle is not None and self._handle.thread_safe
        # Reentrant, because a model may ask its own planner for an action.
        self._turn: AbstractContextManager[Any] = nullcontext() if shared else threading.RLock()
        self._idle.append(_Tree(self._new_search()))

    def plan(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[Any] | None = None,
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
        # 0 is the core's word for no end.
        horizon = 0 if horizon is None else require_integer("horizon", horizon, 1, MAX_HORIZON)
        allowed = self._check_allowed(allowed_actions)
        root = self._packed(state, "state")
        # Last: a request that is refused uses up none of the planner's seeds.
        seed = self._next_seed() if seed is None else int(seed)
        limit_bytes = budget.max_bytes if budget.max_bytes is not None else DEFAULT_MAX_BYTES
        with self._turn:
            tree = self._acquire(root, horizon, allowed, limit_bytes)
            try:
                self._begin(tree, root, horizon, allowed, seed, limit_bytes)
                stop_reason = self._run(tree.search, budget, limit_bytes, started, cancel)
                seconds = time.perf_counter() - started
                return _read_plan(tree.search, stop_reason, seconds, seed, self.config.recipe)
            finally:
                self._release(tree)

    def plan_batch(
        self,
        states: Sequence[Any] | np.ndarray,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seeds: Sequence[int] | None = None,
        allowed_actions: Sequence[Sequence[Any] | None] | None = None,
        cancel: CancelFlag | None = None,
    ) -> list[Plan | MCTSServiceError]:
        """One plan for each of many states, each as `plan` alone would give it.

        Args:
          states: B of the model's states, or an array [B, ...] of them, B >= 1. Not changed.
          budget: simulations and bytes are limits of each row, the time limit of the call.
          horizon: steps left, >= 1, of every row.
          seeds: B of them, in place of the planner's own.
          allowed_actions: for each row None or what its plan chooses among.
          cancel: another thread may set it to stop all searches.
        Returns:
          B entries, in the order of the states: a plan, or, of a row that has none, the error
          that `plan` would raise for it. No row depends on the others.
        Raises:
          InvalidRequest: an argument that is not one row's is wrong.
        """
        started = time.perf_counter()
        budget = _of_type("budget", budget, Budget)
        count = _count_of_rows(states)
        seeds = _rows_of("seeds", seeds, count)
        allowed = _rows_of("allowed_actions", allowed_actions, count)
        plans: list[Plan | MCTSServiceError] = []
        for row in range(count):
            try:
                plan = self.plan(
                    states[row],
                    _share_of_time(budget, started, count - row),
                    horizon=horizon,
                    seed=seeds[row],
                    allowed_actions=allowed[row],
                    cancel=cancel,
                )
                plans.append(plan)
            except MCTSServiceError as error:
                plans.append(error)
        return plans

    def advance(self, action: Any, next_state: Any) -> bool:
        """Keeps, of the last plan's tree, what lies behind an action and what it led to.

        The next plan of `next_state` goes on from there; any other starts afresh, and so does
        one with `allowed_actions`, another memory limit, or a horizon that is not one step less.

        Args:
          action: what was done in the state of the last plan.
          next_state: what it led to.
        Returns:
          True if there is something to go on from.
        Raises:
          InvalidRequest: an argument is wrong.
          ModelFault: the model could not tell its states apart; nothing has changed.
        """
        action = self._check_action("action", action)
        root = self._packed(next_state, "next_state")
        with self._turn, self._own:
            tree = self._latest
            if tree is None:
                return False
            identity = self._identity(root)  # before anything moves: it may fail
            kept = tree.search.advance(action, root)
            if not kept:  # its root is an older state: a later step must not start there
                self._latest = None
                self._set_aside(tree)
                return False
            tree.advanced_to = identity
            tree.horizon -= tree.horizon > 0
            return True

    def forget(self) -> None:
        """Gives up the last plan's tree, which is kept for `advance`, and most of its memory."""
        with self._own:
            latest, self._latest = self._latest, None
            if latest is not None:
                self._set_aside(latest)

    def action(self, state: Any, rng: np.random.Generator | None = None) -> Any:
        """The action of a plan with the default budget; with `rng`, by a seed drawn from it."""
        seed = None if rng is None else int(rng.integers(2**64, dtype=np.uint64))
        return self.plan(state, seed=seed).action

    def _begin(
        self,
        tree: _Tree,
        root: Any,
        horizon: int,
        allowed: list[int] | None,
        seed: int,
        limit_bytes: int,
    ) -> None:
        resumed, tree.advanced_to = tree.advanced_to is not None, None
        tree.horizon, tree.limit_bytes = horizon, limit_bytes
        if resumed:
            tree.search.resume(horizon=horizon, seed=seed)
            return
        try:
            tree.search.begin(
                root, horizon=horizon, allowed=allowed, seed=seed, max_bytes=limit_bytes
            )
        except MemoryError:
            raise _no_room(limit_bytes) from None

    def _run(
        self,
        search: Search,
        budget: Budget,
        limit_bytes: int,
        started: float,
        cancel: CancelFlag | None,
    ) -> StopReason:
        seconds = budget.time_limit
        if seconds is not None:
            seconds = max(0.0, seconds - (time.perf_counter() - started))
        stop_reason = StopReason(search.run(self._simulations(budget), seconds, cancel))
        if search.simulations > 0 or stop_reason is StopReason.SOLVED:
            return stop_reason
        if stop_reason is StopReason.CANCELLED:
            raise Cancelled("the search was cancelled before one simulation was done")
        if stop_reason is StopReason.TIME_LIMIT:
            raise DeadlineExpired(f"not one simulation fits into {budget.time_limit} s")
        raise _no_room(limit_bytes)

    def _simulations(self, budget: Budget) -> int:
        if budget.simulations is not None:
            return budget.simulations
        if budget.time_limit is not None or budget.max_bytes is not None:
            return MAX_SIMULATIONS
        return int(getattr(self.model, "default_simulations", DEFAULT_SIMULATIONS))

    def _decide_evaluation(self) -> str:
        """What "auto" means for this model; the core refuses what does not go together."""
        if self.config.evaluation != "auto":
            return self.config.evaluation
        has_value = (
            self._handle.has_value
            if self._handle is not None
            else getattr(self.model, "value", None) is not None
        )
        return "value" if has_value else "rollout"

    def _check_allowed(self, allowed: Sequence[Any] | None) -> list[Any] | None:
        if allowed is None:
            return None
        if not isinstance(allowed, Iterable):
            raise InvalidRequest(
                "allowed_actions", f"is {shown(allowed)}; must be a sequence of actions"
            )
        actions: list[Any] = []
        for index, action in enumerate(allowed):
            actions.append(self._check_action(f"allowed_actions[{index}]", action))
            if action in actions[:index]:
                raise InvalidRequest(f"allowed_actions[{index}]", f"repeats action {action}")
        if not actions:
            raise InvalidRequest("allowed_actions", "is empty; must name at least one action")
        return actions if self._is_labelled else sorted(actions)

    def _check_action(self, field: str, action: Any) -> Any:
        """One of the model's numbers, or what may be a label: which ones depends on the state."""
        if not self._is_labelled:
            return require_integer(field, action, 0, self.model.num_actions - 1)
        if not is_hashable(action):
            raise InvalidRequest(field, f"is {shown(action)}; must be hashable, as actions are")
        return action

    def _next_seed(self) -> int:
        with self._own:
            first, self._first_seed = self._first_seed, None
            return self._seeds.next_uint64() if first is None else first

    def _packed(self, state: Any, field: str) -> Any:
        """The state as the core takes it."""
        if state is None:
            raise InvalidRequest(field, "is missing; must be a state of the model")
        return self.model.pack_state(state) if self._handle is not None else state

    def _identity(self, root: Any) -> Hashable:
        if self._handle is not None:
            return bytes(root)
        try:
            return state_identity(self.model, root)
        except Exception as error:
            raise ModelFault(f"state_key raised {type(error).__name__}: {error}") from error

    def _acquire(
        self, root: Any, horizon: int, allowed: list[int] | None, limit_bytes: int
    ) -> _Tree:
        """A tree that no other thread holds: the one advanced to `root`, or one to use again."""
        with self._own:
            latest = self._latest
            if latest is not None and latest.advanced_to is not None:
                same_time = self.config.sharing == "state" or horizon == latest.horizon
                fits = allowed is None and same_time and limit_bytes == latest.limit_bytes
                if not (fits and latest.advanced_to == self._identity(root)):
                    latest.advanced_to = None
            self._latest = None
            if latest is not None:
                return latest
            return self._idle.pop() if self._idle else _Tree(self._new_search())

    def _release(self, tree: _Tree) -> None:
        with self._own:
            if self._latest is not None:
                self._set_aside(self._latest)
            self._latest = tree

    def _set_aside(self, tree: _Tree) -> None:
        """To be used again, for a fresh search. Needs the lock."""
        tree.advanced_to = None
        tree.search.clear()
        self._idle.append(tree)

    def _new_search(self) -> Search:
        return Search(
            self._handle if self._handle is not None else self.model,
            exploration=self.config.exploration,
            max_depth=self.config.max_depth,
            evaluation=self._evaluation,
            backup=self.config.backup,
            sharing=self.config.sharing,
            bytes_per_state=int(getattr(self.model, "state_size_bytes", 0)),
        )


@dataclass
class _Tree:
    """A search, and what its tree may be gone on with.

    Attributes:
      advanced_to: identity of the state at its root, if `advance` has put it there.
      horizon: steps left at its root; 0: no end.
      limit_bytes: of its memory.
    """

    search: Search
    advanced_to: Hashable | None = None
    horizon: int = 0
    limit_bytes: int = 0


def _count_of_rows(states: Any) -> int:
    if not isinstance(states, (Sequence, np.ndarray)) or isinstance(states, (str, bytes)):
        raise InvalidRequest("states", f"is {shown(states)}; must be a sequence of states")
    if isinstance(states, np.ndarray) and states.ndim == 0:
        raise InvalidRequest("states", "is an array without rows; must have one a state")
    if not len(states):
        raise InvalidRequest("states", "is empty; must have at least one state")
    return len(states)


def _rows_of(field: str, values: Any, count: int) -> Sequence[Any]:
    """One value a row; None for each where there are none."""
    if values is None:
        return [None] * count
    if not isinstance(values, (Sequence, np.ndarray)):
        raise InvalidRequest(field, f"is {shown(values)}; must be a sequence, one entry a state")
    if len(values) != count:
        raise InvalidRequest(field, f"has {len(values)} entries; must have {count}, one a state")
    return values


def _share_of_time(budget: Budget, started: float, rows: int) -> Budget:
    """The budget of the next of so many rows: what is left of the time is theirs in equal parts."""
    if budget.time_limit is None:
        return budget
    left = budget.time_limit - (time.perf_counter() - started)
    return replace(budget, time_limit=max(left / rows, LEAST_SECONDS))


def _no_room(limit_bytes: int) -> InvalidRequest:
    return InvalidRequest(
        "budget.max_bytes", f"is {limit_bytes}; not one simulation fits into that"
    )


def _of_type(field: str, value: T | None, kind: type[T]) -> T:
    """The value, or one with every default where it is None."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise InvalidRequest(field, f"is {shown(value)}; must be a {kind.__name__}")
    return value


def _read_plan(
    search: Search, stop_reason: StopReason, seconds: float, seed: int, recipe: str
) -> Plan:
    actions = [ActionStatistics(*row) for row in search.root_actions()]
    best = actions[search.best_action()]
    by_count = stop_reason in (StopReason.SIMULATIONS, StopReason.SOLVED)
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
        recipe=recipe,
        stop_reason=stop_reason,
        search_time=seconds,
        seed=seed,
        deterministic=by_count and search.reused_simulations == 0,
        reused_simulations=search.reused_simulations,
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
    if is_labelled(model):
        require_integer("model.max_actions", getattr(model, "max_actions", 1), 1, MAX_ACTIONS)
    else:
        num_actions = getattr(model, "num_actions", None)
        require_integer("model.num_actions", num_actions, 1, MAX_ACTIONS)
    require_integer("model.num_players", getattr(model, "num_players", 1), 1, MAX_PLAYERS)
    discount = require_number("model.discount", getattr(model, "discount", 1.0), 0, 1)
    if discount == 0:
        raise InvalidRequest("model.discount", "is 0; must be above 0")
