"""A grpc.aio server with two methods, which answer at once: a call, and each message of a stream.

python empty_server.py RESPONSE_BYTES
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc


async def serve(response: bytes) -> None:
    """Serves until SIGTERM; prints "serving on HOST:PORT" when it does.

    An answer on a stream begins as its request: with its length and so many bytes, its name.
    """

    async def answer(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        return response

    async def answer_each(
        requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        async for request in requests:
            name = request[: 2 + request[1]]
            await context.write(name + response[len(name) :])

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Answer": grpc.unary_unary_rpc_method_handler(answer),
        "AnswerEach": grpc.stream_stream_rpc_method_handler(answer_each),
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
