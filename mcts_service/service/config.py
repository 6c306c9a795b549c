"""How a server process is set up: a few frozen dataclasses, each value spelled once.

`mcts_service.service.config_file` reads them from TOML; the tables and keys of the file are
the fields below.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcts_service.checks import (
    require_bool,
    require_integer,
    require_number,
    require_text,
    shown,
)
from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.service.at_once import AT_ONCE_SECONDS
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.entry import require_name
from mcts_service.service.margin import DeadlineMargin

__all__ = ["ModelConfig", "ServerConfig", "ServerSettings", "available_cores"]


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class ServerSettings:
    """The process: table [server].

    Attributes:
      host: address to listen on. Beyond this machine: "0.0.0.0" or "[::]".
      port: 0: any free one, told when the server is ready.
      workers: searches of native models that run at once; a model written in Python has one
        thread of its own besides.
      max_waiting: searches that may wait for a free worker; one more is refused at once.
      at_once_seconds: searches of native models that are expected to take no longer do not wait
        for a worker; the server answers nobody else meanwhile. 0: none.
      grace_seconds: at SIGTERM, how long what runs may go on.
      max_message_bytes: greatest request.
      max_in_flight_per_stream: plans of one `PlanMany` that may be without an answer: its stream is
        not read on before there is room. More than `workers` and `max_waiting` together would have
        one stream alone overload the server.
      built_in_models: serve the models that come with the package.
      entry_points: serve what installed packages offer in the group "mcts_service.models".
    """

    host: str = "127.0.0.1"
    port: int = 50051
    workers: int = field(default_factory=available_cores)
    max_waiting: int = 256
    at_once_seconds: float = AT_ONCE_SECONDS
    grace_seconds: float = 30.0
    max_message_bytes: int = 4 * 2**20
    max_in_flight_per_stream: int = 128
    built_in_models: bool = True
    entry_points: bool = True

    def __post_init__(self) -> None:
        require_text("host", self.host)
        require_integer("port", self.port, 0, 65535)
        require_integer("workers", self.workers, 1, 1024)
        require_integer("max_waiting", self.max_waiting, 0, 1_000_000)
        require_number("at_once_seconds", self.at_once_seconds, 0, 1)
        require_number("grace_seconds", self.grace_seconds, 0, 86_400)
        require_integer("max_message_bytes", self.max_message_bytes, 1024, 2**31 - 1)
        require_integer("max_in_flight_per_stream", self.max_in_flight_per_stream, 1, 65_536)
        require_bool("built_in_models", self.built_in_models)
        require_bool("entry_points", self.entry_points)


@dataclass(frozen=True)
class ModelConfig:
    """One more model: a table [[models]].

    Attributes:
      name: what callers ask for, `[a-z0-9_-]{1,64}`.
      factory: "module:name" of a class or function that gives the model.
      file: in its place, a learned model as `mcts_service.learning.fit.save` writes it; in a file
        the path is relative to the folder of that file.
      arguments: what the factory is called with.
      description: a line about the model.
      version: which model of that name.
      budget: as [budget], for this model.
      search: its default search, see `SearchConfig`; in a file the table may have a `preset`
        too, which comes first.
      source: where it is written, "server.toml:7: models[0]"; for messages, no setting.
    """

    name: str
    factory: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    version: str = "1"
    budget: BudgetLimits = field(default_factory=BudgetLimits)
    search: SearchConfig = field(default_factory=SearchConfig)
    file: str | None = None
    source: str = field(default="", compare=False, metadata={"is_setting": False})

    def __post_init__(self) -> None:
        require_name("name", self.name)
        if not isinstance(self.arguments, Mapping):
            raise InvalidRequest("arguments", f"is {shown(self.arguments)}; must be a table")
        if self.file is None:
            self._require_factory()
        else:
            self._require_file(self.file)
        if not isinstance(self.description, str):
            raise InvalidRequest("description", f"is {shown(self.description)}; must be a text")
        require_text("version", self.version)

    def _require_factory(self) -> None:
        require_text("factory", self.factory)
        module, separator, attribute = self.factory.partition(":")
        if not (module and separator and attribute):
            raise InvalidRequest(
                "factory",
                f'is {shown(self.factory)}; must be "module:name", such as "my_game:Game"',
            )

    def _require_file(self, file: str) -> None:
        require_text("file", file)
        if "\0" in file:
            raise InvalidRequest("file", f"is {shown(file)}; must be a path")
        if self.factory != "":
            raise InvalidRequest("file", f"is {shown(file)}; must not be there beside a factory")
        if self.arguments:
            raise InvalidRequest("arguments", "are given; a file takes none")


@dataclass(frozen=True)
class ServerConfig:
    """All of it.

    Attributes:
      server: the process.
      deadline_margin: what is kept of a caller's deadline for the reply.
      budget: what a request may ask for, for every model that does not say otherwise.
      models: the models beyond the built-in ones.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    deadline_margin: DeadlineMargin = field(default_factory=DeadlineMargin)
    budget: BudgetLimits = field(default_factory=BudgetLimits)
    models: tuple[ModelConfig, ...] = ()
