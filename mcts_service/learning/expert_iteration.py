"""Expert iteration: plan with what is known, imitate the plans, plan better with that.

    parameters -> (states -> priors, values)      the apprentice, which the planner asks at leaves
    planned episodes x parameters -> parameters   imitation, by whatever learns

Source: Anthony, Tian and Barber (2017); with values beside, Silver et al. (2018), AlphaZero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest, MCTSServiceError
from mcts_service.labels import is_labelled
from mcts_service.learning.checkpoint import Checkpoint, restored
from mcts_service.learning.iteration import Callback, Iteration, telling
from mcts_service.learning.loop import Trained
from mcts_service.models.evaluated import EvaluateBatch, with_evaluation
from mcts_service.models.unrolled import MAX_STEPS, PATIENCE
from mcts_service.planning import MCTS, Budget, Plan, SearchConfig

__all__ = ["Examples", "expert_iteration", "exploring_config", "planned_episodes"]

P = TypeVar("P")

MAX_EPISODES = 2**20


@dataclass(frozen=True)
class Examples:
    """What an apprentice imitates: N states that were planned from.

    Attributes:
      states: [N, ...], in the order of the episodes.
      visits: how the planner divided its simulations, each row summing to 1: what priors are to
        become. float64[N, num_actions].
      returns: discounted return from each state to the end of its episode, in reward units: what
        values are to become. Where an episode was cut, the planner's value of the state that it
        was cut in stands for the rest. float64[N], or [N, num_players] where there are several.
      first: which of them begin an episode: int64[E], ascending from 0.
    """

    states: np.ndarray
    visits: np.ndarray
    returns: np.ndarray
    first: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """All of them, one behind the other."""
        starts = np.cumsum([0, *(len(part.states) for part in parts[:-1])])
        return cls(
            np.concatenate([part.states for part in parts]),
            np.concatenate([part.visits for part in parts]),
            np.concatenate([part.returns for part in parts]),
            np.concatenate([part.first + start for part, start in zip(parts, starts, strict=True)]),
        )

    def metrics(self) -> dict[str, Any]:
        """What a training loop tells of them; see `Iteration`."""
        of_episodes = self.returns[self.first]
        return {
            "return": float((of_episodes[:, 0] if of_episodes.ndim > 1 else of_episodes).mean()),
            "length": len(self.states) / len(self.first),
            "episodes": len(self.first),
        }


def expert_iteration(
    model: Any,
    parameters: P,
    *,
    evaluation: Callable[[P], EvaluateBatch],
    imitate: Callable[[Examples, P, np.random.Generator], P],
    iterations: int,
    episodes: int,
    budget: Budget,
    rng: np.random.Generator,
    config: SearchConfig | None = None,
    max_steps: int | None = None,
    exploring_steps: int | None = None,
    callbacks: Sequence[Callback] = (),
    resume: Checkpoint | None = None,
) -> Trained:
    """Improves the parameters of an apprentice by imitating a planner that it helps.

    Args:
      model: a sample model, compiled or in Python, for any number of players.
      parameters: where it begins.
      evaluation: parameters -> what gives priors and values of many states, in the form of
        `with_evaluation`.
      imitate: examples x parameters -> parameters.
      iterations: of playing and imitating, at least 1.
      episodes: that are played in each, all at once.
      budget: of a plan.
      rng: of episodes, seeds and imitation.
      config: of the planner; default `exploring_config()`, which draws its actions by visits.
      max_steps, exploring_steps: as of `planned_episodes`.
      callbacks: are told of each iteration, in their order.
      resume: goes on from there, as of `train`: with the parameters, the iteration and the state of
        `rng` that were saved, where parameters are float64 arrays or tuples of them. What `imitate`
        keeps for itself, such as older examples to replay, is not saved: with such a one the
        numbers are others.
    Returns:
      With the planner that the last parameters help as policy.
    Raises:
      InvalidRequest: an argument is wrong.
      ModelFault, NoLegalAction: as `MCTS.plan`.
    """
    require_integer("iterations", iterations, 1, 2**31 - 1)

    def helped_by(parameters: Any) -> MCTS:
        evaluated = with_evaluation(model, evaluate_batch=evaluation(parameters))
        return MCTS(evaluated, config or exploring_config())

    known: Any = parameters
    number, steps, stopped = 0, 0, False
    if resume is not None:
        known, number, steps = restored(resume, known, rng)
    planner = helped_by(known)
    with telling(callbacks) as tell:
        while number < iterations and not stopped:
            acting = planner
            examples = planned_episodes(
                acting, episodes, budget, rng, max_steps=max_steps, exploring_steps=exploring_steps
            )
            known = imitate(examples, known, rng)
            planner = helped_by(known)
            number, steps = number + 1, steps + len(examples.states)
            metrics = {**examples.metrics(), "steps": steps}
            stopped = tell(
                Iteration(number, iterations, steps, examples, acting, known, rng, metrics)
            )
    return Trained(planner, known, number, steps, stopped)


def exploring_config() -> SearchConfig:
    """PUCT that tries what it would not, so that the apprentice sees more than its own play.

    Source: Silver et al. (2018), with the noise at the root of chess. Explored is more than by the
    preset, because an apprentice's priors say little at first.
    """
    return SearchConfig.preset(
        "puct", exploration=4.0, root_noise=0.25, temperature=1.0, early_stop=False
    )


def planned_episodes(
    planner: MCTS,
    episodes: int,
    budget: Budget,
    rng: np.random.Generator,
    *,
    max_steps: int | None = None,
    exploring_steps: int | None = None,
) -> Examples:
    """Plays episodes at the same time, every action by a plan.

    Args:
      planner: of a model with `initial_state`.
      episodes: at least 1.
      budget: of a plan.
      rng: of initial states, seeds of plans, and what chance does.
      max_steps: after which an episode is cut, at least 1. Default the model's `horizon`, else
        none. What comes later counts as the value of one more plan, of the state that the episode
        is cut in; at the horizon as 0, as nothing comes later.
      exploring_steps: after which every action is the most visited one, whatever the config draws,
        so that returns are those of good play, at least 0; default: none is.
    Raises:
      InvalidRequest: an argument is wrong, or the model has no initial_state; or nothing limits an
        episode, and the model is `continuing`, or one has not ended after a million steps.
      MCTSServiceError: what ended a plan.
    """
    require_integer("episodes", episodes, 1, MAX_EPISODES)
    model = planner.model
    if is_labelled(model):
        raise InvalidRequest("model", "labels its actions; priors are of actions by number")
    if not callable(getattr(model, "initial_state", None)):
        raise InvalidRequest("model", "has no initial_state; episodes must start somewhere")
    horizon = getattr(model, "horizon", None)
    most = _most_steps(model, horizon, max_steps)
    if exploring_steps is not None:
        require_integer("exploring_steps", exploring_steps, 0, MAX_STEPS)
    playing = [_Episode(model.initial_state(rng)) for _ in range(episodes)]
    running, steps = playing, 0
    while running and steps < most:
        for episode, plan in zip(running, _plans(planner, running, budget, rng), strict=True):
            explores = exploring_steps is None or steps < exploring_steps
            episode.step(model, plan, explores, rng)
        running = [episode for episode in running if not episode.terminated]
        steps += 1
    if running and max_steps is None and horizon is None:
        raise InvalidRequest(
            "max_steps",
            f"is not given, and an episode has not ended after {PATIENCE:,} steps; must be the "
            "steps after which one is cut",
        )
    if running and (horizon is None or steps < horizon):
        for episode, plan in zip(running, _plans(planner, running, budget, rng), strict=True):
            episode.rest = np.array(plan.player_values)
    discount = float(getattr(model, "discount", 1.0))
    return Examples.joined([episode.examples(discount) for episode in playing])


def _most_steps(model: Any, horizon: int | None, max_steps: int | None) -> int:
    """After how many steps an episode is cut, or taken for one that never ends."""
    if max_steps is not None:
        return require_integer("max_steps", max_steps, 1, MAX_STEPS)
    if horizon is not None:
        return require_integer("horizon", horizon, 1, MAX_STEPS)
    if getattr(model, "continuing", False):
        raise InvalidRequest(
            "max_steps",
            "is not given, and the model is continuing and has no horizon: no episode would end; "
            "must be the steps after which one is cut",
        )
    return PATIENCE


def _plans(
    planner: MCTS, running: Sequence[_Episode], budget: Budget, rng: np.random.Generator
) -> Iterator[Plan]:
    seeds = rng.integers(2**64, size=len(running), dtype=np.uint64).tolist()
    states = [episode.state for episode in running]
    for plan in planner.plan_batch(states, budget, seeds=seeds):
        if isinstance(plan, MCTSServiceError):
            raise plan
        yield plan


class _Episode:
    """One that is being played.

    Attributes:
      state: where it is.
      terminated: whether it has ended there.
      rest: what each player may expect from there on, where it was cut; else 0.
    """

    def __init__(self, state: Any) -> None:
        self.state, self.terminated = state, False
        self.rest = np.zeros(1)
        self._states: list[Any] = []
        self._visits: list[np.ndarray] = []
        self._rewards: list[Any] = []

    def step(self, model: Any, plan: Plan, explores: bool, rng: np.random.Generator) -> None:
        """Takes the action of a plan, or the most visited one, from where it is."""
        visits = np.zeros(model.num_actions)
        for row in plan.actions:
            visits[row.action] = row.visits
        self._states.append(self.state)
        self._visits.append(visits / visits.sum())
        action = plan.action if explores else int(visits.argmax())
        self.state, reward, ended = model.sample(self.state, action, rng)
        is_terminal = getattr(model, "is_terminal", None)
        self.terminated = bool(ended) or (is_terminal is not None and bool(is_terminal(self.state)))
        self._rewards.append(reward)

    def examples(self, discount: float) -> Examples:
        """What was planned, and what came of it."""
        returns = np.array(self._rewards, dtype=np.float64)
        returns[-1] += discount * (self.rest if returns.ndim > 1 else self.rest[0])
        for t in range(len(returns) - 2, -1, -1):
            returns[t] += discount * returns[t + 1]
        first = np.zeros(1, np.int64)
        return Examples(np.array(self._states), np.array(self._visits), returns, first)
