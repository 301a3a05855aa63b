"""The import of bookings on the screen: what changed since it was shown is not created."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from support import ADMIN
from test_student_import import Screen

from booking_core import ChangedMeanwhile, Ground, find_bookings, load_reference, save_ground
from booking_core.storage.client.database import BookingDatabase
from pages.admin.imports.job import Job
from pages.shared.auth import session
from pages.shared.components import elements

HEADER = "ground,date,start,end,student,game,status"


def _import(shared):  # run as a separate script, without the names of this module
    from pages.admin.imports import bookings, wizard

    wizard.show(shared, bookings.KIND)


@pytest.fixture
def opened(db: BookingDatabase, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the import with an uploaded file of these bookings."""

    def open_with(*lines: str) -> AppTest:
        data = "\n".join([HEADER, *lines]).encode()
        file = SimpleNamespace(file_id="f1", name="old.csv", getvalue=lambda: data)
        monkeypatch.setattr(st, "file_uploader", lambda *args, **options: file)
        monkeypatch.setattr(elements, "action_list", lambda data, key: None)
        monkeypatch.setattr(session, "actor", lambda: ADMIN)
        page = AppTest.from_function(_import, args=(Screen(db),), default_timeout=30).run()
        assert not page.exception
        return page

    return open_with


def test_what_changed_meanwhile_is_shown_before_anything_is_created(
    db: BookingDatabase, opened: Any
) -> None:
    page = opened("Yard,2024-03-01,09:00,10:00,S001,Football,Approved")
    page = page.checkbox[0].check().run()
    assert "**1 new ground**: Yard." in [text.value for text in page.markdown]
    save_ground(db, Ground("field-7", "Yard", ("Football",)))

    page = page.button("admin.history.import").click().run()

    assert not page.exception
    assert "The school changed while you looked" in page.warning[0].value
    assert "**1 new ground**: Yard." not in [text.value for text in page.markdown]
    assert find_bookings(db) == []
    page.button("admin.history.import").click().run()
    assert [booking.ground_id for booking in find_bookings(db)] == ["field-7"]
    assert [g.id for g in load_reference(db).grounds.values() if g.name == "Yard"] == ["field-7"]


def test_a_file_without_anything_new_has_nothing_to_add(db: BookingDatabase, opened: Any) -> None:
    page = opened("Nowhere,2024-03-01,09:00,10:00,S001,Football,Approved")

    button = page.button("admin.history.import")
    assert (button.label, button.disabled) == ("Nothing to add", True)


# Work in a thread


def _waiting(shared, work):  # run as a separate script
    import streamlit as st

    from pages.admin.imports import job

    st.text("over" if job.wait(shared, work, "Adding the bookings:", "test") else "runs")


def test_work_that_takes_long_shows_how_far_it_is(db: BookingDatabase) -> None:
    go_on = threading.Event()

    def work(progress: Callable[[int], object]) -> str:
        progress(3)
        assert go_on.wait(60)
        return "done"

    job = Job(work, 10)
    page = AppTest.from_function(_waiting, args=(Screen(db), job), default_timeout=30).run()
    assert not page.exception
    assert page.get("progress")[0].proto.text == "Adding the bookings: 3 of 10 rows"
    assert page.text[0].value == "runs"

    go_on.set()
    assert job.is_over(60)
    page = page.run()

    assert (page.text[0].value, job.result()) == ("over", "done")


def test_an_error_of_the_work_is_raised_where_its_result_is_asked_for() -> None:
    def work(progress: Callable[[int], object]) -> str:
        raise ChangedMeanwhile("grounds")

    job = Job(work, 10)

    assert job.is_over(60)
    with pytest.raises(ChangedMeanwhile):
        job.result()
