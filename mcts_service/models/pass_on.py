"""Models around models."""

from __future__ import annotations

from typing import Any

__all__ = ["PassesOn"]


class PassesOn:
    """A model that has, beside its own, every capability of the model that it is made from.

    Attributes:
      model: that one.
    """

    model: Any

    def __getattr__(self, name: str) -> Any:
        # Private names and `model` itself are asked for before there is one (copy, pickle).
        if name.startswith("_") or name == "model":
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self.model, name)
