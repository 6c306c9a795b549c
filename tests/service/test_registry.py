from dataclasses import replace

import pytest
from served_models import Corridor, Grid, entry_of

from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.service.registry import Registry

REGISTRY = Registry([entry_of(Grid(), "grid"), entry_of(Corridor(), "corridor")])


def test_models_are_listed_by_name():
    assert [entry.name for entry in REGISTRY.entries] == ["corridor", "grid"]


def test_a_model_is_found_by_name_and_by_its_version():
    assert REGISTRY.find("grid").name == "grid"
    assert REGISTRY.find("grid", "1").name == "grid"


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownModel, match="'gird' is not known; known models: corridor, grid"):
        REGISTRY.find("gird")


def test_an_unknown_version_tells_the_one_there_is():
    with pytest.raises(UnknownModel, match="'grid@7' is not known; known models: grid@1"):
        REGISTRY.find("grid", "7")


def test_no_name_lists_the_known_ones():
    with pytest.raises(InvalidRequest, match="model: is empty; must be one of corridor, grid"):
        REGISTRY.find("")


def test_a_name_of_a_megabyte_is_not_quoted_whole():
    with pytest.raises(UnknownModel) as caught:
        REGISTRY.find("x" * 10**6)
    assert len(str(caught.value)) < 200


def test_two_models_of_one_name_are_refused():
    with pytest.raises(InvalidRequest, match="name: is 'grid', which another model has"):
        Registry([entry_of(Grid(), "grid"), entry_of(Corridor(), "grid")])


def test_closing_it_ends_what_models_have_of_their_own():
    class Host:
        is_closed = False

        def close(self):
            self.is_closed = True

    host = Host()
    entries = [replace(entry_of(Corridor(), "a"), host=host), entry_of(Corridor(), "b")]
    Registry(entries).close()
    assert host.is_closed
