"""The process of one side: makes its work, and works when it is told to.

python side_main.py MODULE:FACTORY ARGUMENTS [FOLDER]

ARGUMENTS is a JSON object; FOLDER has compiled modules to use in place of the installed ones.
Reads one JSON request a line, {"turn": AMOUNT} or {"counts": true}, and writes one reply a line:
first {"ready": true}, then {"answer": ...}; {"missing": PEER} or {"error": TEXT} ends it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import TextIO

#: What may be missing: the others' packages.
PEERS = ("pyspiel", "pomdp_py", "jax", "mctx", "quantecon", "mdpsolver", "mdptoolbox", "scipy")


def main() -> None:
    factory, arguments, *folder = sys.argv[1:]
    replies = _keep_replies_apart()
    try:
        if folder:
            _use_compiled_modules(Path(folder[0]))
        _serve(factory, json.loads(arguments), replies)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name in PEERS:
            _reply(replies, {"missing": error.name})
        else:
            _reply(replies, {"error": traceback.format_exc()})


def _serve(factory: str, arguments: dict[str, object], replies: TextIO) -> None:
    module, name = factory.split(":")
    with closing(getattr(importlib.import_module(module), name)(**arguments)) as work:
        _reply(replies, {"ready": True})
        for line in sys.stdin:
            request = json.loads(line)
            answer = work.turn(request["turn"]) if "turn" in request else work.counts()
            _reply(replies, {"answer": answer})


def _keep_replies_apart() -> TextIO:
    """The standard output, from which all other printing is turned away to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _reply(replies: TextIO, message: dict[str, object]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _use_compiled_modules(folder: Path) -> None:
    """Loads mcts_service's compiled modules from `folder`; the rest stays as installed."""
    importlib.import_module("mcts_service")
    for path in sorted(folder.glob("_*.so")):
        name = f"mcts_service.{path.name.split('.')[0]}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


if __name__ == "__main__":
    main()
