"""Monte Carlo Tree Search over any sample model: `MCTS(model).plan(state)`."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mcts_service._core import (
    BatchModel,
    CancelFlag,
    ModelHandle,
    Search,
    SearchBatch,
    SplitMix64,
)
from mcts_service.checks import require_integer, shown
from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
)
from mcts_service.labels import is_hashable, is_labelled
from mcts_service.models.identity import state_identity
from mcts_service.planning.arguments import (
    MAX_HORIZON,
    MAX_SEED,
    check_allowed,
    check_model,
    count_rows,
    of_type,
    rows_of,
)
from mcts_service.planning.auto import (
    LEAST_RECURRENCE,
    Capabilities,
    Recipe,
    probe_simulations,
    resolve,
)
from mcts_service.planning.belief import Belief
from mcts_service.planning.config import (
    DEFAULT_SIMULATIONS,
    LEAST_SECONDS,
    MAX_SIMULATIONS,
    Budget,
    SearchConfig,
)
from mcts_service.planning.plan import Plan, StopReason, read_plan
from mcts_service.planning.together import MAX_ROWS, RowSearches, asks_for_rows, form_of, no_row
from mcts_service.planning.trees import Tree, Trees

__all__ = ["DEFAULT_MAX_BYTES", "MCTS", "CancelFlag"]

#: Memory of a search tree whose budget sets no limit.
DEFAULT_MAX_BYTES = 2**30


class MCTS:
    """A planner over one model; also a `Policy`, so it can stand wherever a policy can.

    Any number of threads may call `plan`. Native models that are thread-safe plan at the same
    time; any other model serves one plan after the other.

    Args:
      model: a sample model or a batch model (see `mcts_service.protocols`), compiled or in
        Python. One with both `sample` and `sample_batch` is asked by `sample` for a single plan
        with one simulation in flight, and in batches otherwise.
      config: the algorithm.
      seed: 0 .. 2**64 - 1. The first plan uses it as it is, later ones seeds that follow
        from it, so that a planner's whole run can be repeated.
    Raises:
      InvalidRequest: the model lacks what a sample model, or the config, needs.
    """

    def __init__(self, model: Any, config: SearchConfig | None = None, *, seed: int = 0) -> None:
        self.model = model
        self.config = of_type("config", config, SearchConfig)
        self._handle: ModelHandle | None = getattr(model, "handle", None)
        check_model(model, self._handle is not None)
        self._is_labelled = self._handle is None and is_labelled(model)
        self._capabilities = _capabilities_of(model, self._handle)
        self._seeds = SplitMix64(require_integer("seed", seed, 0, MAX_SEED))
        self._first_seed: int | None = seed
        self._seeds_lock = threading.Lock()
        shared = self._handle is not None and self._handle.thread_safe
        # Reentrant, because a model may ask its own planner for an action.
        self._turn: AbstractContextManager[Any] = nullcontext() if shared else threading.RLock()
        self._drop_searches()
        self._batch_model: BatchModel | None = None
        self._form_is_proven = False
        if not self._is_asked_in_rows():
            # At once, so that what does not go together is found out here.
            recipe = self._recipe(0, None).config
            self._trees.set_aside(Tree(self._new_search(recipe, self._handle or model), recipe))

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
          state: one of the model's states that is not terminal, or a `Belief` about which it
            is. Not changed.
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
        budget = of_type("budget", budget, Budget)
        if cancel is not None:
            of_type("cancel", cancel, CancelFlag)
        request = self._request(state, budget, horizon, seed, allowed_actions)
        with self._turn:
            return self._plan_alone(state, request, budget, started, cancel)

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

        A model that answers in batches is asked for all rows at once.

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
        budget = of_type("budget", budget, Budget)
        if cancel is not None:
            of_type("cancel", cancel, CancelFlag)
        count = count_rows(states)
        rows = list(
            zip(
                states,
                rows_of("seeds", seeds, count),
                rows_of("allowed_actions", allowed_actions, count),
                strict=True,
            )
        )
        if self._answers_in_batches():
            return self._plan_together(rows, budget, horizon, cancel, started)
        plans: list[Plan | MCTSServiceError] = []
        for row, (state, seed, allowed) in enumerate(rows):
            share = _share_of_time(budget, started, count - row)
            options: dict[str, Any] = {"seed": seed, "allowed_actions": allowed, "cancel": cancel}
            try:
                plans.append(self.plan(state, share, horizon=horizon, **options))
            except MCTSServiceError as error:
                plans.append(error)
        return plans

    def advance(self, action: Any, next_state: Any) -> bool:
        """Keeps, of the last plan's tree, what lies behind an action and what it led to.

        The next plan of `next_state` goes on from there; any other starts afresh, and so does
        one with `allowed_actions`, another memory limit, or a horizon that is not one step less.
        A tree whose nodes are no states (`outcome_key` other than "state") is never kept.

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
        with self._turn:
            return self._trees.advance(action, root, partial(self._identity, root))

    def forget(self) -> None:
        """Gives up the last plan's tree, which is kept for `advance`, and most of its memory."""
        self._trees.forget()

    def action(self, state: Any, rng: np.random.Generator | None = None) -> Any:
        """The action of a plan with the default budget; with `rng`, by a seed drawn from it."""
        seed = None if rng is None else int(rng.integers(2**64, dtype=np.uint64))
        return self.plan(state, seed=seed).action

    # ---- a request

    def _request(
        self, state: Any, budget: Budget, horizon: int | None, seed: int | None, allowed: Any
    ) -> _Request:
        """What a plan starts from, checked."""
        if seed is not None:
            require_integer("seed", seed, 0, MAX_SEED)
        # 0 is the core's word for no end.
        horizon = 0 if horizon is None else require_integer("horizon", horizon, 1, MAX_HORIZON)
        actions = check_allowed(allowed, self._check_action)
        if actions is not None and not self._is_labelled:
            actions.sort()
        is_belief = isinstance(state, Belief)
        recipe = self._recipe(state, horizon or None)
        if is_belief and recipe.config.outcome_key == "state":
            raise InvalidRequest(
                "state",
                f"is {state}; to plan from one, the config's outcome_key must be 'observation', "
                "'none' or 'auto'",
            )
        if is_belief:
            root: Any = tuple(self._packed(particle, "state") for particle in state.particles)
        else:
            root = self._packed(state, "state")
        # Last: a request that is refused uses up none of the planner's seeds.
        seed = self._next_seed() if seed is None else int(seed)
        limit_bytes = budget.max_bytes if budget.max_bytes is not None else DEFAULT_MAX_BYTES
        return _Request(root, is_belief, horizon, actions, seed, limit_bytes, recipe)

    def _check_action(self, field: str, action: Any) -> Any:
        """One of the model's numbers, or what may be a label: which ones depends on the state."""
        if not self._is_labelled:
            return require_integer(field, action, 0, self.model.num_actions - 1)
        if not is_hashable(action):
            raise InvalidRequest(field, f"is {shown(action)}; must be hashable, as actions are")
        return action

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

    def _next_seed(self) -> int:
        with self._seeds_lock:
            first, self._first_seed = self._first_seed, None
            return self._seeds.next_uint64() if first is None else first

    def _simulations(self, budget: Budget) -> int:
        if budget.simulations is not None:
            return budget.simulations
        if budget.time_limit is not None:
            return MAX_SIMULATIONS
        return int(getattr(self.model, "default_simulations", DEFAULT_SIMULATIONS))

    # ---- a search

    def _recipe(self, state: Any, horizon: int | None) -> Recipe:
        steps = getattr(self.model, "horizon", None)
        return resolve(self.config, self._capabilities, state, horizon, steps)

    def _answers_in_batches(self) -> bool:
        if self._handle is not None:
            return self._handle.answers_in_batches
        return callable(getattr(self.model, "sample_batch", None))

    def _is_asked_in_rows(self) -> bool:
        """True if a Python model is asked by `sample_batch` for a single plan too."""
        if self._handle is not None or not self._answers_in_batches():
            return False
        return self.config.in_flight > 1 or asks_for_rows(self.model)

    def _in_rows(self, states: list[Any]) -> Any:
        """The model as it answers in batches; the states show the form of a row.

        A form that no plan has come from yet may be a caller's mistake, and gives way to another.
        """
        if self._handle is not None:
            return self._handle
        known = self._batch_model
        if known is None or not self._form_is_proven:
            dtype, shape = form_of(self.model, states)
            if known is None or (known.dtype, known.shape) != (dtype.newbyteorder("="), shape):
                self._batch_model = BatchModel(self.model, dtype, shape)
                if known is not None:
                    self._drop_searches()
        return self._batch_model

    def _asked_for(self, states: list[Any]) -> Any:
        """The model as the search of a single plan asks it."""
        if self._is_asked_in_rows():
            return self._in_rows(states)
        return self._handle or self.model

    def _drop_searches(self) -> None:
        """Begins with none."""
        self._trees = Trees()
        self._row_searches = RowSearches()

    def _new_search(self, config: SearchConfig, asked: Any) -> Search:
        return Search(
            asked,
            exploration=config.exploration,
            max_depth=config.max_depth,
            evaluation=config.evaluation,
            backup=config.backup,
            sharing=config.sharing,
            outcome_key=config.outcome_key,
            discount=config.discount or 0.0,
            prove=config.prove,
            in_flight=config.in_flight,
            bytes_per_state=int(getattr(self.model, "state_size_bytes", 0)),
        )

    def _begin(self, search: Search, request: _Request) -> None:
        try:
            search.begin(
                request.root,
                is_belief=request.is_belief,
                horizon=request.horizon,
                allowed=request.allowed,
                seed=request.seed,
                max_bytes=request.limit_bytes,
            )
        except MemoryError:
            raise _no_room(request) from None

    # ---- one search

    def _plan_alone(
        self, state: Any, request: _Request, budget: Budget, started: float, cancel: Any
    ) -> Plan:
        simulations = self._simulations(budget)
        tree = self._advanced(request)
        if tree is not None:
            recipe = Recipe(tree.recipe, "goes on with the tree of the last plan")
            try:
                tree.search.resume(horizon=request.horizon, seed=request.seed)
                end = tree.search.run(simulations, _seconds_left(budget, started), cancel)
                return self._finish(tree.search, end, request, recipe, budget, started)
            finally:
                self._trees.release(tree)
        asked = self._asked_for([state])
        trees = self._trees
        recipe, tried = request.recipe, 0
        while True:
            tree = trees.acquire(recipe.config, partial(self._new_search, recipe.config, asked))
            try:
                tree.horizon, tree.limit_bytes = request.horizon, request.limit_bytes
                self._begin(tree.search, request)
                probe = probe_simulations(simulations) if recipe.otherwise else simulations
                end = tree.search.run(probe, _seconds_left(budget, started), cancel)
                if end == StopReason.SIMULATIONS.value and probe < simulations:
                    if recipe.otherwise and tree.search.recurrence < LEAST_RECURRENCE:
                        recipe, tried, simulations = recipe.otherwise, probe, simulations - probe
                        continue
                    end = tree.search.run(simulations, _seconds_left(budget, started), cancel)
                plan = self._finish(tree.search, end, request, recipe, budget, started, tried)
                self._form_is_proven |= asked is self._batch_model
                return plan
            finally:
                trees.release(tree)

    def _advanced(self, request: _Request) -> Tree | None:
        """The tree that `advance` has kept for this request, if there is one."""
        if request.allowed is not None or request.is_belief:
            return None
        recipe = request.recipe
        recipes = [recipe.config] + ([recipe.otherwise.config] if recipe.otherwise else [])
        tree = self._trees.advanced(
            recipes,
            partial(self._identity, request.root),
            horizon=request.horizon,
            limit_bytes=request.limit_bytes,
        )
        if tree is not None:
            tree.advanced_to, tree.horizon = None, request.horizon
        return tree

    def _finish(
        self,
        search: Search,
        end: str,
        request: _Request,
        recipe: Recipe,
        budget: Budget,
        started: float,
        tried: int = 0,
    ) -> Plan:
        """The plan of a search that has run; `tried` simulations of another recipe went before."""
        stop_reason = StopReason(end)
        if search.simulations > 0 or stop_reason is StopReason.SOLVED:
            search.settle()
            seconds = time.perf_counter() - started
            return read_plan(
                search,
                stop_reason,
                seconds=seconds,
                seed=request.seed,
                recipe=recipe.config.recipe,
                recipe_reason=recipe.reason,
                tried=tried,
            )
        if stop_reason is StopReason.CANCELLED:
            raise Cancelled("the search was cancelled before one simulation was done")
        if stop_reason is StopReason.TIME_LIMIT:
            raise DeadlineExpired(f"not one simulation fits into {budget.time_limit} s")
        raise _no_room(request)

    # ---- many searches

    def _plan_together(
        self, rows: list[Any], budget: Budget, horizon: int | None, cancel: Any, started: float
    ) -> list[Plan | MCTSServiceError]:
        """Plans rows (state, seed, allowed actions), so many at a time."""
        plans: list[Plan | MCTSServiceError] = []
        for first in range(0, len(rows), MAX_ROWS):
            group = rows[first : first + MAX_ROWS]
            share = _share_of_time(budget, started, -(-(len(rows) - first) // MAX_ROWS))
            with self._turn:
                plans += self._plan_group(group, share, horizon, cancel)
        return plans

    def _plan_group(
        self, rows: list[Any], budget: Budget, horizon: int | None, cancel: Any
    ) -> list[Plan | MCTSServiceError]:
        started = time.perf_counter()
        plans: dict[int, Plan | MCTSServiceError] = {}
        by_recipe: dict[Recipe, dict[int, _Request]] = {}
        for row, (state, seed, allowed) in enumerate(rows):
            try:
                request = self._request(state, budget, horizon, seed, allowed)
                by_recipe.setdefault(request.recipe, {})[row] = request
            except MCTSServiceError as error:
                plans[row] = error
        if not by_recipe:
            return [plans[row] for row in range(len(rows))]
        states = [state for state, *_ in rows]
        try:
            asked = self._in_rows(states)
        except InvalidRequest as error:
            if error.violations[0].field != "state":
                raise
            return [no_row(state) for state in states]
        for recipe, requests in by_recipe.items():
            plans |= self._plan_by(recipe, requests, asked, budget, started, cancel)
        return [plans[row] for row in range(len(rows))]

    def _plan_by(
        self,
        recipe: Recipe,
        requests: dict[int, _Request],
        asked: Any,
        budget: Budget,
        started: float,
        cancel: CancelFlag | None,
        tried: int = 0,
    ) -> dict[int, Plan | MCTSServiceError]:
        """The plans of some rows by one recipe, or by what takes over from it."""
        simulations = self._simulations(budget) - tried
        probe = probe_simulations(simulations) if recipe.otherwise else simulations
        row_searches = self._row_searches
        group = row_searches.acquire(
            recipe.config, len(requests), partial(self._new_search, recipe.config, asked)
        )
        searches = dict(zip(requests, group, strict=False))
        plans: dict[int, Plan | MCTSServiceError] = {}
        others: dict[int, _Request] = {}
        try:
            for row, request in requests.items():
                try:
                    self._begin(searches[row], request)
                except MCTSServiceError as error:
                    plans[row] = error
                    del searches[row]
            ends = _run_together(searches, probe, _seconds_left(budget, started), cancel)
            probed = {row: searches[row] for row, end in ends.items() if end == "simulations"}
            if recipe.otherwise and probe < simulations:
                for row, search in list(probed.items()):
                    if search.recurrence < LEAST_RECURRENCE:
                        others[row] = requests[row]
                        del probed[row], ends[row]
                seconds = _seconds_left(budget, started)
                ends |= _run_together(probed, simulations, seconds, cancel)
            for row, end in ends.items():
                try:
                    if isinstance(end, BaseException):
                        raise end
                    plans[row] = self._finish(
                        searches[row], end, requests[row], recipe, budget, started, tried
                    )
                    self._form_is_proven = True
                except MCTSServiceError as error:
                    plans[row] = error
        finally:
            row_searches.release(recipe.config, group)
        if recipe.otherwise and others:
            plans |= self._plan_by(
                recipe.otherwise, others, asked, budget, started, cancel, tried + probe
            )
        return plans


@dataclass(frozen=True)
class _Request:
    """What a plan starts from, checked and in the form of the core.

    Attributes:
      root: the state, or of a belief a tuple of states.
      is_belief: whether it is one.
      horizon: steps left; 0: no end.
      allowed: actions that are chosen among; None: all.
      seed: of the random streams.
      limit_bytes: of the tree.
      recipe: the algorithm.
    """

    root: Any
    is_belief: bool
    horizon: int
    allowed: list[Any] | None
    seed: int
    limit_bytes: int
    recipe: Recipe


def _run_together(
    searches: dict[int, Search], simulations: int, seconds: float | None, cancel: Any
) -> dict[int, str | BaseException]:
    """How the search of each row ended."""
    if not searches:
        return {}
    ends = SearchBatch(list(searches.values())).run(simulations, seconds, cancel)
    return dict(zip(searches, ends, strict=True))


def _seconds_left(budget: Budget, started: float) -> float | None:
    if budget.time_limit is None:
        return None
    return max(0.0, budget.time_limit - (time.perf_counter() - started))


def _share_of_time(budget: Budget, started: float, parts: int) -> Budget:
    """The budget of the next of so many parts: what is left of the time is theirs equally."""
    seconds = _seconds_left(budget, started)
    if seconds is None:
        return budget
    return replace(budget, time_limit=max(seconds / parts, LEAST_SECONDS))


def _no_room(request: _Request) -> InvalidRequest:
    return InvalidRequest(
        "budget.max_bytes", f"is {request.limit_bytes}; not one simulation fits into that"
    )


def _capabilities_of(model: Any, handle: ModelHandle | None) -> Capabilities:
    """Looked up once."""
    if handle is not None:
        return Capabilities(
            num_players=handle.num_players,
            has_value=handle.has_value,
            has_transitions=handle.has_transitions,
            observes=handle.observes,
            discount=handle.discount,
            has_key=True,
        )
    has = {
        name: getattr(model, name, None) is not None
        for name in ("value", "evaluate_batch", "transitions", "observe", "state_key")
    }
    return Capabilities(
        num_players=getattr(model, "num_players", 1),
        has_value=has["value"] or has["evaluate_batch"],
        has_transitions=has["transitions"],
        observes=has["observe"],
        discount=float(getattr(model, "discount", 1.0)),
        has_key=has["state_key"] or not callable(getattr(model, "sample", None)),
    )
