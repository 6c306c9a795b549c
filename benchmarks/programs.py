"""Compiles what the sides need.

These are the limit programs, the models in C, the bare loop, and our extension once more, for
this machine's CPU alone, as the limit programs are compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "LIMIT_FLAGS",
    "MODEL_FLAGS",
    "NATIVE",
    "Programs",
    "compile_limit",
    "compile_model",
    "compile_programs",
]

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
      limit, batch_limit: the limit programs for UCT and for PUCT in batches, with `LIMIT_FLAGS`.
      grid10, grid1000, latent: libraries of the models, with `MODEL_FLAGS`.
      grid10_native: the first of them, with -march=native too.
      bare_loop: a library of the loop, with `MODEL_FLAGS`.
      native_extension: a folder with our compiled modules, built with -march=native.
    """

    limit: Path
    batch_limit: Path
    grid10: Path
    grid10_native: Path
    grid1000: Path
    latent: Path
    bare_loop: Path
    native_extension: Path


def compile_programs() -> Programs:
    """Compiles all of them, now.

    Raises:
      SystemExit: a compiler refused; its words are printed.
    """
    return Programs(
        limit=compile_limit("roof_uct"),
        batch_limit=compile_limit("roof_puct"),
        grid10=compile_model("grid10"),
        grid10_native=compile_model("grid10", "grid10_native", [NATIVE]),
        grid1000=compile_model("grid1000"),
        latent=compile_model("latent"),
        bare_loop=compile_model("bare_loop"),
        native_extension=_build_extension(),
    )


def compile_model(name: str, target: str = "", flags: Sequence[str] = ()) -> Path:
    """Compiles models/NAME.c to a library: the path of it.

    Args:
      name: of the source.
      target: of the library; default the same.
      flags: beside `MODEL_FLAGS`.
    Raises:
      SystemExit: the compiler refused; its words are printed.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    headers = ["-I", str(ROOT / "csrc" / "include"), "-I", sysconfig.get_path("include")]
    source = BENCHMARKS / "models" / f"{name}.c"
    return _compile(f"{target or name}.so", source, [*MODEL_FLAGS, *flags, *headers])


def compile_limit(name: str) -> Path:
    """Compiles limits/NAME.c to a program: the path of it. Raises as `compile_model`."""
    BUILD.mkdir(parents=True, exist_ok=True)
    return _compile(name, BENCHMARKS / "limits" / f"{name}.c", LIMIT_FLAGS)


def _compile(name: str, source: Path, flags: list[str]) -> Path:
    target = BUILD / name
    compiler = os.environ.get("CC", "gcc").split()
    _run([*compiler, *flags, "-o", str(target), str(source), "-lm"])
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
