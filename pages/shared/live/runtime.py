"""The database, the change feed and the cache that all sessions of this process share.

They exist outside the page scripts, so that a rerun or a reload creates no second instance.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from datetime import date as Date
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from uuid import uuid4

from booking_core import (
    MARK_MINUTES,
    Board,
    Booking,
    BookingError,
    GroundFilter,
    Reference,
    Settings,
    Slot,
    UpdateNeeded,
    connect,
    disconnect,
    finish_erasures,
    get_booking,
    lapse_pending,
    load_reference,
    promote_waiting,
    send_mails,
    write_notices,
)
from booking_core.demo import load_demo
from booking_core.live import (
    BackgroundThread,
    Feed,
    LiveBoards,
    LiveFigures,
    MigrationProgress,
    Scope,
    ScopedCache,
    make_due_backup,
    present,
    scoped_cache,
)
from pages.shared.live.days import Days
from pages.shared.live.session_cache import SessionCache
from pages.shared.text import (
    formats,
    mails,
    messages,
    payloads,
    school_payloads,
    strip_payloads,
    week_payloads,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

_OWN_CHANGE_SECONDS = 0.5
_RETRY_SECONDS = 1.0
_PACE = timedelta(seconds=5)
_LAPSE_SECONDS = 60.0
_BACKUP_SECONDS = 60.0
_STOP_SECONDS = 1.0


class Services:
    """The shared database, feed and cache. ``db`` is None until the first connection."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.db: Any = None
        self.feed: Feed
        self.cache: ScopedCache
        self.boards: LiveBoards
        self.figures: LiveFigures
        self.sessions: SessionCache
        self.problem: BookingError | None = None
        self.migration: MigrationProgress | None = None  # of the last one, if any
        # Part of every version: the numbers of two processes may be equal by chance.
        self._process_id = uuid4().hex[:8]
        self._listeners: list[Callable[[Date | None], None]] = []
        self._tried_once = threading.Event()
        self._changed: SimpleQueue[Date | None] = SimpleQueue()  # None: stop
        self._keeper = BackgroundThread("keeper", self._keep)
        self._reader = BackgroundThread("reader", self._read_ahead)
        self._freed: SimpleQueue[Date | None] = SimpleQueue()  # None: every day, or stop
        self._follower = BackgroundThread("after changes", self._follow_up)
        # A backup of years takes a minute, in which the keeper has other work.
        self._archivist = BackgroundThread("backups", self._back_up)
        self._mailer: BackgroundThread | None = None  # where there is mail
        if settings.smtp_host is not None:
            self._mailer = BackgroundThread("mail", self._mail)
        self._maybe_due = threading.Event()  # a mail, now or within the quiet before it
        self._mail_pause = _RETRY_SECONDS

    def start(self) -> None:
        """Connects in the background; returns after the first attempt, or after 20 seconds.

        It returns sooner when a migration begins: the screens show how far it is.
        """
        self._reader.start()
        self._follower.start()
        self._keeper.start()
        if self.settings.automatic_backups is not None:
            self._archivist.start()
        if self._mailer is not None:
            self._mailer.start()
        self._tried_once.wait(20)

    def stop(self) -> None:
        """Ends the background threads and closes the connection.

        Takes a few seconds at most, even if the database does not answer.
        """
        self._keeper.stopping.set()
        self._reader.stopping.set()
        self._follower.stopping.set()
        self._archivist.stopping.set()
        if self._mailer is not None:
            self._mailer.stopping.set()
        self._maybe_due.set()
        self._changed.put(None)
        self._freed.put(None)
        if self.db is not None:
            self.feed.stop()
        self._keeper.stop(_STOP_SECONDS)
        self._reader.stop(_STOP_SECONDS)
        self._follower.stop(_STOP_SECONDS)
        self._archivist.stop(_STOP_SECONDS)
        if self._mailer is not None:
            self._mailer.stop(_STOP_SECONDS)
        if self.db is not None:
            disconnect(self.db)

    @property
    def outdated(self) -> UpdateNeeded | None:
        """The error of all verbs, if a newer version has migrated the database; reads nothing."""
        if self.db is None:
            return self.problem if isinstance(self.problem, UpdateNeeded) else None
        error: UpdateNeeded | None = self.db.schema_number.error
        return error

    @property
    def is_usable(self) -> bool:
        """Whether there was a connection, to a database that is not newer than this application."""
        return self.db is not None and self.outdated is None

    def not_connected(self) -> tuple[str, str]:
        """A title, and why there is no database to work with, or how far a migration is."""
        return messages.not_connected(self.outdated or self.problem, self.migration)

    def follow(self, db: Any, feed: Feed) -> None:
        """Uses ``db``, with caches that ``feed`` keeps current."""
        self.feed, self.cache = feed, scoped_cache(db)
        self.cache.follow(feed)
        known = partial(self._reference_of, db)
        self.boards = LiveBoards(db, feed, cache=self.cache, known=known)
        self.figures = LiveFigures(db, feed, self.cache, known)
        self.sessions = SessionCache(db, self.cache)
        self.db = db  # last, because screens use the others as soon as ``db`` is set

    @property
    def is_live(self) -> bool:
        """Whether the feed is connected, so that the screens show the current data."""
        return self.db is not None and self.feed.connected

    @property
    def alive_at(self) -> datetime | None:
        """The database's last heartbeat, in the school's time."""
        moment = self.feed.alive_at if self.db is not None else None
        return None if moment is None else moment.astimezone(self.settings.zone)

    def version(self, days: Date | Days | None = None) -> str:
        """The version of the screens of ``days`` (None: of any day): ``process.number.state``.

        It differs after each change that may concern them; the state is ``live`` or ``away``.
        """
        if self.db is None:
            return f"{self._process_id}.0.away"
        if days is None:
            number = self.feed.total
        else:  # versions only grow, so their sum changes with each of them
            dates = (days,) if isinstance(days, Date) else days
            number = sum(map(self.feed.version, dates))
        number += self.feed.people  # a screen reruns when its user has changed or signed out
        return f"{self._process_id}.{number}.{'live' if self.is_live else 'away'}"

    def heartbeat(self) -> dict[str, int | str]:
        """``now``, the database's clock, and ``at``, the database's last heartbeat (epoch ms).

        ``latest`` is the version of all days.
        """
        alive_at = self.feed.alive_at if self.db is not None else None
        return {
            "now": int(self._present().timestamp() * 1000),
            "at": 0 if alive_at is None else int(alive_at.timestamp() * 1000),
            "latest": self.version(),
        }

    def subscribe(self, callback: Callable[[Date | None], None]) -> Callable[[], None]:
        """Calls ``callback(date)`` at each change; None: of all days. Returns a function to stop.

        The callback runs in any thread and must return quickly.
        """
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def now(self) -> datetime:
        """This moment in the school's time, by the database's clock."""
        return self._present().astimezone(self.settings.zone)

    def _present(self) -> datetime:
        # Before the first connection there is only this process's clock.
        return datetime.now(UTC) if self.db is None else present(self.db)

    def mark(self) -> datetime:
        """The last 5-minute mark: bookings begin and end on marks alone."""
        now = self._present()
        past = timedelta(
            minutes=now.minute % MARK_MINUTES, seconds=now.second, microseconds=now.microsecond
        )
        return (now - past).astimezone(self.settings.zone)

    def next_mark(self) -> datetime:
        """The next 5-minute mark: lists of upcoming bookings may change then."""
        return self.mark() + timedelta(minutes=MARK_MINUTES)

    def cached(self, scope: Scope | tuple[Scope, ...], key: Any, load: Callable[[], T]) -> T:
        """The result of ``load()``, which runs once per change of ``scope`` for all sessions.

        While the database cannot be reached, the cached value. Raises StoreUnavailable if there is
        none, and the errors of ``load``.
        """
        return self.cache.get(scope, key, load)

    def paced(
        self, scope: tuple[Scope, ...], key: Any, load: Callable[[], T]
    ) -> tuple[T, datetime | None]:
        """As ``cached``, for what is dear to read: changes cause one ``load`` in 5 seconds at most.

        Returns the value, and when to ask again if it is older than the last change. Raises as
        ``cached`` does.
        """
        key = ("paced", key)
        now = self._present()
        kept: tuple[datetime, T] | None = self.cache.peek(scope, key)
        if kept is not None and now - kept[0] < _PACE:
            return kept[1], kept[0] + _PACE
        return self.cached(scope, key, lambda: (self._present(), load()))[1], None

    def grid(self, board: Board, picked: Slot | None, wanted: GroundFilter = payloads.ALL) -> bytes:
        """The payload of the day grid, made once for all sessions with the same board and choices.

        It has the grounds that are ``wanted``, and the one that is picked.
        """
        live = self.is_live
        return self.cache.derive(
            board.date,
            ("grid", picked, live, wanted),
            board,
            lambda: payloads.grid(board, picked, live, wanted),
        )

    def boards_of(self, days: Days) -> tuple[Board, ...]:
        """The boards of ``days``, seen at one moment; reads those that have changed.

        Raises StoreUnavailable if one of them was never read.
        """
        now = self.now()
        return tuple(self.boards.get(date, now) for date in days)

    def turn_at(self, boards: Sequence[Board]) -> datetime:
        """When one of ``boards`` looks different next by the clock alone."""
        return min(self.cache.derive(b.date, "turns_at", b, b.turns_at) for b in boards)

    def week_grid(
        self,
        boards: Sequence[Board],
        ground_id: str,
        picked: Slot | None,
        wanted: GroundFilter = payloads.ALL,
    ) -> bytes:
        """The payload of the grid of one ground in a week; made once, as that of ``grid``."""
        live, timetables = self.is_live, self.reference().timetables
        names = tuple((table.id, table.name) for table in timetables.values())
        return self.cache.derive(
            boards[0].date,
            ("week_grid", ground_id, picked, live, wanted),
            (*boards, names),
            lambda: week_payloads.grid(boards, ground_id, picked, live, dict(names), wanted),
        )

    def day_strip(self, days: Days, wanted: GroundFilter, ground_id: str | None) -> bytes:
        """The payload of the strip of ``days``; made once, as that of ``grid``.

        It counts the grounds that are ``wanted``, or one. Raises StoreUnavailable if one of the
        days was never read.
        """
        figures = self.figures.get(days.first, days.last, self.now(), wanted, ground_id)
        ground = None if ground_id is None else self.reference().ground(ground_id).name
        return self.cache.derive(
            days.first,
            ("day_strip", days.last, wanted, ground_id),
            (figures, ground),
            lambda: strip_payloads.strip(figures, wanted, ground),
        )

    def school_grid(self, boards: Sequence[Board], wanted: GroundFilter) -> bytes:
        """The payload of all grounds on the days of ``boards``; made once, as that of ``grid``.

        After a change the figures of that day alone are counted again.
        """
        figures = [
            self.cache.derive(
                board.date,
                ("ground_days", wanted.free_at),
                board,
                partial(board.ground_days, wanted.free_at),
            )
            for board in boards
        ]
        if not boards:
            return school_payloads.grid(boards, figures, wanted)
        return self.cache.derive(
            boards[0].date,
            ("school_grid", wanted),
            tuple(boards),
            lambda: school_payloads.grid(boards, figures, wanted),
        )

    def reference(self) -> Reference:
        """Grounds, timetables, days, students and the policy."""
        return self._reference_of(self.db)

    def booking(self, booking_id: str) -> Booking:
        """A booking; the last one read while the database is away. Raises NotFound and
        StoreUnavailable."""
        return self.cached(
            Scope.BOOKINGS, ("booking", booking_id), lambda: get_booking(self.db, booking_id)
        )

    @contextmanager
    def change(self) -> Iterator[None]:
        """A context for a write: at its end the cache has received the change.

        Waits half a second at most, and usually a few milliseconds. A live update follows if the
        change arrives later.
        """
        before = self.feed.total
        yield
        self.feed.wait_beyond(before, _OWN_CHANGE_SECONDS)

    def _reference_of(self, db: Any) -> Reference:
        return self.cache.get(
            Scope.SCHOOL, "reference", lambda: load_reference(db), try_while_away=True
        )

    def _read_ahead(self) -> None:
        """Caches the next changed day, if a screen shows it, before the first screen reads it."""
        date = self._changed.get()
        # A burst causes one or two reads: for its later changes the cache is current already.
        if date is not None and self.boards.knows(date):
            self.grid(self.boards.get(date, self.now()), None)

    def _follow_up(self) -> None:
        """Gives what is free on the next changed days to the first in line, and writes notices."""
        dates = {self._freed.get()}
        with suppress(Empty):
            while True:  # a burst causes one look at each day
                dates.add(self._freed.get_nowait())
        if self._follower.stopping.is_set() or not self.is_live:
            return
        days = [date for date in dates if date is not None]
        try:
            promote_waiting(self.db, dates=None if None in dates else days)
        except BookingError as exc:
            log.warning("the waiting list has to wait: %s", exc)
            self._follower.stopping.wait(_RETRY_SECONDS)
            self._freed.put(None)
        try:
            write_notices(self.db)
        except BookingError as exc:  # the next call goes on
            log.warning("notices have to wait: %s", exc)
        self._maybe_due.set()

    def send_mail_soon(self) -> None:
        """Has this process look for mails that are due, at once."""
        self._maybe_due.set()

    def _mail(self) -> None:
        """Sends the mails that are due, after a change and when the next one is."""
        self._maybe_due.wait(self._mail_pause)
        self._maybe_due.clear()
        assert self._mailer is not None
        stopping = self._mailer.stopping
        self._mail_pause = _RETRY_SECONDS
        if stopping.is_set() or not self.is_live:
            return
        try:
            self._mail_pause = send_mails(self.db, mails.WRITING, is_stopping=stopping.is_set)
        except BookingError as exc:  # the next call goes on
            log.warning("mail has to wait: %s", exc)

    def _keep(self) -> None:
        """Connects; once connected, lapses overdue requests and finishes erasures once a minute."""
        if self.db is None:
            try:
                self._connect()
            except BookingError as exc:
                if type(exc) is not type(self.problem):
                    log.error("%s", exc)
                self.problem = exc
                self._tried_once.set()
                self._keeper.stopping.wait(_RETRY_SECONDS)
            finally:
                self._tried_once.set()
        elif not self._keeper.stopping.wait(_LAPSE_SECONDS) and self.is_live:
            self._freed.put(None)  # entries of the waiting list end by the clock
            try:
                lapse_pending(self.db)
                finish_erasures(self.db)
            except BookingError as exc:
                log.warning("lapsing requests and finishing erasures has to wait: %s", exc)

    def _back_up(self) -> None:
        """Once a minute, makes the backup that is due."""
        if self._archivist.stopping.wait(_BACKUP_SECONDS) or not self.is_usable:
            return
        try:
            file = make_due_backup(self.db)
        except BookingError as exc:
            log.error("the automatic backup failed, and is tried again: %s", exc)
        else:
            if file is not None:
                log.info("made the automatic backup %s", file)

    def _connect(self) -> None:
        db = connect(self.settings, self._note_migration)
        feed = Feed(db)
        try:
            # Demo data goes only into the embedded database, never into a school's own.
            if self.settings.mongodb_uri is None:
                load_demo(db)
            feed.start()
            lapse_pending(db)
            self.follow(db, feed)
            self.reference()  # cached, because every screen needs it if the connection is lost
        except BaseException:  # the next attempt needs a new connection and feed
            self.db = None
            feed.stop()
            disconnect(db)
            raise
        self.problem = None
        feed.subscribe(self._notify)
        self._notify(None)

    def _note_migration(self, progress: MigrationProgress) -> None:
        self.problem, self.migration = None, progress
        self._tried_once.set()

    def _notify(self, date: Date | None, version: int = 0) -> None:
        if date is not None:
            self._changed.put(date)
        self._freed.put(date)
        for callback in list(self._listeners):
            callback(date)


_services: Services | None = None
_lock = threading.Lock()


def start() -> Services:
    """The services of this process; the first call starts them."""
    global _services
    with _lock:
        if _services is None:
            settings = Settings.load()
            formats.use(settings.locale)
            _services = Services(settings)
            _services.start()
        return _services


def stop() -> None:
    """Stops the services of this process."""
    global _services
    with _lock:
        if _services is not None:
            _services.stop()
            _services = None
