"""What handles requests imports, unpickles, opens and evaluates nothing.

The modules below may run because a caller said something. The others of rpc and service run at
the start, by the configuration, or between the server and its own workers, and are named here one
by one: a new one that opens files has to
be added to the list, and that is the time to think about who says which.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "mcts_service"

#: Read files, import by name or unpickle, and do so for no caller.
AT_THE_START = {
    "service/loading.py": "imports factories and opens learned models that [[models]] names",
    "service/toml_source.py": "reads the configuration and the tokens",
    "service/tls.py": "reads the certificates",
    "rpc/remote_channel.py": "reads certificates for a simulator that the configuration names",
    "service/metrics.py": "finds the extra",
    # The server's own messages with the worker processes that it has started.
    "service/workers/confinement.py": "a worker turns its own output and limits",
    "service/workers/jobs.py": "a worker reads what the server has written",
    "service/workers/preload.py": "ends the processes below its own, by /proc",
    "service/workers/replies.py": "the server reads types of a fixed list, and imports none",
    "service/workers/shared_state.py": "lays out what a worker and the server share",
    "service/workers/staff.py": "reads how much memory its own workers have, by /proc",
    "service/workers/worker.py": "a worker builds the model that the configuration names",
}
HANDLERS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("rpc", "service")
    for path in (ROOT / folder).rglob("*.py")
    if path.relative_to(ROOT).as_posix() not in AT_THE_START
)
#: Functions by any name that they are called by, and modules that are for nothing else.
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "open", "__import__", "import_module", "find_spec",
    "read_bytes", "read_text", "write_bytes", "write_text", "system", "popen", "Popen", "run_path",
    "run_module", "unlink", "fromfile", "memmap", "genfromtxt", "loadtxt", "input",
}  # fmt: skip
FORBIDDEN_MODULES = {
    "pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "importlib", "runpy", "code",
    "subprocess", "shutil", "tempfile", "ctypes", "yaml", "joblib", "xml",
}  # fmt: skip


def reached(source: str) -> list[str]:
    """What a module does that no request may lead to, with its lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "id", getattr(function, "attr", ""))
            # re.compile makes a pattern; the builtin makes code.
            is_pattern = isinstance(function, ast.Attribute) and name == "compile"
            names = [name] if name in FORBIDDEN_CALLS and not is_pattern else []
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.partition(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module.partition(".")[0] in FORBIDDEN_MODULES else []
        found += [f"{node.lineno}: {name}" for name in names]
    return found


@pytest.mark.parametrize("module", HANDLERS)
def test_what_handles_requests_opens_imports_and_evaluates_nothing(module: str) -> None:
    assert reached((ROOT / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", AT_THE_START)
def test_what_is_let_off_does_what_it_is_let_off_for(module: str) -> None:
    assert reached((ROOT / module).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import importlib.util as u",
        "eval(text)",
        "builtins.eval(text)",
        "open(name)",
        "Path(name).open()",
        "Path(name).read_bytes()",
        "importlib.import_module(name)",
        "def f():\n    import subprocess",
        "np.memmap(name)",
        "compile(text, '', 'exec')",
    ],
)
def test_the_search_finds_what_it_is_for(source: str) -> None:
    assert reached(source)


def test_the_search_lets_pass_what_is_harmless() -> None:
    assert not reached("import re\nre.compile('a')\nnp.load\njson.loads(text)")
