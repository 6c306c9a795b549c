"""How a server process is set up: a few frozen dataclasses, each value spelled once.

`mcts_service.service.config_file` reads them from TOML; the tables and keys of the file are
the fields below.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
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
from mcts_service.planning.budget import MIN_BYTES
from mcts_service.service.admission import GREATEST_PRIORITY
from mcts_service.service.at_once import AT_ONCE_SECONDS
from mcts_service.service.auth import AuthSettings
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.connection_limits import ConnectionLimits
from mcts_service.service.entry import require_name
from mcts_service.service.logs import LogSettings
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.metrics import MetricsSettings
from mcts_service.service.remote_options import RemoteOptions, require_address
from mcts_service.service.sessions import SessionLimits
from mcts_service.service.tls import TlsSettings
from mcts_service.service.toml_source import KeyPath, dotted
from mcts_service.service.workers.settings import WorkerSettings

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
      workers: searches of native models that run at once; a model written in Python has
        processes, or one thread, of its own besides.
      max_waiting: searches that may wait for a free worker. One more is refused at once, or the
        last of them in its place.
      max_priority: a request that asks for a higher one has this. Priorities are what callers
        say: 0 where they cannot be trusted to mean it.
      max_total_bytes: memory of the trees of all searches that run and wait, each counted as what
        its budget allows; one that would go beyond is refused at once. None: no limit; the trees
        that run may then have workers times max_bytes of [budget], a row of a batch each.
      at_once_seconds: searches of native models that are expected to take no longer do not wait
        for a worker; the server answers nobody else meanwhile. 0: none.
      leave_seconds: at SIGTERM, how long the server goes on as before while its health says
        NOT_SERVING, so that balancers send no more calls.
      grace_seconds: after that, how long what runs may go on.
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
    max_priority: int = GREATEST_PRIORITY
    max_total_bytes: int | None = None
    at_once_seconds: float = AT_ONCE_SECONDS
    leave_seconds: float = 0.5
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
        require_integer("max_priority", self.max_priority, -GREATEST_PRIORITY, GREATEST_PRIORITY)
        if self.max_total_bytes is not None:
            require_integer("max_total_bytes", self.max_total_bytes, MIN_BYTES, 2**63 - 1)
        require_number("at_once_seconds", self.at_once_seconds, 0, 1)
        require_number("leave_seconds", self.leave_seconds, 0, 86_400)
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
      remote: in place of both, where a simulator serves ModelService: "host:port", or "unix:/path"
        of a socket.
      remote_options: how that is asked.
      arguments: what the factory is called with.
      description: a line about the model.
      version: which model of that name; empty: 1 or, of a remote one, as it says itself.
      budget: as [budget], for this model.
      search: its default search, see `SearchConfig`; in a file the table may have a `preset`
        too, which comes first.
      isolation: "process": its searches run in processes of its own, and none of its code in the
        server's. "thread": in threads of the server, which a model may hold up or take with it.
        None: one that is written in Python in processes, and one that is compiled, or a table, in
        threads.
      worker_processes: as [worker_processes], for this model; None: those.
      source: where it is written, "server.toml:7: models[0]"; for messages, no setting.
    """

    name: str
    factory: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    version: str = ""
    budget: BudgetLimits = field(default_factory=BudgetLimits)
    search: SearchConfig = field(default_factory=SearchConfig)
    file: str | None = None
    remote: str | None = None
    remote_options: RemoteOptions = field(default_factory=RemoteOptions)
    isolation: str | None = None
    worker_processes: WorkerSettings | None = None
    source: str = field(default="", compare=False, metadata={"is_setting": False})

    def __post_init__(self) -> None:
        require_name("name", self.name)
        if not isinstance(self.arguments, Mapping):
            raise InvalidRequest("arguments", f"is {shown(self.arguments)}; must be a table")
        if self.remote is not None:
            self._require_remote(self.remote)
        elif self.file is None:
            self._require_factory()
        else:
            self._require_file(self.file)
        if not isinstance(self.description, str):
            raise InvalidRequest("description", f"is {shown(self.description)}; must be a text")
        if not isinstance(self.version, str):
            raise InvalidRequest("version", f"is {shown(self.version)}; must be a text")
        self._require_isolation()

    def _require_remote(self, remote: str) -> None:
        require_address("remote", remote)
        for name, given in (("factory", self.factory), ("file", self.file)):
            if given:
                raise InvalidRequest("remote", f"is {shown(remote)}; must not be beside a {name}")
        if self.arguments:
            raise InvalidRequest("arguments", "are given; a remote model takes none")
        if self.isolation == "process" or self.worker_processes is not None:
            name = "isolation" if self.isolation == "process" else "worker_processes"
            raise InvalidRequest(name, "is set; a remote model is in another process already")

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

    def _require_isolation(self) -> None:
        if self.isolation not in (None, "thread", "process"):
            raise InvalidRequest(
                "isolation", f'is {shown(self.isolation)}; must be "thread" or "process"'
            )
        if self.isolation == "thread" and self.worker_processes is not None:
            raise InvalidRequest(
                "worker_processes", 'are set; must not be there where isolation is "thread"'
            )


@dataclass(frozen=True)
class ServerConfig:
    """All of it.

    Attributes:
      server: the process.
      tls: its certificate, and whose it asks for.
      auth: who may call.
      limits: what connections may do.
      deadline_margin: what is kept of a caller's deadline for the reply.
      budget: what a request may ask for, for every model that does not say otherwise.
      sessions: what may be kept from request to request.
      worker_processes: of every model that has any and does not say otherwise.
      metrics: where they are to be had.
      log: what is logged, and how.
      models: the models beyond the built-in ones.
      place: a key as a message names it, with its file and line where there is one; no setting.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    deadline_margin: DeadlineMargin = field(default_factory=DeadlineMargin)
    budget: BudgetLimits = field(default_factory=BudgetLimits)
    sessions: SessionLimits = field(default_factory=SessionLimits)
    worker_processes: WorkerSettings = field(default_factory=WorkerSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    log: LogSettings = field(default_factory=LogSettings)
    models: tuple[ModelConfig, ...] = ()
    place: Callable[[KeyPath], str] = field(default=dotted, compare=False, repr=False)
