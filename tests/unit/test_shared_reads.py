import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from booking_core import StoreUnavailable
from booking_core.storage import deadlines
from booking_core.storage.database import within_deadline
from booking_core.storage.single_flight import SharedReads
from tests.support import eventually

PATIENCE = 10


class Gated:
    """A read that says when it begins and waits to be let on; it answers with its number."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = threading.Semaphore(0)
        self.let_on = threading.Semaphore(0)
        self.count = 0
        self.error = error

    def __call__(self) -> int:
        self.count += 1
        number = self.count
        self.begun.release()
        assert self.let_on.acquire(timeout=PATIENCE)
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as threads:
        yield threads


def waiting(reads: SharedReads, key: str = "day") -> bool:
    return key in reads._next


def test_who_asks_during_a_read_is_given_the_next_one(pool):
    reads, gated = SharedReads(), Gated()
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=PATIENCE)
    late = [pool.submit(reads.get, "day", gated) for _ in range(8)]
    eventually(lambda: waiting(reads))

    gated.let_on.release()
    assert first.result(PATIENCE) == 1
    assert gated.begun.acquire(timeout=PATIENCE)
    assert not any(future.done() for future in late)
    gated.let_on.release(9)

    answers = {future.result(PATIENCE) for future in late}
    assert 1 not in answers
    assert answers <= {2, 3}  # one read for those who waited, one for whoever came after it began
    assert not reads._under_way
    assert not reads._next


def test_other_keys_do_not_wait(pool):
    reads, gated = SharedReads(), Gated()
    slow = pool.submit(reads.get, "monday", gated)
    assert gated.begun.acquire(timeout=PATIENCE)

    assert reads.get("tuesday", lambda: "read") == "read"

    gated.let_on.release()
    slow.result(PATIENCE)


def test_those_who_waited_for_a_read_that_failed_fail_with_it_and_the_next_one_reads(pool):
    gone = ConnectionError("gone")
    reads, gated = SharedReads(), Gated(gone)
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=PATIENCE)
    late = [pool.submit(reads.get, "day", gated) for _ in range(4)]
    eventually(lambda: waiting(reads))

    gated.let_on.release(4)

    assert first.exception(PATIENCE) is gone
    assert late[0].exception(PATIENCE) is gone
    assert all(future.exception(PATIENCE) is gone for future in late)
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
    assert gated.begun.acquire(timeout=PATIENCE)
    # One of the two has to wait in order to read next, the other one waits for that one.
    hurried = [pool.submit(within(0.3, reads, gated)) for _ in range(2)]

    errors = [future.exception(PATIENCE) for future in hurried]

    assert {type(error) for error in errors} == {StoreUnavailable}
    assert not first.done()
    gated.let_on.release()
    assert first.result(PATIENCE) == 1
    assert not reads._under_way
    assert not reads._next


def test_when_the_time_of_the_next_reader_is_up_another_thread_reads_in_its_place(pool):
    reads, gated = SharedReads(), Gated()
    first = pool.submit(reads.get, "day", gated)
    assert gated.begun.acquire(timeout=PATIENCE)
    hurried = pool.submit(within(0.5, reads, gated))
    eventually(lambda: waiting(reads))
    patient = [pool.submit(within(60, reads, gated)) for _ in range(4)]

    assert isinstance(hurried.exception(PATIENCE), StoreUnavailable)
    eventually(lambda: waiting(reads))
    assert not any(future.done() for future in patient)
    gated.let_on.release(6)

    assert first.result(PATIENCE) == 1
    assert {future.result(PATIENCE) for future in patient} <= {2, 3, 4, 5}
    assert not reads._under_way
    assert not reads._next


def test_each_thread_fails_with_an_error_that_says_what_its_own_verb_has_sent(pool):
    reads, gated = SharedReads(), Gated(StoreUnavailable("gone"))
    first = pool.submit(within(60, reads, gated, writes=True))
    assert gated.begun.acquire(timeout=PATIENCE)
    late = [pool.submit(within(60, reads, gated)) for _ in range(4)]
    eventually(lambda: waiting(reads))

    gated.let_on.release(5)

    assert not first.exception(PATIENCE).nothing_happened
    errors = [future.exception(PATIENCE) for future in late]
    assert all(error.nothing_happened for error in errors)
    assert len({id(error) for error in errors}) == 4


def test_a_thread_with_more_time_than_the_one_whose_read_failed_reads_itself(pool):
    reads, gated = SharedReads(), Gated(StoreUnavailable("no time left"))
    first = pool.submit(within(1, reads, gated))
    assert gated.begun.acquire(timeout=PATIENCE)
    patient = [pool.submit(within(60, reads, lambda: "read")) for _ in range(4)]
    eventually(lambda: waiting(reads))

    gated.let_on.release()

    assert isinstance(first.exception(PATIENCE), StoreUnavailable)
    assert {future.result(PATIENCE) for future in patient} == {"read"}
