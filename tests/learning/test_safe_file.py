"""Files that run no code: what was written comes back, and all else is an error."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.learning.safe_file import FileFormat, read_safe_file, write_safe_file

FORMAT = FileFormat("mcts_service.tests", 3, "a test")
SETTINGS = {"number": 2**100, "text": "words", "list": [1, [2.5, None]], "mapping": {"a": True}}
ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3).T,  # not in C order
    "number": np.array(7.0),
    "empty": np.zeros((0, 2), np.int32),
    "flags": np.array([True, False]),
}


@pytest.fixture(params=["npz", "safetensors", ""])
def path(request, tmp_path):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"file.{request.param}".rstrip(".")
    write_safe_file(path, FORMAT, SETTINGS, ARRAYS)
    return path


def test_what_was_written_comes_back(path):
    settings, arrays = read_safe_file(path, FORMAT)
    assert settings == SETTINGS
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(arrays[name], array)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_damaged(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidRequest, match="is damaged"):
        read_safe_file(path, FORMAT)


def test_a_bit_that_flipped_is_found(path):
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.choice(len(data), 200, replace=False).tolist():
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            settings, arrays = read_safe_file(path, FORMAT)
        except InvalidRequest:
            continue
        assert settings == SETTINGS  # it was a byte that says nothing
        assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())


def test_another_format_or_version_is_told(path):
    with pytest.raises(InvalidRequest, match="is no file of something else"):
        read_safe_file(path, FileFormat("mcts_service.other", 3, "something else"))
    with pytest.raises(InvalidRequest, match="is of version 3; this release reads 4"):
        read_safe_file(path, FileFormat("mcts_service.tests", 4, "a test"))


def test_what_cannot_be_written_leaves_the_earlier_file(path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_safe_file(path, FORMAT, {"thing": object()}, ARRAYS)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_safe_file(path, FORMAT, {"number": float("nan")}, ARRAYS)
    assert path.read_bytes() == before
    with pytest.raises(InvalidRequest, match="cannot be written: No such file"):
        write_safe_file(path.parent / "nowhere" / path.name, FORMAT, {}, {})
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        read_safe_file(path.parent / "nowhere", FORMAT)
    assert list(path.parent.iterdir()) == [path]


def test_no_pickle_is_ever_read(tmp_path):
    class Harmful:
        def __reduce__(self):
            return pytest.fail, ("a pickle was run",)

    path = tmp_path / "file.npz"
    write_safe_file(path, FORMAT, {}, {})
    with np.load(path) as file:
        whole = dict(file)
    np.savez(path, **whole, more=np.array([Harmful()], dtype=object))
    with pytest.raises(InvalidRequest, match=r"more\.npy holds objects"):
        read_safe_file(path, FORMAT)


def test_a_file_that_grows_when_it_is_read_is_not_opened(tmp_path):
    path = tmp_path / "file.npz"
    np.savez_compressed(path, settings=np.zeros(10**6))
    with pytest.raises(InvalidRequest, match=r"settings\.npy is compressed, or larger than the"):
        read_safe_file(path, FORMAT)


def test_an_array_that_says_to_be_larger_than_it_is_is_not_read(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**11,)}
    )
    path = tmp_path / "file.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("settings.npy", header.getvalue() + b"\0" * 80)
    with pytest.raises(InvalidRequest, match=r"settings\.npy is not as large as it says"):
        read_safe_file(path, FORMAT)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[1]", "{", "7", '{"format": "mcts_service.test"}']
)
def test_settings_that_trip_their_reader_are_told_as_damaged(tmp_path, text):
    path = tmp_path / "file.npz"
    np.savez(path, settings=np.frombuffer(text.encode(), np.uint8))
    with pytest.raises(InvalidRequest, match="no file of a test"):
        read_safe_file(path, FORMAT)


def test_a_file_without_its_checksum_is_damaged(tmp_path):
    path = tmp_path / "file.npz"
    text = json.dumps({"format": FORMAT.name, "version": FORMAT.version}).encode()
    np.savez(path, settings=np.frombuffer(text, np.uint8))
    with pytest.raises(InvalidRequest, match="does not hold its checksum"):
        read_safe_file(path, FORMAT)


def test_an_npz_of_something_else_is_refused(tmp_path):
    path = tmp_path / "file.npz"
    np.savez(path, a=np.arange(3))
    with pytest.raises(InvalidRequest, match="is damaged, or no file of a test: KeyError"):
        read_safe_file(path, FORMAT)
