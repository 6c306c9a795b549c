"""The public header: found, and good C and C++ by itself."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import mcts_service


def test_the_folder_of_the_header_is_found_without_a_compiled_module() -> None:
    script = (
        "import sys, mcts_service; print(mcts_service.get_include());"
        "assert not {'mcts_service._core', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (Path(done.stdout.strip()) / "mcts_model.h").is_file()
    assert done.stdout.strip() == mcts_service.get_include()


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_header_compiles_alone_without_a_warning(language: str, tmp_path: Path) -> None:
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[:1]
    standard = {"c": "c11", "c++": "c++17"}[language]
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    source = tmp_path / "alone.c"
    source.write_text('#include "mcts_model.h"\nextern mcts_model model;\n')
    command = [*compiler, *flags, f"-I{mcts_service.get_include()}", "-x", language, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
