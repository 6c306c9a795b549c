import numpy as np
import pytest
from served_models import Corridor, Grid, Panel, Point, entry_of

from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import ActionSpec, StateSpec


class Bare:
    num_actions = 3

    def sample(self, state, action, rng):
        return state, 0.0, False


def starting_at(state):
    model = Bare()
    model.initial_state = lambda rng=None: state
    return model


@pytest.mark.parametrize(
    ("state", "spec"),
    [
        (7, StateSpec("discrete")),
        (np.int64(7), StateSpec("discrete")),
        (np.zeros((3, 2), np.int8), StateSpec("tensor", np.dtype(np.int8), (3, 2))),
        (np.zeros(2, ">f8"), StateSpec("tensor", np.dtype(np.float64), (2,))),
        ((1, 2), StateSpec("json")),
        ((np.int64(1), 0.5), StateSpec("json")),
        ({"place": [1, None], "name": "x"}, StateSpec("json")),
        (True, StateSpec("json")),
    ],
)
def test_the_form_of_states_is_seen_from_the_initial_one(state, spec):
    assert entry_of(starting_at(state)).state_spec == spec


def test_a_model_with_a_codec_takes_its_bytes():
    assert entry_of(Panel()).state_spec.kind == "opaque"


def test_a_model_that_says_nothing_of_its_states_takes_json():
    entry = entry_of(Bare())
    assert entry.state_spec == StateSpec("json")
    assert entry.example is None


def test_what_the_model_declares_wins():
    assert entry_of(Corridor()).state_spec is Corridor.state_spec


def test_actions_are_counted():
    assert entry_of(Bare()).action_spec == ActionSpec("discrete", 3)


def test_states_that_cannot_travel_are_refused_with_what_would_help():
    with pytest.raises(InvalidRequest, match="gives a object, which cannot travel"):
        entry_of(starting_at(object()))


def test_an_array_type_that_cannot_travel_is_refused():
    with pytest.raises(InvalidRequest, match=r"state_spec.dtype: is float16; must be one of bool"):
        entry_of(starting_at(np.zeros(2, np.float16)))


class Place(str):
    """A text of a model's own type."""


@pytest.mark.parametrize(
    ("state", "sent"),
    [
        (np.int64(7), 7),
        ((np.float64(0.5), Place("x"), np.bool_(True)), (0.5, "x", True)),
        ({Place("at"): [1, None]}, {"at": [1, None]}),
    ],
)
def test_an_example_is_sent_in_types_of_python_itself(state, sent):
    found = entry_of(starting_at(state)).sent_example
    assert found == sent
    parts = [*found, *found.values()] if isinstance(found, dict) else found
    for part in parts if isinstance(found, (tuple, dict)) else [found]:
        assert type(part).__module__ == "builtins"


def test_an_example_of_a_model_with_a_codec_is_sent_as_its_bytes():
    entry = entry_of(Panel())
    assert entry.sent_example == Panel().encode_state(entry.example)


@pytest.mark.parametrize("name", ["", "Upper", "a b", "x" * 65, "../x"])
def test_a_name_that_is_not_allowed_is_refused(name):
    with pytest.raises(InvalidRequest, match=r"name: is .*; must be 1 to 64 characters of a-z"):
        entry_of(Bare(), name)


def test_the_description_is_the_models_or_the_first_line_of_its_class():
    assert entry_of(Grid()).description == (
        "A walk on a plane; its states are tuples and come as JSON."
    )
    model = Grid()
    model.description = "Mine."
    assert entry_of(model).description == "Mine."
    assert entry_of(Bare()).description == ""


def test_capabilities_are_what_the_model_has():
    assert entry_of(Bare()).capabilities == ()
    assert entry_of(Corridor()).capabilities == ("initial_state", "is_terminal")


def test_a_python_model_is_not_asked_to_be_thread_safe():
    assert not entry_of(Point()).is_thread_safe


def test_the_models_own_default_budget_is_taken():
    assert entry_of(Corridor()).limits.default_simulations == 200


class Labelled:
    """Labels its actions as it is told."""

    def __init__(self, *labels):
        self.labels = labels

    def actions(self, state):
        return self.labels

    def initial_state(self, rng=None):
        return 0

    def sample(self, state, action, rng):
        return state, 0.0, True


class Encoded(Labelled):
    """The same with a codec, by which every label is its repr."""

    def encode_action(self, label):
        return repr(label).encode()

    def decode_action(self, data):
        return {repr(label).encode(): label for label in self.labels}[data]


def test_labels_travel_as_json_or_by_the_models_own_codec():
    assert entry_of(Labelled("left", ("a", 1))).action_spec.kind == "json"
    assert entry_of(Encoded(frozenset())).action_spec.kind == "opaque"
    assert entry_of(Labelled("left")).action_spec.num_actions == 0
    assert entry_of(Labelled("left")).max_actions == 1024


def test_labels_that_cannot_travel_are_refused_with_what_would_help():
    with pytest.raises(
        InvalidRequest,
        match=r"actions: gives a label that cannot travel: frozenset\(\) is of type frozenset, "
        r"which JSON has not; labels must be a string, .* must have encode_action",
    ):
        entry_of(Labelled("left", frozenset()))


def test_a_codec_that_does_not_give_the_label_again_is_refused():
    model = Encoded("left")
    model.decode_action = lambda data: data
    with pytest.raises(InvalidRequest, match=r"decode_action: gives b\"'left'\" for what encode_a"):
        entry_of(model)


def test_a_kind_of_actions_that_the_model_has_not_is_refused():
    for model, kind, right in (
        (Labelled("left"), "discrete", "json"),
        (Labelled("left"), "opaque", "json"),
        (Encoded("left"), "json", "opaque"),
        (Bare(), "json", "discrete"),
    ):
        model.action_spec = ActionSpec(kind, 0)
        with pytest.raises(InvalidRequest, match=f'kind: is "{kind}"; must be "{right}"'):
            entry_of(model)


def test_a_batch_has_fewer_rows_where_a_state_may_have_very_many_actions():
    assert entry_of(Labelled("left")).max_batch == 1024
    model = Labelled("left")
    model.max_actions = 2**20
    assert entry_of(model).max_batch == 1
    assert entry_of(Bare(), max_batch=5).max_batch == 5
