"""The machine that a load test runs on, since no figure means much without it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import grpc

__all__ = ["Machine"]


@dataclass(frozen=True)
class Machine:
    """Where the load test ran.

    Attributes:
      processor: its name, or the architecture where the system tells no name.
      cores: that this process may use.
      memory_bytes: of the machine; 0 where the system does not tell.
      system: kernel and version.
      python, grpcio: versions.
      load_average: runnable processes in the minute before the test.
    """

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    grpcio: str
    load_average: float

    @classmethod
    def here(cls) -> Machine:
        """The machine of this process, now."""
        return cls(
            processor=_processor(),
            cores=_cores(),
            memory_bytes=_memory_bytes(),
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            grpcio=grpc.__version__,
            load_average=round(os.getloadavg()[0], 2),
        )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 0
