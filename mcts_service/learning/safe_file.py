"""Files of settings and named arrays that run no code when they are read: npz, and safetensors.

    settings   JSON as bytes: {"format", "version", and what the writer has to say}
    checksum   SHA-256 over the settings and every array
    ...        the writer's arrays

What does not hold the checksum is not opened, so that a file which was cut or changed is an error,
and never another content. No array is made that is larger than the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mcts_service.errors import InvalidRequest

__all__ = ["FileFormat", "read_safe_file", "write_safe_file"]

_SETTINGS, _CHECKSUM = "settings", "checksum"
_SAFETENSORS = ".safetensors"


@dataclass(frozen=True)
class FileFormat:
    """What a file is one of.

    Attributes:
      name: as it stands in the file.
      version: that this release writes and reads.
      holds: what it holds, as messages call it: "a checkpoint".
    """

    name: str
    version: int
    holds: str


def write_safe_file(
    path: Path,
    file_format: FileFormat,
    settings: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Writes a file, whole or not at all; an earlier one stays as it was until then.

    Args:
      path: with the ending ".safetensors" in that format, which takes its library; else an npz.
      settings: numbers, texts, lists and mappings, as JSON has them.
      arrays: of numbers, by names other than "settings" and "checksum".
    Raises:
      InvalidRequest: the file cannot be written, or the library is not installed.
      TypeError, ValueError: JSON has no form for the settings.
    """
    header = {"format": file_format.name, "version": file_format.version}
    text = json.dumps(header | dict(settings), allow_nan=False).encode()
    # As arrays in C order, but for the shape of a single number, which would become [1].
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    whole[_SETTINGS] = np.frombuffer(text, np.uint8)
    whole[_CHECKSUM] = _checksum(whole)
    data = _safetensors_bytes(whole) if path.suffix == _SAFETENSORS else _npz_bytes(whole)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise InvalidRequest(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def read_safe_file(
    path: Path, file_format: FileFormat
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(settings, arrays) as `write_safe_file` has written them.

    Raises:
      InvalidRequest: the file cannot be read, is none of that format, was cut or changed, or is of
        another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(str(path), f"cannot be read: {error.strerror}") from error
    try:
        if not data:
            raise ValueError("it is empty")
        arrays = _of_safetensors(data) if path.suffix == _SAFETENSORS else _of_npz(data)
        settings = dict(json.loads(bytes(arrays[_SETTINGS].astype(np.uint8, casting="safe"))))
    except InvalidRequest:
        raise
    # A damaged file trips its reader in any way at all.
    except Exception as error:
        raise InvalidRequest(
            str(path),
            f"is damaged, or no file of {file_format.holds}: {type(error).__name__}: {error}",
        ) from error
    _require_format(path, settings, file_format)
    claimed = arrays.pop(_CHECKSUM, None)
    if claimed is None or not np.array_equal(claimed, _checksum(arrays)):
        raise InvalidRequest(str(path), "is damaged: it does not hold its checksum")
    del arrays[_SETTINGS]
    return settings, arrays


def _require_format(path: Path, settings: dict[str, Any], file_format: FileFormat) -> None:
    if settings.pop("format", None) != file_format.name:
        raise InvalidRequest(str(path), f"is no file of {file_format.holds}")
    version = settings.pop("version", None)
    if version != file_format.version:
        raise InvalidRequest(
            str(path), f"is of version {version}; this release reads {file_format.version}"
        )


def _checksum(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Of all names, types, shapes and bytes but its own: uint8[32]."""
    digest = hashlib.sha256()
    for name in sorted(arrays.keys() - {_CHECKSUM}):
        array = arrays[name]
        # Written and hashed in the order of bytes that all machines of ours have.
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name}|{plain.dtype.str}|{array.shape}|".encode())
        digest.update(plain.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


def _npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _of_npz(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed npz; none may claim to be larger than the file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(data):
                raise ValueError(f"{member.filename} is compressed, or larger than the file")
            with archive.open(member) as entry:
                _require_size(entry, member)
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _require_size(entry: IO[bytes], member: zipfile.ZipInfo) -> None:
    """ValueError unless the array is as large as its header says: NumPy allocates that first."""
    version = np.lib.format.read_magic(entry)
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[version[0]](entry)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds objects")
    if math.prod(shape) * dtype.itemsize != member.file_size - entry.tell():
        raise ValueError(f"{member.filename} is not as large as it says")


def _safetensors_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    data: bytes = _safetensors().save(dict(arrays))
    return data


def _of_safetensors(data: bytes) -> dict[str, np.ndarray]:
    return dict(_safetensors().load(data))


def _safetensors() -> Any:
    """The library.

    Raises:
      InvalidRequest: it is not installed.
    """
    try:
        import safetensors.numpy
    except ImportError as error:
        raise InvalidRequest(
            "path", 'names a file of networks: pip install "mcts-service[safetensors]"'
        ) from error
    return safetensors.numpy
