"""Reads a server's configuration from a TOML file.

Every error names the file, the line and the key, and what would be right:

    server.toml:7: server.workers: is -1; must be an integer from 1 to 1024
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mcts_service.checks import shown
from mcts_service.planning import SearchConfig
from mcts_service.service.auth import AuthSettings
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig, ServerSettings
from mcts_service.service.connection_limits import ConnectionLimits
from mcts_service.service.logs import LogSettings
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.metrics import MetricsSettings
from mcts_service.service.remote_options import RemoteOptions
from mcts_service.service.search_changes import changed_search
from mcts_service.service.sessions import SessionLimits
from mcts_service.service.tls import TlsSettings
from mcts_service.service.toml_source import KeyPath, TomlSource, build_dataclass
from mcts_service.service.workers.settings import WorkerSettings

__all__ = ["read_config"]

#: What a model comes from: one of these.
_MODEL_SOURCES = ("factory", "file", "remote")

#: The tables of which each is one dataclass.
_PLAIN_TABLES: dict[str, type[Any]] = {
    "server": ServerSettings,
    "tls": TlsSettings,
    "auth": AuthSettings,
    "limits": ConnectionLimits,
    "deadline_margin": DeadlineMargin,
    "budget": BudgetLimits,
    "sessions": SessionLimits,
    "worker_processes": WorkerSettings,
    "metrics": MetricsSettings,
    "log": LogSettings,
}


def read_config(path: str | Path) -> ServerConfig:
    """The configuration in a file.

    Raises:
      InvalidRequest: the file cannot be read, is not TOML, or says what cannot be.
    """
    source = TomlSource.read(Path(path))
    tables = source.tables
    source.require_known((), tables, [*_PLAIN_TABLES, "models"])
    plain = {
        name: build_dataclass(source, kind, (name,), tables.get(name, {}))
        for name, kind in _PLAIN_TABLES.items()
    }
    models = _models(source, plain, tables.get("models", []))
    return ServerConfig(**plain, models=models, place=source.place)


def _models(
    source: TomlSource, defaults: Mapping[str, Any], tables: Any
) -> tuple[ModelConfig, ...]:
    """The models, by the defaults of the tables that each may have of its own."""
    if not isinstance(tables, list):
        source.refuse(("models",), "is one table; write [[models]], once for each model")
    models: dict[str, ModelConfig] = {}
    for position, table in enumerate(tables):
        where: KeyPath = ("models", position)
        if isinstance(table, Mapping) and table.keys().isdisjoint(_MODEL_SOURCES):
            source.refuse(where, "has no factory, file or remote; must have one of them")
        inner: dict[str, Callable[[KeyPath, Any], Any]] = {
            "budget": partial(_changed, source, defaults["budget"]),
            "search": partial(
                build_dataclass, source, SearchConfig, make=_search, more_keys=["preset"]
            ),
            "remote_options": partial(build_dataclass, source, RemoteOptions),
        }
        if isinstance(table, Mapping) and "worker_processes" in table:
            inner["worker_processes"] = partial(_changed, source, defaults["worker_processes"])
        model = build_dataclass(source, ModelConfig, where, table, inner_tables=inner)
        if "remote_options" in table and model.remote is None:
            source.refuse((*where, "remote_options"), "are given, and no remote that they are of")
        file = None if model.file is None else str(source.folder / model.file)
        model = dataclasses.replace(model, file=file, source=source.place(where))
        if model.name in models:
            source.refuse((*where, "name"), f"is {shown(model.name)}, which another model has")
        models[model.name] = model
    return tuple(models.values())


def _changed(source: TomlSource, default: Any, path: KeyPath, table: Any) -> Any:
    """The default with what a table changes."""
    make = partial(dataclasses.replace, default)
    return build_dataclass(source, type(default), path, table, make=make)


def _search(preset: Any = None, **settings: Any) -> SearchConfig:
    return changed_search(SearchConfig(), preset, settings)
