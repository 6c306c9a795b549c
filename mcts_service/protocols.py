"""What a model is: the types that planners, learners and servers ask for.

Three levels, each inducing the next:

    DistributionModel   state x action -> D(state x reward)      by sampling
    SampleModel         state x action -> state x reward         by unrolling with a policy
    TrajectoryModel     policy -> trajectory

Two names and a return value are all that a user must write. The rest are optional
capabilities, looked up once when a planner is built:

    discount: float                       default 1
    horizon: int                          steps in an episode, for whoever plays one; a plan
                                          has a horizon of its own, the steps that are left
    default_simulations: int              of a budget that sets no limit; default 1,000
    legal_actions(state)                  -> sequence of action numbers; default all
    actions(state)                        -> sequence of labels, each hashable and there once: in
                                             place of num_actions and legal_actions. All that
                                             takes or gives an action then speaks in labels
    max_actions: int                      labels of one state at most; default 1,024
    transitions(state, action)            -> all outcomes, as of a DistributionModel: Bellman
                                             backups then expect them in place of sampling
    max_outcomes: int                     outcomes of one action at most; default 1,024
    is_terminal(state)                    -> bool
    initial_state(rng=None)               -> state
    value(state)                          -> float, or one per player; leaf evaluation
    prior(state)                          -> num_actions numbers, or one for each of actions(state):
                                             how likely each action is to be the best, not
                                             necessarily summing to 1. Those of illegal actions are
                                             not looked at; all 0 counts as all equal. One of 0 is
                                             believed: its action may never be tried
    rollout_action(state, rng)            -> int; default uniform over the legal actions
    num_players: int, current_player(state)   the reward is then a tuple, one per player
    return_bounds: (float, float)         the least and the greatest return that any player can get
                                          from any state on: a search then proves wins and losses
    continuing: bool                      no step ever ends an episode; default False: some may
    deterministic: bool                   (state, action) fixes the outcome; default False
    state_key(state)                      -> hashable identity; default the state itself,
                                             or an array's bytes
    observe(action, next_state, rng)      -> hashable or array: what is seen of a step, where the
                                          state itself is not; for `outcome_key="observation"`
    validate_state(state)                 raises ValueError saying what is wrong
    plan_warnings(state, depth)           -> sequence of str: what a plan of that state, so many
                                             steps deep, must tell in its `warnings`
    state_size_bytes: int                 what one state weighs, for memory limits; default what
                                          Python says of the state that is planned from
    encode_state(state) -> bytes, decode_state(data) -> state     for the wire
    encode_action(label) -> bytes, decode_action(data) -> label   the same of labels that JSON
                                             cannot hold
    state_from_json(value) -> state       a state as a person would write it
    answer_within(seconds, is_cancelled)  -> context manager: of what this thread asks in it,
                                          nothing is of use after so many seconds (None: all is) or
                                          once is_cancelled(). A model that is slow then raises
                                          DeadlineExpired or Cancelled of `mcts_service.errors` in
                                          place of an answer, and the plan is what it has come to;
                                          with ReplicaLost, at any time, it fails
    plans_at_once: int                    plans that a server makes at once, in a thread each;
                                          default 1: nothing says that more may use the object

A model that answers for many states at once (`BatchSampleModel`) has these for rows:

    evaluate_batch(states)                -> (priors [N, A] or None, values [N] or [N, players])
    gives_priors: bool                    whether it gives priors; default False
    legal_actions_batch(states)           -> bool[N, A]
    is_terminal_batch(states)             -> bool[N]
    current_player_batch(states)          -> int64[N]
    state_key_batch(states)               -> int64[N]
    refused_states_batch(states)          -> {row: MCTSServiceError}: the states that nothing can be
                                          planned from, and why

Without them it is asked by the form for one state, where it has that, row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

__all__ = [
    "BatchSampleModel",
    "DistributionModel",
    "Experience",
    "Policy",
    "SampleModel",
    "StochasticPolicy",
    "Trajectory",
    "TrajectoryModel",
]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


@runtime_checkable
class SampleModel(Protocol[S]):
    """state x action -> state x reward.

    Attributes:
      num_actions: actions are the integers 0 .. num_actions - 1.
    """

    num_actions: int

    def sample(self, state: S, action: int, rng: np.random.Generator) -> tuple[S, Any, bool]:
        """Draws one transition.

        Args:
          state: where it starts. Must not be changed.
          action: a legal action of `state`.
          rng: the only source of randomness.
        Returns:
          (next_state, reward, terminated). The reward is a float or, with `num_players`,
          a sequence of one float per player.
        """
        ...


class BatchSampleModel(Protocol):
    """A sample model that answers many questions in one call, one row each.

    Attributes:
      num_actions: actions are the integers 0 .. num_actions - 1.
    """

    num_actions: int

    def sample_batch(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws one transition a row.

        Args:
          states: [N, ...].
          actions: int64[N].
          rng: as a `numpy.random.Generator` whose answers have a first axis of N rows, each drawn
            from that row's own stream, so that a row's answer does not depend on the others.
        Returns:
          (next_states [N, ...], rewards float64[N], terminated bool[N]).
        """
        ...


@runtime_checkable
class DistributionModel(Protocol[S]):
    """state x action -> D(state x reward).

    Attributes:
      num_actions: actions are the integers 0 .. num_actions - 1.
    """

    num_actions: int

    def transitions(self, state: S, action: int) -> Sequence[tuple[float, S, float, bool]]:
        """All outcomes of an action.

        Returns:
          (probability, next_state, reward, terminated) each; probabilities sum to 1.
        """
        ...


class Policy(Protocol[S_contra]):
    """state -> action."""

    def action(self, state: S_contra, rng: np.random.Generator) -> Any:
        """The action to take in `state`, drawn where the policy is stochastic."""
        ...


@runtime_checkable
class StochasticPolicy(Policy[S_contra], Protocol[S_contra]):
    """state -> D(action), which induces state -> action by drawing."""

    def probabilities(self, state: S_contra) -> np.ndarray:
        """How likely each action is to be taken: float64[num_actions], summing to 1."""
        ...


@dataclass(frozen=True)
class Experience(Generic[S]):
    """One step of a trajectory: what updates of one step learn from.

    Attributes:
      state, action, reward, next_state: of the step; the reward in reward units.
      terminated: True if `next_state` is terminal.
      next_action: taken in `next_state`; None where the trajectory ends there.
    """

    state: S
    action: Any
    reward: float
    next_state: S
    terminated: bool
    next_action: Any = None


@dataclass(frozen=True)
class Trajectory(Generic[S]):
    """What happened from a first state on.

    Attributes:
      states: T + 1 of them, the last after the last action.
      actions: T.
      rewards: T, in reward units.
      terminated: True if the last state is terminal, False if the trajectory was cut.
    """

    states: Sequence[S]
    actions: Sequence[Any]
    rewards: Sequence[float]
    terminated: bool

    def experiences(self) -> Iterator[Experience[S]]:
        """Its steps, T of them, from the first on."""
        last = len(self.actions) - 1
        for t, (action, reward) in enumerate(zip(self.actions, self.rewards, strict=True)):
            yield Experience(
                self.states[t],
                action,
                reward,
                self.states[t + 1],
                self.terminated and t == last,
                None if t == last else self.actions[t + 1],
            )


class TrajectoryModel(Protocol[S]):
    """policy -> trajectory. A real environment is one."""

    def trajectory(self, policy: Policy[S], rng: np.random.Generator) -> Trajectory[S]:
        """Runs `policy` from an initial state to the end of an episode."""
        ...
