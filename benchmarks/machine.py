"""What a run ran on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import programs
from programs import Programs

__all__ = ["describe_machine"]

PACKAGES = (
    "mcts-service",
    "numpy",
    "Cython",
    "grpcio",
    "protobuf",
    "open_spiel",
    "pomdp-py",
    "mctx",
    "jax",
)
CODE_FLAGS = ("-O", "-m", "-ffp", "-std", "-DNDEBUG")


def describe_machine(compiled: Programs) -> dict[str, Any]:
    """CPU, system, compiler, flags, versions, and how busy the machine is."""
    extension_flags = _flags_of_the_core(compiled.native_extension.parent)
    return {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _first_line([*os.environ.get("CC", "gcc").split(), "--version"]),
        "flags": {
            "limit": " ".join(programs.LIMIT_FLAGS),
            "ours, same flags": extension_flags,
            "ours": f"as installed; by default the same without {programs.NATIVE}",
            "models in C": " ".join(programs.MODEL_FLAGS),
            "grid10 beside the limit": f"the same and {programs.NATIVE}",
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _first_line(["git", "-C", str(programs.ROOT), "describe", "--always", "--dirty"]),
        "load average at the start": os.getloadavg()[0],
    }


def _flags_of_the_core(build: Path) -> str:
    """What the search was compiled with, as far as it changes the code that comes out."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith("core/search.c"):
            return " ".join(w for w in entry["command"].split() if w.startswith(CODE_FLAGS))
    return "unknown"


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


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
