"""Files of learned models, and what each kind of model is called in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.safe_file import FileFormat, read_safe_file, write_safe_file

__all__ = ["Contents", "read_file", "suffix_of", "write_file"]

_FORMAT = FileFormat("mcts_service.learned_model", 1, "a learned model")


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


def write_file(contents: Contents, path: Path) -> None:
    """Writes a file, whole or not at all.

    Raises:
      InvalidRequest: the name has another ending, or the file cannot be written.
    """
    suffix = suffix_of(contents.kind)
    if path.suffix != suffix:
        raise InvalidRequest("path", f"is {str(path)!r}; must end in {suffix}, for this model")
    settings = {"kind": contents.kind, **contents.settings}
    write_safe_file(path, _FORMAT, settings, contents.arrays)


def read_file(path: Path) -> Contents:
    """What `write_file` has written; raises as `read_safe_file`."""
    settings, arrays = read_safe_file(path, _FORMAT)
    kind = settings.pop("kind", "")
    return Contents(kind, settings, arrays)
