"""One cache for all that this process has read from its database.

A value is kept under a scope and a key, with the version that its scope had before the value was
read. The change feed raises the version of a scope at each change of it, so a value is current
for as long as the version is the same: a screen without news costs no query. The version is read
before the data: a change in between costs one more read and is never missed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date as Date
from enum import Enum
from typing import Any, Protocol, TypeVar, cast

from booking_core.domain.errors import BookingError, StoreUnavailable
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import Documents, cache_of
from booking_core.storage.client.verbs import within_deadline

T = TypeVar("T")

_MOST_DAYS = 64
_MOST_KEYS = 500  # of one scope
_LOOK_SECONDS = 0.25  # how soon a waiting thread notices that the database is away


class Scope(Enum):
    """What a value is made of. A value of one day has the date itself as its scope."""

    SCHOOL = "grounds, timetables, days, students, the policy, pictures"
    ACCOUNTS = "accounts, delegations, sessions"
    BOOKINGS = "any booking or closure"
    NOTICES = "notices"


# A value that is made of several scopes is kept under all of them: a change of one is enough.
Scopes = Scope | Date | tuple[Scope, ...]

_Place = tuple[Scopes, Hashable]

# Photos are large; each session that was asked for is a key, and so is each made-up token.
_MOST_OF: dict[Scopes, int] = {Scope.SCHOOL: 200, Scope.ACCOUNTS: 5000}


class Versions(Protocol):
    """The versions of days, and whether changes are heard of at present: the feed."""

    @property
    def connected(self) -> bool: ...

    def version(self, date: Date) -> int: ...


class FeedVersions(Versions, Protocol):
    """The versions of every scope."""

    @property
    def school(self) -> int: ...

    @property
    def people(self) -> int: ...

    @property
    def bookings(self) -> int: ...

    @property
    def notices(self) -> int: ...


@dataclass(slots=True)
class _Kept:
    version: Hashable
    value: Any


class _Load:
    """A load under way. Threads that want the same version of the same value wait for it."""

    def __init__(self, version: Hashable) -> None:
        self.version = version
        self.done = threading.Event()
        self.value: Any = None
        self.error: BookingError | None = None
        self.is_answered = False  # stays so where the loading thread failed in another way
        self.deadline = deadlines.deadline()  # of the loading thread


class ScopedCache:
    """Values by scope and key; the least recently used of a scope go first.

    Without ``versions`` only ``derive`` works; with versions of days alone, ``get`` of days.
    """

    def __init__(self, versions: Versions | None = None, *, days: int = _MOST_DAYS) -> None:
        self._versions = versions
        self._most_days = days
        self._kept: OrderedDict[Scopes, OrderedDict[Hashable, _Kept]] = OrderedDict()
        self._loads: dict[tuple[Scopes, Hashable], _Load] = {}
        self._lock = threading.Lock()

    def follow(self, versions: Versions) -> None:
        """Takes versions from there from now on, and forgets what was kept under others."""
        with self._lock:
            self._versions = versions
            self._kept.clear()

    @property
    def connected(self) -> bool:
        """Whether changes are heard of at present."""
        return self._versions is None or self._versions.connected

    @property
    def follows_feed(self) -> bool:
        """Whether a feed raises the versions, and hears of changes at present."""
        return self._versions is not None and self._versions.connected

    @within_deadline
    def get(
        self,
        scope: Scopes,
        key: Hashable,
        load: Callable[[], T],
        *,
        also: Hashable = None,
        try_while_away: bool = False,
    ) -> T:
        """What ``load`` returned since ``scope`` and ``also`` changed last, in any thread.

        While the database is away, the last known value. Raises StoreUnavailable where there is
        none; with ``try_while_away`` one thread tries to load it all the same. Raises what
        ``load`` raises.
        """

        def version() -> Hashable:
            return (self._version(scope), also)

        return self._get((scope, key), version, load, True, try_while_away)

    def derive(self, scope: Scopes, key: Hashable, source: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` returned for a ``source`` equal to this one, in any thread.

        The source takes the place of a version: such a value follows from it alone, whatever the
        feed has heard. Raises what ``make`` raises.
        """
        return self._get((scope, key), lambda: source, make, False, False)

    @within_deadline
    def renew(
        self, scope: Scopes, key: Hashable, load: Callable[[], T], *, also: Hashable = None
    ) -> T:
        """What ``load`` returns now, for ``get`` to answer with from now on.

        Raises StoreUnavailable at once while the database is away, and what ``load`` raises.
        """
        if not self.connected:
            raise StoreUnavailable("the feed is not connected")
        version = (self._version(scope), also)
        value = load()
        self._keep((scope, key), version, value)
        return value

    def peek(self, scope: Scopes, key: Hashable) -> Any:
        """The kept value, current or not; None where there is none."""
        kept = self._find((scope, key))
        return None if kept is None else kept.value

    def _get(
        self,
        place: _Place,
        version_now: Callable[[], Hashable],
        read: Callable[[], T],
        follows_feed: bool,
        try_while_away: bool,
    ) -> T:
        while True:
            version = version_now()
            away = follows_feed and not self.connected
            kept = self._find(place)
            if kept is not None and (away or kept.version == version):
                return cast(T, kept.value)
            with self._lock:
                load = self._loads.get(place)
                leads = load is None
                # Nobody waits for a database that is away, least of all behind another thread.
                if away and not (leads and try_while_away):
                    raise StoreUnavailable("never read, and the database is away")
                if load is None:
                    load = self._loads[place] = _Load(version)
            error: BookingError | None
            if leads:
                self._run(place, load, read)
                error = load.error
            elif not self._wait(load, follows_feed):
                error = StoreUnavailable("another thread's load took too long")
            elif not load.is_answered or load.version != version:
                continue  # look again at what is kept by now
            else:
                error = load.error
            if error is None:
                return cast(T, load.value)
            if kept is not None and follows_feed and isinstance(error, StoreUnavailable):
                return cast(T, kept.value)
            if leads or not isinstance(error, StoreUnavailable):
                raise error
            # Threads that waited for a load that failed fail with it, and not one by one; but not
            # those with clearly more time than the loading thread had.
            if not deadlines.outlasts(load.deadline):
                raise deadlines.own(error) from error

    def _run(self, place: _Place, load: _Load, read: Callable[[], Any]) -> None:
        """Fills ``load`` and keeps its value. At each moment one thread does so for a place.

        Raises what ``read`` raises, unless it is a BookingError, which is an answer for all.
        """
        try:
            # Another load may have ended between the look at what is kept and the start of this.
            kept = self._find(place)
            if kept is not None and kept.version == load.version:
                load.value = kept.value
            else:
                load.value = read()
                self._keep(place, load.version, load.value)
            load.is_answered = True
        except BookingError as exc:
            load.error, load.is_answered = exc, True
        finally:
            with self._lock:
                del self._loads[place]
            load.done.set()

    def _wait(self, load: _Load, follows_feed: bool) -> bool:
        """Waits for ``load`` to end; False when this thread's time is up first.

        Returns too when the database is away and ``follows_feed`` is set.
        """
        while not load.done.wait(min(_LOOK_SECONDS, deadlines.seconds_left())):
            if follows_feed and not self.connected:
                break
            if not deadlines.seconds_left():
                return False
        return True

    def _find(self, place: _Place) -> _Kept | None:
        scope, key = place
        with self._lock:
            values = self._kept.get(scope, OrderedDict())
            kept = values.get(key)
            if kept is not None:
                values.move_to_end(key)
                self._kept.move_to_end(scope)
        return kept

    def _keep(self, place: _Place, version: Hashable, value: Any) -> None:
        scope, key = place
        with self._lock:
            values = self._kept.setdefault(scope, OrderedDict())
            values[key] = _Kept(version, value)
            values.move_to_end(key)
            self._kept.move_to_end(scope)
            if len(values) > _MOST_OF.get(scope, _MOST_KEYS):
                values.popitem(last=False)
            days = [kept for kept in self._kept if isinstance(kept, Date)]
            if len(days) > self._most_days:
                del self._kept[days[0]]

    def _version(self, scope: Scopes) -> Hashable:
        if isinstance(scope, tuple):
            return tuple(self._version(one) for one in scope)
        assert self._versions is not None, "a cache without a feed has no versions"
        if isinstance(scope, Date):
            return self._versions.version(scope)
        feed = cast(FeedVersions, self._versions)
        match scope:
            case Scope.SCHOOL:
                return feed.school
            case Scope.ACCOUNTS:
                return feed.people
            case Scope.BOOKINGS:
                return feed.bookings
            case Scope.NOTICES:
                return feed.notices


def scoped_cache(db: Documents) -> ScopedCache:
    """The cache of ``db``, one for all threads; a plain pymongo Database remembers nothing."""
    cache: ScopedCache = cache_of(db).setdefault("scopes", ScopedCache())
    return cache
