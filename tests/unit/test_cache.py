"""The cache of scopes: one thread reads each value once per change of its scope.

The file is long because every case of waiting threads needs the same fake feed and load.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import at_once

from booking_core import NotFound, StoreUnavailable
from booking_core.live import Scope, ScopedCache
from booking_core.storage.client import deadlines
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.live import cache as cache_module

DAY = date(2026, 11, 24)
OTHER = DAY + timedelta(days=1)


class ControlledFeed:
    """A feed that reports the changes made by the test.

    ``asked`` counts the reads of its versions.
    """

    def __init__(self) -> None:
        self.connected = True
        self.numbers: Counter[object] = Counter()
        self.asked = threading.Semaphore(0)

    def change(self, scope: object) -> None:
        self.numbers[scope] += 1

    def version(self, scope: object) -> int:
        self.asked.release()
        return self.numbers[scope]

    @property
    def school(self) -> int:
        return self.version(Scope.SCHOOL)

    @property
    def people(self) -> int:
        return self.version(Scope.ACCOUNTS)

    @property
    def bookings(self) -> int:
        return self.version(Scope.BOOKINGS)

    @property
    def notices(self) -> int:
        return self.version(Scope.NOTICES)


class CountingLoad:
    """A load that counts its calls, and returns or raises ``answer``."""

    def __init__(self, answer: object = "value") -> None:
        self.answer = answer
        self.calls = 0

    def __call__(self) -> object:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def feed() -> ControlledFeed:
    return ControlledFeed()


@pytest.fixture
def cache(feed: ControlledFeed) -> ScopedCache:
    return ScopedCache(feed)


def all_have_asked(feed: ControlledFeed, count: int) -> None:
    for _ in range(count):
        assert feed.asked.acquire(timeout=30)


@pytest.mark.parametrize("scope", [DAY, Scope.BOOKINGS, (Scope.BOOKINGS, Scope.SCHOOL)])
def test_sixteen_threads_that_ask_for_the_same_missing_value_load_it_once(feed, cache, scope):
    load = CountingLoad()
    looks = 16 * (len(scope) if isinstance(scope, tuple) else 1)

    def slowly() -> object:
        all_have_asked(feed, looks)
        return load()

    found = at_once(*[lambda: cache.get(scope, "key", slowly)] * 16)

    assert found == ["value"] * 16
    assert load.calls == 1


def test_sixteen_threads_that_derive_the_same_value_derive_it_once(cache):
    make = CountingLoad()

    found = at_once(*[lambda: cache.derive(DAY, "payload", ("board", 1), make)] * 16)

    assert found == ["value"] * 16
    assert make.calls == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), NotFound("booking", "B1")])
def test_threads_that_wait_for_a_failing_load_fail_with_it_together(feed, cache, error):
    load = CountingLoad(error)

    def slowly() -> object:
        all_have_asked(feed, 8)
        return load()

    found = at_once(*[lambda: cache.get(DAY, "board", slowly)] * 8)

    # A thread that read the version but began to wait late may have loaded once more.
    assert [(type(one), str(one)) for one in found] == [(type(error), str(error))] * 8
    assert load.calls <= 2


def test_an_error_that_threads_share_says_for_each_what_its_own_verb_has_sent(feed, cache):
    def slowly() -> object:
        all_have_asked(feed, 2)
        raise StoreUnavailable("away")

    @within_deadline
    def writes() -> object:
        deadlines.note_write()
        return cache.get(DAY, "board", slowly)

    @within_deadline
    def reads() -> object:
        return cache.get(DAY, "board", slowly)

    assert [error.nothing_happened for error in at_once(writes, reads)] == [False, True]


def test_a_thread_waits_for_the_load_of_another_no_longer_than_its_own_deadline(feed, cache):
    begun, may_end = threading.Event(), threading.Event()

    def hangs() -> str:
        begun.set()
        assert may_end.wait(30)
        return "late"

    @within_deadline(seconds=0.2)
    def hurried() -> object:
        return cache.get(DAY, "board", hangs)

    def asks() -> object:
        assert begun.wait(30)
        try:
            with pytest.raises(StoreUnavailable) as caught:
                hurried()
            return caught.value.nothing_happened
        finally:
            may_end.set()

    assert at_once(lambda: cache.get(DAY, "board", hangs), asks) == ["late", True]


def test_a_thread_whose_deadline_comes_first_gets_the_last_known_value(feed, cache):
    begun, may_end = threading.Event(), threading.Event()
    cache.get(DAY, "board", CountingLoad("known"))
    feed.change(DAY)

    def hangs() -> str:
        begun.set()
        assert may_end.wait(30)
        return "late"

    @within_deadline(seconds=0.2)
    def hurried() -> object:
        assert begun.wait(30)
        try:
            return cache.get(DAY, "board", hangs)
        finally:
            may_end.set()

    assert at_once(lambda: cache.get(DAY, "board", hangs), hurried) == ["late", "known"]


def test_a_thread_with_more_time_than_the_one_whose_load_failed_tries_again(feed, cache):
    asked = threading.Event()

    def fails() -> object:
        asked.set()
        all_have_asked(feed, 2)
        raise StoreUnavailable("no time left")

    @within_deadline(seconds=1)
    def hurried() -> object:
        return cache.get(DAY, "board", fails)

    @within_deadline(seconds=30)
    def patient() -> object:
        assert asked.wait(30)
        return cache.get(DAY, "board", CountingLoad("read"))

    first, second = at_once(hurried, patient)

    assert isinstance(first, StoreUnavailable)
    assert second == "read"


def test_a_fault_of_the_loading_thread_is_not_passed_to_the_waiting_threads(feed, cache):
    faults = [RuntimeError("the script ended")]

    def load() -> str:
        if faults:
            all_have_asked(feed, 8)
            raise faults.pop()
        return "value"

    found = at_once(*[lambda: cache.get(DAY, "board", load)] * 8)

    assert found.count("value") == 7


def test_a_change_during_a_load_is_not_missed(feed, cache):
    def load() -> str:
        feed.change(DAY)
        return "of before"

    assert cache.get(DAY, "board", load) == "of before"
    assert cache.get(DAY, "board", CountingLoad("of after")) == "of after"


def test_a_thread_that_asks_after_a_change_does_not_get_an_earlier_load(feed, cache):
    begun, may_end = threading.Event(), threading.Event()

    def before() -> str:
        begun.set()
        assert may_end.wait(30)
        return "of before"

    def after() -> str:
        assert begun.wait(30)
        feed.change(DAY)
        may_end.set()
        return cache.get(DAY, "board", CountingLoad("of after"))

    assert at_once(lambda: cache.get(DAY, "board", before), after) == ["of before", "of after"]


def test_while_the_database_is_unavailable_no_thread_waits_for_a_waiting_thread(feed, cache):
    begun, may_end = threading.Event(), threading.Event()

    def hangs() -> str:
        begun.set()
        assert may_end.wait(30)
        raise StoreUnavailable("away")

    def asks() -> object:
        assert begun.wait(30)
        feed.connected = False
        try:
            return cache.get(DAY, "board", CountingLoad(), try_while_away=True)
        finally:
            may_end.set()

    def waits() -> object:
        assert begun.wait(30)
        return cache.get(DAY, "board", hangs)

    found = at_once(lambda: cache.get(DAY, "board", hangs), waits, asks)

    assert [type(error) for error in found] == [StoreUnavailable] * 3


def test_while_the_database_is_unavailable_the_last_value_is_returned(feed, cache):
    cache.get(DAY, "board", CountingLoad("known"))
    feed.change(DAY)
    feed.connected = False
    load = CountingLoad("newer")

    assert cache.get(DAY, "board", load) == "known"
    with pytest.raises(StoreUnavailable):
        cache.get(OTHER, "board", load)
    with pytest.raises(StoreUnavailable):
        cache.renew(DAY, "board", load)
    assert load.calls == 0
    assert cache.get(OTHER, "board", load, try_while_away=True) == "newer"


def test_a_load_that_finds_the_database_unavailable_returns_the_last_value(feed, cache):
    cache.get(DAY, "board", CountingLoad("known"))
    feed.change(DAY)

    assert cache.get(DAY, "board", CountingLoad(StoreUnavailable("away"))) == "known"
    with pytest.raises(NotFound):
        cache.get(DAY, "board", CountingLoad(NotFound("booking", "B1")))


def test_a_derived_value_never_outlives_its_source_even_without_the_database(feed, cache):
    feed.connected = False

    assert cache.derive(DAY, "payload", 1, CountingLoad("of 1")) == "of 1"
    assert cache.derive(DAY, "payload", 1, CountingLoad("again")) == "of 1"
    assert cache.derive(DAY, "payload", 2, CountingLoad("of 2")) == "of 2"
    with pytest.raises(StoreUnavailable):
        cache.derive(DAY, "payload", 3, CountingLoad(StoreUnavailable("away")))


def test_a_value_of_two_scopes_is_read_again_when_either_changes(feed, cache):
    load, both = CountingLoad(), (Scope.BOOKINGS, Scope.SCHOOL)

    for scope in (Scope.BOOKINGS, Scope.SCHOOL, Scope.ACCOUNTS, DAY):
        cache.get(both, "misfits", load)
        feed.change(scope)
    cache.get(both, "misfits", load)

    assert load.calls == 3


def test_a_value_is_read_again_when_its_other_dependencies_differ(cache):
    load = CountingLoad()

    for day in (DAY, DAY, OTHER):
        cache.get(Scope.ACCOUNTS, "session", load, also=day)

    assert load.calls == 2


def test_screens_get_renewed_values(cache):
    assert cache.get(Scope.ACCOUNTS, "session", CountingLoad("signed in")) == "signed in"

    assert cache.renew(Scope.ACCOUNTS, "session", CountingLoad("out")) == "out"
    assert cache.get(Scope.ACCOUNTS, "session", CountingLoad("unread")) == "out"


def test_the_least_recently_used_keys_of_a_scope_and_of_days_are_evicted_first(feed, monkeypatch):
    monkeypatch.setitem(cache_module._MOST_OF, Scope.SCHOOL, 3)
    cache = ScopedCache(feed, days=2)

    for key in (1, 2, 3, 1, 4):
        cache.get(Scope.SCHOOL, key, CountingLoad(key))
    for day in (DAY, OTHER, DAY, OTHER + timedelta(days=1)):
        cache.get(day, "board", CountingLoad(day))

    assert [cache.peek(Scope.SCHOOL, key) for key in (1, 2, 3, 4)] == [1, None, 3, 4]
    assert cache.peek(DAY, "board") == DAY
    assert cache.peek(OTHER, "board") is None


def test_values_under_the_versions_of_another_feed_are_discarded(cache):
    cache.get(DAY, "board", CountingLoad("of the first"))

    cache.follow(ControlledFeed())

    assert cache.get(DAY, "board", CountingLoad("of the second")) == "of the second"


SCOPES = [DAY, OTHER, *Scope]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from(SCOPES)),
        st.tuples(st.just("get"), st.sampled_from(SCOPES)),
        st.tuples(st.sampled_from(["away", "back"]), st.none()),
    ),
    max_size=40,
)


@given(STEPS)
def test_a_read_returns_the_stored_value_or_without_the_database_the_last_one_read(steps):
    feed, loads = ControlledFeed(), Counter()
    cache = ScopedCache(feed)
    last: dict[object, int] = {}

    for what, scope in steps:
        if what == "change":
            feed.change(scope)
        elif what == "get":

            def load(scope: object = scope) -> int:
                loads[scope] += 1
                return feed.numbers[scope]

            if feed.connected:
                last[scope] = feed.numbers[scope]
            if scope in last:
                assert cache.get(scope, "key", load) == last[scope]
            else:
                with pytest.raises(StoreUnavailable):
                    cache.get(scope, "key", load)
        else:
            feed.connected = what == "back"

    for scope in SCOPES:
        assert loads[scope] <= feed.numbers[scope] + 1
