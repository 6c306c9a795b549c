"""The searches of a planner, and the form in which they ask its model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mcts_service._core import BatchModel, ModelHandle, Search
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.together import RowSearches, asks_for_rows, form_of
from mcts_service.planning.trees import Trees

__all__ = ["Searches"]


class Searches:
    """Makes searches, and keeps them: those of single plans, and those that run together.

    Attributes:
      trees: the searches of single plans.
      rows: groups of searches that run together.
      answers_in_batches: True if the model does.
    """

    def __init__(
        self, model: Any, *, in_flight: int, keep_trees: bool, in_rows: bool = False
    ) -> None:
        """With `in_flight` simulations in progress at once; the others as of `MCTS`."""
        self._model, self._keep_trees = model, keep_trees
        self._handle: ModelHandle | None = getattr(model, "handle", None)
        if self._handle is not None:
            self.answers_in_batches = self._handle.answers_in_batches
        else:
            self.answers_in_batches = callable(getattr(model, "sample_batch", None))
        is_python_batch = self._handle is None and self.answers_in_batches
        in_rows = in_rows or in_flight > 1 or asks_for_rows(model)
        self._is_asked_in_rows = is_python_batch and in_rows
        self._batch_model: BatchModel | None = None
        self._form_is_proven = False
        self._begin_with_none()

    def prepare(self, recipe: SearchConfig) -> None:
        """Makes one ahead of the first plan: for it, where that needs no state.

        Raises:
          InvalidRequest: the model lacks what the recipe needs.
        """
        if self._is_asked_in_rows:
            # Of rows in any form: what is refused does not depend on it.
            self.new(recipe, BatchModel(self._model, np.dtype(np.float64), ()))
        else:
            self.trees.prepare(recipe, self.new(recipe, self._handle or self._model))

    def new(self, recipe: SearchConfig, asked: Any) -> Search:
        """A search by a recipe of a model in the form in which it is asked."""
        return Search(
            asked,
            **_core_settings(recipe),
            bytes_per_state=int(getattr(self._model, "state_size_bytes", 0)),
        )

    def asked_alone(self, states: list[Any]) -> Any:
        """The model as the search of a single plan asks it."""
        if self._is_asked_in_rows:
            return self.asked_in_rows(states)
        return self._handle or self._model

    def asked_in_rows(self, states: list[Any]) -> Any:
        """The model as it answers in batches; the states show the form of a row.

        A form that no plan has come from yet may be a caller's mistake, and gives way to another.

        Raises:
          InvalidRequest: no state is a row of an array.
        """
        if self._handle is not None:
            return self._handle
        known = self._batch_model
        if known is None or not self._form_is_proven:
            dtype, shape = form_of(self._model, states)
            if known is None or (known.dtype, known.shape) != (dtype.newbyteorder("="), shape):
                self._batch_model = BatchModel(self._model, dtype, shape)
                if known is not None:
                    self._begin_with_none()
        return self._batch_model

    def prove_form(self, asked: Any) -> None:
        """A plan has come from states of this form."""
        self._form_is_proven |= asked is self._batch_model

    def _begin_with_none(self) -> None:
        self.trees, self.rows = Trees(keep_latest=self._keep_trees), RowSearches()


def _core_settings(recipe: SearchConfig) -> dict[str, Any]:
    """What the core is told: noise and temperature stay outside of it.

    A choice by temperature weighs all visits, so that nothing is decided before the end.
    """
    settings = asdict(recipe)
    for field in ("root_noise", "root_noise_concentration", "temperature"):
        del settings[field]
    settings["early_stop"] = recipe.early_stop and recipe.temperature == 0
    return settings
