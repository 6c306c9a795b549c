import os

import pytest

from mcts_service.service.file_watch import FileWatch


@pytest.fixture
def watched(tmp_path):
    """A file, and what watches it and another one that is not there yet."""
    path = tmp_path / "a"
    path.write_text("one")
    return path, FileWatch([str(path), str(tmp_path / "b")], interval_seconds=0.0)


def test_files_that_stay_as_they_are_have_not_changed(watched):
    _, watch = watched
    assert not watch.changed()
    assert not watch.changed()


def test_a_change_is_noticed_once(watched):
    path, watch = watched
    path.write_text("another")
    assert watch.changed()
    assert not watch.changed()


def test_a_file_in_place_of_another_is_noticed_however_like_it_is(watched):
    path, watch = watched
    seen = path.stat()
    other = path.with_name("other")
    other.write_text("two")
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_mtime_ns == seen.st_mtime_ns
    assert path.stat().st_size == seen.st_size
    assert watch.changed()


def test_a_file_that_comes_or_goes_has_changed(watched):
    path, watch = watched
    path.with_name("b").write_text("new")
    assert watch.changed()
    path.unlink()
    assert watch.changed()
    assert not watch.changed()


def test_between_two_looks_nothing_is_noticed(tmp_path):
    path = tmp_path / "a"
    watch = FileWatch([str(path)], interval_seconds=1000)
    path.write_text("new")
    assert not watch.changed()
