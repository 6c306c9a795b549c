"""Brings models into service at the start: the only place that imports what a text names."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from mcts_service import models
from mcts_service.errors import InvalidRequest
from mcts_service.planning import MCTS
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig
from mcts_service.service.entry import ModelEntry, describe_model
from mcts_service.service.registry import Registry

__all__ = ["ENTRY_POINT_GROUP", "load_built_in", "load_configured", "load_models", "load_object"]

#: Packages offer models under this group: name = "module:factory", called without arguments.
ENTRY_POINT_GROUP = "mcts_service.models"


def load_models(config: ServerConfig) -> Registry:
    """All models of a server: built-in, of installed packages, of its configuration.

    Raises:
      InvalidRequest: a model cannot be imported, built or served; says which and why.
    """
    return Registry(_entries(config))


def load_built_in(name: str, limits: BudgetLimits) -> ModelEntry:
    """One model that comes with the package.

    Raises:
      InvalidRequest: it cannot be built, for want of an optional package for example.
    """
    return _into_service(name, partial(models.make, name), limits=limits)


def load_configured(model: ModelConfig) -> ModelEntry:
    """One model as a configuration describes it.

    Raises:
      InvalidRequest: it cannot be imported, built or served.
    """
    return _into_service(
        model.name,
        lambda: load_object(model.factory)(**model.arguments),
        version=model.version,
        description=model.description,
        limits=model.budget,
        config=model.search,
    )


def load_object(path: str) -> Any:
    """What "module:name" stands for; the name may have dots.

    Raises:
      ImportError, AttributeError, or whatever the module raises while it is imported.
    """
    module, _, attributes = path.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def _entries(config: ServerConfig) -> Iterator[ModelEntry]:
    if config.server.built_in_models:
        for name in models.names():
            yield load_built_in(name, config.budget)
    if config.server.entry_points:
        for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
            yield _into_service(point.name, partial(_call_loaded, point.load), limits=config.budget)
    for model in config.models:
        yield load_configured(model)


def _call_loaded(load: Callable[[], Any]) -> Any:
    return load()()


def _into_service(name: str, make: Callable[[], Any], **description: Any) -> ModelEntry:
    try:
        entry = describe_model(name, make(), **description)
        # A model that cannot be searched stops the start, not the first request.
        MCTS(entry.model, entry.config)
    # The factory is somebody else's code, and whoever starts the server must hear of it.
    except Exception as error:
        reason = (
            str(error) if isinstance(error, InvalidRequest) else f"{type(error).__name__}: {error}"
        )
        raise InvalidRequest(f"model {name}", f"cannot be served: {reason}") from error
    return entry
