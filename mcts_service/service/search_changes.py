"""A model's default search, with what one caller changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcts_service.planning import SearchConfig
from mcts_service.planning.presets import PRESETS
from mcts_service.service.violations import Violations

__all__ = ["changed_search"]

#: Beside settings that are all open, nothing contradicts a value: it is wrong in itself or right.
_OPEN = SearchConfig()


def changed_search(
    default: SearchConfig, preset: str | None, changes: Mapping[str, Any]
) -> SearchConfig:
    """The default, over it what a preset sets, and over both what is set beside the preset.

    All is changed at once: some settings only go together.

    Args:
      preset: one of `SearchConfig.presets()`, or None.
      changes: fields of `SearchConfig`.
    Raises:
      InvalidRequest: with every value that is wrong in itself, or else with two that contradict.
    """
    if preset is None and not changes:
        return default
    violations = Violations()
    with violations.collected():
        if preset is not None:
            _OPEN.with_preset(preset)
    for field, value in changes.items():
        with violations.collected():
            replace(_OPEN, **{field: value})
    violations.raise_if_any()
    chosen = {} if preset is None else PRESETS[preset]
    return replace(default, **{**chosen, **changes})
