"""Jobs and replies over one connection, for many threads."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe

import pytest

from mcts_service.errors import Cancelled, ModelFault
from mcts_service.service.workers.conversation import Conversation, WorkerEnded
from mcts_service.service.workers.replies import Reply, write_reply


@pytest.fixture
def ends():
    """A conversation, and the connection at the worker's end."""
    ours, theirs = Pipe()
    yield Conversation(ours), theirs
    ours.close()
    theirs.close()


def reply(number, text="done"):
    return write_reply(Reply(number, Cancelled(text)))


def test_each_hears_what_is_for_it_whatever_the_order(ends):
    conversation, worker = ends
    count = 200

    def answer():
        numbers = []
        rng = random.Random(3)
        for _ in range(count):
            numbers.append(int(worker.recv_bytes()))
            if len(numbers) == 16:
                rng.shuffle(numbers)
                for number in numbers[:8]:
                    worker.send_bytes(reply(number, f"{number} done"))
                del numbers[:8]
        for number in numbers:
            worker.send_bytes(reply(number, f"{number} done"))

    def ask(number):
        conversation.send(number, str(number).encode())
        try:
            return str(conversation.hear(number).content)
        finally:
            conversation.leave(number)

    thread = threading.Thread(target=answer)
    thread.start()
    with ThreadPoolExecutor(32) as threads:
        found = list(threads.map(ask, range(1, count + 1)))
    thread.join()
    assert found == [f"{number} done" for number in range(1, count + 1)]


def test_one_may_hear_several_replies(ends):
    conversation, worker = ends
    conversation.send(1, b"one")
    for text in ("a", "b", "c"):
        worker.send_bytes(reply(1, text))
    assert [str(conversation.hear(1).content) for _ in range(3)] == ["a", "b", "c"]


def test_what_cannot_be_read_is_a_fault_of_the_one_that_it_is_for(ends):
    conversation, worker = ends
    for number in (1, 2):
        conversation.send(number, b"")
    worker.send_bytes(reply(2)[:20])
    worker.send_bytes(reply(1))
    assert isinstance(conversation.hear(1).content, Cancelled)
    with pytest.raises(ModelFault, match="cannot be read"):
        conversation.hear(2)


@pytest.mark.parametrize("data", [b"", b"abc", reply(77)])
def test_what_is_for_nobody_is_the_end(ends, data):
    conversation, worker = ends
    conversation.send(1, b"")
    worker.send_bytes(data)
    worker.send_bytes(reply(1))
    with pytest.raises(WorkerEnded):
        conversation.hear(1)


def test_the_end_is_heard_by_all(ends):
    conversation, worker = ends
    for number in range(1, 9):
        conversation.send(number, b"")

    def hear(number):
        with pytest.raises(WorkerEnded):
            conversation.hear(number)

    with ThreadPoolExecutor(8) as threads:
        heard = [threads.submit(hear, number) for number in range(1, 9)]
        time.sleep(0.1)
        worker.close()
        for one in heard:
            one.result(timeout=60)
    conversation.send(9, b"")  # and asked in vain afterwards
    with pytest.raises(WorkerEnded):
        conversation.hear(9)
