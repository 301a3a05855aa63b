"""Live updates of a screen are no user activity: they do not extend a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from support import RAVI, booked

from booking_core import Account, Role, add_account
from booking_core.sessions import open_session
from booking_core.storage.client.database import BookingDatabase
from pages.shared.components import elements
from pages.shared.live import fragment, runtime, session_cache
from pages.shared.live.runtime import Services


class ControlledFeed:
    """A feed that reports a change when the test requests it."""

    connected = True
    total = people = school = bookings = notices = 0


class Screens(Services):
    def __init__(self, db: BookingDatabase) -> None:
        super().__init__(db.booking_settings)
        self.follow(db, ControlledFeed())


def _reports(shared, drawn):  # each is run as a separate script, without the names of this module
    import runpy
    from pathlib import Path

    from pages.shared.auth import session
    from pages.shared.live import url_state

    if drawn:  # a live update runs this function alone
        drawn[0]()
        return
    session.open_session(shared)
    url_state.enter("Reports")
    runpy.run_path(str(Path(session.__file__).parents[2] / "reports" / "screen.py"))


def _audit(shared, drawn):
    from pages.admin.audit import section as audit
    from pages.shared.auth import session

    if drawn:
        drawn[0]()
        return
    session.open_session(shared)
    audit.show(shared)


@pytest.mark.parametrize("screen", [_reports, _audit])
def test_live_updates_of_an_open_screen_are_no_user_activity(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch, screen: Callable[..., None]
) -> None:
    add_account(db, Account("admin", "Admin", Role.ADMIN))
    shared = Screens(db)
    drawn: list[Callable[[], Any]] = []
    touched: list[str] = []
    listed: list[dict[str, Any]] = []
    monkeypatch.setattr(runtime, "start", lambda: shared)
    monkeypatch.setattr(fragment, "live", lambda shared, key, draw: drawn.append(draw))
    monkeypatch.setattr(fragment, "line", lambda shared: None)
    monkeypatch.setattr(elements, "action_list", lambda data, key: listed.append(data))
    monkeypatch.setattr(session_cache, "_TOUCH_SECONDS", 0.0)
    monkeypatch.setattr(session_cache, "touch_session", lambda db, token: touched.append(token))

    page = AppTest.from_function(screen, args=(shared, drawn), default_timeout=30)
    page.session_state["session.token"] = open_session(db, "admin")
    page.run()
    assert not page.exception
    assert touched, "opening a screen is user activity"
    touched.clear()

    booked(db, by=RAVI)
    shared.feed.bookings += 1
    page.run()

    assert not page.exception
    assert listed or "Everybody's bookings" in page.caption[0].value
    assert touched == []
