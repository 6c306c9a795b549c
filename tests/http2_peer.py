"""A client that speaks HTTP/2 frame by frame, and does what no good client would."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, PING, GOAWAY = 4, 6, 7
ACK = 1
MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE = 3, 6


class Frame(NamedTuple):
    """One frame."""

    kind: int
    flags: int
    payload: bytes

    @property
    def settings(self) -> dict[int, int]:
        """Of a SETTINGS frame."""
        return dict(struct.iter_unpack(">HI", self.payload))


class Http2Peer:
    """A connection. Takes the server's settings for granted; answers pings when it is told to."""

    def __init__(self, address: str, *, speaks: bool = True, agrees: bool = True) -> None:
        """Connects, says hello if it `speaks`, and takes the server's settings if it `agrees`."""
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._data = b""
        hello = PREFACE + _frame(SETTINGS) if speaks else b""
        if speaks and agrees:
            hello += _frame(SETTINGS, flags=ACK)
        # A server that is full may have closed the connection by now.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(hello)

    def __enter__(self) -> Http2Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, kind: int, payload: bytes = b"", flags: int = 0) -> None:
        """Sends one frame of the connection as a whole."""
        self._socket.sendall(_frame(kind, payload, flags))

    def frame(self) -> Frame | None:
        """The next frame; None: the server has closed the connection."""
        while len(self._data) < 9 or len(self._data) < 9 + self._length():
            try:
                more = self._socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._data += more
        length = self._length()
        found = Frame(self._data[3], self._data[4], self._data[9 : 9 + length])
        self._data = self._data[9 + length :]
        return found

    def until(self, kind: int) -> Frame | None:
        """The next frame of that kind; None: the server has closed the connection before."""
        give_up = time.monotonic() + 60
        while (found := self.frame()) is not None and found.kind != kind:
            assert time.monotonic() < give_up
        return found

    def until_closed(self) -> bytes:
        """Reads until the server closes the connection; gives its last words."""
        last_words = b""
        while (found := self.frame()) is not None:
            if found.kind == GOAWAY:
                last_words = found.payload[8:]
        return last_words

    def _length(self) -> int:
        return int.from_bytes(self._data[:3], "big")


def _frame(kind: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, 0) + payload
