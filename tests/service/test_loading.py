import sys
from dataclasses import replace

import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.models import names
from mcts_service.planning import SearchConfig
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig, ServerSettings
from mcts_service.service.config_file import read_config
from mcts_service.service.loading import build_model, load_configured, load_models
from mcts_service.service.remote_options import RemoteOptions

SOURCE = """
class Walk:
    '''A walk.'''
    num_actions = 2
    def __init__(self, goal=3):
        self.goal = goal
    def sample(self, state, action, rng):
        return state + 1, 0.0, state + 1 == self.goal
    def initial_state(self, rng=None):
        return 0
    class Longer:
        num_actions = 1
        sample = None

class Game(Walk):
    num_players = 2
    def current_player(self, state):
        return state % 2

class Restless(Walk):
    def initial_state(self, rng=None):
        raise ZeroDivisionError("nowhere to start")
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed package `walks` that offers what it is told as entry points."""
    (tmp_path / "walks.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)

    def offer(**points):
        folder = tmp_path / "walks-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: walks\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        text = "\n".join(["[mcts_service.models]", *lines])
        (folder / "entry_points.txt").write_text(text)

    yield offer
    sys.modules.pop("walks", None)


def config_of(*models, **settings):
    settings = {"built_in_models": False, "entry_points": False} | settings
    return ServerConfig(server=ServerSettings(**settings), models=models)


@pytest.fixture
def loaded():
    """Loads models as a server does, and ends their processes after the test."""
    entries = []

    def load(config, **options):
        entries.extend(load_models(config, **options).entries)
        return list(entries)

    yield load
    for entry in entries:
        if entry.host:
            entry.host.close()


@pytest.fixture
def names_of(loaded):
    """The names of the models of a configuration."""
    return lambda config: [entry.name for entry in loaded(config, in_process=True)]


def test_the_built_in_models_are_served_unless_told_otherwise(names_of):
    assert names_of(config_of()) == []
    assert names_of(config_of(built_in_models=True)) == sorted(names())


@pytest.mark.parametrize("in_process", [True, False])
def test_a_configured_model_is_built_with_its_arguments_and_settings(installed, loaded, in_process):
    model = ModelConfig(
        "far",
        "walks:Walk",
        {"goal": 9},
        description="Far.",
        version="2024-01",
        budget=BudgetLimits(default_simulations=5),
        search=SearchConfig(max_depth=4),
    )
    (entry,) = loaded(config_of(model), in_process=in_process)
    if in_process:
        assert entry.model.goal == 9
    assert (entry.name, entry.version, entry.description) == ("far", "2024-01", "Far.")
    assert entry.limits.default_simulations == 5
    assert entry.config.max_depth == 4


def test_a_default_search_that_the_model_cannot_have_stops_the_start(installed):
    model = ModelConfig("x", "walks:Game", search=SearchConfig.preset("graph"))
    with pytest.raises(InvalidRequest, match=r"^model x: backup: is bellman, which needs a single"):
        load_configured(model)


@pytest.mark.parametrize("in_process", [True, False])
def test_installed_packages_offer_models_by_entry_points(installed, loaded, in_process):
    installed(walk="walks:Walk", other="walks:Walk")
    assert loaded(config_of(entry_points=False), in_process=in_process) == []
    entries = loaded(config_of(entry_points=True), in_process=in_process)
    assert [entry.name for entry in entries] == ["other", "walk"]


def test_budgets_of_the_server_hold_for_what_has_none_of_its_own(installed, loaded):
    installed(walk="walks:Walk")
    config = replace(config_of(entry_points=True), budget=BudgetLimits(max_simulations=50))
    (entry,) = loaded(config)
    assert entry.limits.max_simulations == 50
    assert entry.limits.default_simulations == 50


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("no_such:Walk", "factory no_such:Walk: raised ModuleNotFoundError: No module named"),
        ("walks:Run", "factory walks:Run: raised AttributeError: "),
        ("walks:Walk.__name__", "factory walks:Walk.__name__: raised TypeError: "),
        ("walks:Restless", "model x: raised ZeroDivisionError: nowhere to start"),
        ("walks:Walk.Longer", "model x: model: Longer has no sample"),
    ],
)
def test_a_model_that_cannot_be_served_says_why_in_any_process(installed, factory, message):
    model = ModelConfig("x", factory)
    with pytest.raises(InvalidRequest) as caught:
        load_configured(model)
    assert str(caught.value).startswith(message)
    with pytest.raises(InvalidRequest) as in_a_worker:
        load_models(config_of(model))
    assert str(in_a_worker.value) == str(caught.value)


def test_arguments_that_the_factory_does_not_take_are_told(installed):
    with pytest.raises(InvalidRequest, match=r"raised TypeError: .* argument 'gaol'"):
        build_model("walks:Walk", {"gaol": 1})


def test_an_entry_point_that_cannot_be_loaded_is_named(installed):
    installed(walk="walks:Gone")
    with pytest.raises(InvalidRequest, match=r"entry point walk = walks:Gone: raised Attribute"):
        load_models(config_of(entry_points=True))


def test_two_sources_cannot_give_one_name(installed):
    installed(taxi="walks:Walk")
    with pytest.raises(InvalidRequest, match="name: is 'taxi', which another model has"):
        load_models(config_of(built_in_models=True, entry_points=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'name = "a"\nfactory = "no_such:Walk"',
            r"server\.toml:2: models\[0\]: factory no_such:Walk",
        ),
        (
            'name = "taxi"\nfactory = "walks:Walk"',
            r"server\.toml:2: models\[0\]\.name: is 'taxi', wh",
        ),
        (
            'name = "a"\nfactory = "walks:Walk"\n[models.arguments]\nlegs = 3',
            r"server\.toml:2: models\[0\]: factory walks:Walk: raised TypeError",
        ),
        (
            'name = "a"\nfactory = "leaves:Walk"',
            r"server\.toml:2: .*leaves:Walk: raised SystemExit",
        ),
    ],
)
def test_a_model_of_a_file_names_the_file_and_the_line(
    tmp_path, monkeypatch, text: str, message: str
) -> None:
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)\n")
    (tmp_path / "walks.py").write_text(SOURCE)
    monkeypatch.delitem(sys.modules, "walks", raising=False)
    (tmp_path / "server.toml").write_text(f"\n[[models]]\n{text}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match=rf"^{message}"):
        load_models(read_config("server.toml"))


class Reached:
    """A walk that is elsewhere."""

    num_actions = 1
    model_version = "v9"
    default_in_flight = 6

    def sample_batch(self, states, actions, rng):
        return states, states * 0.0, states >= 0


def test_a_remote_model_is_what_its_way_gives_and_asked_by_several_simulations():
    asked = []

    def connect(address, options):
        asked.append((address, options))
        return Reached()

    options = RemoteOptions(attempts=2)
    model = ModelConfig("far", remote="a:1", remote_options=options)
    (entry,) = load_models(config_of(model), connect).entries
    assert asked == [("a:1", options)]
    assert (entry.version, entry.config) == ("v9", SearchConfig(in_flight=6))


def test_what_the_configuration_says_of_a_remote_model_wins():
    model = ModelConfig("far", remote="a:1", version="2", search=SearchConfig(in_flight=3))
    entry = load_configured(model, lambda address, options: Reached())
    assert (entry.version, entry.config.in_flight) == ("2", 3)


def test_without_a_way_to_it_a_remote_model_stops_the_start():
    with pytest.raises(InvalidRequest, match="remote: is given, and nothing here makes calls"):
        load_models(config_of(ModelConfig("far", remote="a:1")))
