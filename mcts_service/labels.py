"""Models that name their actions, in place of numbering them."""

from __future__ import annotations

from typing import Any

__all__ = ["MAX_LABELS", "is_hashable", "is_labelled"]

#: Actions of one state, of a model that does not say how many there are at most.
MAX_LABELS = 1024


def is_labelled(model: Any) -> bool:
    """True if the model has `actions(state)` and no `num_actions`."""
    return getattr(model, "num_actions", None) is None and callable(getattr(model, "actions", None))


def is_hashable(value: Any) -> bool:
    """True if the value, with all that is in it, has a hash."""
    try:
        hash(value)
    except TypeError:
        return False
    return True
