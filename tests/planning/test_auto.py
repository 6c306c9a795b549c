"""The default recipe: chosen by what the model can do, and by what the search itself sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from searching import to_the_end
from small_models import Chain, SlipperyGrid, ValuedChain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest
from mcts_service.models import FactoredModel, make
from mcts_service.models.factored import Factor
from mcts_service.planning import Belief

BUDGET = Budget(simulations=200)


class Walk:
    """A random walk of floats: no state comes again."""

    num_actions = 2
    discount = 0.9

    def sample(self, state: float, action: int, rng: Any) -> tuple[float, float, bool]:
        return state + rng.random(), float(action), False


class Unhashable(Chain):
    """States are lists, and nothing tells them apart; deterministic, so nothing needs to."""

    deterministic = True

    def sample(self, state: list[int], action: int, rng: Any) -> tuple[list[int], float, bool]:
        return [state[0] + action], float(action), state[0] >= 3


class Hidden:
    """Where one is is not seen."""

    num_actions = 2
    discount = 0.9

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        return state, float(action == state), False


class Seen(Hidden):
    def observe(self, action: int, state: int, rng: Any) -> int:
        return state


@pytest.mark.parametrize(
    ("model", "state", "recipe", "reason"),
    [
        (make("frozen_lake_4x4"), 0, "graph", "all outcomes are known"),
        (SlipperyGrid(), (0, 0), "graph", "outcomes are sampled"),
        (Walk(), 0.0, "uct", "do not come again"),
        (make("cart_pole"), np.zeros(4), "uct", "do not come again"),
        (make("connect_four"), make("connect_four").initial_state(), "uct", "2 players"),
        (ValuedChain(), 0, "ucb1, value, mean, shared by none", "values states"),
        (Unhashable(), [0], "uct", "cannot be told apart"),
        (Hidden(), Belief([0, 1]), "open_loop", "outcomes by none"),
        (Seen(), Belief([0, 1]), "pomcp", "outcomes by observation"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_plan_says_which_recipe_ran_and_why(
    model: Any, state: Any, recipe: str, reason: str
) -> None:
    plan = MCTS(model, to_the_end()).plan(state, BUDGET, seed=1)
    assert plan.recipe == recipe
    assert reason in plan.recipe_reason
    assert plan.simulations == 200


def test_what_is_given_is_not_changed() -> None:
    given = SearchConfig(sharing="depth", exploration=0.5)
    plan = MCTS(SlipperyGrid(), given).plan((0, 0), BUDGET)
    assert plan.recipe == "dp_uct"
    assert MCTS(SlipperyGrid(), SearchConfig.preset("uct")).plan((0, 0), BUDGET).recipe_reason == ""


def test_an_undiscounted_graph_counts_with_a_discount_of_its_own() -> None:
    class Undiscounted(SlipperyGrid):
        discount = 1.0

    planner = MCTS(Undiscounted())
    assert planner.plan((0, 0), BUDGET).discount == 1 - 1 / 128
    plan = planner.plan((0, 0), BUDGET, horizon=60)
    assert plan.discount == 1 - 1 / 32
    assert "counted with a discount of 0.9688" in plan.recipe_reason
    assert planner.plan((0, 0), BUDGET, horizon=40).discount == 0.9
    assert MCTS(Undiscounted(), SearchConfig(discount=0.9)).plan((0, 0), BUDGET).discount == 0.9
    assert MCTS(SlipperyGrid()).plan((0, 0), BUDGET).discount == SlipperyGrid.discount


@pytest.mark.parametrize("simulations", [1, 2, 7, 64])
def test_a_small_budget_is_spent_whatever_takes_over(simulations: int) -> None:
    plan = MCTS(Walk(), to_the_end()).plan(0.0, Budget(simulations=simulations), seed=2)
    assert plan.simulations == simulations
    assert plan.deterministic


def test_the_same_seed_gives_the_same_plan_after_another_recipe_took_over() -> None:
    first, again = (MCTS(Walk()).plan(0.0, BUDGET, seed=5) for _ in range(2))
    assert (first.action, first.actions) == (again.action, again.actions)


def test_a_tree_that_took_over_is_gone_on_with() -> None:
    planner, model = MCTS(make("cart_pole")), make("cart_pole")
    state = model.initial_state()
    plan = planner.plan(state, BUDGET, seed=1)
    next_state, _, _ = model.sample(state, plan.action, np.random.default_rng(0))
    assert planner.advance(plan.action, next_state)
    after = planner.plan(next_state, BUDGET, seed=2)
    assert after.reused_simulations > 0
    assert (after.recipe, after.recipe_reason) == ("uct", "goes on with the tree of the last plan")


@pytest.mark.parametrize("name", ["frozen_lake_4x4", "cart_pole"])
def test_a_batch_is_planned_as_each_state_is_alone(name: str) -> None:
    model = make(name)
    states = [model.initial_state(np.random.default_rng(seed)) for seed in range(3)]
    batch = MCTS(model).plan_batch(states, BUDGET, seeds=[1, 2, 3])
    for state, seed, plan in zip(states, (1, 2, 3), batch, strict=True):
        alone = MCTS(model).plan(state, BUDGET, seed=seed)
        assert (plan.recipe, plan.actions) == (alone.recipe, alone.actions)  # type: ignore[union-attr]


class Later:
    """Action 0 pays 1 now and nothing after; action 1 pays 1.5 a step later."""

    num_actions = 2
    deterministic = True

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        if state == 0:
            return 1 + action, 1.0 - action, False
        return state, 1.5 * (state == 2), True


def test_two_steps_are_not_planned_as_if_only_the_first_counted() -> None:
    plan = MCTS(Later()).plan(0, BUDGET, horizon=2)
    assert (plan.recipe, plan.action) == ("graph", 1)


def test_a_tree_is_gone_on_with_from_step_to_step() -> None:
    class Undiscounted(SlipperyGrid):
        discount = 1.0

    planner = MCTS(Undiscounted())
    for horizon in range(40, 28, -1):
        plan = planner.plan((0, 0), BUDGET, horizon=horizon, seed=horizon)
        assert (plan.reused_simulations > 0) == (horizon < 40)
        assert planner.advance(plan.action, (0, 0))


def test_few_recipes_are_kept_whatever_the_steps_left() -> None:
    class Undiscounted(SlipperyGrid):
        discount = 1.0

    planner = MCTS(Undiscounted())
    for horizon in range(1, 250):
        planner.plan((0, 0), Budget(simulations=2), horizon=horizon, seed=1)
    assert len(planner._searches.trees._idle) <= 5


@pytest.mark.parametrize("horizon", ["ten", 0, lambda: 3])
def test_a_horizon_of_the_model_that_is_none_is_named(horizon: Any) -> None:
    class Wrong(SlipperyGrid):
        pass

    Wrong.horizon = horizon  # type: ignore[attr-defined]
    with pytest.raises(InvalidRequest, match=r"^model\.horizon"):
        MCTS(Wrong())


class Mixed:
    """Below 100 states come again, above they do not."""

    num_actions = 2
    discount = 0.95

    def sample_batch(self, states: Any, actions: Any, rng: Any) -> tuple[Any, Any, Any]:
        onward = states + 1 + (rng.random() * 1e9).astype(np.int64)
        following = np.where(states < 100, (states + actions) % 10, onward)
        return following, actions.astype(float), np.zeros(len(states), bool)


def test_rows_whose_recipe_gives_way_have_their_share_of_the_time() -> None:
    plans = MCTS(Mixed()).plan_batch([3, 5000], Budget(time_limit=0.5))
    assert [plan.recipe for plan in plans] == ["graph", "uct"]  # type: ignore[union-attr]


def test_leaves_keep_the_models_values_when_a_graph_is_gone_on_with() -> None:
    class Costly:
        num_actions = 2
        discount = 0.95

        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            return 2 * state + action + 1, 0.0, False  # no state comes again

        def value(self, state: int) -> float:
            return -10.0

    config = SearchConfig(evaluation="value", backup="bellman", sharing="state")
    planner = MCTS(Costly(), config)
    planner.plan(0, Budget(simulations=500), seed=1)
    assert planner.advance(0, 1)
    plan = planner.plan(1, Budget(simulations=1), seed=2)
    assert plan.reused_simulations > 0
    # Nothing is ever paid, so a value is -10 discounted by the steps to where it was asked for.
    assert all(action.value <= -10 * 0.95**plan.depth + 1e-9 for action in plan.actions)


@pytest.mark.parametrize(("coins", "recipe"), [(4, "graph"), (5, "ucb1, trial, max")])
def test_many_outcomes_are_counted_and_not_asked_for(coins: int, recipe: str) -> None:
    fair = [Factor([], np.full((2, 1), 0.5)) for _ in range(coins)]
    first = Factor([0], np.array([[0.0, 1.0], [0.0, 2.0]]))
    model = FactoredModel(fair, [first], initial=np.zeros(coins, bool))
    plan = MCTS(model).plan(model.initial_state(), BUDGET, horizon=40)
    assert model.max_outcomes == 2**coins
    assert plan.recipe.startswith(recipe)
    assert ("too many" in plan.recipe_reason) == (recipe != "graph")


def test_each_plan_of_a_planner_has_the_recipe_of_its_own_state_and_steps() -> None:
    class Lists:
        """States are lists, which cannot be told apart, or tuples, which can."""

        num_actions = 2
        deterministic = True

        def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, float, bool]:
            return state, float(action), False

    planner = MCTS(Lists())
    for _ in range(2):
        assert planner.plan((0,), BUDGET).recipe == "graph"
        assert planner.plan([0], BUDGET).recipe == "uct"
    discounts = [planner.plan((0,), BUDGET, horizon=2**n).discount for n in range(6, 16)]
    assert discounts == [1 - 1 / min(2**n, 128) for n in range(6, 16)]


def test_a_planner_keeps_so_many_recipes_and_no_more() -> None:
    planner = MCTS(make("taxi"))
    for horizon in range(1, 200):
        planner.plan(328, Budget(simulations=1), horizon=horizon)
    kept = planner._reader._resolve.cache_info()
    assert kept.currsize <= kept.maxsize < 199
