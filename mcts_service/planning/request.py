"""One request for a plan: read from a caller's arguments, given to a search."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from mcts_service._core import ModelHandle, Search, SplitMix64
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
from mcts_service.planning.arguments import MAX_HORIZON, MAX_SEED, check_allowed
from mcts_service.planning.auto import Recipe, capabilities_of, kind_of_root, resolve
from mcts_service.planning.belief import Belief
from mcts_service.planning.budget import (
    DEFAULT_SIMULATIONS,
    LEAST_SECONDS,
    MAX_SIMULATIONS,
    Budget,
)
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.plan import StopReason
from mcts_service.planning.root_chance import add_root_noise

__all__ = ["DEFAULT_MAX_BYTES", "Limits", "Request", "RequestReader"]

#: Memory of a search tree whose budget sets no limit.
DEFAULT_MAX_BYTES = 2**30

#: Recipes that a planner keeps, by what they were chosen for: they depend on the steps left.
_MAX_RECIPES = 64


@dataclass(eq=False, slots=True)
class Limits:
    """What a plan must keep to; those of many rows may be the same.

    Attributes:
      horizon: steps left; 0: no end.
      simulations: how many to run.
      limit_bytes: of the tree.
      time_limit: seconds from `started`, or None.
      started: in seconds of time.perf_counter().
    """

    horizon: int
    simulations: int
    limit_bytes: int
    time_limit: float | None
    started: float

    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    def seconds_left(self) -> float | None:
        """Of the time limit, >= 0."""
        return None if self.time_limit is None else max(0.0, self.time_limit - self.seconds())

    def share(self, parts: int) -> Limits:
        """Of the next of so many parts, which starts now: what is left is theirs equally."""
        now, left = time.perf_counter(), self.time_limit
        if left is not None:
            left = max((left - (now - self.started)) / parts, LEAST_SECONDS)
        return Limits(self.horizon, self.simulations, self.limit_bytes, left, now)

    def planned(self) -> int:
        """Simulations that are to be run; 0 where the time decides."""
        return self.simulations if self.simulations < MAX_SIMULATIONS else 0

    def missed(self, end: str) -> MCTSServiceError:
        """Why there is no plan: this rule ended the search before one simulation was done."""
        if end == StopReason.CANCELLED.value:
            return Cancelled("the search was cancelled before one simulation was done")
        if end == StopReason.TIME_LIMIT.value:
            return DeadlineExpired(f"not one simulation fits into {self.time_limit} s")
        return self.no_room()

    def no_room(self) -> InvalidRequest:
        """The error of a tree whose bytes are too few."""
        return InvalidRequest(
            "budget.max_bytes", f"is {self.limit_bytes}; not one simulation fits into that"
        )


@dataclass(eq=False, slots=True)
class Request:
    """What a plan starts from and must keep to, checked and in the form of the core.

    Attributes:
      root: the state, or of a belief a tuple of states.
      is_belief: whether it is one.
      allowed: actions that are chosen among; None: all.
      seed: of the random streams.
      recipe: the algorithm.
      limits: of the search.
      warnings: of the model, by how deep the plan looked; None: it has none.
    """

    root: Any
    is_belief: bool
    allowed: list[Any] | None
    seed: int
    recipe: Recipe
    limits: Limits
    warnings: Callable[[int], Sequence[str]] | None = None

    def warned(self, depth: int) -> tuple[str, ...]:
        """What the model warns of, in a plan that looked so deep.

        Raises:
          ModelFault: the model raised, or gave no lines.
        """
        if self.warnings is None:
            return ()
        try:
            lines = self.warnings(depth)
        except Exception as error:
            raise ModelFault(f"plan_warnings raised {type(error).__name__}: {error}") from error
        if isinstance(lines, str) or not all(isinstance(line, str) for line in lines):
            raise ModelFault(f"plan_warnings gives {shown(lines)}; must give a sequence of lines")
        return tuple(lines)

    def begin(self, search: Search) -> None:
        """Starts a fresh tree.

        Raises:
          InvalidRequest, TerminalState, NoLegalAction, ModelFault: there is nothing to plan from.
        """
        try:
            search.begin(
                self.root,
                is_belief=self.is_belief,
                horizon=self.limits.horizon,
                allowed=self.allowed,
                seed=self.seed,
                max_bytes=self.limits.limit_bytes,
                planned=self.limits.planned(),
            )
        except MemoryError:
            raise self.limits.no_room() from None
        add_root_noise(search, self.recipe.config, self.seed)

    def resume(self, search: Search, config: SearchConfig) -> None:
        """Goes on with a tree that an earlier plan has left, by its own config."""
        limits = self.limits
        search.resume(horizon=limits.horizon, seed=self.seed, planned=limits.planned())
        add_root_noise(search, config, self.seed)


class RequestReader:
    """Reads the requests of one planner; any number of threads may use it.

    Attributes:
      shape: how many actions the model has, 0 if it labels them, and how many players.

    Args:
      model, config: of the planner.
      seed: what the first plan uses; later ones use seeds that follow from it.
    """

    def __init__(self, model: Any, config: SearchConfig, seed: int) -> None:
        self._model, self._config = model, config
        self._handle: ModelHandle | None = getattr(model, "handle", None)
        self._is_labelled = self._handle is None and is_labelled(model)
        self._capabilities = capabilities_of(model, self._handle)
        num_actions = 0 if self._is_labelled else int(model.num_actions)
        self.shape = num_actions, self._capabilities.num_players
        self._warnings = getattr(model, "plan_warnings", None)
        # Kept, as choosing takes longer than a short search.
        self._resolve = lru_cache(_MAX_RECIPES)(partial(resolve, config, self._capabilities))
        self._seeds = SplitMix64(require_integer("seed", seed, 0, MAX_SEED))
        self._first_seed: int | None = seed
        self._lock = threading.Lock()

    def limits(self, budget: Budget, horizon: int | None, started: float) -> Limits:
        """Those of a call that has started then, in seconds of time.perf_counter().

        Raises:
          InvalidRequest: the horizon is wrong.
        """
        # 0 is the core's word for no end.
        steps = 0 if horizon is None else require_integer("horizon", horizon, 1, MAX_HORIZON)
        max_bytes = DEFAULT_MAX_BYTES if budget.max_bytes is None else budget.max_bytes
        return Limits(steps, self._simulations(budget), max_bytes, budget.time_limit, started)

    def read(self, state: Any, limits: Limits, *, seed: int | None, allowed: Any) -> Request:
        """The request of a caller; arguments as of `MCTS.plan`.

        Raises:
          InvalidRequest: an argument is wrong.
        """
        if seed is not None:
            seed = require_integer("seed", seed, 0, MAX_SEED)
        actions = None if allowed is None else self._allowed(allowed)
        recipe = self.recipe(state, limits.horizon or None)
        is_belief = isinstance(state, Belief)
        root = self._belief(state, recipe) if is_belief else self.packed(state, "state")
        warns = None if is_belief or self._warnings is None else partial(self._warnings, state)
        # Last: a request that is refused uses up none of the planner's seeds.
        seed = self._next_seed() if seed is None else seed
        return Request(root, is_belief, actions, seed, recipe, limits, warns)

    def recipe(self, state: Any, horizon: int | None) -> Recipe:
        """The algorithm for a plan from that state."""
        steps = getattr(self._model, "horizon", None)
        return self._resolve(kind_of_root(self._config, self._capabilities, state), horizon, steps)

    def action(self, field: str, action: Any) -> Any:
        """One of the model's numbers, or what may be a label: which ones depends on the state.

        Raises:
          InvalidRequest: it is neither.
        """
        if not self._is_labelled:
            return require_integer(field, action, 0, self._model.num_actions - 1)
        if not is_hashable(action):
            raise InvalidRequest(field, f"is {shown(action)}; must be hashable, as actions are")
        return action

    def packed(self, state: Any, field: str) -> Any:
        """The state as the core takes it.

        Raises:
          InvalidRequest: it is none.
        """
        if state is None:
            raise InvalidRequest(field, "is missing; must be a state of the model")
        return self._model.pack_state(state) if self._handle is not None else state

    def identity(self, root: Any) -> Hashable:
        """What tells a packed state from others.

        Raises:
          ModelFault: the model cannot tell.
        """
        if self._handle is not None:
            return bytes(root)
        try:
            return state_identity(self._model, root)
        except Exception as error:
            raise ModelFault(f"state_key raised {type(error).__name__}: {error}") from error

    def _allowed(self, allowed: Any) -> list[Any] | None:
        actions = check_allowed(allowed, self.action)
        if actions is not None and not self._is_labelled:
            actions.sort()
        return actions

    def _belief(self, belief: Belief, recipe: Recipe) -> tuple[Any, ...]:
        if recipe.config.outcome_key == "state":
            raise InvalidRequest(
                "state",
                f"is {belief}; to plan from one, the config's outcome_key must be 'observation', "
                "'none' or 'auto'",
            )
        return tuple(self.packed(particle, "state") for particle in belief.particles)

    def _next_seed(self) -> int:
        with self._lock:
            first, self._first_seed = self._first_seed, None
            return self._seeds.next_uint64() if first is None else first

    def _simulations(self, budget: Budget) -> int:
        if budget.simulations is not None:
            return budget.simulations
        if budget.time_limit is not None:
            return MAX_SIMULATIONS
        return int(getattr(self._model, "default_simulations", DEFAULT_SIMULATIONS))
