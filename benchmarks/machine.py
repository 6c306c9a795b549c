"""What a run ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import programs

__all__ = ["describe_machine"]

PACKAGES = ("mcts-service", "numpy", "Cython", "grpcio", "protobuf", "open_spiel", "pomdp-py")


def describe_machine() -> dict[str, Any]:
    """CPU, system, compiler, flags, versions, and how busy the machine is."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _compiler(),
        "flags": {
            "limit program": " ".join(programs.LIMIT_FLAGS),
            "ours, same flags": f"-O3 -ffp-contract=off {programs.NATIVE}",
            "ours": "-O3 -ffp-contract=off, as installed",
            "grid10": " ".join(programs.MODEL_FLAGS),
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "load average at the start": os.getloadavg()[0],
    }


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _compiler() -> str:
    return _first_line([*os.environ.get("CC", "gcc").split(), "--version"])


def _commit() -> str:
    """Of the working tree; empty outside of a repository."""
    return _first_line(["git", "-C", str(programs.ROOT), "describe", "--always", "--dirty"])


def _first_line(command: list[str]) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return output.splitlines()[0] if output else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
