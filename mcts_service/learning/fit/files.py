"""Files of named arrays that run no code when they are read: npz, and safetensors.

    settings   JSON as bytes: {"format", "version", "kind", and the model's own}
    checksum   SHA-256 over the settings and every array
    ...        the model's arrays

What does not hold the checksum is not opened, so that a file which was cut or changed is an error,
and never another model.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest

__all__ = ["Contents", "read_file", "suffix_of", "write_file"]

_FORMAT = "mcts_service.learned_model"
_VERSION = 1
_SETTINGS, _CHECKSUM = "settings", "checksum"
_ZIP_MAGIC = b"PK"


@dataclass(frozen=True)
class Contents:
    """What a file holds of a model.

    Attributes:
      kind: of model: "table", "linear_gaussian" or "ensemble".
      settings: numbers, texts and lists, as JSON has them.
      arrays: by name.
    """

    kind: str
    settings: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def suffix_of(kind: str) -> str:
    """The ending of a file's name: ".safetensors" of networks, ".npz" of all else."""
    return ".safetensors" if kind == "ensemble" else ".npz"


def write_file(path: Path, contents: Contents) -> None:
    """Writes a file, whole or not at all.

    Raises:
      InvalidRequest: the name has another ending, or the file cannot be written.
    """
    suffix = suffix_of(contents.kind)
    if path.suffix != suffix:
        raise InvalidRequest("path", f"is {str(path)!r}; must end in {suffix}, for this model")
    header = {"format": _FORMAT, "version": _VERSION, "kind": contents.kind}
    settings = json.dumps(header | dict(contents.settings), allow_nan=False).encode()
    arrays = {name: np.ascontiguousarray(array) for name, array in contents.arrays.items()}
    arrays[_SETTINGS] = np.frombuffer(settings, np.uint8)
    arrays[_CHECKSUM] = _checksum(arrays)
    data = _npz_bytes(arrays) if suffix == ".npz" else _safetensors_bytes(arrays)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InvalidRequest(str(path), f"cannot be written: {error.strerror}") from error


def read_file(path: Path) -> Contents:
    """What `write_file` has written.

    Raises:
      InvalidRequest: the file cannot be read, is none of these, was cut or changed, or is of
        another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(str(path), f"cannot be read: {error.strerror}") from error
    arrays = dict(_arrays_of(path, data))
    settings = _settings_of(path, arrays)
    if settings.get("format") != _FORMAT:
        raise InvalidRequest(str(path), "is no file of a learned model")
    if settings.get("version") != _VERSION:
        raise InvalidRequest(
            str(path), f"is of version {settings.get('version')}; this release reads {_VERSION}"
        )
    claimed = arrays.pop(_CHECKSUM, None)
    if claimed is None or not np.array_equal(claimed, _checksum(arrays)):
        raise InvalidRequest(str(path), "is damaged: it does not hold its checksum")
    del arrays[_SETTINGS]
    kind = settings.pop("kind", "")
    return Contents(kind, settings, arrays)


def _arrays_of(path: Path, data: bytes) -> Mapping[str, np.ndarray]:
    if not data:
        raise InvalidRequest(str(path), "is empty")
    try:
        return _of_npz(data) if data.startswith(_ZIP_MAGIC) else _of_safetensors(data)
    except InvalidRequest:
        raise
    # A damaged file trips its reader in any way at all.
    except Exception as error:
        raise InvalidRequest(
            str(path), f"is damaged or no model: {type(error).__name__}: {error}"
        ) from error


def _settings_of(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    try:
        settings = json.loads(bytes(arrays[_SETTINGS].astype(np.uint8, casting="safe")))
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidRequest(str(path), "is no file of a learned model, or damaged") from error
    if not isinstance(settings, dict):
        raise InvalidRequest(str(path), "is no file of a learned model, or damaged")
    return settings


def _checksum(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Of all names, types, shapes and bytes but its own: uint8[32]."""
    digest = hashlib.sha256()
    for name in sorted(arrays.keys() - {_CHECKSUM}):
        array = np.ascontiguousarray(arrays[name])
        # Written and hashed in the order of bytes that all machines of ours have.
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name}|{plain.dtype.str}|{array.shape}|".encode())
        digest.update(plain.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


def _npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _of_npz(data: bytes) -> Mapping[str, np.ndarray]:
    """The arrays of an uncompressed npz; none may claim to be larger than the file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(data):
                raise ValueError(f"{member.filename} is compressed, or larger than the file")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _safetensors_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    data: bytes = _safetensors().save(dict(arrays))
    return data


def _of_safetensors(data: bytes) -> Mapping[str, np.ndarray]:
    arrays: Mapping[str, np.ndarray] = _safetensors().load(data)
    return arrays


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
