"""Planning with an apprentice, and an apprentice that imitates the plans."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.learning import (
    Checkpoint,
    Checkpoints,
    Evaluation,
    Examples,
    JsonLines,
    ProgressBar,
    StopWhen,
    expert_iteration,
    exploring_config,
    load_checkpoint,
    planned_episodes,
    save_checkpoint,
)
from mcts_service.models import TabularModel, TicTacToe, UnrolledModel, with_evaluation
from mcts_service.policies import Greedy

SIDE = 6
GOAL = SIDE * SIDE - 1


def grid(discount=0.95):
    """From one corner to the other, 10 steps at least; the way there pays nothing."""
    moves = ((-1, 0), (0, 1), (1, 0), (0, -1))
    table = {GOAL: {}}
    for state in range(GOAL):
        row, column = divmod(state, SIDE)
        table[state] = {}
        for action, (down, right) in enumerate(moves):
            to = min(max(row + down, 0), SIDE - 1) * SIDE + min(max(column + right, 0), SIDE - 1)
            table[state][action] = [(1.0, to, float(to == GOAL), to == GOAL)]
    return TabularModel.from_transitions(table, discount=discount)


class Table:
    """An apprentice that remembers: the mean of what it was shown of each state."""

    def begin(self):
        return np.full((SIDE * SIDE, 4), 0.25), np.zeros(SIDE * SIDE)

    def evaluation(self, parameters):
        priors, values = parameters
        return lambda states: (priors[states], values[states])

    def imitate(self, examples, parameters, rng):
        priors, values = (part.copy() for part in parameters)
        for state in np.unique(examples.states):
            seen = examples.states == state
            priors[state] = 0.5 * priors[state] + 0.5 * examples.visits[seen].mean(axis=0)
            values[state] += 0.5 * (examples.returns[seen].mean() - values[state])
        return priors, values


def run(seed, iterations=20, **options):
    apprentice = Table()
    return expert_iteration(
        grid(),
        apprentice.begin(),
        evaluation=apprentice.evaluation,
        imitate=apprentice.imitate,
        iterations=iterations,
        episodes=8,
        budget=Budget(simulations=24),
        max_steps=40,
        rng=np.random.default_rng(seed),
        **options,
    )


def steps_to_the_goal(parameters, simulations, most=100):
    """Of plans without noise."""
    model, state = grid(), 0
    evaluated = with_evaluation(model, evaluate_batch=Table().evaluation(parameters))
    planner = MCTS(evaluated, SearchConfig.preset("puct"))
    rng = np.random.default_rng(0)
    for step in range(1, most + 1):
        action = planner.plan(state, Budget(simulations=simulations), seed=step).action
        state, _, terminated = model.sample(state, action, rng)
        if terminated:
            return step
    return most + 1


def test_plans_get_better_by_imitating_plans():
    # 24 simulations see three steps ahead of ten: alone they find nothing to go by.
    assert steps_to_the_goal(Table().begin(), 24) > 20
    parameters = run(seed=0).parameters
    assert steps_to_the_goal(parameters, 24) == 10
    # The apprentice alone, by its priors, knows the way too.
    assert steps_to_the_goal(parameters, 1) <= 12


def test_the_same_generator_gives_the_same_apprentice():
    one, same, other = (run(seed=seed, iterations=3).parameters for seed in (1, 1, 2))
    assert np.array_equal(one[0], same[0])
    assert np.array_equal(one[1], same[1])
    assert not np.array_equal(one[0], other[0])


def test_the_loop_tells_of_each_iteration_and_ends_when_told_to():
    told = []

    def tell(done):
        told.append(done)
        return done.number == 3

    trained = run(seed=3, iterations=10, callbacks=[tell])
    assert [done.number for done in told] == [1, 2, 3]
    assert trained.stopped
    assert trained.iterations == 3
    assert trained.parameters is told[-1].parameters
    lengths = [len(done.learned_from.states) for done in told]
    assert all(8 * 10 <= length <= 8 * 40 for length in lengths)
    assert trained.steps == sum(lengths)
    assert [done.metrics["length"] for done in told] == [length / 8 for length in lengths]
    # The policy that played is one, and so is that which it has become.
    for policy in (told[0].policy, trained.policy):
        assert policy.action(0, np.random.default_rng(0)) in range(4)


def test_the_callbacks_of_training_loops_are_those_of_expert_iteration(tmp_path):
    def greedy(parameters):
        return Greedy(lambda state: parameters[0][state])

    path = tmp_path / "log"
    model = UnrolledModel(grid(), max_steps=40)
    evaluation = Evaluation(model, greedy, every=2, episodes=2, discount=0.95)
    trained = run(
        seed=0,
        callbacks=[evaluation, StopWhen("evaluation_return", 0.5), JsonLines(path), ProgressBar()],
    )
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["iteration"] for line in lines] == list(range(1, trained.iterations + 1))
    assert trained.stopped
    assert lines[-1]["evaluation_return"] >= 0.5  # the shortest way is worth 0.63
    assert lines[-1]["return"] > lines[0]["return"]
    assert lines[-1]["episodes"] == 8


@pytest.mark.parametrize("done", [1, 3])
def test_a_run_goes_on_from_a_checkpoint_to_the_same_numbers(done, tmp_path):
    whole = run(seed=4, iterations=5)
    run(seed=4, iterations=done, callbacks=[Checkpoints(tmp_path / "one.npz")])
    resumed = run(seed=99, iterations=5, resume=load_checkpoint(tmp_path / "one.npz"))
    assert (resumed.iterations, resumed.steps) == (5, whole.steps)
    for one, other in zip(whole.parameters, resumed.parameters, strict=True):
        assert np.array_equal(one, other)


def test_parameters_of_another_form_cannot_be_saved_nor_gone_on_with(tmp_path):
    state = np.random.default_rng(0).bit_generator.state
    with pytest.raises(InvalidRequest, match=r"parameters: are .*must be float64 arrays"):
        save_checkpoint(Checkpoint({"weights": 1.0}, 1, 1, state), tmp_path / "one")
    with pytest.raises(InvalidRequest, match=r"parameters: are .*must be float64 arrays"):
        save_checkpoint(Checkpoint(np.zeros(2, np.float32), 1, 1, state), tmp_path / "one")
    with pytest.raises(InvalidRequest, match="resume: has parameters of shape"):
        run(seed=0, resume=Checkpoint(np.zeros(2), 1, 1, state))


def test_examples_have_the_visits_of_each_plan_and_the_return_that_came_of_it():
    def onwards(states):
        priors = np.zeros((len(states), 4))
        priors[:, 1], priors[:, 2] = states % SIDE < SIDE - 1, states // SIDE < SIDE - 1
        return priors, np.zeros(len(states))

    planner = MCTS(
        with_evaluation(grid(discount=0.5), evaluate_batch=onwards),
        SearchConfig.preset("puct", temperature=1.0),
    )
    rng = np.random.default_rng(0)
    examples = planned_episodes(planner, 3, Budget(simulations=4), rng)
    # Right and down alone, where there is a way: ten steps, whichever come first.
    assert examples.states.shape == (30,)
    assert examples.states[[0, 10, 20]].tolist() == [0, 0, 0]
    assert examples.visits.shape == (30, 4)
    assert examples.visits.sum(axis=1) == pytest.approx(1.0)
    assert (examples.visits[:, [0, 3]] == 0).all()
    assert examples.returns == pytest.approx(np.tile(0.5 ** np.arange(9, -1, -1), 3))


def test_episodes_are_cut_where_steps_are_limited():
    apprentice = Table()
    planner = MCTS(
        with_evaluation(grid(), evaluate_batch=apprentice.evaluation(apprentice.begin())),
        exploring_config(),
    )
    rng = np.random.default_rng(0)
    examples = planned_episodes(planner, 2, Budget(simulations=8), rng, max_steps=5)
    assert examples.states.shape == (10,)


class Payday:
    """A step pays 1; it ends in its third state, as `is_terminal` alone says. No discount."""

    num_actions = 2

    def initial_state(self, rng=None):
        return 0

    def is_terminal(self, state):
        return state == 3

    def sample(self, state, action, rng):
        return state + 1, float(state < 3), False


class Paydays(Payday):
    """It never ends."""

    discount = 0.5

    def is_terminal(self, state):
        return False

    def sample(self, state, action, rng):
        return state + 1, 1.0, False


def returns_of(model, **options):
    rng = np.random.default_rng(0)
    return planned_episodes(MCTS(model), 1, Budget(simulations=60), rng, **options).returns


def test_an_episode_ends_where_a_state_is_terminal():
    assert returns_of(Payday()).tolist() == [3.0, 2.0, 1.0]


def test_a_cut_episode_counts_on_the_planner_for_the_rest():
    # A step short of its end: the last plan sees that one more pays 1.
    assert returns_of(Payday(), max_steps=2).tolist() == [3.0, 2.0]
    # 1 + 0.5 + ...: the last plan sees nearly 2.
    assert returns_of(Paydays(), max_steps=2) == pytest.approx([2.0, 2.0], abs=0.2)


def test_nothing_comes_after_the_horizon():
    class Short(Paydays):
        horizon = 2

    assert returns_of(Short()).tolist() == [1.5, 1.0]


def test_episodes_that_never_end_must_be_cut(monkeypatch):
    class Continuing(Paydays):
        continuing = True

    with pytest.raises(InvalidRequest, match="max_steps: is not given, and the model is contin"):
        returns_of(Continuing())
    # The function of the same name hides the module.
    monkeypatch.setattr(sys.modules[planned_episodes.__module__], "PATIENCE", 4)
    with pytest.raises(InvalidRequest, match="not ended after 4 steps"):
        returns_of(Paydays())


@pytest.mark.parametrize("options", [{"max_steps": 0}, {"exploring_steps": -1}])
def test_steps_out_of_range_are_refused(options):
    with pytest.raises(InvalidRequest, match=next(iter(options))):
        returns_of(Payday(), **options)


def test_after_the_exploring_steps_the_most_visited_action_is_taken():
    apprentice, model = Table(), grid()
    planner = MCTS(
        with_evaluation(model, evaluate_batch=apprentice.evaluation(apprentice.begin())),
        exploring_config(),
    )
    for exploring_steps in (20, 0):
        examples = planned_episodes(
            planner,
            1,
            Budget(simulations=16),
            np.random.default_rng(1),
            max_steps=60,
            exploring_steps=exploring_steps,
        )
        steps = zip(examples.states[:-1], examples.visits, examples.states[1:], strict=False)
        others = [
            t
            for t, (state, visits, following) in enumerate(steps)
            if model.transitions(int(state), int(visits.argmax()))[0][1] != following
        ]
        assert all(t < exploring_steps for t in others)
        # Of a few states in a row some are left by another action, where it is drawn.
        assert bool(others) == (exploring_steps > 0)


def test_in_games_every_player_has_its_own_return():
    game = TicTacToe()

    def evaluate(boards):
        return np.full((len(boards), 9), 1 / 9), np.zeros((len(boards), 2))

    planner = MCTS(with_evaluation(game, evaluate_batch=evaluate), exploring_config())
    rng = np.random.default_rng(0)
    examples = planned_episodes(planner, 20, Budget(simulations=20), rng)
    assert examples.states.shape[1:] == (3, 3)
    assert examples.returns.shape == (len(examples.states), 2)
    assert (examples.returns.sum(axis=1) == 0).all()
    assert set(np.unique(examples.returns)) <= {-1.0, 0.0, 1.0}
    assert (examples.visits[examples.states.reshape(-1, 9) != 0] == 0).all()


def test_examples_are_joined_in_order():
    parts = [
        Examples(np.arange(k), np.full((k, 2), 0.5), np.full(k, float(k)), np.zeros(1, int))
        for k in (1, 2)
    ]
    joined = Examples.joined(parts)
    assert joined.states.tolist() == [0, 0, 1]
    assert joined.returns.tolist() == [1.0, 2.0, 2.0]
    assert joined.first.tolist() == [0, 1]
    assert Examples.joined([joined, joined]).first.tolist() == [0, 1, 3, 4]


class Labelled:
    """One whose actions have names."""

    def actions(self, state):
        return ["left", "right"]

    def sample(self, state, action, rng):
        return state, 0.0, True

    def initial_state(self, rng=None):
        return 0


class Startless:
    """One that no episode starts in."""

    num_actions = 2

    def sample(self, state, action, rng):
        return state, 0.0, True


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Labelled(), "model: labels its actions"),
        (Startless(), "model: has no initial_state"),
    ],
)
def test_a_model_that_cannot_be_played_so_is_refused(model, message):
    planner = MCTS(model)
    with pytest.raises(InvalidRequest, match=message):
        planned_episodes(planner, 1, Budget(simulations=2), np.random.default_rng(0))


def test_an_apprentice_that_fails_ends_the_loop_with_its_fault():
    apprentice = Table()
    with pytest.raises(ModelFault, match="priors is of the shape"):
        expert_iteration(
            grid(),
            apprentice.begin(),
            evaluation=lambda parameters: lambda states: (np.ones((len(states), 3)), None),
            imitate=apprentice.imitate,
            iterations=1,
            episodes=2,
            budget=Budget(simulations=4),
            max_steps=4,
            rng=np.random.default_rng(0),
        )
    with pytest.raises(InvalidRequest, match="iterations"):
        run(seed=0, iterations=0)
