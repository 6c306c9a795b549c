"""Models that are compiled code behind the native ABI, with states that people can read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service._core import ModelHandle
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models.native_functions import functions_capsule
from mcts_service.models.spec import ActionSpec, StateSpec

__all__ = ["NativeModel"]

S = TypeVar("S")


class NativeModel(ABC, Generic[S]):
    """A compiled model, whose states are the same integers and arrays as on the wire.

    The search knows a state as bytes and asks `handle`; people and Python code know it as an
    `S` and ask the methods. Any number of threads may use one model.

    Attributes:
      handle: the compiled model.
      num_actions: actions are 0 .. num_actions - 1.
      num_players: rewards are a tuple of one for each player where there are several.
      discount: per step.
      return_bounds: the least and the greatest return of any player; (0, 0) if not known.
      deterministic: whether (state, action) fixes the outcome.
      state_spec, action_spec: the form of states and actions.
      description: the model in a line.
    """

    def __init__(
        self, capsule: Any, *, state_spec: StateSpec, action_description: str, description: str
    ) -> None:
        """A model of the struct in a capsule "mcts_service.model.v1".

        Args:
          capsule: keeps alive what the struct needs.
          state_spec: the form of `S`.
          action_description: what the numbers of the actions mean.
          description: the model in a line.
        Raises:
          InvalidRequest: the capsule holds something else, or another version of it.
        """
        self.handle = ModelHandle(capsule)
        self.num_actions = self.handle.num_actions
        self.num_players = self.handle.num_players
        self.discount = self.handle.discount
        self.return_bounds = self.handle.return_bounds
        self.deterministic = self.handle.deterministic
        self.state_spec = state_spec
        self.action_spec = ActionSpec("discrete", self.num_actions, action_description)
        self.description = description

    @staticmethod
    def from_capsule(
        capsule: Any,
        *,
        state_dtype: Any = None,
        state_shape: Any = (),
        state_spec: StateSpec | None = None,
        initial_state: Any = None,
        state_description: str = "",
        action_description: str = "",
        description: str = "",
    ) -> NativeModel[Any]:
        """The model of a struct that compiled code fills in: a Cython extension, say.

        Its states are NumPy arrays, or ints where the shape is ().

        Args:
          capsule: named "mcts_service.model.v1", of a `const mcts_model *`; keeps alive what
            the struct needs.
          state_dtype, state_shape: of the bytes of a state, as an array: integers, floats or
            bools in the machine's byte order.
          state_spec: in place of these two; also says how many values a discrete state has.
          initial_state: a state, or a function of a generator (or None) that gives one.
          state_description, action_description: what the numbers mean.
          description: the model in a line.
        Raises:
          InvalidRequest: the capsule holds something else, another version, or a struct that
            cannot be used; or the dtype and shape do not make the struct's state_bytes.
        """
        from mcts_service.models.native_array import NativeArrayModel, array_spec  # a subclass

        spec, dtype = array_spec(state_dtype, state_shape, state_spec, state_description)
        return NativeArrayModel(
            capsule,
            state_spec=spec,
            dtype=dtype,
            initial_state=initial_state,
            action_description=action_description,
            description=description,
        )

    @staticmethod
    def from_functions(
        *,
        sample: Any,
        num_actions: int,
        state_dtype: Any = None,
        state_shape: Any = (),
        state_spec: StateSpec | None = None,
        discount: float = 1.0,
        return_bounds: tuple[float, float] | None = None,
        num_players: int = 1,
        deterministic: bool = False,
        thread_safe: bool = False,
        gives_priors: bool = False,
        step_evaluates: bool = False,
        actions: Any = None,
        terminal: Any = None,
        player: Any = None,
        rollout: Any = None,
        rollout_action: Any = None,
        evaluate: Any = None,
        transitions: Any = None,
        max_outcomes: int = 0,
        step_batch: Any = None,
        evaluate_batch: Any = None,
        observation_bytes: int = 0,
        key: Any = None,
        key_bytes: int = 0,
        validate: Any = None,
        error_text: Any = None,
        ctx: Any = 0,
        keep_alive: Any = None,
        initial_state: Any = None,
        state_description: str = "",
        action_description: str = "",
        description: str = "",
    ) -> NativeModel[Any]:
        """The model of compiled functions with the signatures of mcts_model.h.

        A function is an address (int), a ctypes function, a `numba.cfunc`, or a pointer of
        ctypes or cffi. Nothing can tell whether one has the right signature: see the header.

        Args:
          sample: one transition; the only function that a model must have.
          num_actions: actions are 0 .. num_actions - 1.
          discount: per step, above 0 and at most 1.
          return_bounds: the least and the greatest return that any player can get, if known.
          num_players: from 2 on, `player` says who is to move.
          deterministic: whether (state, action) fixes the outcome.
          thread_safe: whether any number of threads may call at once; else the plans of a
            planner come one after the other.
          gives_priors: whether `evaluate` and `evaluate_batch` give priors beside values.
          step_evaluates: whether `step_batch` gives the priors and values of the next states too,
            where it is asked for them: then a batch of searches that weigh priors asks
            `evaluate_batch` about little but its roots. Of deterministic models only.
          actions, terminal, player, rollout, rollout_action, evaluate, transitions, step_batch,
            evaluate_batch, key, validate, error_text: as in the header. `evaluate` gives values.
          max_outcomes: most outcomes that `transitions` gives.
          observation_bytes: what `sample` and `step_batch` write of an observation.
          key_bytes: what `key` writes.
          ctx: address that every function is given.
          keep_alive: anything else that must live as long as the model: what `ctx` points to,
            the library of an address.
          state_dtype, state_shape, state_spec, initial_state, state_description,
            action_description, description: as in `from_capsule`. Where states are float64 and
            there is no `key`, -0.0 and 0.0 are one value.
        Raises:
          InvalidRequest: names the argument and what would be right.
        """
        from mcts_service.models.native_array import NativeArrayModel, array_spec  # a subclass

        spec, dtype = array_spec(state_dtype, state_shape, state_spec, state_description)
        functions = {
            "sample": sample,
            "actions": actions,
            "terminal": terminal,
            "player": player,
            "rollout": rollout,
            "rollout_action": rollout_action,
            "evaluate": evaluate,
            "transitions": transitions,
            "step_batch": step_batch,
            "evaluate_batch": evaluate_batch,
            "key": key,
            "validate": validate,
            "error_text": error_text,
        }
        capsule = functions_capsule(
            functions,
            spec=spec,
            dtype=dtype,
            num_actions=num_actions,
            discount=discount,
            return_bounds=return_bounds,
            num_players=num_players,
            deterministic=deterministic,
            thread_safe=thread_safe,
            gives_priors=gives_priors,
            step_evaluates=step_evaluates,
            max_outcomes=max_outcomes,
            key_bytes=key_bytes,
            observation_bytes=observation_bytes,
            ctx=ctx,
            keep_alive=keep_alive,
        )
        return NativeArrayModel(
            capsule,
            state_spec=spec,
            dtype=dtype,
            initial_state=initial_state,
            action_description=action_description,
            description=description,
        )

    @abstractmethod
    def pack_state(self, state: Any) -> bytes:
        """The bytes by which the compiled model knows a state.

        Raises:
          InvalidRequest: it is no state of the model; says what is wrong and what is right.
        """

    @abstractmethod
    def unpack_state(self, data: bytes) -> S:
        """The state of `pack_state`'s bytes; a new array each time, where it is one."""

    def unpack_states(self, rows: np.ndarray) -> np.ndarray:
        """The states of many, one row each.

        Args:
          rows: the bytes of N states, uint8[N, state_bytes].
        """
        return np.array([self.unpack_state(row.tobytes()) for row in rows])

    @abstractmethod
    def initial_state(self, rng: np.random.Generator | None = None) -> S:
        """Where an episode starts: drawn with `rng`, always the same without it."""

    def validate_state(self, state: Any) -> None:
        """Raises InvalidRequest where `pack_state` does."""
        self.pack_state(state)

    def sample(self, state: S, action: int, rng: np.random.Generator) -> tuple[S, Any, bool]:
        """Draws one transition.

        Args:
          state: where it starts.
          action: a legal action.
          rng: where its bit generator is a `SplitMix64`, the model draws from its stream; of
            any other it takes one number, as a seed.
        Returns:
          (next_state, reward, terminated). The reward is a float, or a tuple of one float for
          each player.
        Raises:
          InvalidRequest: the state is not one of the model, or the action not legal in it.
          TerminalState: the state is terminal.
        """
        packed = self.pack_state(state)
        if self.handle.is_terminal(packed):
            raise TerminalState(f"{state!r} is terminal: no action is left to sample")
        self._require_legal(packed, action)
        following, rewards, terminated = self.handle.sample(packed, int(action), rng)
        reward = rewards[0] if self.num_players == 1 else rewards
        return self.unpack_state(following), reward, terminated

    def legal_actions(self, state: S) -> list[int]:
        """The legal actions, ascending; none in a terminal state."""
        packed = self.pack_state(state)
        return [] if self.handle.is_terminal(packed) else self.handle.legal_actions(packed)

    def is_terminal(self, state: S) -> bool:
        """Whether nothing can be done in the state any more."""
        return self.handle.is_terminal(self.pack_state(state))

    def current_player(self, state: S) -> int:
        """The player to move, 0 .. num_players - 1."""
        return self.handle.current_player(self.pack_state(state))

    def _outcomes(self, state: S, action: int) -> list[tuple[float, S, float, bool]]:
        """What `transitions` gives, of a model for one player that has all its outcomes."""
        packed = self.pack_state(state)
        self._require_legal(packed, action)
        return [
            (probability, self.unpack_state(following), rewards[0], terminated)
            for probability, following, rewards, terminated in self.handle.transitions(
                packed, int(action)
            )
        ]

    def _require_legal(self, packed: bytes, action: Any) -> None:
        legal = self.handle.legal_actions(packed)
        if isinstance(action, (bool, np.bool_)) or action not in legal:
            raise InvalidRequest(
                "action", f"is {action!r}; must be one of {', '.join(map(str, legal))}"
            )
