"""A grpc.aio server with one method, which answers at once and always the same.

python empty_server.py RESPONSE_BYTES
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import grpc


async def serve(response: bytes) -> None:
    """Serves until SIGTERM; prints "serving on HOST:PORT" when it does."""

    async def answer(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        return response

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Answer": grpc.unary_unary_rpc_method_handler(answer)
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("benchmark.Empty", handlers),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    print(f"serving on 127.0.0.1:{port}", flush=True)
    await stop.wait()
    await server.stop(1.0)


if __name__ == "__main__":
    asyncio.run(serve(bytes(int(sys.argv[1]))))
