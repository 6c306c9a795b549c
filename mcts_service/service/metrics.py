"""Where a server's metrics are to be had: the settings, and the endpoint while it is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from mcts_service.checks import require_integer, require_text
from mcts_service.errors import InvalidRequest
from mcts_service.service.observer import Observer

__all__ = ["MetricsSettings", "observing", "require_installed"]


@dataclass(frozen=True)
class MetricsSettings:
    """Table [metrics].

    Attributes:
      host: address to listen on. Whoever reaches it may read the metrics: no token is asked for.
      port: of http://HOST:PORT/metrics; None: no metrics. 0: any free one, told in the log.
        Needs the extra `metrics`.
    """

    host: str = "127.0.0.1"
    port: int | None = None

    def __post_init__(self) -> None:
        require_text("host", self.host)
        if self.port is not None:
            require_integer("port", self.port, 0, 65535)


@contextmanager
def observing(settings: MetricsSettings, models: Iterable[str]) -> Iterator[Observer]:
    """An observer for the length of a block, with its endpoint if the settings ask for one.

    Args:
      models: the names that are served; metrics call every other one "unknown".
    Raises:
      InvalidRequest: the extra is not installed, or the address cannot be had; the field is
        the key in [metrics].
    """
    if settings.port is None:
        yield Observer()
        return
    require_installed(settings)
    from mcts_service.service.prometheus import PrometheusObserver, serving

    observer = PrometheusObserver(models)
    with serving(observer, settings.host, settings.port):
        yield observer


def require_installed(settings: MetricsSettings) -> None:
    """Raises InvalidRequest if metrics are asked for and the extra is not installed."""
    if settings.port is not None and find_spec("prometheus_client") is None:
        raise InvalidRequest("port", "needs prometheus-client: pip install 'mcts-service[metrics]'")
