"""The package as a user gets it: from the sdist, in an environment of its own.

Nothing is downloaded: what the package depends on is borrowed from the environment of the
tests, the editable install there left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "core.hooksPath=", "-c", "user.name=test", "-c", "user.email=test@example.org"]
PLAN_SCRIPT = """
import mcts_service
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import make

model = make("tic_tac_toe")
config = SearchConfig(early_stop=False)
plan = MCTS(model, config).plan(model.initial_state(), Budget(simulations=200), seed=0)
assert plan.simulations == 200 and 0 <= plan.action < 9
print(mcts_service.__file__)
"""


def _run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "MESONPY_EDITABLE_SKIP", "VIRTUAL_ENV")
        and not name.startswith("GIT_")
    }
    scripts = sysconfig.get_path("scripts")  # where meson, ninja and cython are
    environment["PATH"] = os.pathsep.join([scripts, environment.get("PATH", os.defpath)])
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive of the working tree as it is, committed or not."""
    assert shutil.which("git"), "git is not installed; meson packs what git holds"
    tree = tmp_path_factory.mktemp("tree")
    files = _run("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=CHECKOUT)
    for name in filter(None, files.split("\0")):
        if (CHECKOUT / name).is_file():  # a file removed and not yet committed is still listed
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, tree / name)
    _run(*GIT, "init", "--quiet", cwd=tree)
    _run(*GIT, "add", "--all", cwd=tree)
    _run(*GIT, "commit", "--quiet", "--message", "Copy the working tree", cwd=tree)
    out = tmp_path_factory.mktemp("sdist")
    _run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out, cwd=tree)
    (archive,) = out.iterdir()
    return archive


@pytest.fixture(scope="module")
def installed(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment into which the sdist is installed."""
    root = tmp_path_factory.mktemp("environment")
    venv.create(root, with_pip=False, symlinks=True)
    scripts = root / "bin"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(_run(scripts / "python", "-c", where, cwd=root).strip())
    # A folder named in a .pth file lends its modules, and its own .pth files are not read.
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    _run(
        *(scripts / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--no-build-isolation", "--ignore-installed", sdist),
        cwd=root,
    )
    return scripts


def test_sdist_holds_what_a_packager_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "Makefile",
        "pyproject.toml",
        "csrc/include/mcts_model.h",
        "proto/mcts_service/v1/planner.proto",
        "tests/packaging/test_install.py",
    }


def test_installed_package_makes_a_plan(installed: Path, tmp_path: Path) -> None:
    location = _run(installed / "python", "-c", PLAN_SCRIPT, cwd=tmp_path)
    assert Path(location.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize(
    ("package", "file"),
    [
        ("mcts_service", "py.typed"),
        ("mcts_service", "_core.pyi"),
        ("mcts_service", "include/mcts_model.h"),
        ("mcts_client", "py.typed"),
        ("mcts_client", "load_test.py"),
    ],
)
def test_installed_package_holds_its_data_files(
    installed: Path, tmp_path: Path, package: str, file: str
) -> None:
    script = f"from importlib.resources import files; print(files({package!r}) / {file!r})"
    path = Path(_run(installed / "python", "-c", script, cwd=tmp_path).strip())
    assert path.is_relative_to(installed.parent)
    assert path.is_file()


def test_installed_programs_run(installed: Path, tmp_path: Path) -> None:
    assert version("mcts-service") in _run(installed / "mcts-service", "--version", cwd=tmp_path)
    assert "usage" in _run(installed / "mcts-load-test", "--help", cwd=tmp_path).lower()
