import pytest
from served_models import Corridor, entry_of

from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.service import catalogue
from mcts_service.service.caller import ANYONE, Caller
from mcts_service.service.catalogue import Catalogue
from mcts_service.service.registry import Registry

REGISTRY = Registry([entry_of(Corridor(), name) for name in ("hall", "lobby", "attic")])


def names(registry):
    return [entry.name for entry in registry.entries]


def test_anyone_sees_all_models():
    assert Catalogue(REGISTRY).of(ANYONE) is REGISTRY


def test_a_caller_sees_its_own_models_of_those_that_there_are():
    allowed = frozenset(["lobby", "attic", "cellar"])
    assert names(Catalogue(REGISTRY).of(Caller("red", allowed))) == ["attic", "lobby"]
    assert names(Catalogue(REGISTRY).of(Caller("red", frozenset()))) == []


def test_what_is_not_allowed_is_as_unknown_as_what_does_not_exist():
    registry = Catalogue(REGISTRY).of(Caller("red", frozenset(["lobby"])))
    for name in ("hall", "nowhere"):
        with pytest.raises(UnknownModel) as caught:
            registry.find(name)
        assert caught.value.known == ("lobby",)
    with pytest.raises(InvalidRequest, match=r"must be one of lobby$"):
        registry.find("")


def test_callers_with_the_same_models_share_one_registry():
    models = Catalogue(REGISTRY)
    red, blue = (Caller(name, frozenset(["hall"])) for name in ("red", "blue"))
    assert models.of(red) is models.of(blue)


def test_what_token_files_have_long_forgotten_is_forgotten(monkeypatch):
    monkeypatch.setattr(catalogue, "_MAX_KEPT", 2)
    models = Catalogue(REGISTRY)
    first = models.of(Caller("red", frozenset(["hall"])))
    for name in ("lobby", "attic"):
        assert names(models.of(Caller("red", frozenset([name])))) == [name]
    assert models.of(Caller("red", frozenset(["hall"]))) is not first
