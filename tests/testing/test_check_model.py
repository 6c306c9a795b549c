"""Every way of breaking the contract is named in one line."""

from __future__ import annotations

import random

import numpy as np
import pytest
from small_batches import WholeWalk

from mcts_service.errors import InvalidRequest
from mcts_service.models import make
from mcts_service.testing import assert_model, check_model
from mcts_service.testing.distribution_checks import deviates

GOAL = 4


class Corridor:
    """States 0 .. 4, the last one the end; action 0 goes left, 1 right, slipping at times.

    Every optional capability is there, and right.
    """

    num_actions = 2
    discount = 0.9
    horizon = 50
    num_players = 1

    def initial_state(self, rng=None):
        return 0

    def transitions(self, state, action):
        target = self.moved(state, action)
        outcome = (target, 1.0 if target == GOAL else 0.0, target == GOAL)
        if action == 0:
            return [(1.0, *outcome)]
        return [(0.75, *outcome), (0.25, state, 0.0, False)]

    def moved(self, state, action):
        return min(max(state + (1 if action else -1), 0), GOAL)

    def sample(self, state, action, rng):
        if action == 1 and rng.random() < 0.25:
            return state, 0.0, False
        target = self.moved(state, action)
        return target, 1.0 if target == GOAL else 0.0, target == GOAL

    def is_terminal(self, state):
        return state == GOAL

    def legal_actions(self, state):
        return [1] if state == 0 else [0, 1]

    def current_player(self, state):
        return 0

    def value(self, state):
        return state / GOAL

    def rollout_action(self, state, rng):
        return int(rng.choice(self.legal_actions(state)))

    def validate_state(self, state):
        if state not in range(GOAL + 1):
            raise ValueError(f"{state} is not a square")

    def encode_state(self, state):
        return bytes([state])

    def decode_state(self, data):
        return data[0]


class Drift:
    """A point in float64[2] that drifts; deterministic, and a batch model too."""

    num_actions = 2
    deterministic = True

    def initial_state(self, rng=None):
        return np.zeros(2)

    def sample(self, state, action, rng):
        next_states, rewards, terminated = self.sample_batch(state[None], np.array([action]), rng)
        return next_states[0], float(rewards[0]), bool(terminated[0])

    def sample_batch(self, states, actions, rng):
        next_states = states + np.stack([np.ones(len(states)), actions], axis=1)
        return next_states, actions.astype(np.float64), next_states[:, 0] > 5


class Pennies:
    """A game of two: each shows a side in turn, once; equal sides win for the first player."""

    num_actions = 2
    num_players = 2

    def initial_state(self, rng=None):
        return ()

    def sample(self, state, action, rng):
        shown = (*state, action)
        if len(shown) < 2:
            return shown, (0.0, 0.0), False
        return shown, ((1.0, -1.0) if shown[0] == shown[1] else (-1.0, 1.0)), True

    def current_player(self, state):
        return len(state)

    def value(self, state):
        return (0.0, 0.0)


def outcomes(report):
    return {check.name: check.outcome for check in report.checks}


@pytest.mark.parametrize("model", [Corridor(), Drift(), Pennies()])
def test_model_that_keeps_the_contract_has_no_problems(model):
    report = check_model(model)
    assert report.ok
    assert report.problems == []
    assert str(report).endswith("\nconforms")
    assert_model(model)


def test_checks_of_absent_capabilities_say_that_they_do_not_apply():
    report = check_model(Drift())
    assert outcomes(report)["transitions"] == "not applicable"
    assert outcomes(report)["deterministic"] == "ok"
    assert outcomes(report)["batch"] == "ok"
    assert "the model has no transitions" in str(report)


def test_every_check_applies_to_a_model_that_has_everything():
    applied = {
        name
        for model in (Corridor(), Drift(), Pennies(), Crossing(), WholeWalk())
        for name, outcome in outcomes(check_model(model)).items()
        if outcome == "ok"
    }
    assert applied == set(outcomes(check_model(Corridor()))) - {"packing"}


class NoActions(Corridor):
    num_actions = 0


class WordyActions(Corridor):
    num_actions = "two"


class NoPlayers(Corridor):
    num_players = 0


class RandomStart(Corridor):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def initial_state(self, rng=None):
        return int(self.rng.integers(100_000))


class StartsAtTheEnd(Corridor):
    def initial_state(self, rng=None):
        return GOAL


class StartWithoutRng(Corridor):
    def initial_state(self):
        return 0


class RaisesOnSample(Corridor):
    def sample(self, state, action, rng):
        raise KeyError("no such\nplace")


class GivesAPair(Corridor):
    def sample(self, state, action, rng):
        return state, 0.0


class GivesAList(Corridor):
    def sample(self, state, action, rng):
        return list(super().sample(state, action, rng))


class WordyReward(Corridor):
    def sample(self, state, action, rng):
        return state, "one", False


class EndlessReward(Corridor):
    def sample(self, state, action, rng):
        return state, float("inf"), False


class OneRewardForTwo(Pennies):
    def sample(self, state, action, rng):
        next_state, _, terminated = super().sample(state, action, rng)
        return next_state, 0.0, terminated


class ThreeRewardsForTwo(Pennies):
    def sample(self, state, action, rng):
        next_state, _, terminated = super().sample(state, action, rng)
        return next_state, (0.0, 0.0, 0.0), terminated


class NumberForTerminated(Corridor):
    def sample(self, state, action, rng):
        return state, 0.0, 0


class NoNextState(Corridor):
    def sample(self, state, action, rng):
        return None, 0.0, False


class ShapeChanges(Drift):
    def sample(self, state, action, rng):
        return np.zeros(3), 0.0, False


class DtypeChanges(Drift):
    def sample(self, state, action, rng):
        return state.astype(np.float32), 0.0, False


class ListForArray(Drift):
    def sample(self, state, action, rng):
        return state.tolist(), 0.0, False


class NotANumberInState(Drift):
    def sample(self, state, action, rng):
        return state * np.nan, 0.0, False


class PrivateRandomness(Corridor):
    transitions = None

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def sample(self, state, action, rng):
        return super().sample(state, action, self.rng)


class KeepsCount(Corridor):
    transitions = None
    count = 0.0

    def sample(self, state, action, rng):
        self.count += 1.0
        next_state, _, terminated = super().sample(state, action, rng)
        return next_state, self.count, terminated


class WritesIntoState(Drift):
    sample_batch = None

    def sample(self, state, action, rng):
        state += 1.0
        return state.copy(), 0.0, False


class SpendsNumpyRandomness(Corridor):
    def sample(self, state, action, rng):
        np.random.random()
        return super().sample(state, action, rng)


class SpendsPythonRandomness(Corridor):
    def sample(self, state, action, rng):
        random.random()
        return super().sample(state, action, rng)


class Place:
    """A state that is equal to itself alone."""

    def __init__(self, square):
        self.square = square


class StatesWithoutIdentity:
    num_actions = 1

    def initial_state(self, rng=None):
        return Place(0)

    def sample(self, state, action, rng):
        return Place(state.square + 1), 0.0, False


class StatesWithoutHash:
    num_actions = 1

    def initial_state(self, rng=None):
        return [0]

    def sample(self, state, action, rng):
        return [state[0] + 1], 0.0, False


class ChangingKey(Corridor):
    transitions = None
    calls = 0

    def state_key(self, state):
        self.calls += 1
        return self.calls


class CoarseKey(Corridor):
    transitions = None

    def state_key(self, state):
        return state // 2


class SaysDeterministic(Corridor):
    deterministic = True


class NeverTerminal(Corridor):
    def is_terminal(self, state):
        return False


class TerminalTooSoon(Corridor):
    def is_terminal(self, state):
        return state >= GOAL - 1


class NumberForTerminal(Corridor):
    def is_terminal(self, state):
        return int(state == GOAL)


class ActionOutOfRange(Corridor):
    rollout_action = None

    def legal_actions(self, state):
        return [0, 1, 2]


class RepeatedAction(Corridor):
    def legal_actions(self, state):
        return [1, 1]


class NoLegalActions(Corridor):
    rollout_action = None

    def legal_actions(self, state):
        return []


class ActionsComeAndGo(Corridor):
    calls = 0

    def legal_actions(self, state):
        self.calls += 1
        return [1] if self.calls % 2 else [0, 1]

    def rollout_action(self, state, rng):
        return 1


class RaisesOnLegalActions(Corridor):
    rollout_action = None

    def legal_actions(self, state):
        raise RuntimeError("lost the rules")


class ThirdPlayer(Pennies):
    def current_player(self, state):
        return 2


class NobodyMoves(Pennies):
    current_player = None


class ProbabilitiesBelowOne(Corridor):
    def transitions(self, state, action):
        return [(p * 0.9, *outcome) for p, *outcome in super().transitions(state, action)]


class NegativeProbability(Corridor):
    def transitions(self, state, action):
        return [(-0.5, 3, 0.0, False), (0.5, 3, 0.0, False), *super().transitions(state, action)]


class NoOutcomes(Corridor):
    def transitions(self, state, action):
        return []


class OutcomesWithoutProbability(Corridor):
    def transitions(self, state, action):
        return [outcome[1:] for outcome in super().transitions(state, action)]


class OtherProbabilities(Corridor):
    def sample(self, state, action, rng):
        if action == 1 and rng.random() < 0.35:
            return state, 0.0, False
        return super().sample(state, 0, rng) if action == 0 else self.arrived(state)

    def arrived(self, state):
        target = self.moved(state, 1)
        return target, 1.0 if target == GOAL else 0.0, target == GOAL


class OtherRewards(Corridor):
    def sample(self, state, action, rng):
        next_state, reward, terminated = super().sample(state, action, rng)
        return next_state, reward - 1.0, terminated


class RefusesItsOwn(Corridor):
    def validate_state(self, state):
        if state == 1:
            raise ValueError("1 is unlucky")


class ForgetfulCodec(Corridor):
    def decode_state(self, data):
        return 0


class WordyCodec(Corridor):
    def encode_state(self, state):
        return str(state)


class HalfACodec(Drift):
    def encode_state(self, state):
        return state.tobytes()


class ForgetfulPacking(Corridor):
    def pack_state(self, state):
        return b""

    def unpack_state(self, data):
        return 0


class ValueForOne(Pennies):
    def value(self, state):
        return 0.0


class NotANumberForValue(Corridor):
    def value(self, state):
        return float("nan")


class IllegalRollout(Corridor):
    def rollout_action(self, state, rng):
        return 0


class CarelessRollout(Corridor):
    def legal_actions(self, state):
        return [0, 1]

    def rollout_action(self, state, rng):
        return random.Random(len(self.__dict__) + self.spent()).randrange(2)

    def spent(self):
        self.calls = getattr(self, "calls", 0) + 1
        return self.calls


class RowsMissing(Drift):
    sample = Drift.sample

    def sample_batch(self, states, actions, rng):
        next_states, rewards, terminated = super().sample_batch(states, actions, rng)
        return next_states, rewards[:1], terminated


class IntegerRewards(Drift):
    def sample_batch(self, states, actions, rng):
        next_states, _, terminated = super().sample_batch(states, actions, rng)
        return next_states, actions, terminated


class NeighboursMatter(Drift):
    def sample_batch(self, states, actions, rng):
        next_states, rewards, terminated = super().sample_batch(states, actions, rng)
        return next_states, rewards + len(states), terminated


class BatchWritesIntoStates(Drift):
    def sample(self, state, action, rng):
        return Drift().sample(state, action, rng)

    def sample_batch(self, states, actions, rng):
        states += 0.5
        return super().sample_batch(states, actions, rng)


class BatchRandomness(Drift):
    deterministic = False

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def sample(self, state, action, rng):
        return Drift().sample(state, action, rng)

    def sample_batch(self, states, actions, rng):
        next_states, rewards, terminated = super().sample_batch(states, actions, rng)
        return next_states, rewards + self.rng.random(len(states)), terminated


class DiscountAboveOne(Corridor):
    discount = 1.5


class NoHorizon(Corridor):
    horizon = 0


BROKEN = [
    (NoActions, "num_actions: is 0; must be an integer >= 1"),
    (WordyActions, "num_actions: is 'two'; must be an integer >= 1"),
    (NoPlayers, "num_players: is 0; must be an integer >= 1"),
    (RandomStart, "initial_state: the same seed gave"),
    (StartsAtTheEnd, "initial_state: 4 is terminal; must be a state with something left to do"),
    (StartWithoutRng, "initial_state: raised TypeError"),
    (RaisesOnSample, "sample: sample(0, 1, rng) raised KeyError: 'no such\\nplace'"),
    (GivesAPair, "sample: sample(0, 1, rng) gave (0, 0.0); must be a tuple"),
    (GivesAList, "sample: sample(0, 1, rng) gave ["),
    (WordyReward, "sample: sample(0, 1, rng): reward is 'one'; must be a number"),
    (EndlessReward, "sample: sample(0, 1, rng): reward is inf; must be finite"),
    (OneRewardForTwo, "rng): reward is 0.0; must be a sequence of 2 numbers"),
    (ThreeRewardsForTwo, "rng): reward is (0.0, 0.0, 0.0); must be a sequence of 2 numbers"),
    (NumberForTerminated, "sample: sample(0, 1, rng): terminated is 0; must be a bool"),
    (NoNextState, "sample: sample(0, 1, rng): next_state is None; must be a state"),
    (ShapeChanges, "next_state is an array of float64[3]; must be an array of float64[2]"),
    (DtypeChanges, "next_state is an array of float32[2]; must be an array of float64[2]"),
    (ListForArray, "next_state is [0.0, 0.0]; must be an array of float64[2]"),
    (NotANumberInState, "next_state is array([nan, nan]); must hold no NaN"),
    (PrivateRandomness, "same_seed: sample("),
    (KeepsCount, "same_seed: sample(0, 1) gave reward 1.0, then 201.0; must draw from rng alone"),
    (WritesIntoState, "input_unchanged: sample changed its input from array([0., 0.]) to"),
    (SpendsNumpyRandomness, "global_randomness: sample draws from numpy.random's global"),
    (SpendsPythonRandomness, "global_randomness: sample draws from the random module"),
    (StatesWithoutIdentity, "state_identity: a copy of <"),
    (
        StatesWithoutHash,
        "state_identity: a state of type list cannot be told from others (unhashable type:",
    ),
    (ChangingKey, "state_identity: the key of 0 changes from call to call"),
    (CoarseKey, "have one key, but action"),
    (SaysDeterministic, "deterministic: is True, but sample("),
    (NeverTerminal, "terminal_states: is_terminal(4) is False, but the episode ended there"),
    (TerminalTooSoon, "terminal_states: is_terminal(3) is True, but the episode goes on there"),
    (NumberForTerminal, "terminal_states: is_terminal(0) is 0; must be a bool"),
    (ActionOutOfRange, "legal_actions: legal_actions(0) is [0, 1, 2]; must be integers from 0"),
    (RepeatedAction, "legal_actions: legal_actions(0) is [1, 1]; must name each action once"),
    (NoLegalActions, "legal_actions: legal_actions(0) is []; must name an action"),
    (ActionsComeAndGo, "must not change from call to call"),
    (RaisesOnLegalActions, "legal_actions: raised RuntimeError: lost the rules"),
    (ThirdPlayer, "current_player: current_player(()) is 2; must be an integer from 0 to 1"),
    (NobodyMoves, "current_player: num_players is 2; must have current_player(state) too"),
    (ProbabilitiesBelowOne, "transitions: transitions(0, 1) gives probabilities that sum to 0.9"),
    (NegativeProbability, "transitions: transitions(0, 1) gives the probability -0.5; must be"),
    (NoOutcomes, "transitions: transitions(0, 1) gives no outcome"),
    (OutcomesWithoutProbability, "transitions: transitions(0, 1) has (1, 0.0, False); must be"),
    (OtherProbabilities, "transitions gives it the probability"),
    (OtherRewards, "must be an outcome of transitions"),
    (RefusesItsOwn, "validate_state: refuses 1, which the model gave (1 is unlucky)"),
    (ForgetfulCodec, "codec: decode_state gave 0 for what encode_state made of 1"),
    (WordyCodec, "codec: encode_state(0) is '0'; must be bytes"),
    (HalfACodec, "codec: the model has no decode_state; must have both"),
    (ForgetfulPacking, "packing: unpack_state gave 0 for what pack_state made of 1"),
    (ValueForOne, "value: value(()) is 0.0; must be a sequence of 2 numbers"),
    (NotANumberForValue, "value: value(0) is nan; must be finite"),
    (IllegalRollout, "rollout_action: rollout_action(0, rng) is 0; must be a legal action"),
    (CarelessRollout, "must draw from rng alone"),
    (RowsMissing, "batch: sample_batch: rewards is float64[1]; must be an array of float[16]"),
    (IntegerRewards, "batch: sample_batch: rewards is int64[16]; must be an array of float[16]"),
    (NeighboursMatter, "batch: sample_batch gives row 0 the reward"),
    (BatchWritesIntoStates, "batch: sample_batch changed its input"),
    (BatchRandomness, "batch: sample_batch gives other rows for the same seed"),
    (DiscountAboveOne, "declarations: discount is 1.5; must be a number above 0, up to 1"),
    (NoHorizon, "declarations: horizon is 0; must be an integer >= 1"),
]


@pytest.mark.parametrize(
    ("broken", "line"), BROKEN, ids=lambda value: getattr(value, "__name__", "")
)
def test_broken_model_is_named_in_one_line(broken, line):
    report = check_model(broken())
    assert len(report.problems) == 1, report.problems
    assert line in report.problems[0]
    assert "\n" not in report.problems[0]
    assert str(report).endswith("\n1 problem")


def test_assert_model_raises_with_the_lines():
    with pytest.raises(
        AssertionError, match=r"^terminal_states: is_terminal\(4\) is False.*ended there"
    ):
        assert_model(NeverTerminal())


def test_model_without_initial_state_needs_one_given():
    class Headless(Corridor):
        initial_state = None

    (problem,) = check_model(Headless()).problems
    assert problem.startswith("initial_state: the model has none; pass initial_state=")
    assert check_model(Headless(), initial_state=1).ok


def test_checks_after_a_broken_sample_are_not_run():
    report = check_model(RaisesOnSample())
    assert outcomes(report)["same_seed"] == "not run"
    assert "sample must be right first" in str(report)


def test_model_without_any_way_to_sample_is_named():
    class Mute:
        num_actions = 1

    (problem,) = check_model(Mute(), initial_state=0).problems
    assert problem == "sample: the model has no sample(state, action, rng); give it one"


def test_distribution_model_is_checked_by_its_samples():
    class Distribution:
        num_actions = 2
        initial_state = Corridor.initial_state
        moved = Corridor.moved
        transitions = Corridor.transitions

    report = check_model(Distribution())
    assert report.ok
    assert outcomes(report)["transitions"] == "ok"


def test_batch_model_is_checked_row_by_row():
    class Batch:
        num_actions = 2
        sample_batch = Drift.sample_batch

    report = check_model(Batch(), initial_state=np.zeros(2))
    assert report.ok
    assert outcomes(report)["batch"] == "ok"


def test_sample_is_never_asked_in_a_terminal_state():
    class Strict(Corridor):
        def sample(self, state, action, rng):
            assert state != GOAL
            return super().sample(state, action, rng)

    assert check_model(Strict(), steps=500).ok


def test_same_seed_gives_the_same_report():
    assert str(check_model(OtherProbabilities())) == str(check_model(OtherProbabilities()))


def test_no_steps_are_refused():
    with pytest.raises(InvalidRequest, match="steps: is 0"):
        check_model(Corridor(), steps=0)


def test_deviation_is_told_from_chance():
    # By hand: KL(0.6, 0.5) = 0.0201, times 2,000 throws = 40.3 > ln(2e6) = 14.5, and
    # KL(0.55, 0.5) = 0.0050, times 2,000 = 10.0 < 14.5.
    assert deviates(1_200, 2_000, 0.5, 1e-6)
    assert deviates(800, 2_000, 0.5, 1e-6)
    assert not deviates(1_100, 2_000, 0.5, 1e-6)
    assert deviates(1, 2_000, 0.0, 1e-6)
    assert deviates(1_999, 2_000, 1.0, 1e-6)
    assert not deviates(2_000, 2_000, 1.0, 1e-6)
    assert not deviates(0, 2_000, 0.0, 1e-6)


@pytest.mark.parametrize(
    "name", ["cart_pole", "cliff_walking", "connect_four", "frozen_lake_4x4", "tic_tac_toe"]
)
def test_built_in_model_keeps_the_contract(name):
    assert_model(make(name))


def test_right_distribution_raises_no_false_alarm():
    # 30 seeds at 1e-6 each: this fails by chance for less than one choice of them in 30,000.
    assert all(check_model(Corridor(), steps=20, seed=seed).ok for seed in range(30))


class Crossing:
    """A corridor that names its actions, and at its left end only one of them."""

    labels = ("left", "right")

    def initial_state(self, rng=None):
        return 0

    def actions(self, state):
        return self.labels[1:] if state == 0 else self.labels

    def sample(self, state, action, rng):
        target = min(state + (1 if action == self.labels[1] else -1), GOAL)
        return target, float(target == GOAL), target == GOAL

    def rollout_action(self, state, rng):
        return self.actions(state)[-1]

    def encode_action(self, label):
        return label.encode()

    def decode_action(self, data):
        return data.decode()


def test_model_that_labels_its_actions_conforms():
    report = check_model(Crossing())
    assert report.ok, report.problems
    outcomes = {check.name: check.outcome for check in report.checks}
    assert outcomes["actions"] == outcomes["rollout_action"] == outcomes["action_codec"] == "ok"
    assert outcomes["num_actions"] == outcomes["legal_actions"] == "not applicable"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"actions": lambda state: []}, "actions(0) is empty; must name an action"),
        ({"actions": lambda state: [["left"], "right"]}, "must be hashable"),
        ({"actions": lambda state: ["right", "right"]}, "must name each action once"),
        ({"max_actions": 1}, "must be at most max_actions, 1"),
        ({"encode_action": lambda label: label}, "action_codec: encode_action('"),
        ({"decode_action": lambda data: "up"}, "must give the same label"),
        ({"decode_action": None}, "has no decode_action; must have both of encode_action and"),
        ({"rollout_action": lambda state, rng: "up"}, "rollout_action(0, rng) is 'up'; must be"),
    ],
)
def test_wrong_labels_are_a_problem(wrong, words):
    model = Crossing()
    for name, value in wrong.items():
        setattr(model, name, value)
    problems = check_model(model).problems
    assert any(words in problem for problem in problems), problems
