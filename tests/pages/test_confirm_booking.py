"""The button that books, on a screen whose data is older than the database."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import uuid4

import pytest
from pymongo.errors import DuplicateKeyError
from streamlit.testing.v1 import AppTest
from support import DAY, MEERA, NOW, RAVI, active, assert_sound, booked

from booking_core import Slot
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.client.server_clock import ServerClock
from pages.shared.live.runtime import Services

SLOT = Slot("ground-1", DAY, time(9), time(10))


class SilentFeed:
    """A feed that reports no change: the screens keep their first data."""

    total = people = school = bookings = notices = 0

    def __init__(self, connected: bool) -> None:
        self.connected = connected

    def version(self, date: date) -> int:
        return 0

    def wait_beyond(self, total: int, seconds: float) -> None:
        pass


class StaleServices(Services):
    """The services of a screen that keeps the present board of the day."""

    def __init__(self, db: BookingDatabase, *, is_live: bool = True) -> None:
        super().__init__(db.booking_settings)
        self.follow(db, SilentFeed(is_live))
        self.boards.get(DAY, NOW)

    def now(self) -> datetime:
        return NOW.astimezone(self.settings.zone)


# run as a separate script, without the names of this module
def _screen(shared, actor, picked, presses):
    import streamlit as st

    from pages.book import draft
    from pages.shared.text import messages

    state = st.session_state
    if "book.picked" not in state:
        state["book.picked"] = picked
        state["book.student"] = "S001"
        state["book.game.ground-1"] = "Volleyball"
        draft.begin_review()
    for _ in range(presses):
        draft.confirm(shared, actor)
    gone = draft.lost(shared.boards.get(picked.date, shared.now()))
    if gone is not None:
        st.error(messages.taken(gone[0]))
        for option in gone[1]:
            st.button(f"{option.start:%H:%M}", on_click=draft.choose, args=(option,))
    if draft.problem():
        st.error(draft.problem())
    if draft.done() is not None:
        st.success(draft.done().reference)


def _open(shared: Services, presses: int = 1) -> AppTest:
    arguments = {"shared": shared, "actor": lambda: MEERA, "picked": SLOT, "presses": presses}
    screen = AppTest.from_function(_screen, kwargs=arguments, default_timeout=30).run()
    assert not screen.exception
    return screen


@pytest.fixture(autouse=True)
def _that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operations take the time from the database's clock, not from a screen."""

    def clock(server_clock: ServerClock) -> datetime:
        return NOW

    monkeypatch.setattr(ServerClock, "now", clock)


def test_a_slot_that_a_stale_screen_shows_as_free_is_refused_with_the_usual_sentence(
    db: BookingDatabase,
) -> None:
    shared = StaleServices(db)
    booked(db, by=RAVI, student=2)
    assert shared.boards.get(DAY, NOW).is_free(SLOT)

    screen = _open(shared)

    assert [e.value for e in screen.error] == [
        "This slot was just booked by Ravi. Please choose another."
    ]
    assert [b.label for b in screen.button] == ["08:00", "10:00", "11:00"]
    assert screen.session_state["book.student"] == "S001"
    assert len(active(db)) == 1


def test_a_write_that_skips_every_check_is_refused_by_the_index(db: BookingDatabase) -> None:
    booked(db, by=RAVI, student=2)
    rival = active(db)[0] | {"_id": str(uuid4()), "student_id": "S003"}
    del rival["quota"]

    with pytest.raises(DuplicateKeyError):
        db["bookings"].insert_one(rival)

    assert_sound(db)


def test_pressing_confirm_repeatedly_makes_one_booking(db: BookingDatabase) -> None:
    screen = _open(StaleServices(db), presses=3)

    assert len(screen.success) == 1
    assert len(active(db)) == 1


def test_an_alternative_is_a_new_submission_and_books(db: BookingDatabase) -> None:
    shared = StaleServices(db)
    booked(db, by=RAVI, student=2)
    screen = _open(shared)

    screen.button[1].click().run()

    assert not screen.exception
    assert len(screen.success) == 1
    assert [b["start"] for b in active(db, student_id="S001")] == ["10:00"]


def test_nothing_is_sent_while_the_database_is_unavailable(db: BookingDatabase) -> None:
    screen = _open(StaleServices(db, is_live=False))

    assert "button comes back by itself" in screen.error[0].value
    assert active(db) == []


def test_a_broken_rule_is_shown_and_the_form_keeps_its_values(db: BookingDatabase) -> None:
    booked(db, student=1, start=14)
    booked(db, student=1, start=15)

    screen = _open(StaleServices(db))

    assert "already has 2 bookings that week" in screen.error[0].value
    assert screen.session_state["book.picked"] == SLOT
    assert len(active(db)) == 2
