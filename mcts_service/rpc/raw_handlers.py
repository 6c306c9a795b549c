"""Registers a service so that every error of a call, undecodable bytes too, gets its status.

gRPC's own registration parses a request before the handler runs: bytes that are no message
then come back as an internal error that shows class names, and in a synchronous server leak
memory. Here handlers receive bytes; parsing, calling and mapping the error are one piece for
every service, health and reflection included.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from mcts_service.errors import InvalidRequest
from mcts_service.rpc.caller import Context
from mcts_service.rpc.calls import Calls
from mcts_service.rpc.status import error_reply, status_name
from mcts_service.service.call_record import CallRecord, EndedCall, current_call
from mcts_service.service.caller import Caller

__all__ = ["Context", "register_service"]

Behaviour = Callable[[Any, Context], Awaitable[Any]]

#: By (client streaming, server streaming).
_MAKE_HANDLER: dict[tuple[bool, bool], Callable[..., grpc.RpcMethodHandler[Any, Any]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def register_service(
    server: grpc.aio.Server,
    service: ServiceDescriptor,
    servicer: object,
    calls: Calls,
    *,
    ended: EndedCall,
    identify: Callable[[Context], Caller] | None = None,
    name: str = "",
    while_draining: bool = False,
    streams_end: bool = False,
) -> None:
    """Has a server answer the methods of a service.

    Args:
      service: what the .proto file says of it.
      servicer: has a method for each, of the asyncio kind: `await method(request, context)`
        for one response; for a stream an async generator, or a coroutine that writes.
      calls: counts the calls, and turns them away when the server shuts down.
      ended: told of each call at its end.
      identify: tells who makes a call, before it is read, or raises Unauthenticated; None: the
        caller may be anyone.
      name: answer under this name; empty: the service's own.
      while_draining: go on answering while the server shuts down.
      streams_end: a stream ends by itself, as other calls do, and a server that shuts down waits
        for it; else it is ended.
    """
    full_name = name or service.full_name
    handlers = {}
    for method in service.methods:
        respond = getattr(servicer, method.name)
        if method.server_streaming:
            run = _stream(method, respond, calls, streams_end)
        else:
            run = _answer(method, respond, calls, while_draining)
        # No request_deserializer: the handler gets the bytes.
        handlers[method.name] = _MAKE_HANDLER[method.client_streaming, method.server_streaming](
            _with_status(run, f"/{full_name}/{method.name}", identify, ended),
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(full_name, handlers),))


def _answer(
    method: MethodDescriptor, respond: Callable[..., Any], calls: Calls, while_draining: bool
) -> Behaviour:
    """A method of one response, with its bytes parsed and its calls counted."""
    read, counted = _reader(method), calls.counted(while_draining)

    async def answer(data: Any, context: Context) -> Any:
        with counted:
            return await respond(read(data), context)

    return answer


def _stream(
    method: MethodDescriptor, respond: Callable[..., Any], calls: Calls, ends: bool
) -> Behaviour:
    """A method of many responses, with its bytes parsed; one that `ends` has its calls counted."""
    read, counted = _reader(method), calls.counted()

    async def endless(data: Any, context: Context) -> None:
        await calls.until_closing(_write_all(respond(read(data), context), context))

    async def ending(data: Any, context: Context) -> None:
        with counted:
            await _write_all(respond(read(data), context), context)

    return ending if ends else endless


def _with_status(
    run: Behaviour,
    path: str,
    identify: Callable[[Context], Caller] | None,
    ended: EndedCall,
) -> Behaviour:
    """Finds out who calls, and ends a call that raises with the status of its exception."""

    async def handler(data: Any, context: Context) -> Any:
        started = time.monotonic()
        call = CallRecord(path, context)
        current_call.set(call)
        status = "CANCELLED"
        # The client went away while it was told something. That is no news for the log, where
        # gRPC would write it with a traceback: it is the same as to be cancelled a little later.
        try:
            try:
                if identify is not None:
                    call.caller = identify(context)
                response = await run(data, context)
                status = "OK"
                return response
            # gRPC's own: the call was aborted already, or its client is gone.
            except grpc.aio.BaseError:
                raise
            except Exception as error:
                reply = error_reply(error, path)
            return await context.abort(reply.code, reply.text, reply.metadata)
        except grpc.aio.InternalError as error:
            raise asyncio.CancelledError from error
        except grpc.aio.AbortError:
            status = status_name(context.code())
            raise
        finally:
            ended(call, status, time.monotonic() - started)

    return handler


def _reader(method: MethodDescriptor) -> Callable[[Any], Any]:
    """What makes requests of bytes, or of a stream of them."""
    message = GetMessageClass(method.input_type)
    if method.client_streaming:
        return partial(_read_each, message)
    fields = message.DESCRIPTOR.fields_by_name
    names_model = "model" in fields or "plan" in fields
    return partial(_read_and_note if names_model else _read, message)


def _read_and_note(message: type[Message], data: bytes) -> Message:
    """Reads a request that names a model, and notes what the log and the metrics tell of it."""
    request = _read(message, data)
    current_call.get().note(request)
    return request


def _read(message: type[Message], data: bytes) -> Message:
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise InvalidRequest(
            "request", f"cannot be decoded as {message.DESCRIPTOR.full_name}"
        ) from error


async def _read_each(
    message: type[Message], stream: AsyncIterator[bytes]
) -> AsyncIterator[Message]:
    async for data in stream:
        yield _read(message, data)


async def _write_all(responses: Any, context: Context) -> None:
    """What a coroutine writes itself, or an asynchronous generator yields."""
    if not isinstance(responses, AsyncGenerator):
        await responses
        return
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)
