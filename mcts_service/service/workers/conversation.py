"""What a server and one of its workers say to each other: `Conversation`."""

from __future__ import annotations

import threading
from collections import deque
from multiprocessing.connection import Connection

from mcts_service.errors import ModelFault
from mcts_service.service.workers.replies import Reply, number_of_reply, read_reply

__all__ = ["Conversation", "WorkerEnded"]


class WorkerEnded(Exception):
    """The process has ended in the middle of a job."""


class _Mailbox:
    """The replies to one job, and a bell for whoever waits for them."""

    def __init__(self) -> None:
        self.replies: deque[Reply | ModelFault] = deque()
        self.bell = threading.Semaphore(0)
        self.is_awaited = False


class Conversation:
    """Jobs and replies over one connection; any number of threads, each with a job of its own.

    Whichever thread comes first reads, for all; when it has what it waits for, another reads on.
    So a thread that is alone hears from the worker without the help of another.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending, self._changed = threading.Lock(), threading.Lock()
        self._mailboxes: dict[int, _Mailbox] = {}
        self._is_read = False
        self._has_ended = False

    def send(self, number: int, job: bytes) -> None:
        """Asks; `hear` the replies, and `leave` in any case.

        Args:
          number: the job's; its replies have it too.
        """
        with self._changed:
            self._mailboxes[number] = _Mailbox()
        try:
            with self._sending:
                self._connection.send_bytes(job)
        except OSError:
            pass  # it has ended, as will be heard

    def hear(self, number: int) -> Reply:
        """The next reply to a job; waits for it.

        Raises:
          WorkerEnded: there is none, nor any more.
          ModelFault: it cannot be read.
        """
        mailbox = self._mailboxes[number]
        while True:
            with self._changed:
                if mailbox.replies:
                    found = mailbox.replies.popleft()
                    if isinstance(found, ModelFault):
                        raise found
                    return found
                if self._has_ended:
                    raise WorkerEnded
                reads = not self._is_read
                self._is_read = True
                mailbox.is_awaited = not reads
            if reads:
                self._read_until(mailbox)
            else:
                mailbox.bell.acquire()

    def leave(self, number: int) -> None:
        """Ends what `send` has begun."""
        with self._changed:
            del self._mailboxes[number]

    def _read_until(self, own: _Mailbox) -> None:
        """Reads for all, until there is something for one's own."""
        try:
            while not own.replies and not self._has_ended:
                self._read_one()
        finally:
            with self._changed:
                self._is_read = False
                for mailbox in self._mailboxes.values():
                    if mailbox.is_awaited:
                        _ring(mailbox)
                        break

    def _read_one(self) -> None:
        try:
            data = self._connection.recv_bytes()
        except (EOFError, OSError):
            self._end()
            return
        found: Reply | ModelFault
        try:
            found = read_reply(data)
        except ModelFault as error:
            found = error
        with self._changed:
            mailbox = self._mailboxes.get(number_of_reply(data))
            if mailbox is not None:
                mailbox.replies.append(found)
                _ring(mailbox)
        if mailbox is None:
            self._end()  # it says something, but to nobody here

    def _end(self) -> None:
        with self._changed:
            self._has_ended = True
            for mailbox in self._mailboxes.values():
                _ring(mailbox)


def _ring(mailbox: _Mailbox) -> None:
    if mailbox.is_awaited:
        mailbox.is_awaited = False
        mailbox.bell.release()
