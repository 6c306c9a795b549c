"""How a simulator in another process is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mcts_service.checks import (
    require_bool,
    require_integer,
    require_number,
    require_text,
    shown,
)
from mcts_service.errors import InvalidRequest

__all__ = ["RemoteOptions", "require_address"]

_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


@dataclass(frozen=True)
class RemoteOptions:
    """Of one remote model: table [models.remote_options].

    Attributes:
      connect_seconds: at the start of the server, how long to wait for the simulator.
      call_seconds: what one call may take. Then it counts as lost, and is made again.
      attempts: how often a question is asked at most, where no answer comes.
      calls_at_once: calls that the simulator is given at the same time; None: as it says itself.
      rows_per_call: states of one call at most; None: as it says itself.
      in_flight: simulations of one search that are in progress at once where [models.search] leaves
        that at 1; None: 4 for each of the calls at once, so that each has some rows.
      plans_at_once: plans that are made at the same time: while one thinks, another asks.
      tls: the connection is encrypted, and the simulator has to show a certificate.
      server_ca: path of the authorities in PEM that may have signed it; None: the public ones.
      certificate, private_key: paths of the planner's own in PEM, for a simulator that asks.
    """

    connect_seconds: float = 10.0
    call_seconds: float = 30.0
    attempts: int = 4
    calls_at_once: int | None = None
    rows_per_call: int | None = None
    in_flight: int | None = None
    plans_at_once: int = 4
    tls: bool = False
    server_ca: str | None = field(default=None, metadata={"is_path": True})
    certificate: str | None = field(default=None, metadata={"is_path": True})
    private_key: str | None = field(default=None, metadata={"is_path": True})

    def __post_init__(self) -> None:
        require_number("connect_seconds", self.connect_seconds, 0.1, 86_400)
        require_number("call_seconds", self.call_seconds, 0.001, 86_400)
        require_integer("attempts", self.attempts, 1, 100)
        require_integer("plans_at_once", self.plans_at_once, 1, 256)
        for name, most in (("calls_at_once", 256), ("rows_per_call", 1024), ("in_flight", 4096)):
            value = getattr(self, name)
            if value is not None:
                require_integer(name, value, 1, most)
        self._require_tls()

    def _require_tls(self) -> None:
        require_bool("tls", self.tls)
        for name in ("server_ca", "certificate", "private_key"):
            if getattr(self, name) is None:
                continue
            require_text(name, getattr(self, name))
            if not self.tls:
                raise InvalidRequest(name, "is of no effect without tls = true")
        if (self.certificate is None) != (self.private_key is None):
            missing = "certificate" if self.certificate is None else "private_key"
            raise InvalidRequest(missing, "is missing; a certificate and its key go together")


def require_address(field: str, address: object) -> None:
    """Raises InvalidRequest unless a simulator can be reached there."""
    if isinstance(address, str) and "\0" not in address:
        if address.startswith("unix:/") and len(address) > len("unix:/"):
            return
        found = _HOST_AND_PORT.fullmatch(address)
        if found and 1 <= int(found[1]) <= 65535:
            return
    raise InvalidRequest(
        field, f'is {shown(address)}; must be "host:port", or "unix:/path" of a socket'
    )
