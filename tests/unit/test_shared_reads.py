import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from booking_core import StoreUnavailable
from booking_core.storage.client import deadlines
from booking_core.storage.client.single_flight import SharedReads
from booking_core.storage.client.verbs import within_deadline
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


def within(seconds: float, reads: SharedReads, read, writes: bool = False):
    """Asks for the day in a verb that has ``seconds``."""

    @within_deadline(seconds=seconds)
    def ask():
        if writes:
            deadlines.note_write()
        return reads.get("day", read)

    return ask


def test_a_thread_waits_for_other_reads_no_longer_than_its_own_deadline(pool):
    reads, gated = SharedReads(), Gated()
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=TIMEOUT)
    # One of the two has to wait in order to read next, the other one waits for that one.
    hurried = [pool.submit(within(0.3, reads, gated)) for _ in range(2)]

    errors = [future.exception(TIMEOUT) for future in hurried]

    assert {type(error) for error in errors} == {StoreUnavailable}
    assert not first.done()
    gated.permission.release()
    assert first.result(TIMEOUT) == 1
    assert not reads._under_way
    assert not reads._next


def test_when_the_time_of_the_next_reader_is_up_another_thread_reads_in_its_place(pool):
    reads, gated = SharedReads(), Gated()
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=TIMEOUT)
    hurried = pool.submit(within(0.5, reads, gated))
    eventually(lambda: waiting(reads))
    patient = [pool.submit(within(60, reads, gated)) for _ in range(4)]

    assert isinstance(hurried.exception(TIMEOUT), StoreUnavailable)
    eventually(lambda: waiting(reads))
    assert not any(future.done() for future in patient)
    gated.permission.release(6)

    assert first.result(TIMEOUT) == 1
    assert {future.result(TIMEOUT) for future in patient} <= {2, 3, 4, 5}
    assert not reads._under_way
    assert not reads._next


def test_each_thread_fails_with_an_error_that_says_what_its_own_verb_has_sent(pool):
    reads, gated = SharedReads(), Gated(StoreUnavailable("gone"))
    first = pool.submit(within(60, reads, gated, writes=True))
    assert gated.begun.acquire(timeout=TIMEOUT)
    late = [pool.submit(within(60, reads, gated)) for _ in range(4)]
    eventually(lambda: waiting(reads))

    gated.permission.release(5)

    assert not first.exception(TIMEOUT).nothing_happened
    errors = [future.exception(TIMEOUT) for future in late]
    assert all(error.nothing_happened for error in errors)
    assert len({id(error) for error in errors}) == 4


def test_a_thread_with_more_time_than_the_one_whose_read_failed_reads_itself(pool):
    reads, gated = SharedReads(), Gated(StoreUnavailable("no time left"))
    first = pool.submit(within(1, reads, gated))
    assert gated.begun.acquire(timeout=TIMEOUT)
    patient = [pool.submit(within(60, reads, lambda: "read")) for _ in range(4)]
    eventually(lambda: waiting(reads))

    gated.permission.release()

    assert isinstance(first.exception(TIMEOUT), StoreUnavailable)
    assert {future.result(TIMEOUT) for future in patient} == {"read"}
