import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from booking_core.storage.single_flight import SharedReads
from tests.support import eventually

TIMEOUT = 10


class Gated:
    """A read that reports its start and waits for permission to end; it returns its number."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = threading.Semaphore(0)
        self.permission = threading.Semaphore(0)
        self.count = 0
        self.error = error

    def __call__(self) -> int:
        self.count += 1
        number = self.count
        self.begun.release()
        assert self.permission.acquire(timeout=TIMEOUT)
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as threads:
        yield threads


def waiting(reads: SharedReads, key: str = "day") -> bool:
    return key in reads._next


def test_a_thread_that_asks_during_a_read_gets_the_result_of_the_next_read(pool):
    reads, gated = SharedReads(), Gated()
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=TIMEOUT)
    late = [pool.submit(reads.get, "day", gated) for _ in range(8)]
    eventually(lambda: waiting(reads))

    gated.permission.release()
    assert first.result(TIMEOUT) == 1
    assert gated.begun.acquire(timeout=TIMEOUT)
    assert not any(future.done() for future in late)
    gated.permission.release(9)

    answers = {future.result(TIMEOUT) for future in late}
    assert 1 not in answers
    # one read for the waiting threads, one for the thread that came after it began
    assert answers <= {2, 3}
    assert not reads._under_way
    assert not reads._next


def test_reads_of_other_keys_do_not_wait(pool):
    reads, gated = SharedReads(), Gated()
    slow = pool.submit(reads.get, "monday", gated)
    assert gated.begun.acquire(timeout=TIMEOUT)

    assert reads.get("tuesday", lambda: "read") == "read"

    gated.permission.release()
    slow.result(TIMEOUT)


def test_threads_that_wait_for_a_failed_read_fail_with_it_and_the_next_thread_reads(pool):
    gone = ConnectionError("gone")
    reads, gated = SharedReads(), Gated(gone)
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=TIMEOUT)
    late = [pool.submit(reads.get, "day", gated) for _ in range(4)]
    eventually(lambda: waiting(reads))

    gated.permission.release(4)

    assert first.exception(TIMEOUT) is gone
    assert late[0].exception(TIMEOUT) is gone
    assert all(future.exception(TIMEOUT) is gone for future in late)
    assert reads.get("day", lambda: "read") == "read"
