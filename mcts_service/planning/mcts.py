"""Monte Carlo Tree Search over any sample model: `MCTS(model).plan(state)`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar

import numpy as np

from mcts_service._core import CancelFlag, ModelHandle
from mcts_service.errors import InvalidRequest, MCTSServiceError
from mcts_service.planning.arguments import check_model, count_rows, of_type, rows_of
from mcts_service.planning.auto import LEAST_RECURRENCE, Recipe, probe_simulations
from mcts_service.planning.budget import Budget
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.continuous_batch import runs_in_batch
from mcts_service.planning.contradictions import refuse_endless
from mcts_service.planning.kept_tree import KeptTree
from mcts_service.planning.plan import Plan, StopReason
from mcts_service.planning.plans import Plans
from mcts_service.planning.read_plan import RowPlans, read_plan
from mcts_service.planning.request import DEFAULT_MAX_BYTES, Limits, Request, RequestReader
from mcts_service.planning.searches import Searches
from mcts_service.planning.together import (
    MAX_ROWS,
    GroupSteps,
    begin_rows,
    no_row,
    run_here,
    runs_of,
)
from mcts_service.planning.trees import Tree, Trees
from mcts_service.planning.unfinished import (
    PlanSteps,
    RunSearch,
    UnfinishedPlan,
    finished,
    in_steps,
    plan_or_rest,
)
from mcts_service.planning.watched import Watched, improving_plans

__all__ = ["DEFAULT_MAX_BYTES", "MCTS", "CancelFlag"]

#: What `run` says where all were run.
_SIMULATIONS = StopReason.SIMULATIONS.value

T = TypeVar("T")


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
      keep_trees: whether the last plan's tree is kept for `advance`.
      in_rows: whether a model that has both forms is asked in batches for a single plan, too: of
        use where many are made together, see `steps`.
    Raises:
      InvalidRequest: the model lacks what a sample model, or the config, needs.
    """

    def __init__(
        self,
        model: Any,
        config: SearchConfig | None = None,
        *,
        seed: int = 0,
        keep_trees: bool = True,
        in_rows: bool = False,
    ) -> None:
        self.model = model
        self.config = of_type("config", config, SearchConfig)
        handle: ModelHandle | None = getattr(model, "handle", None)
        check_model(model, handle is not None)
        self._reader = RequestReader(model, self.config, seed)
        # Reentrant, because a model may ask its own planner for an action.
        self._is_shared = handle is not None and handle.thread_safe
        self._turn: AbstractContextManager[Any] = (
            nullcontext() if self._is_shared else threading.RLock()
        )
        self._answer_within = getattr(model, "answer_within", None)
        self._searches = Searches(
            model, in_flight=self.config.in_flight, keep_trees=keep_trees, in_rows=in_rows
        )
        # At once, so that what does not go together is found out here.
        recipe = self._reader.recipe(0, None).config
        refuse_endless(recipe, model)
        self._searches.prepare(recipe)

    def plan(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[Any] | None = None,
        cancel: CancelFlag | None = None,
        tree: KeptTree | None = None,
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
          tree: goes on from what it has of the state, and leaves its own tree there; see
            `KeptTree`. `advance` knows nothing of such a plan.
        Returns:
          A plan from at least one simulation, whatever stopped the search.
        Raises:
          InvalidRequest: an argument is wrong.
          TerminalState, NoLegalAction: there is nothing to choose.
          ModelFault: the model raised, or broke its contract.
          Cancelled, DeadlineExpired: before one simulation was done.
          ReplicaLost: the model is elsewhere, and does not answer.
        """
        limits = self._limits(budget, horizon, cancel)
        request = self._reader.read(state, limits, seed=seed, allowed=allowed_actions)
        run, read = in_steps(request, cancel), partial(read_plan, request)
        with self._turn, self._in_time(limits, cancel):
            return finished(self._steps(state, request, run, read, tree))

    def plan_at_once(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        seconds: float,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[Any] | None = None,
        cancel: CancelFlag | None = None,
        tree: KeptTree | None = None,
    ) -> Plan | UnfinishedPlan:
        """`plan`, for a thread that has not much time: it comes back in any case.

        What it answers, or raises, is what `plan` would, however often it is interrupted.

        Args:
          seconds: after about so long; single calls of the model are not interrupted.
          state, budget, horizon, seed, allowed_actions, cancel, tree: as of `plan`.
        Returns:
          A plan, or what another thread may finish.
        Raises:
          InvalidRequest: as of `plan`; or the model may not be used by several threads.
        """
        if not self._is_shared:
            raise InvalidRequest(
                "model", "must be compiled and thread-safe: another thread may finish the plan"
            )
        limits = self._limits(budget, horizon, cancel)
        request = self._reader.read(state, limits, seed=seed, allowed=allowed_actions)
        run = in_steps(request, cancel, limits.started + seconds)
        return plan_or_rest(self._steps(state, request, run, partial(read_plan, request), tree))

    def watch(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        every: float | None = None,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[Any] | None = None,
        cancel: CancelFlag | None = None,
        tree: KeptTree | None = None,
    ) -> Iterator[Plan]:
        """`plan`, with plans on the way to it that improve: as if each were asked for alone.

        Looking does not change the search: the last plan is the one that `plan` would have given.
        The search goes on when the next plan is asked for, and ends with its iterator.

        Args:
          every: seconds from one plan to the next, 0.001 or more; plans that take long to read, as
            of a large graph, are rarer. None: they come after 1, 2, 4, ... simulations.
          state, budget, horizon, seed, allowed_actions, cancel, tree: as of `plan`.
        Returns:
          Plans whose `stop_reason` is UNFINISHED, and a final one. With Bellman backups none comes
          before the final one once the tree takes more than half of its bytes.
        Raises:
          InvalidRequest: an argument is wrong.
        All else that `plan` raises comes out of the iterator.
        """
        limits = self._limits(budget, horizon, cancel)
        request = self._reader.read(state, limits, seed=seed, allowed=allowed_actions)
        run, read = Watched(request, cancel, every).run, partial(read_plan, request)

        @contextmanager
        def turn() -> Iterator[None]:
            with self._turn, self._in_time(limits, cancel):
                yield

        return improving_plans(partial(self._steps, state, request, run, read, tree), turn)

    def steps(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[Any] | None = None,
        cancel: CancelFlag | None = None,
        tree: KeptTree | None = None,
        is_apart: bool = False,
    ) -> PlanSteps[Plan]:
        """`plan`, to be made by a `ContinuousBatch` together with others.

        Args:
          is_apart: the model is asked for this plan alone, in turns with the others.
          state, budget, horizon, seed, allowed_actions, cancel, tree: as of `plan`.
        Returns:
          What to add to the batch, whose result is the plan, or what `plan` raises. All steps of
          a planner belong to the thread of the batch, and nothing else may use the planner then.
        Raises:
          InvalidRequest: an argument is wrong.
        """
        limits = self._limits(budget, horizon, cancel)
        request = self._reader.read(state, limits, seed=seed, allowed=allowed_actions)
        run, read = runs_in_batch(request, cancel, is_apart), partial(read_plan, request)
        return self._steps(state, request, run, read, tree)

    def watch_steps(
        self,
        state: Any,
        budget: Budget | None = None,
        *,
        every: float | None = None,
        horizon: int | None = None,
        seed: int | None = None,
        allowed_actions: Sequence[Any] | None = None,
        cancel: CancelFlag | None = None,
        tree: KeptTree | None = None,
        is_apart: bool = False,
    ) -> PlanSteps[Plan]:
        """`watch`, to be made by a `ContinuousBatch`: see `steps`."""
        limits = self._limits(budget, horizon, cancel)
        request = self._reader.read(state, limits, seed=seed, allowed=allowed_actions)
        run = Watched(request, cancel, every, is_run_elsewhere=True, is_apart=is_apart).run
        return self._steps(state, request, run, partial(read_plan, request), tree)

    def plan_batch(
        self,
        states: Sequence[Any] | np.ndarray,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seeds: Sequence[int] | None = None,
        allowed_actions: Sequence[Sequence[Any] | None] | None = None,
        cancel: CancelFlag | None = None,
    ) -> Plans:
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
          A sequence of B entries, in the order of the states: a plan, or, of a row that has none,
          the error that `plan` would raise for it. No row depends on the others. It has what the
          plans say in columns too, such as `actions`, `values` and `visits`, at less cost than
          the plans.
        Raises:
          InvalidRequest: an argument that is not one row's is wrong.
        """
        steps = self.batch_steps(
            states,
            budget,
            horizon=horizon,
            seeds=seeds,
            allowed_actions=allowed_actions,
            cancel=cancel,
        )
        with self.turn:
            return run_here(steps)

    def batch_steps(
        self,
        states: Sequence[Any] | np.ndarray,
        budget: Budget | None = None,
        *,
        horizon: int | None = None,
        seeds: Sequence[int] | None = None,
        allowed_actions: Sequence[Sequence[Any] | None] | None = None,
        cancel: CancelFlag | None = None,
    ) -> GroupSteps[Plans]:
        """`plan_batch`, to be made by a `ContinuousBatch`, see `steps`; its time begins here.

        Where something else makes the runs, it holds `turn` meanwhile.
        """
        limits = self._limits(budget, horizon, cancel)
        count = count_rows(states)
        rows = list(
            zip(
                states,
                rows_of("seeds", seeds, count),
                rows_of("allowed_actions", allowed_actions, count),
                strict=True,
            )
        )
        return self._batch_steps(rows, limits, cancel)

    def advance(self, action: Any, next_state: Any) -> bool:
        """Keeps, of the last plan's tree, what lies behind an action and what it led to.

        The next plan of `next_state` goes on from there; any other starts afresh, and so does
        one with `allowed_actions`, another memory limit, or a horizon that is not one step less.
        A tree whose nodes are no states (`outcome_key` other than "state") is never kept.

        Args:
          action: what was done in the state of the last plan.
          next_state: what it led to.
        Returns:
          True if there is something to go on from; never where the planner keeps no trees.
        Raises:
          InvalidRequest: an argument is wrong.
          ModelFault: the model could not tell its states apart; nothing has changed.
        """
        action = self._reader.action("action", action)
        root = self._reader.packed(next_state, "next_state")
        with self._turn:
            return self._searches.trees.advance(action, root, partial(self._reader.identity, root))

    def forget(self, tree: KeptTree | None = None) -> None:
        """Gives up the last plan's tree, which is kept for `advance`, and most of its memory.

        Args:
          tree: this one in its place, unless a plan is being made with it.
        """
        if tree is None:
            self._searches.trees.forget()
            return
        with self._turn:
            tree.forget()

    def action(self, state: Any, rng: np.random.Generator | None = None) -> Any:
        """The action of a plan with the default budget; with `rng`, by a seed drawn from it."""
        seed = None if rng is None else int(rng.integers(2**64, dtype=np.uint64))
        return self.plan(state, seed=seed).action

    @property
    def turn(self) -> AbstractContextManager[Any]:
        """What is to be held while the runs of `batch_steps` are made elsewhere than in a batch."""
        return self._turn if self._searches.answers_in_batches else nullcontext()

    def _in_time(self, limits: Limits, cancel: CancelFlag | None) -> AbstractContextManager[Any]:
        """In it, a model whose answers may be slow knows how long they are of use."""
        if self._answer_within is None:
            return nullcontext()
        found: AbstractContextManager[Any] = self._answer_within(
            limits.seconds_left(), lambda: cancel is not None and cancel.cancelled
        )
        return found

    # ---- one search

    def _limits(
        self, budget: Budget | None, horizon: int | None, cancel: CancelFlag | None
    ) -> Limits:
        """The limits of a call that starts now; arguments as of `plan`."""
        started = time.perf_counter()
        if cancel is not None:
            of_type("cancel", cancel, CancelFlag)
        return self._reader.limits(of_type("budget", budget, Budget), horizon, started)

    def _steps(
        self,
        state: Any,
        request: Request,
        run: RunSearch,
        read: Callable[..., T],
        kept: KeptTree | None = None,
    ) -> PlanSteps[T]:
        """Plans; what it has come to is read by `read(search, end, recipe[, tried])`."""
        if kept is not None:
            return self._plan_with(kept, state, request, run, read)
        tree = self._advanced(request)
        if tree is not None:
            return self._go_on(self._searches.trees, tree, request, run, read)
        return self._plan_alone(None, state, request, run, read)

    def _plan_with(
        self,
        kept: KeptTree,
        state: Any,
        request: Request,
        run: RunSearch,
        read: Callable[..., T],
    ) -> PlanSteps[T]:
        """Plans with what the tree has of the state, and leaves there what it has come to."""
        self._searches.asked_alone([state])  # first, as another form of states ends all trees
        if not kept.lend(self._searches.trees):
            return (yield from self._plan_alone(None, state, request, run, read))
        tree = None
        try:
            tree = self._found(kept, request)
            if tree is not None:
                return (yield from self._go_on(kept, tree, request, run, read))
            return (yield from self._plan_alone(kept, state, request, run, read))
        finally:
            kept.give_back(tree is not None)

    def _found(self, kept: KeptTree, request: Request) -> Tree | None:
        """The tree, moved to the request's state, if it may be gone on with."""
        if request.allowed is not None or request.is_belief:
            return None
        limits = request.limits
        return kept.find(
            request.root,
            _recipes_of(request),
            horizon=limits.horizon,
            limit_bytes=limits.limit_bytes,
        )

    def _advanced(self, request: Request) -> Tree | None:
        """The tree that `advance` has kept for this request, if there is one."""
        if request.allowed is not None or request.is_belief:
            return None
        if not self._searches.trees.was_advanced:
            return None
        return self._searches.trees.advanced(
            _recipes_of(request),
            partial(self._reader.identity, request.root),
            horizon=request.limits.horizon,
            limit_bytes=request.limits.limit_bytes,
        )

    def _go_on(
        self,
        trees: Trees | KeptTree,
        tree: Tree,
        request: Request,
        run: RunSearch,
        read: Callable[..., T],
    ) -> PlanSteps[T]:
        """Plans with what an earlier plan has learned."""
        try:
            tree.advanced_to, tree.horizon = None, request.limits.horizon
            tree.is_restricted = False
            request.resume(tree.search, tree.recipe)
            recipe = Recipe(tree.recipe, "goes on with the tree of the last plan")
            end = yield from run(tree.search, request.limits.simulations, recipe, 0)
            return read(tree.search, end, recipe)
        finally:
            trees.release(tree)

    def _plan_alone(
        self,
        kept: KeptTree | None,
        state: Any,
        request: Request,
        run: RunSearch,
        read: Callable[..., T],
    ) -> PlanSteps[T]:
        """Plans from a fresh tree, and from another where the recipe gives way to one."""
        asked = self._searches.asked_alone([state])
        trees = kept or self._searches.trees
        limits, recipe, tried = request.limits, request.recipe, 0
        while True:
            tree = trees.acquire(recipe.config, partial(self._searches.new, recipe.config, asked))
            try:
                request.begin(tree.search)
                # Not before: where it fails, the tree is that of an earlier plan.
                tree.horizon, tree.limit_bytes = limits.horizon, limits.limit_bytes
                tree.is_restricted = request.allowed is not None
                left = limits.simulations - tried
                probe = probe_simulations(left) if recipe.otherwise else left
                end = yield from run(tree.search, probe, recipe, tried)
                if end == _SIMULATIONS and probe < left:
                    if recipe.otherwise and tree.search.recurrence < LEAST_RECURRENCE:
                        recipe, tried = recipe.otherwise, probe
                        continue
                    end = yield from run(tree.search, left, recipe, tried)
                found = read(tree.search, end, recipe, tried)
                self._searches.prove_form(asked)
                return found
            finally:
                trees.release(tree)

    # ---- many searches

    def _batch_steps(
        self, rows: list[Any], limits: Limits, cancel: CancelFlag | None
    ) -> GroupSteps[Plans]:
        """Plans rows (state, seed, allowed actions)."""
        found = RowPlans(len(rows))
        with self._in_time(limits, cancel):
            if self._searches.answers_in_batches:
                yield from self._plan_together(rows, limits, cancel, found)
            else:
                self._plan_in_turn(rows, limits, cancel, found)
        return found.plans(self._reader.shape)

    def _plan_in_turn(
        self, rows: list[Any], limits: Limits, cancel: CancelFlag | None, found: RowPlans
    ) -> None:
        """Plans rows (state, seed, allowed actions), one after the other."""
        for row, (state, seed, allowed) in enumerate(rows):
            share = limits.share(len(rows) - row)
            try:
                request = self._reader.read(state, share, seed=seed, allowed=allowed)
                read = partial(found.read, row, request)
                with self._turn:
                    finished(self._steps(state, request, in_steps(request, cancel), read))
            except MCTSServiceError as error:
                found.errors[row] = error

    def _plan_together(
        self, rows: list[Any], limits: Limits, cancel: CancelFlag | None, found: RowPlans
    ) -> GroupSteps[None]:
        """Plans rows (state, seed, allowed actions), so many at a time."""
        for first in range(0, len(rows), MAX_ROWS):
            group = dict(enumerate(rows[first : first + MAX_ROWS], first))
            share = limits.share(-(-(len(rows) - first) // MAX_ROWS))
            yield from self._plan_group(group, share, cancel, found)

    def _plan_group(
        self, rows: dict[int, Any], limits: Limits, cancel: CancelFlag | None, found: RowPlans
    ) -> GroupSteps[None]:
        by_recipe: dict[Recipe, dict[int, Request]] = {}
        for row, (state, seed, allowed) in rows.items():
            try:
                request = self._reader.read(state, limits, seed=seed, allowed=allowed)
            except MCTSServiceError as error:
                found.errors[row] = error
            else:
                by_recipe.setdefault(request.recipe, {})[row] = request
        if not by_recipe:
            return
        try:
            asked = self._searches.asked_in_rows([state for state, *_ in rows.values()])
        except InvalidRequest as error:
            if error.violations[0].field != "state":
                raise
            found.errors |= {row: no_row(state) for row, (state, *_) in rows.items()}
            return
        for recipe, requests in by_recipe.items():
            yield from self._plan_by(recipe, requests, asked, cancel, found)

    def _plan_by(
        self,
        recipe: Recipe,
        requests: dict[int, Request],
        asked: Any,
        cancel: CancelFlag | None,
        found: RowPlans,
        tried: int = 0,
    ) -> GroupSteps[None]:
        """Plans some rows by one recipe, or by what takes over from it."""
        limits = next(iter(requests.values())).limits
        left = limits.simulations - tried
        probe = probe_simulations(left) if recipe.otherwise else left
        row_searches = self._searches.rows
        group = row_searches.acquire(
            recipe.config, len(requests), partial(self._searches.new, recipe.config, asked)
        )
        others: dict[int, Request] = {}
        try:
            searches = dict(zip(requests, group, strict=False))
            found.errors |= begin_rows(searches, requests)
            ends = yield from runs_of(searches, probe, limits.seconds_left(), cancel)
            if recipe.otherwise and probe < left:
                going_on = {}
                for row, end in list(ends.items()):
                    if end != _SIMULATIONS:
                        continue
                    if searches[row].recurrence < LEAST_RECURRENCE:
                        others[row] = requests[row]
                        del ends[row]
                    else:
                        going_on[row] = searches[row]
                seconds = _share(limits.seconds_left(), len(going_on), len(others))
                ends |= yield from runs_of(going_on, left, seconds, cancel)
            if found.read_together(requests, searches, ends, recipe, tried):
                self._searches.prove_form(asked)
        finally:
            row_searches.release(recipe.config, group)
        if recipe.otherwise and others:
            yield from self._plan_by(recipe.otherwise, others, asked, cancel, found, tried + probe)


def _recipes_of(request: Request) -> list[SearchConfig]:
    """The algorithm, and the one that it may give way to."""
    recipe = request.recipe
    return [recipe.config] + ([recipe.otherwise.config] if recipe.otherwise else [])


def _share(seconds: float | None, rows: int, others: int) -> float | None:
    """What is left of the time for so many rows, if others are to have as much each."""
    return seconds if seconds is None or not others else seconds * rows / (rows + others)
