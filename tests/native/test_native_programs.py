"""Compiles each C program of this folder with the core and models, under sanitizers; runs it.

A program exits 0 or says what does not hold. One whose name ends with "_avx2" is compiled for such
CPUs, with both copies of the loop, and skipped on others. AddressSanitizer finds memory that is
used after its end or never freed, UndefinedBehaviorSanitizer what C leaves open. One whose name
begins with "test_parallel" is run once more under ThreadSanitizer, which finds what two threads
touch at the same time.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "csrc" / "core"
#: The folders of what is compiled with every program.
SOURCES = [
    HERE.parents[1] / "csrc" / name
    for name in ("core", "learning", "models", "solvers", "sweeping")
]
INCLUDE = HERE.parents[1] / "csrc" / "include"
PROGRAMS = sorted(path.stem for path in HERE.glob("test_*.c"))
FLAGS = [
    *("-std=c11", "-O1", "-g", "-ffp-contract=off", "-pthread"),
    *("-Wall", "-Wextra", "-Wno-unused-function", "-Werror"),
    *(f"-I{folder}" for folder in (INCLUDE, *SOURCES, HERE)),
]
#: As in csrc/meson.build.
AVX2 = ["-mavx2", "-mbmi", "-mbmi2", "-mpopcnt", "-DHAVE_LOOP_AVX2"]
IS_AVX2 = """int main(void) {
  return !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"));
}
"""
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
#: Its own calls hide from the compiler what is set.
THREAD_SANITIZER = ["-fsanitize=thread", "-Wno-maybe-uninitialized"]
PARALLEL = [name for name in PROGRAMS if name.startswith("test_parallel")]


def compiler() -> list[str]:
    """The one that the build would use."""
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


Compile = Callable[..., None]


def compiler_has(sanitizers: list[str], folder: Path) -> bool:
    """Some systems pack them apart."""
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    probe = [*compiler(), *sanitizers, str(empty), "-o", str(empty.with_suffix(""))]
    found = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    if not found and os.environ.get("MCTS_REQUIRE_SANITIZERS"):
        pytest.fail(
            f"{compiler()} has no {sanitizers[0]}; on Fedora: dnf install libasan libubsan libtsan"
        )
    return found


def compile_with(sanitizers: list[str]) -> Compile:
    def compile_c(*arguments: str | Path) -> None:
        command = [*compiler(), *FLAGS, *sanitizers, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"

    return compile_c


def compile_core(compile_c: Compile, folder: Path) -> list[Path]:
    """The core, the built-in models and what learns, once for all programs."""
    objects = []
    for source in sorted(path for folder in SOURCES for path in folder.glob("*.c")):
        objects.append(folder / f"{source.parent.name}_{source.stem}.o")
        compile_c("-c", source, "-o", objects[-1])
    return objects


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Runs the compiler, with the sanitizers where it has them."""
    has_them = compiler_has(SANITIZERS, tmp_path_factory.mktemp("empty"))
    return compile_with(SANITIZERS if has_them else [])


@pytest.fixture(scope="session")
def core_objects(compile_c: Compile, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return compile_core(compile_c, tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="session")
def compile_for_threads(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Runs the compiler with ThreadSanitizer; skips where it has none."""
    if not compiler_has(THREAD_SANITIZER, tmp_path_factory.mktemp("empty")):
        pytest.skip("the compiler has no ThreadSanitizer")
    return compile_with(THREAD_SANITIZER)


@pytest.fixture(scope="session")
def core_for_threads(
    compile_for_threads: Compile, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    return compile_core(compile_for_threads, tmp_path_factory.mktemp("threads"))


@pytest.fixture(scope="session")
def at_fixed_addresses() -> list[str]:
    """What runs a program whose addresses are not drawn, where that may be had: with many random
    bits in them, ThreadSanitizer finds memory where it looks for its own.
    """
    command = [shutil.which("setarch") or "setarch", "-R"]
    try:
        works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        works = False
    return command if works else []


@pytest.fixture(scope="session")
def avx2_loop(compile_c: Compile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loop once more; skips where the compiler or the CPU has no AVX2."""
    folder = tmp_path_factory.mktemp("avx2")
    probe, loop = folder / "probe.c", folder / "loop_avx2.o"
    probe.write_text(IS_AVX2)
    flags = [*AVX2, str(probe), "-o", str(probe.with_suffix(""))]
    compiled = subprocess.run([*compiler(), *flags], capture_output=True, check=False)
    if compiled.returncode != 0:
        pytest.skip("the compiler does not know AVX2")
    if subprocess.run([probe.with_suffix("")], check=False).returncode != 0:
        pytest.skip("the CPU has no AVX2")
    compile_c("-c", CORE / "loop.c", *AVX2, "-DLOOP=loop_avx2", "-o", loop)
    return loop


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name.endswith("_avx2")])
def test_native_program_for_avx2_holds(
    program: str, compile_c: Compile, core_objects: list[Path], avx2_loop: Path, tmp_path: Path
) -> None:
    binary = tmp_path / program
    compile_c(HERE / f"{program}.c", *AVX2, avx2_loop, *core_objects, "-lm", "-o", binary)
    done = subprocess.run([binary], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", [name for name in PROGRAMS if not name.endswith("_avx2")])
def test_native_program_holds(
    program: str, compile_c: Compile, core_objects: list[Path], tmp_path: Path
) -> None:
    binary = tmp_path / program
    source = HERE / f"{program}.c"
    brings_core = '#include "sparing_core.h"' in source.read_text()
    missing = [path for path in core_objects if path.stem == "core_loop"]  # it asks for no memory
    objects = missing if brings_core else core_objects
    if '#include "sparing_sweeping.h"' in source.read_text():
        objects = []
    compile_c(source, *objects, "-lm", "-o", binary)
    done = subprocess.run([binary], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", PARALLEL)
def test_no_two_threads_touch_the_same(
    program: str,
    compile_for_threads: Compile,
    core_for_threads: list[Path],
    at_fixed_addresses: list[str],
    tmp_path: Path,
) -> None:
    binary = tmp_path / program
    compile_for_threads(HERE / f"{program}.c", *core_for_threads, "-lm", "-o", binary)
    done = subprocess.run(
        [*at_fixed_addresses, binary], capture_output=True, text=True, check=False, timeout=300
    )
    if "unexpected memory mapping" in done.stderr and not at_fixed_addresses:
        pytest.skip("ThreadSanitizer does not go with how this system draws addresses")
    assert done.returncode == 0, done.stderr


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 12
    assert PARALLEL
