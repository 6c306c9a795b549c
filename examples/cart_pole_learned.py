"""Cart-pole by a learned model: a few steps of play, a linear-Gaussian fit, and a search in it.

python examples/cart_pole_learned.py [--runs RUNS] [--seed SEED] [--results FOLDER]

The first 100 steps are played at random. From then on the pole is balanced by plans in the model
that is learned from all steps so far, and what happens is learned from in turn. After each stage
the model is tried on poles that it does not learn from.

300 steps are enough. With many more, nearly all of the data are of a pole that stands, and the
least squares of one linear model fit what matters less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.progress import Progress
from rich.table import Table

from figures import BLUE, arguments_of, save, show, subplots
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import MCTSServiceError
from mcts_service.learning.data import collect
from mcts_service.learning.fit import LinearGaussian, fit_linear_gaussian
from mcts_service.models import EnvironmentModel
from mcts_service.policies import Uniform
from mcts_service.protocols import Trajectory

ENVIRONMENT = "CartPole-v1"
#: Real steps that have been learned from, after each stage.
STEPS = (100, 300, 1_000, 2_000)
#: Poles that a model is tried on, at once; an episode ends after 500 steps.
POLES, LONGEST = 5, 500
#: Of a plan, and how many steps it looks ahead.
BUDGET, HORIZON = Budget(simulations=64), 40
#: A model in NumPy answers many questions in the time of one.
CONFIG = SearchConfig.preset("uct", in_flight=8, early_stop=False)
#: The pole turns: what happens is linear in sines and cosines.
FEATURES = "trigonometric"

#: The return of each pole, for each stage: float64[len(STEPS), POLES].
Returns = np.ndarray


def main() -> None:
    """Plays all runs, prints the table and draws the plot."""
    arguments = arguments_of("Cart-pole by a learned model", runs=2)
    with Progress() as progress:
        task = progress.add_task("balancing", total=arguments.runs * len(STEPS))
        runs = [
            play(arguments.seed + run, on_stage=lambda: progress.advance(task))
            for run in range(arguments.runs)
        ]
    show(table(runs))
    draw(runs, arguments.results / "cart_pole_learned.png")


def play(
    seed: int,
    *,
    steps: Sequence[int] = STEPS,
    poles: int = POLES,
    on_stage: Callable[[], Any] = lambda: None,
) -> Returns:
    """One run: what the models after each stage return."""
    rng = np.random.default_rng(seed)
    world = EnvironmentModel(gymnasium.make(ENVIRONMENT))
    policy: Any = Uniform(2)
    known: list[Trajectory[Any]] = []
    returns = []
    for before, after in zip((0, *steps), steps, strict=False):
        known += collect(world, policy, after - before, rng).trajectories
        model = fit_linear_gaussian(known, 2, features=FEATURES, discount=1.0)
        policy = Planned(model)
        returns.append(balance(model, poles, rng))
        on_stage()
    return np.array(returns)


class Planned:
    """The policy of plans in a model."""

    def __init__(self, model: LinearGaussian) -> None:
        self._planner = MCTS(model, CONFIG)

    def action(self, state: Any, rng: np.random.Generator) -> int:
        """The action of a plan."""
        plan = self._planner.plan(
            np.asarray(state, float), BUDGET, horizon=HORIZON, seed=int(rng.integers(2**63))
        )
        return int(plan.action)


def balance(model: LinearGaussian, poles: int, rng: np.random.Generator) -> np.ndarray:
    """How many steps each of some poles stays up, all planned for at once: float64[poles]."""
    planner = MCTS(model, CONFIG)
    worlds = [gymnasium.make(ENVIRONMENT) for _ in range(poles)]
    states = [world.reset(seed=int(rng.integers(2**31)))[0] for world in worlds]
    returns = np.zeros(poles)
    standing = list(range(poles))
    while standing:
        plans = planner.plan_batch(
            [states[pole].astype(float) for pole in standing],
            BUDGET,
            horizon=HORIZON,
            seeds=rng.integers(2**63, size=len(standing)).tolist(),
        )
        for pole, plan in zip(list(standing), plans, strict=True):
            if isinstance(plan, MCTSServiceError):
                raise plan
            states[pole], reward, fallen, over, _ = worlds[pole].step(plan.action)
            returns[pole] += float(reward)
            if fallen or over:
                standing.remove(pole)
    return returns


def table(runs: Sequence[Returns]) -> Table:
    """What was measured."""
    shown = Table(title=f"Cart-pole by a learned model: {len(runs)} runs, {POLES} poles each")
    for column in ("real steps", "mean return", "worst", "stood to the end"):
        shown.add_column(column, justify="right")
    of_stages = np.concatenate(list(runs), axis=1)
    for steps, returns in zip(STEPS, of_stages, strict=True):
        stood = int((returns == LONGEST).sum())
        shown.add_row(
            f"{steps:,}", f"{returns.mean():.1f}", f"{returns.min():.0f}", f"{stood}/{len(returns)}"
        )
    return shown


def draw(runs: Sequence[Returns], path: Path) -> None:
    """Returns against real steps: the mean of each run's poles, and of all."""
    figure, (axis,) = subplots(1, width=6.4, height=4.0)
    of_runs = np.array([returns.mean(axis=1) for returns in runs])
    for returns in of_runs:
        axis.plot(STEPS, returns, color=BLUE, linewidth=0.8, alpha=0.4)
    label = f"mean of {len(runs)} runs, {POLES} poles each"
    axis.plot(STEPS, of_runs.mean(axis=0), color=BLUE, linewidth=1.6, marker="o", label=label)
    axis.axhline(LONGEST, color="#888888", linewidth=1.0, linestyle=":")
    axis.text(STEPS[0], LONGEST * 1.01, f"longest episode: {LONGEST}", va="bottom")
    axis.set_xscale("log")
    axis.set_xticks(STEPS, labels=[f"{steps:,}" for steps in STEPS])
    axis.minorticks_off()
    axis.set_ylim(0, LONGEST * 1.08)
    axis.set_xlabel("real steps that the model was learned from")
    axis.set_ylabel("steps that the pole stays up")
    axis.legend(frameon=False, loc="lower right")
    save(figure, path)


if __name__ == "__main__":
    main()
