"""A press of Repeat or Several grounds whose answer was lost: the next press is another one."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from streamlit.testing.v1 import AppTest
from support import MEERA, NOW, active, assert_sound, request_for

from booking_core import SeriesRequest, SetRequest, book_series, book_set
from booking_core.live import Feed
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.client.server_clock import ServerClock
from pages.shared.live.runtime import Services
from pages.shared.text import messages

SERIES = (
    "book.series.id",
    book_series,
    SeriesRequest(request_for(class_name="1-A"), count=2),
    SeriesRequest(request_for(class_name="1-A", start=11), count=3),
)
SET = (
    "book.set.id",
    book_set,
    SetRequest(request_for(class_name="1-A"), ("ground-1", "ground-3")),
    SetRequest(request_for(class_name="1-A", start=11), ("ground-1", "ground-3")),
)


# run as a separate script, without the names of this module
def _screen(shared, actor, asked, key, id, presses):
    import streamlit as st

    from pages.book import repeat, several
    from pages.shared.auth import session

    session.actor = actor
    if key not in st.session_state:
        st.session_state[key] = id
    for _ in range(presses):
        if key == "book.set.id":
            several._confirm(shared, asked)
            problem = st.session_state.get(several._PROBLEM)
        else:
            repeat._confirm(shared, asked, only_free=False)
            problem = st.session_state.get(repeat._PROBLEM)
    st.text(problem or "booked")


@pytest.mark.parametrize(("key", "book", "before", "asked"), [SERIES, SET], ids=["series", "set"])
def test_the_next_press_books_what_is_chosen_now(
    db: BookingDatabase,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    book: Any,
    before: Any,
    asked: Any,
) -> None:
    monkeypatch.setattr(ServerClock, "now", lambda clock: NOW)
    id: UUID = uuid4()
    made = book(db, before, by=MEERA, submission_id=id, now=NOW)
    shared = Services(db.booking_settings)
    feed = Feed(db)
    feed.start()
    shared.follow(db, feed)

    for presses, said in ((1, messages.SENT_BEFORE), (2, "booked")):
        given = {"shared": shared, "actor": lambda: MEERA, "asked": asked, "key": key, "id": id}
        screen = AppTest.from_function(_screen, kwargs=given | {"presses": presses}).run()
        assert not screen.exception
        assert [text.value for text in screen.text] == [said]

    feed.stop()
    assert len(active(db)) > len(made.bookings)
    assert_sound(db)
