"""One exploration constant serves rewards of any size and shift, and one freak return."""

from __future__ import annotations

from typing import Any

import pytest
from searching import plan_numbers, scaled_numbers, to_the_end

from mcts_service import MCTS, Budget
from mcts_service.planning import Plan, SearchConfig


class Ladder:
    """Eight steps, each by one of three actions that pay by chance; then it ends.

    What an action pays on average depends on the step; rewards are `scale` times what they are in
    the plain ladder, and `shift` more at every step.
    """

    num_actions, steps = 3, 8
    deterministic = False

    def __init__(self, scale: float = 1.0, shift: float = 0.0) -> None:
        self.scale, self.shift = scale, shift
        least, most = self.steps * shift, self.steps * (1.5 * scale + shift)
        self.return_bounds = (min(0.0, least), max(1e-9, most))

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, float, bool]:
        step, height = state
        mean = 0.25 * ((action * 7 + step * 5 + height) % 3)
        reward = (mean + rng.random()) * self.scale + self.shift
        return (step + 1, (height + action) % 4), reward, step + 1 == self.steps

    def value(self, state: Any) -> float:
        left = self.steps - state[0]
        return left * (0.75 * self.scale + self.shift)

    def prior(self, state: Any) -> list[float]:
        return [0.5, 0.3, 0.2]


RECIPES = {
    "auto": to_the_end(),
    "uct": to_the_end("uct"),
    "max_uct": to_the_end("max_uct"),
    "dp_uct": to_the_end("dp_uct"),
    "graph": to_the_end("graph"),
    "puct": to_the_end("puct"),
    "gumbel": to_the_end("gumbel"),
    "ments": to_the_end("ments"),
    "open_loop": to_the_end("open_loop"),
    "tuned": to_the_end("uct", selection="ucb1_tuned"),
    "thompson": to_the_end("uct", selection="thompson"),
    "by value": to_the_end("uct", evaluation="value"),
    "mixed": to_the_end("uct", evaluation="mixed"),
    "lower bound": to_the_end("uct", recommendation="lower_bound"),
    "widened": to_the_end("uct", action_widening=1.0, outcome_widening=1.0),
}
#: Leaves that are worth what is left of the problem, in a tree: a shift is the same for all.
OF_WHOLE_RETURNS = ("uct", "max_uct", "puct", "gumbel", "tuned", "by value", "mixed")


def plan_of(model: Any, config: SearchConfig, seed: int, simulations: int = 1_500) -> Plan:
    return MCTS(model, config).plan((0, 0), Budget(simulations=simulations), seed=seed)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("recipe", RECIPES)
def test_rewards_times_1024_give_the_same_plan_bit_for_bit(recipe: str, seed: int) -> None:
    plain = plan_of(Ladder(), RECIPES[recipe], seed)
    other = plan_of(Ladder(scale=1024.0), RECIPES[recipe], seed)
    assert plan_numbers(other) == scaled_numbers(plain, 1024.0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("recipe", RECIPES)
def test_rewards_times_1000_give_the_same_action(recipe: str, seed: int) -> None:
    plain = plan_of(Ladder(), RECIPES[recipe], seed)
    assert_same_choice(plain, plan_of(Ladder(scale=1000.0), RECIPES[recipe], seed))


@pytest.mark.parametrize("shift", [-100.0, 0.5, 64.0])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("recipe", OF_WHOLE_RETURNS)
def test_a_constant_at_every_step_gives_the_same_action(
    recipe: str, seed: int, shift: float
) -> None:
    plain = plan_of(Ladder(), RECIPES[recipe], seed)
    assert_same_choice(plain, plan_of(Ladder(shift=shift), RECIPES[recipe], seed))


class Freak(Ladder):
    """A ladder on which one step, once in a plan, costs a million times what all else is worth."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, float, bool]:
        following, reward, terminated = super().sample(state, action, rng)
        self.left -= 1
        return following, reward - 1e6 * (self.left == 0), terminated


@pytest.mark.parametrize("at", [100, 1_000, 4_000])
def test_one_freak_return_does_not_spoil_the_search(at: int) -> None:
    """But for the branch that it fell on, which it may make look bad.

    Of two others the better one is still told from the worse: without a bound for what one value
    does to the scale all would be visited alike.
    """
    config = to_the_end("uct")
    for seed in range(5):
        plain, freak = plan_of(Ladder(), config, seed), plan_of(Freak(at), config, seed)
        hit = min(range(3), key=lambda a: freak.actions[a].value - plain.actions[a].value)
        first, second = sorted(set(range(3)) - {hit}, key=lambda a: -plain.actions[a].visits)
        ratio = plain.actions[first].visits / plain.actions[second].visits
        assert freak.actions[first].visits / freak.actions[second].visits > 1 + (ratio - 1) / 8


def assert_same_choice(plain: Plan, other: Plan) -> None:
    """The same action, unless two were as good as each other to the last bits."""
    if other.action == plain.action:
        return
    visits = {row.action: row.visits for row in plain.actions}
    values = {row.action: row.value for row in plain.actions}
    assert visits[plain.action] == visits[other.action]
    assert values[plain.action] == pytest.approx(values[other.action], rel=1e-9)
