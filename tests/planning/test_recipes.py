"""Recipes as a caller sees them: presets and settings by name, what plans say, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import small_games as games
import small_models as models
from small_batches import Walk
from small_games import Race

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.planning import MCTS, Budget, Plan, SearchConfig
from mcts_service.planning.config import CHOICES

PRESETS = [name for name in SearchConfig.presets() if name != "auto"]


class Advised(models.ValuedChain):
    """A chain that can do all that any recipe asks for."""

    return_bounds = (0.0, 1.0)
    weights: Any = (1.0, 3.0)

    def prior(self, state: int) -> Any:
        return self.weights

    def observe(self, action: int, state: int, rng: Any) -> int:
        return state


class AdvisedArms(models.Arms):
    """A bandit with equal priors and a value of nothing."""

    def prior(self, state: int) -> list[float]:
        return [1.0] * self.num_actions

    def value(self, state: int) -> float:
        return 0.0


class AdvisedWalk(Walk):
    """A batch model that answers with priors and values at once."""

    gives_priors = True
    weights: Any = (1.0, 2.0, 5.0)

    def __init__(self, **capabilities: Any) -> None:
        super().__init__(values=True, **capabilities)

    def _evaluate(self, states: np.ndarray) -> Any:
        return np.tile(self.weights, (len(states), 1)), super()._evaluate(states)[1]


class Streets:
    """A chain whose actions have names; every second place has one more."""

    def actions(self, state: int) -> list[str]:
        return ["left", "right", "jump"][: 2 + state % 2]

    def sample(self, state: int, action: str, rng: Any) -> tuple[int, float, bool]:
        following = state + {"left": -1, "right": 1, "jump": 2}[action]
        return following, float(following >= 5), not -5 < following < 5

    def prior(self, state: int) -> list[float]:
        return [1.0, 2.0, 1.0][: 2 + state % 2]


class Endless(models.StepCounter):
    """Nothing ends it, as it says."""

    continuing = True


class Trap:
    """Of the replies to the first action one wins, and all others lose; the second draws."""

    num_actions, num_players, deterministic, return_bounds = 40, 2, True, (-1.0, 1.0)

    def current_player(self, state: tuple[int, ...]) -> int:
        return len(state) % 2

    def legal_actions(self, state: tuple[int, ...]) -> range:
        return range(40 if state == (0,) else 2)

    def sample(
        self, state: tuple[int, ...], action: int, rng: Any
    ) -> tuple[tuple[int, ...], tuple[float, float], bool]:
        following = (*state, action)
        if following == (0, 17):
            return following, (-1.0, 1.0), True
        if following[0] == 0:
            return (
                following,
                (0.5, -0.5) if len(following) == 4 else (0.0, 0.0),
                len(following) == 4,
            )
        return following, (0.0, 0.0), len(following) == 8


ROUGH_ARMS = AdvisedArms(*[lambda rng, arm=arm: 0.2 * arm + rng.random() for arm in range(4)])
EQUAL_ARMS = AdvisedArms(*[lambda rng: 0.5] * 4)


def plan_of(
    model: Any, config: SearchConfig, state: Any = 0, simulations: int = 60, seed: int = 1
) -> Plan:
    return MCTS(model, config).plan(state, Budget(simulations=simulations), seed=seed)


def visits(plan: Plan) -> list[int]:
    return [action.visits for action in plan.actions]


# ---- every recipe by its name


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("name", PRESETS)
def test_a_plan_tells_the_preset_that_it_is_of(name: str, in_flight: int) -> None:
    plan = plan_of(Advised(), SearchConfig.preset(name, in_flight=in_flight, max_depth=30))
    assert plan.recipe == name
    assert plan.recipe_reason == ""
    assert {action.action for action in plan.actions} == {0, 1}


@pytest.mark.parametrize("setting", CHOICES)
def test_every_word_of_every_setting_plans(setting: str) -> None:
    needed: dict[str, dict[str, Any]] = {
        "trial": {"backup": "bellman"},
        "state": {"evaluation": "rollout"},
    }
    for word in CHOICES[setting]:
        changes = {setting: word} | needed.get(word, {})
        model, state = (Race(), Race.start) if word == "decisive" else (Advised(), 0)
        plan = plan_of(model, SearchConfig(max_depth=20, **changes), state)
        assert plan.simulations > 0
        if setting in ("selection", "evaluation", "backup") and word != "auto":
            known = SearchConfig.preset(plan.recipe) if plan.recipe in PRESETS else None
            assert word == getattr(known, setting, None) or word in plan.recipe.split(", ")


@pytest.mark.parametrize("name", ["uct", "puct", "gumbel"])
@pytest.mark.parametrize(
    ("model", "state"),
    [(AdvisedWalk(masks=True), 5), (AdvisedWalk(players=2), 5), (ROUGH_ARMS, 0)],
    ids=["batch", "batch game", "bandit"],
)
def test_a_row_is_its_plan_alone(model: Any, state: Any, name: str) -> None:
    config = SearchConfig.preset(name, in_flight=8)
    alone = [plan_of(model, config, state, seed=seed) for seed in range(3)]
    rows = MCTS(model, config).plan_batch([state] * 3, Budget(simulations=60), seeds=range(3))
    for plan, row in zip(alone, rows, strict=True):
        assert isinstance(row, Plan)
        assert (row.action, row.value, repr(row.actions)) == (
            plan.action,
            plan.value,
            repr(plan.actions),
        )


# ---- priors


def test_a_plan_tells_the_priors_scaled_to_sum_one() -> None:
    for name in ("puct", "gumbel"):
        assert [a.prior for a in plan_of(Advised(), SearchConfig.preset(name)).actions] == [
            0.25,
            0.75,
        ]


def test_priors_are_those_of_the_actions_that_are_legal_or_named() -> None:
    plan = plan_of(AdvisedWalk(masks=True), SearchConfig.preset("puct"), 5)
    assert {a.action: a.prior for a in plan.actions} == {1: 2 / 7, 2: 5 / 7}
    config = SearchConfig.preset("puct", evaluation="rollout")
    plan = plan_of(Streets(), config, 1)
    assert {a.action: a.prior for a in plan.actions} == {"left": 0.25, "right": 0.5, "jump": 0.25}


def test_without_priors_none_is_told() -> None:
    assert all(math.isnan(a.prior) for a in plan_of(Advised(), SearchConfig.preset("uct")).actions)


def test_priors_that_are_all_zero_count_as_equal() -> None:
    model = Advised()
    model.weights = (0, 0)
    assert [a.prior for a in plan_of(model, SearchConfig.preset("puct")).actions] == [0.5, 0.5]


@pytest.mark.parametrize("name", ["puct", "gumbel", "auto"])
@pytest.mark.parametrize(
    "weights",
    [(1.0,), (1.0, 1.0, 1.0), (-0.1, 1.0), (math.nan, 1.0), (math.inf, 1.0), None, "ab", [[1, 2]]],
)
def test_a_wrong_prior_is_named(weights: Any, name: str) -> None:
    model = Advised()
    model.weights = weights
    with pytest.raises(ModelFault, match=r"^prior"):
        plan_of(model, SearchConfig.preset(name))


@pytest.mark.parametrize("weights", [(1.0, 1.0), (-1.0, 1.0, 1.0), (math.nan, 1.0, 1.0)])
def test_a_wrong_prior_of_a_row_is_named(weights: Any) -> None:
    model = AdvisedWalk()
    model.weights = weights
    [row] = MCTS(model, SearchConfig.preset("puct")).plan_batch([5], Budget(simulations=20))
    assert isinstance(row, ModelFault)
    assert "evaluate_batch" in str(row)
    assert "prior" in str(row)


def test_a_value_that_is_wrong_is_not_taken_for_a_prior() -> None:
    class Worthless(Advised):
        def value(self, state: int) -> Any:
            return math.nan

    with pytest.raises(ModelFault, match=r"^value"):
        plan_of(Worthless(), SearchConfig.preset("puct"))


# ---- chance at the root


def test_root_noise_changes_visits_only_above_zero() -> None:
    plain = plan_of(EQUAL_ARMS, SearchConfig.preset("puct"))
    silent = SearchConfig.preset("puct", root_noise=0.0, root_noise_concentration=9.0)
    noisy = SearchConfig.preset("puct", root_noise=0.5)
    assert visits(plan_of(EQUAL_ARMS, silent)) == visits(plain)
    assert visits(plan_of(EQUAL_ARMS, noisy)) != visits(plain)
    assert visits(plan_of(EQUAL_ARMS, noisy)) == visits(plan_of(EQUAL_ARMS, noisy))


def chi_square(model: Any, config: SearchConfig, seeds: int) -> float:
    """Of the actions that were drawn, against their plans' visits^(1 / temperature)."""
    planner = MCTS(model, config)
    drawn, due = np.zeros(model.num_actions), np.zeros(model.num_actions)
    for seed in range(seeds):
        plan = planner.plan(0, Budget(simulations=20), seed=seed)
        weights = np.array(visits(plan)) ** (1 / config.temperature)
        drawn[plan.action] += 1
        due += weights / weights.sum()
    return float(((drawn - due) ** 2 / due).sum())


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (ROUGH_ARMS, SearchConfig.preset("uct", temperature=1.0)),
        (ROUGH_ARMS, SearchConfig.preset("uct", temperature=0.5)),
        (EQUAL_ARMS, SearchConfig.preset("puct", temperature=1.0, root_noise=1.0)),
        (EQUAL_ARMS, SearchConfig.preset("gumbel", temperature=1.0)),
    ],
    ids=["ucb1", "colder", "with root noise", "with Gumbel's noise"],
)
def test_temperature_draws_by_visits(model: Any, config: SearchConfig) -> None:
    # Three degrees of freedom: above 21.1 once in 10,000 sets of seeds.
    assert chi_square(model, config, 400) < 21.1


def test_no_temperature_is_the_most_visits() -> None:
    for seed in range(20):
        plan = plan_of(ROUGH_ARMS, SearchConfig.preset("uct"), seed=seed)
        assert visits(plan)[plan.action] == max(visits(plan))


# ---- recommendation


def test_recommendation_by_value_is_the_highest() -> None:
    config = SearchConfig.preset("uct", recommendation="value")
    for seed in range(20):
        plan = plan_of(ROUGH_ARMS, config, seed=seed)
        assert plan.value == max(action.value for action in plan.actions)


def test_recommendation_by_lower_bound_is_that_of_the_plans_own_numbers() -> None:
    config = SearchConfig.preset("uct", recommendation="lower_bound")
    by_visits = 0
    for seed in range(40):
        plan = plan_of(ROUGH_ARMS, config, simulations=40, seed=seed)
        often = [a for a in plan.actions if a.visits >= max(visits(plan)) / 10 and a.visits > 1]
        best = max(often, key=lambda a: a.value - 2 * a.standard_error)
        assert plan.action == best.action
        by_visits += visits(plan)[plan.action] == max(visits(plan))
    assert by_visits < 40


def test_a_proven_loss_is_not_recommended_for_its_visits() -> None:
    proven = 0
    for simulations in (20, 25, 35, 45):
        for seed in range(20):
            plan = plan_of(Trap(), SearchConfig.preset("uct"), (), simulations, seed)
            lost = plan.actions[0].proven and plan.actions[0].value == -1
            assert not (lost and plan.action == 0)
            proven += lost and visits(plan)[0] > visits(plan)[1]
    assert proven > 0


def test_gumbel_goes_on_with_a_tree_and_plays_what_its_own_halving_has_left() -> None:
    class Way(Advised):
        deterministic, discount, weights = True, 0.5, (0.7, 0.3)

        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            return 2 * state + action, 0.0, False

        def value(self, state: int) -> float:
            return 0.0

    config = SearchConfig.preset("gumbel", considered_actions=1)
    others = 0
    for seed in range(20):
        plans = []
        for simulations in (1, 21):
            planner = MCTS(Way(), config)
            first = planner.plan(1, Budget(simulations=100), seed=3)
            assert planner.advance(first.action, 2 + first.action)
            plan = planner.plan(2 + first.action, Budget(simulations=simulations), seed=seed)
            assert plan.reused_simulations > 0
            plans.append(plan)
        few, many = map(np.array, map(visits, plans))
        assert sorted(many - few) == [0, 20]
        assert plans[1].action == np.argmax(many - few)
        others += plans[1].action != np.argmax(many)
    assert others > 0


def test_widening_leaves_gumbel_all_actions_of_the_root() -> None:
    plan = plan_of(EQUAL_ARMS, SearchConfig.preset("gumbel", action_widening=1.0), simulations=64)
    assert min(visits(plan)) > 0


def test_widening_takes_the_likely_actions_first() -> None:
    class Leaning(AdvisedArms):
        def prior(self, state: int) -> list[float]:
            return [1.0, 2.0, 4.0, 3.0]

    model = Leaning(*[lambda rng: 0.5] * 4)
    config = SearchConfig.preset("puct", action_widening=1.0)
    for simulations, tried in ((1, 1), (3, 2), (8, 3)):
        plan = plan_of(model, config, simulations=simulations)
        assert sum(count > 0 for count in visits(plan)) <= tried
        assert visits(plan)[2] == max(visits(plan))


def test_outcome_widening_by_itself_is_for_a_tree_of_means() -> None:
    plan = plan_of(models.Chain(), SearchConfig(outcome_widening=1.0))
    assert plan.recipe == "uct"
    assert "widened" in plan.recipe_reason


# ---- what does not go together is refused when the planner is built

CHAIN, GAME, ROWS = models.Chain(), games.TicTacToe(), Walk()
BY_STATE = {"backup": "bellman", "sharing": "state", "evaluation": "trial"}


@pytest.mark.parametrize(
    ("model", "settings", "field", "value", "would_work"),
    [
        (Endless(), BY_STATE, "discount", "1", "sharing 'depth'"),
        (Endless(), {"backup": "max", "sharing": "state"}, "discount", "1", "below 1"),
        (CHAIN, {"selection": "gumbel", "evaluation": "value"}, "selection", "gumbel", "ucb1"),
        (CHAIN, {"selection": "gumbel"}, "selection", "gumbel", "ucb1"),
        (CHAIN, {"evaluation": "value"}, "evaluation", "value", "rollout"),
        (CHAIN, {"evaluation": "mixed"}, "evaluation", "mixed", "rollout"),
        (CHAIN, {"value_scaling": "bounds"}, "value_scaling", "bounds", "seen"),
        (CHAIN, {"root_noise": 0.5}, "root_noise", "0.5", "'puct'"),
        (CHAIN, {"outcome_key": "observation"}, "outcome_key", "observation", "none"),
        (CHAIN, {"outcome_key": "none", "sharing": "state"}, "sharing", "state", "'none'"),
        (CHAIN, {"outcome_key": "observation", "sharing": "depth"}, "sharing", "depth", "'none'"),
        (CHAIN, {"outcome_key": "none", "selection": "puct"}, "selection", "puct", "'ucb1'"),
        (CHAIN, {"outcome_key": "none", "action_widening": 2}, "action_widening", "2", "0"),
        (CHAIN, {"evaluation": "trial", "backup": "mean"}, "evaluation", "trial", "'bellman'"),
        (CHAIN, {"selection": "thompson", "backup": "max"}, "selection", "thompson", "'mean'"),
        (CHAIN, {"selection": "ments", "backup": "mean"}, "selection", "ments", "'soft'"),
        (CHAIN, {"outcome_widening": 2, "backup": "max"}, "outcome_widening", "2", "'mean'"),
        (
            CHAIN,
            {"selection": "ucb1_tuned", "evaluation": "trial"},
            "selection",
            "ucb1_tuned",
            "'rollout'",
        ),
        (
            CHAIN,
            {"recommendation": "lower_bound", "backup": "bellman"},
            "recommendation",
            "lower_bound",
            "'value'",
        ),
        (
            CHAIN,
            {"recommendation": "value", "temperature": 1},
            "temperature",
            "1",
            "'visits'",
        ),
        (GAME, {"backup": "bellman"}, "backup", "bellman", "mean"),
        (GAME, {"backup": "soft"}, "backup", "soft", "mean"),
        (GAME, {"outcome_widening": 2}, "outcome_widening", "2", "0"),
        (ROWS, {"evaluation": "value"}, "evaluation", "value", "rollout"),
        (ROWS, {"selection": "gumbel", "in_flight": 8}, "selection", "gumbel", "ucb1"),
        (Walk(players=2), {"backup": "bellman"}, "backup", "bellman", "mean"),
        (Walk("float64[3]"), {"outcome_key": "observation"}, "outcome_key", "observation", "none"),
    ],
)
def test_contradictions_name_the_setting_its_value_and_what_would_work(
    model: Any, settings: dict[str, Any], field: str, value: str, would_work: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        MCTS(model, SearchConfig(**settings))
    [violation] = caught.value.violations
    assert violation.field == field
    assert violation.description.startswith(f"is {value}") or f"is '{value}'" in (
        violation.description
    )
    assert would_work in violation.description
    assert "would work" in violation.description


@pytest.mark.parametrize("preset", ["graph", "auto"])
def test_what_ends_or_is_discounted_is_no_contradiction(preset: str) -> None:
    plan_of(CHAIN, SearchConfig.preset(preset))
    plan_of(Endless(), SearchConfig.preset(preset, discount=0.9), simulations=20)
