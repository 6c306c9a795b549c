"""Regenerates the committed stubs in mcts_service/v1 from the .proto files beside this script.

Run it from anywhere: `python proto/generate.py`. With `--check` nothing is written and the
exit status says whether the committed stubs are current.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO_ROOT = Path(__file__).resolve().parent
REPOSITORY = PROTO_ROOT.parent
PACKAGE = Path("mcts_service/v1")


def generate(destination: Path) -> list[Path]:
    """Writes the stubs of every .proto file of the package.

    Args:
      destination: the folder that stands for the root of the import path.
    Returns:
      The files written, relative to `destination`, sorted.
    Raises:
      RuntimeError: the compiler refused a file; it has said why on stderr.
    """
    sources = sorted(str(path) for path in (PROTO_ROOT / PACKAGE).glob("*.proto"))
    # Google's own types (Duration, Value) come with the compiler.
    well_known_types = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--proto_path={well_known_types}",
            f"--python_out={destination}",
            f"--pyi_out={destination}",
            f"--grpc_python_out={destination}",
            *sources,
        ]
    )
    if status != 0:
        raise RuntimeError(f"protoc failed with status {status}")
    return sorted(path.relative_to(destination) for path in (destination / PACKAGE).glob("*_pb2*"))


def outdated() -> list[Path]:
    """The stubs that differ from what the .proto files give, relative to the repository."""
    committed = {path.relative_to(REPOSITORY) for path in (REPOSITORY / PACKAGE).glob("*_pb2*")}
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generated = set(generate(fresh))
        same = {
            path
            for path in committed & generated
            if (REPOSITORY / path).read_bytes() == (fresh / path).read_bytes()
        }
    return sorted((committed | generated) - same)


def main() -> int:
    """Generates, or checks; returns the exit status."""
    parser = argparse.ArgumentParser(description="Regenerates mcts_service/v1.")
    parser.add_argument("--check", action="store_true", help="only tell whether they are current")
    if not parser.parse_args().check:
        for path in generate(REPOSITORY):
            print(path)
        return 0
    stale = outdated()
    for path in stale:
        print(f"{path} is not current; run: python proto/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
