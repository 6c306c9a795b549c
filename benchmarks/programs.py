"""Compiles what the sides need.

These are the limit program, grid10, the bare loop, and our extension once more, for this
machine's CPU alone, as the limit program is compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LIMIT_FLAGS", "MODEL_FLAGS", "NATIVE", "Programs", "compile_programs"]

BENCHMARKS = Path(__file__).parent
ROOT = BENCHMARKS.parent
#: Below the build folder, which `make clean` removes.
BUILD = ROOT / "build" / "benchmarks"

NATIVE = "-march=native"
LIMIT_FLAGS = ["-O3", NATIVE]
MODEL_FLAGS = ["-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-shared"]


@dataclass(frozen=True)
class Programs:
    """Where the compiled things lie.

    Attributes:
      limit: the limit program, with `LIMIT_FLAGS`.
      grid10: a library of the model, with `MODEL_FLAGS`.
      grid10_native: the same, with -march=native too.
      bare_loop: a library of the loop, with `MODEL_FLAGS`.
      native_extension: a folder with our compiled modules, built with -march=native.
    """

    limit: Path
    grid10: Path
    grid10_native: Path
    bare_loop: Path
    native_extension: Path


def compile_programs() -> Programs:
    """Compiles all of them, now.

    Raises:
      SystemExit: a compiler refused; its words are printed.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    header = ["-I", str(ROOT / "csrc" / "include")]
    python = ["-I", sysconfig.get_path("include")]
    models = BENCHMARKS / "models"
    return Programs(
        limit=_compile("roof_uct", BENCHMARKS / "limits" / "roof_uct.c", LIMIT_FLAGS, ["-lm"]),
        grid10=_compile("grid10.so", models / "grid10.c", [*MODEL_FLAGS, *header]),
        grid10_native=_compile(
            "grid10_native.so", models / "grid10.c", [*MODEL_FLAGS, NATIVE, *header]
        ),
        bare_loop=_compile(
            "bare_loop.so", models / "bare_loop.c", [*MODEL_FLAGS, *header, *python]
        ),
        native_extension=_build_extension(),
    )


def _compile(name: str, source: Path, flags: list[str], libraries: list[str] | None = None) -> Path:
    target = BUILD / name
    compiler = os.environ.get("CC", "gcc").split()
    _run([*compiler, *flags, "-o", str(target), str(source), *(libraries or [])])
    return target


def _build_extension() -> Path:
    folder = BUILD / "extension"
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    if not (folder / "build.ninja").exists():
        setup = ["meson", "setup", "-Dnative=true", "-Dbuildtype=release", str(folder), str(ROOT)]
        _run(setup, environment)
    _run(["ninja", "-C", str(folder), "--quiet"], environment)
    return folder / "csrc"


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{result.stdout}")
