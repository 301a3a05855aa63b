"""Each change by somebody else is one mail to the author, whatever was changed before it."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailed_school import at, school_with_mail, send
from smtp_server import smtp_server
from support import DAY, HEAD, MEERA, booked, request_for

from booking_core import (
    MailWish,
    SeriesRequest,
    Slot,
    approve,
    ask,
    book_series,
    cancel,
    change_party,
    close_grounds,
    move,
    move_series,
    reject,
    replace_booking,
    revoke,
    set_mail_wish,
    swap,
)

pytestmark = pytest.mark.usefixtures("quick_hashes")


def mine(db, day, now, start=9):
    return booked(db, student=1, on=day, start=start, now=now)


def approving(db, day, now):
    approve(db, mine(db, day, now).id, by=HEAD, now=now)


def rejecting(db, day, now):
    reject(db, mine(db, day, now).id, by=HEAD, reason="Exams", now=now)


def revoking(db, day, now):
    asked = mine(db, day, now)
    approve(db, asked.id, by=HEAD, now=now)
    revoke(db, asked.id, by=HEAD, reason="Rain", now=now)


def cancelling(db, day, now):
    cancel(db, mine(db, day, now).id, by=HEAD, now=now)


def moving(db, day, now):
    move(db, mine(db, day, now).id, ground_id="ground-3", by=HEAD, now=now)


def asking(db, day, now):
    ask(db, mine(db, day, now).id, "How many?", by=HEAD, now=now)


def changing_the_party(db, day, now):
    change_party(db, mine(db, day, now).id, student_id="S009", by=HEAD, now=now)


def swapping(db, day, now):
    theirs = booked(db, by=HEAD, student=5, ground="ground-3", on=day, start=12, now=now)
    swap(db, mine(db, day, now).id, theirs.id, by=HEAD, now=now)


def replacing(db, day, now, to=12):
    asked = mine(db, day, now)
    free = None if to is None else Slot("ground-1", day, time(to), time(to + 1))
    wanted = request_for(student=7, on=day)
    options = {"expected": asked.revision, "move_to": free, "submission_id": uuid4()}
    replace_booking(db, asked.id, wanted, reason="Final", by=HEAD, now=now, **options)


def replacing_without_a_move(db, day, now):
    replacing(db, day, now, to=None)


def closing_with_a_move(db, day, now):
    asked = mine(db, day, now)
    close_grounds(
        db,
        ground_ids=["ground-1"],
        first=day,
        last=day,
        reason="Rain",
        expected=[asked.id],
        moves={asked.id: Slot("ground-3", day, time(9), time(10))},
        by=HEAD,
        now=now,
    )


def moving_a_series(db, day, now):
    asked = SeriesRequest(request_for(student=1, on=day, start=15), dates=(day + timedelta(1),))
    made = book_series(db, asked, by=MEERA, submission_id=uuid4(), now=now)
    move_series(db, made.id, start=time(16), end=time(17), by=HEAD, now=now)


CHANGES = (
    approving,
    rejecting,
    revoking,
    cancelling,
    moving,
    asking,
    changing_the_party,
    swapping,
    replacing,
    replacing_without_a_move,
    closing_with_a_move,
    moving_a_series,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_somebody_else_is_one_mail_to_the_author(make_db, change):
    with smtp_server() as server:
        db = school_with_mail(make_db, server.port)
        set_mail_wish(db, MailWish.NONE, by=HEAD)
        send(db, at())

        change(db, DAY, at())
        for minutes in (1, 2):
            send(db, at(minutes=minutes))

        assert server.recipients == ["meera@school.example"]


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(st.sampled_from(CHANGES), min_size=2, max_size=3))
def test_changes_one_after_another_are_one_mail_each(make_db, changes):
    with smtp_server() as server:
        db = school_with_mail(make_db, server.port)
        set_mail_wish(db, MailWish.NONE, by=HEAD)
        send(db, at())

        for step, change in enumerate(changes):
            change(db, DAY + timedelta(days=2 * step), at(minutes=10 * step))
            send(db, at(minutes=10 * step + 1))

        assert server.recipients == ["meera@school.example"] * len(changes)
