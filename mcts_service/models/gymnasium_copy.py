"""Any Gymnasium environment as a model, by copying it before every step."""

from __future__ import annotations

import copy
import hashlib
import io
import pickle
import random
from collections.abc import Hashable, Sequence
from types import FunctionType
from typing import Any

import gymnasium
import numpy as np

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.spec import ActionSpec

__all__ = [
    "CopiedEnvironmentModel",
    "Environment",
    "Snapshot",
    "copy_environment",
    "draw_positions",
]

Environment = gymnasium.Env[Any, Any]
RandomGenerator = np.random.Generator | np.random.RandomState | random.Random

# What a step never changes; all copies of an environment share them.
_SHARED = ("observation_space", "spec", "metadata")
# What one copy is taken to weigh where its data cannot be written down to be counted.
_TYPICAL_COPY_BYTES = 16_384


class Snapshot:
    """An environment at one moment: a state of `CopiedEnvironmentModel`.

    Two snapshots are equal where the environments hold the same data. Their random generators
    are left out: they are seeded afresh before each step. Where the data cannot be pickled, a
    snapshot is equal to itself alone.

    Attributes:
      environment: the copy. Never stepped: it is copied first.
      observation: what it showed on arrival, or None where that is not known.
      ended: True if the episode is over, by `terminated` or by the environment's own
        `truncated`.
    """

    __slots__ = ("_identity", "ended", "environment", "observation")

    def __init__(self, environment: Environment, observation: Any = None, ended: bool = False):
        self.environment = environment
        self.observation = observation
        self.ended = ended
        self._identity: Hashable = None

    @property
    def identity(self) -> Hashable:
        """Equal where two snapshots are: a 512-bit digest of the environment's data."""
        if self._identity is None:
            data = _data(self.environment)
            self._identity = id(self) if data is None else hashlib.blake2b(data).digest()
        return self._identity

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        name = type(self.environment).__name__
        return f"<Snapshot of {name}, observation {self.observation!r}>"


class CopiedEnvironmentModel:
    """An environment whose states are copies of it.

    It plans with what the environment knows and not with what it shows: a hidden card is in
    the copy, and so the plan counts on it. Each sample copies the environment once, which
    usually takes far longer than the step.

    Attributes:
      num_actions, first_action: action a of the model is a + first_action of Gymnasium.
      discount: per step.
      horizon: steps in an episode, or None.
      deterministic: True if no step draws a random number. A step that does all the same is a
        ModelFault.
      state_size_bytes: of one copy, roughly.
    """

    def __init__(
        self, env: Environment, *, discount: float, horizon: int | None, deterministic: bool
    ):
        """A model of an unwrapped environment with Discrete actions that copies faithfully."""
        self._env, _ = copy_environment(env)
        space: Any = env.action_space
        self.num_actions = int(space.n)
        self.first_action = int(space.start)
        self.discount = discount
        self.horizon = horizon
        self.deterministic = deterministic
        self.state_size_bytes = len(_data(env) or bytes(_TYPICAL_COPY_BYTES))
        self.action_spec = ActionSpec("discrete", self.num_actions, "as Gymnasium numbers them")
        self.description = f"Gymnasium's {type(env).__name__}, by copies of it"

    def sample(
        self, state: Snapshot, action: int, rng: np.random.Generator
    ) -> tuple[Snapshot, float, bool]:
        """(next_state, reward, ended) of one step of a copy.

        Raises:
          ModelFault: the step drew a random number and the model is `deterministic`.
        """
        env, generators = copy_environment(state.environment)
        if self.deterministic:
            before = draw_positions(generators)
        else:
            _reseed(generators, rng)
        observation, reward, terminated, truncated, _ = env.step(int(action) + self.first_action)
        if self.deterministic and draw_positions(generators) != before:
            raise ModelFault(
                f"{type(env).__name__} drew a random number, but its model is deterministic; "
                "build the model with deterministic=False"
            )
        ended = bool(terminated or truncated)
        return Snapshot(env, observation, ended), float(reward), ended

    def initial_state(self, rng: np.random.Generator | None = None) -> Snapshot:
        """The environment after a `reset`: drawn with `rng`, always the same without it."""
        rng = np.random.default_rng(0) if rng is None else rng
        env, generators = copy_environment(self._env)
        _reseed(generators, rng)
        observation, _ = env.reset(seed=int(rng.integers(2**31)))
        return Snapshot(env, observation)

    def is_terminal(self, state: Snapshot) -> bool:
        """True if the episode is over."""
        return state.ended

    def validate_state(self, state: Any) -> None:
        """Accepts the snapshots of this environment.

        Raises:
          InvalidRequest: it is something else.
        """
        if not isinstance(state, Snapshot):
            raise InvalidRequest(
                "state",
                f"is a {type(state).__name__}; must be a Snapshot, from initial_state() or "
                "state_of(env)",
            )
        self._require_same_kind("state", state.environment)

    def state_of(self, env: Environment, observation: Any = None) -> Snapshot:
        """The state that a live environment is in, which stays as it is.

        Args:
          env: the environment, in any wrappers.
          observation: its latest one, kept in the snapshot.
        Raises:
          InvalidRequest: another kind of environment.
        """
        self._require_same_kind("env", env.unwrapped)
        duplicate, _ = copy_environment(env.unwrapped)
        return Snapshot(duplicate, observation)

    def _require_same_kind(self, field: str, env: Environment) -> None:
        if type(env) is not type(self._env):
            raise InvalidRequest(
                field, f"is of a {type(env).__name__}; must be of a {type(self._env).__name__}"
            )


def copy_environment(env: Environment) -> tuple[Environment, Sequence[RandomGenerator]]:
    """A deep copy, and every random generator in it."""
    # Gymnasium makes the generator on first use. Made now, both have the same.
    _ = env.np_random
    memo: dict[int, Any] = {id(part): part for part in _shared_parts(env)}
    duplicate = copy.deepcopy(env, memo)
    # The memo ends up holding every object that was copied, wherever it hangs.
    return duplicate, [part for part in memo.values() if isinstance(part, RandomGenerator)]


def draw_positions(generators: Sequence[RandomGenerator]) -> Sequence[bytes]:
    """What tells whether a generator was drawn from: equal before and after, if not."""
    return [pickle.dumps(generator) for generator in generators]


def _reseed(generators: Sequence[RandomGenerator], rng: np.random.Generator) -> None:
    """In place, so that whoever holds a generator draws from its new seed."""
    for generator in generators:
        seed = int(rng.integers(2**63))
        if isinstance(generator, np.random.Generator):
            bit_generator = generator.bit_generator
            bit_generator.state = type(bit_generator)(seed).state
        elif isinstance(generator, np.random.RandomState):
            generator.seed(seed % 2**32)
        else:
            generator.seed(seed)


def _shared_parts(env: Environment) -> Sequence[Any]:
    parts = (getattr(env, name, None) for name in _SHARED)
    return [part for part in parts if part is not None]


def _data(env: Environment) -> bytes | None:
    """The environment's data without its random generators, or None if it cannot be pickled."""
    data = {name: value for name, value in vars(env).items() if name != "_np_random_seed"}
    file = io.BytesIO()
    try:
        _DataPickler(file, _shared_parts(env)).dump(data)
    except Exception:  # anything that a part of the environment raises on being pickled
        return None
    return file.getvalue()


class _DataPickler(pickle.Pickler):
    """Writes data in full, and by name what is the same in every copy."""

    def __init__(self, file: io.BytesIO, shared: Sequence[Any]):
        super().__init__(file, protocol=5)
        self._shared = {id(part): index for index, part in enumerate(shared)}

    def persistent_id(self, part: Any) -> Any:
        if isinstance(part, RandomGenerator):
            return "random generator"
        if isinstance(part, (type, FunctionType)):  # lambdas and local classes have no name
            return id(part)
        return self._shared.get(id(part))
