"""What importing the client brings with it."""

from __future__ import annotations

import subprocess
import sys

import mcts_client

PROBE = """
import sys
import mcts_client
print("\\n".join(name for name in sys.modules if name.startswith("mcts_service")))
"""


def test_importing_the_client_loads_the_stubs_and_nothing_else_of_the_package() -> None:
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True
    )
    assert set(probe.stdout.split()) == {
        "mcts_service",
        "mcts_service.v1",
        "mcts_service.v1.model_pb2",
        "mcts_service.v1.model_pb2_grpc",
        "mcts_service.v1.planner_pb2",
        "mcts_service.v1.planner_pb2_grpc",
    }


def test_all_is_the_surface() -> None:
    from mcts_client import (
        async_client,
        async_pipeline,
        client,
        errors,
        pipeline,
        results,
        settings,
        simulator,
        tls,
    )

    plain = [async_client, client, errors, pipeline, results, settings, simulator, tls]
    parts = [async_pipeline, *plain]
    names = [name for part in parts for name in part.__all__ if name != "ValueKind"]
    assert sorted(mcts_client.__all__) == sorted(names)
    assert all(hasattr(mcts_client, name) for name in mcts_client.__all__)
