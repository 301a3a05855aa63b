"""A newer version migrates the database under open screens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from app_server import AppServer, School, running_app
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import LOAD

from booking_core.storage.schema import schema

SOON = 8_000


@pytest.fixture(scope="module")
def alone(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


def test_every_open_screen_says_that_an_update_is_needed(
    alone: tuple[AppServer, School], open_window: OpenPage
) -> None:
    app, school = alone
    school.reset()
    book, bookings, wall = (open_window(f"{app.url}/{s}") for s in ("book", "bookings", "wall"))
    admin = open_window(f"{app.url}/admin", "Farah Sheikh")
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible(timeout=LOAD)
    revision = {"_id": "revision"}

    school.db.meta.update_one(
        revision, {"$set": {"schema": schema.VERSION + 1}, "$inc": {"grounds": 1}}
    )

    for page in (book, bookings, admin, wall):
        expect(page.get_by_text("Update needed")).to_be_visible(timeout=SOON)
        expect(page.get_by_text("update this one and start it again")).to_be_visible()
        expect(page.get_by_text("Something went wrong")).to_have_count(0)
    late = open_window(f"{app.url}/signin", None)
    expect(late.get_by_text("Update needed")).to_be_visible()

    school.db.meta.update_one(
        revision, {"$set": {"schema": schema.VERSION}, "$inc": {"grounds": 1}}
    )
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible(timeout=SOON * 2)
    expect(book.get_by_role("heading", name="Pick a free slot")).to_be_visible(timeout=SOON)
