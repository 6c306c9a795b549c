"""How the two examples that need a compiler are built: two commands that any build can run.

By hand they are:

    cython inventory_cython.pyx                       for the Cython extension alone
    cc -I$(python -c "import mcts_service; print(mcts_service.get_include())") \
        -O3 -ffp-contract=off -fPIC -shared ... -o ...
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import mcts_service

__all__ = ["c_of_cython", "shared_library"]


def shared_library(source: Path, library: Path) -> Path:
    """Compiles a C file; gives the library back.

    Contracted multiply-adds are left out: they round otherwise than Python does.

    Raises:
      CalledProcessError: it does not compile; the compiler has said why.
    """
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    flags = ["-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-shared"]
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]  # Python's own names, in the extension
    folders = (mcts_service.get_include(), sysconfig.get_path("include"))
    includes = [f"-I{folder}" for folder in folders]
    subprocess.run([*compiler, *flags, *includes, str(source), "-o", str(library)], check=True)
    return library


def c_of_cython(source: Path, folder: Path) -> Path:
    """Translates a Cython file; gives the C file back, in `folder`."""
    translated = folder / source.with_suffix(".c").name
    command = [sys.executable, "-m", "cython", "-3", str(source), "-o", str(translated)]
    subprocess.run(command, check=True)
    return translated
