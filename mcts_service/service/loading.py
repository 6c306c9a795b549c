"""Brings models into service at the start: the only place that imports or opens what a text names.

What a text names is in a configuration or on the command line; nothing is looked up because a
caller said so.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mcts_service import models
from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.learning.fit import load
from mcts_service.planning import MCTS, SearchConfig
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig
from mcts_service.service.entry import ModelEntry, describe_model, require_name
from mcts_service.service.isolation import IsolatedModel
from mcts_service.service.registry import Registry
from mcts_service.service.remote_options import RemoteOptions

__all__ = [
    "ENTRY_POINT_GROUP",
    "Connect",
    "build_model",
    "load_built_in",
    "load_configured",
    "load_models",
]

#: Packages offer models under this group: name = "module:factory", called without arguments.
ENTRY_POINT_GROUP = "mcts_service.models"

#: Gives a model in service when it is called.
_Source = Callable[[], ModelEntry]

#: Gives a model that a simulator elsewhere is: its address, and how it is asked.
Connect = Callable[[str, RemoteOptions], Any]


def load_models(
    config: ServerConfig, connect: Connect | None = None, *, in_process: bool = False
) -> Registry:
    """All models of a server: built-in, of installed packages, of its configuration.

    Models that run in processes of their own are built there, all at the same time, and run from
    then on until the registry, or an `Engine` that has them, is closed.

    Args:
      connect: gives remote models; None: there is no way to them.
      in_process: all are in this process, whatever the configuration says.
    Raises:
      InvalidRequest: a model cannot be imported, built, reached or served; says which and why.
    """
    sources: list[_Source] = []
    try:
        for source in _sources(config, connect, in_process):
            sources.append(source)
        return Registry([source() for source in sources])
    except BaseException:
        for source in sources:
            if isinstance(source, IsolatedModel):
                source.close()
        raise


def load_built_in(name: str, limits: BudgetLimits) -> ModelEntry:
    """One model that comes with the package.

    Raises:
      UnknownModel: there is none of that name.
    """
    return _into_service(name, models.make(name), limits=limits)


def load_configured(model: ModelConfig, connect: Connect | None = None) -> ModelEntry:
    """One model as a configuration describes it.

    Args:
      connect: as of `load_models`.
    Raises:
      InvalidRequest: it cannot be imported, built, reached or served.
    """
    with _told_of(model.source) if model.source else nullcontext():
        built = _built(model, connect)
        return _into_service(
            model.name,
            built,
            version=model.version or getattr(built, "model_version", "") or "1",
            description=model.description,
            limits=model.budget,
            config=_search(model, built),
        )


def _search(model: ModelConfig, built: Any) -> SearchConfig:
    """Its default search: one simulation at once would leave a remote model idle."""
    if model.remote is None or model.search.in_flight > 1:
        return model.search
    return replace(model.search, in_flight=built.default_in_flight)


def _built(model: ModelConfig, connect: Connect | None) -> Any:
    """What its file holds, its factory gives, or answers at its address."""
    if model.remote is not None:
        if connect is None:
            raise InvalidRequest("remote", "is given, and nothing here makes calls")
        return connect(model.remote, model.remote_options)
    if model.file is None:
        return build_model(model.factory, model.arguments)
    with _told_of("file"):
        return load(model.file)


def build_model(factory: str, arguments: Mapping[str, Any]) -> Any:
    """What a factory gives when it is called.

    Args:
      factory: "module:name"; the name may have dots.
      arguments: what it is called with.
    Raises:
      InvalidRequest: it cannot be imported, or raises.
    """
    module, _, attributes = factory.partition(":")
    with _told_of(f"factory {factory}"):
        found: Any = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
        return found(**arguments)


def _load_offered(name: str, value: str, limits: BudgetLimits) -> ModelEntry:
    """The model that an entry point gives."""
    point = EntryPoint(name, value, ENTRY_POINT_GROUP)
    with _told_of(_offer(point)):
        model = point.load()()
    return _into_service(name, model, limits=limits)


def _offer(point: EntryPoint) -> str:
    return f"entry point {point.name} = {point.value}"


def _sources(config: ServerConfig, connect: Connect | None, in_process: bool) -> Iterator[_Source]:
    """What gives each model, none of which has been built here yet."""
    taken = set()
    if config.server.built_in_models:
        for name in models.names():
            taken.add(name)
            yield partial(load_built_in, name, config.budget)
    if config.server.entry_points:
        for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
            if point.name in taken:
                raise InvalidRequest(
                    _offer(point), f"name: is {shown(point.name)}, which another model has"
                )
            taken.add(point.name)
            load = partial(_load_offered, point.name, point.value, config.budget)
            if in_process:
                yield load
            else:
                require_name(f"{_offer(point)}: name", point.name)
                yield IsolatedModel(
                    point.name,
                    load,
                    config.worker_processes,
                    config.sessions,
                    subject=_offer(point),
                )
    for configured in config.models:
        if configured.name in taken:
            raise InvalidRequest(
                f"{configured.source}.name".lstrip("."),
                f"is {shown(configured.name)}, which another model has",
            )
        yield _placed(configured, config, connect, in_process)


def _placed(
    model: ModelConfig, config: ServerConfig, connect: Connect | None, in_process: bool
) -> _Source:
    """What gives a configured model where it is to be."""
    if in_process or model.remote is not None or model.isolation == "thread":
        return partial(load_configured, model, connect)
    return IsolatedModel(
        model.name,
        partial(load_configured, model),
        model.worker_processes or config.worker_processes,
        config.sessions,
        must_be=model.isolation == "process" or model.worker_processes is not None,
        subject=model.source or f"model {model.name}",
    )


def _into_service(name: str, model: Any, **description: Any) -> ModelEntry:
    with _told_of(f"model {name}"):
        entry = describe_model(name, model, **description)
        # A model that cannot be searched stops the start, not the first request.
        MCTS(entry.model, entry.config)
    return entry


@contextmanager
def _told_of(subject: str) -> Iterator[None]:
    """Whatever somebody else's code raises at the start, whoever starts it hears of in a line."""
    try:
        yield
    except UnknownModel:
        raise
    except InvalidRequest as error:
        raise InvalidRequest(subject, str(error)) from error
    except KeyboardInterrupt:
        raise
    # SystemExit too: a module that leaves must not make the server leave in silence.
    except BaseException as error:
        raise InvalidRequest(subject, f"raised {type(error).__name__}: {error}") from error
