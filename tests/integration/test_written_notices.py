"""Notices that follow from the histories of bookings: each change of somebody else, once."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from uuid import uuid4

import pytest
from closing_steps import closed
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, at_once, booked, request_for

from booking_core import (
    Account,
    BookingError,
    SeriesRequest,
    add_account,
    approve,
    approve_series,
    ask,
    book_series,
    cancel,
    decline_swap,
    end_early,
    join_waiting_list,
    lapse_pending,
    lift_closure,
    mark_read,
    move,
    notices_for,
    offer_swap,
    promote_waiting,
    reinstate,
    reject,
    revoke,
    swap,
    undo_change,
    undo_closing,
    write_notices,
)

LATER = NOW + timedelta(seconds=30)
RUNNING = NOW + timedelta(hours=27, minutes=20)  # 9:20 on Tuesday


@pytest.fixture
def told(make_db):
    """A school whose notices are written from NOW on."""
    db = make_db(quota=None)
    assert write_notices(db, now=NOW) == 0
    return db


def kinds(db, to=MEERA, **options):
    return [notice.kind for notice in notices_for(db, to.id, **options)]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda db, b: approve(db, b.id, by=HEAD, now=NOW), "approved"),
        (lambda db, b: reject(db, b.id, by=HEAD, reason="Exam", now=NOW), "rejected"),
        (lambda db, b: cancel(db, b.id, by=HEAD, now=NOW), "cancelled"),
        (lambda db, b: move(db, b.id, ground_id="ground-3", by=HEAD, now=NOW), "moved"),
        (lambda db, b: end_early(db, b.id, by=HEAD, now=RUNNING), "ended_early"),
        (lambda db, _b: lapse_pending(db, now=NOW + timedelta(days=2)), "lapsed"),
    ],
)
def test_a_change_by_somebody_else_is_told_once(told, change, kind):
    db = told
    mine = booked(db, student=1)
    change(db, mine)
    at = {"lapsed": NOW + timedelta(days=2), "ended_early": RUNNING}.get(kind, LATER)

    write_notices(db, now=at)
    write_notices(db, now=at)

    [notice] = notices_for(db, MEERA.id)
    assert (notice.kind, notice.booking_id, notice.slot) == (kind, mine.id, mine.slot)
    assert kinds(db, HEAD) == []


def test_own_changes_are_told_to_nobody(told):
    db = told
    mine = booked(db, student=1, by=HEAD)
    move(db, mine.id, ground_id="ground-3", by=HEAD, now=NOW)
    cancel(db, mine.id, by=HEAD, now=NOW)

    assert write_notices(db, now=LATER) == 0


def test_of_two_changes_at_one_moment_the_second_is_told(told):
    for hour in range(8, 18):
        asked = booked(told, student=hour, start=hour)
        approve(told, asked.id, by=HEAD, now=NOW)
        revoke(told, asked.id, by=HEAD, reason="Exam", now=NOW)

    write_notices(told, now=NOW)

    assert {notice.kind for notice in notices_for(told, MEERA.id)} == {"revoked"}


def test_a_later_change_replaces_an_unread_earlier_notice(told):
    db = told
    mine = booked(db, student=1)
    approve(db, mine.id, by=HEAD, now=NOW)
    write_notices(db, now=LATER)
    revoke(db, mine.id, by=HEAD, reason="Rain", now=LATER)
    write_notices(db, now=LATER)

    assert kinds(db) == ["revoked"]
    assert kinds(db, unread_only=False) == ["revoked", "approved"]


@pytest.mark.parametrize("has_read", [False, True])
def test_what_an_undone_change_had_replaced_is_unread_again(told, has_read):
    db = told
    mine = booked(db, student=1)
    approve(db, mine.id, by=HEAD, now=NOW)
    write_notices(db, now=LATER)
    revoked = revoke(db, mine.id, by=HEAD, reason="Rain", now=LATER)
    write_notices(db, now=LATER)
    if has_read:
        mark_read(db, [notice.id for notice in notices_for(db, MEERA.id)], by=MEERA)

    undo_change(db, mine.id, revision=revoked.revision, by=HEAD, now=LATER)
    write_notices(db, now=LATER)

    assert kinds(db) == (["undone"] if has_read else ["approved"])


def test_what_an_undone_closing_had_replaced_is_unread_again(told):
    db = told
    mine = booked(db, student=1)
    approve(db, mine.id, by=HEAD, now=NOW)
    write_notices(db, now=NOW)
    closing = closed(db, by=HEAD)
    assert kinds(db) == ["displaced"]

    undo_closing(
        db,
        closing.id,
        revisions={booking.id: booking.revision for booking in closing.displaced},
        by=HEAD,
        now=NOW,
    )

    assert kinds(db) == ["approved"]


def test_a_closing_tells_once_what_its_transaction_has_told(told):
    db = told
    mine = booked(db, student=1)
    closing = closed(db)
    write_notices(db, now=LATER)
    assert kinds(db) == ["displaced"]
    lift_closure(db, closing.id, by=HEAD, now=LATER)
    reinstate(db, mine.id, by=HEAD, now=LATER)
    write_notices(db, now=LATER)

    assert kinds(db) == ["reinstated"]


def test_the_waiting_list_tells_who_waited(told):
    db = told
    held = booked(db, student=1, by=RAVI)
    join_waiting_list(db, request_for(student=2), by=MEERA, now=NOW)
    cancel(db, held.id, by=RAVI, now=NOW)
    [made] = promote_waiting(db, now=NOW)

    write_notices(db, now=LATER)

    [notice] = notices_for(db, MEERA.id)
    assert (notice.kind, notice.booking_id) == ("promoted", made.id)
    assert kinds(db, RAVI) == []


def test_what_is_older_than_the_first_call_is_told_to_nobody(make_db):
    db = make_db()
    approve(db, booked(db, student=1).id, by=HEAD, now=NOW)

    write_notices(db, now=NOW + timedelta(hours=1))
    write_notices(db, now=NOW + timedelta(hours=1))

    assert kinds(db) == []


def test_read_notices_stay_read(told):
    db = told
    approve(db, booked(db, student=1).id, by=HEAD, now=NOW)
    write_notices(db, now=LATER)
    [notice] = notices_for(db, MEERA.id)
    mark_read(db, [notice.id], by=MEERA)

    write_notices(db, now=LATER)

    assert kinds(db) == []


def test_several_writers_and_one_that_was_killed_write_each_notice_once(told):
    db = told
    mine = [booked(db, student=n, start=8 + n).id for n in range(8)]
    for id in mine:
        approve(db, id, by=HEAD, now=NOW)
    at_once(*(partial(write_notices, db, now=LATER) for _ in range(4)))
    # As a writer that was killed before it noted how far it was leaves it.
    db.meta.update_one({"_id": "notices"}, {"$set": {"at": NOW}})
    write_notices(db, now=LATER)

    assert sorted(n.booking_id for n in notices_for(db, MEERA.id)) == sorted(mine)


def test_more_changes_than_one_query_takes(told, monkeypatch):
    from booking_core.booking import notices

    monkeypatch.setattr(notices, "_MOST", 3)
    db = told
    request = SeriesRequest(first=request_for(student=1, on=DAY), weekdays=(1,), count=10)
    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    approve_series(db, made.id, by=HEAD, now=NOW)  # ten bookings at one moment

    write_notices(db, now=LATER)

    assert kinds(db) == ["approved"] * 10


VERBS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "reject", "revoke", "cancel", "move"]),
        st.integers(0, 2),
        st.sampled_from([HEAD, ADMIN, MEERA, RAVI]),
    ),
    max_size=8,
)


@settings(max_examples=25)
@given(VERBS)
def test_every_change_of_somebody_else_has_its_notice_and_no_other(told, verbs):
    db = told
    for name in ("bookings", "notices"):  # of the example before
        db[name].delete_many({})
    db.meta.update_one({"_id": "notices"}, {"$set": {"at": NOW}})
    mine = [booked(db, student=n, start=8 + 3 * n).id for n in range(3)]
    moment = NOW
    expected: list[tuple[str, str]] = []
    for verb, which, by in verbs:
        moment += timedelta(seconds=1)
        id = mine[which]
        words = {"approve": "approved", "reject": "rejected", "revoke": "revoked",
                 "cancel": "cancelled", "move": "moved"}  # fmt: skip
        before = db.bookings.find_one({"_id": id})["revision"]
        try:
            if verb in ("reject", "revoke"):
                {"reject": reject, "revoke": revoke}[verb](db, id, by=by, reason="R", now=moment)
            elif verb == "move":
                ground = "ground-3" if moment.second % 2 else "ground-1"
                move(db, id, ground_id=ground, by=by, now=moment)
            else:
                {"approve": approve, "cancel": cancel}[verb](db, id, by=by, now=moment)
        except BookingError:
            continue
        if db.bookings.find_one({"_id": id})["revision"] != before and by != MEERA:
            expected.append((id, words[verb]))
    write_notices(db, now=moment)

    found = [(n.booking_id, n.kind) for n in notices_for(db, MEERA.id, unread_only=False)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("change", ["moved", "displaced"])
def test_a_change_and_an_offer_or_its_answer_do_not_replace_each_other(told, change):
    db = told
    mine = booked(db, student=1)
    theirs = booked(db, student=2, ground="ground-3", start=11, by=RAVI)
    other = booked(db, student=3, ground="ground-3", start=13)
    add_account(db, Account(MEERA.id, MEERA.name, MEERA.role), now=NOW)
    offer = offer_swap(db, theirs.id, mine.id, by=RAVI, now=NOW)
    approve(db, mine.id, by=HEAD, now=NOW)
    write_notices(db, now=LATER)
    assert sorted(kinds(db)) == ["approved", "swap_offered"]

    decline_swap(db, offer.id, by=MEERA, now=LATER)
    offer = offer_swap(db, theirs.id, other.id, by=RAVI, now=LATER)
    decline_swap(db, offer.id, by=MEERA, now=LATER)
    if change == "moved":
        move(db, theirs.id, start=time(15), end=time(16), by=HEAD, now=LATER)
    else:
        closed(db, ground_ids=["ground-3"], by=HEAD, now=LATER)
    write_notices(db, now=LATER)
    assert sorted(kinds(db, RAVI)) == [change, "swap_declined", "swap_declined"]


def test_a_question_does_not_replace_a_move(told):
    db = told
    mine = booked(db, student=1)
    move(db, mine.id, ground_id="ground-3", by=HEAD, now=NOW)
    write_notices(db, now=NOW)
    for question in ("How many?", "With whom?"):
        ask(db, mine.id, question, by=HEAD, now=NOW)
        write_notices(db, now=LATER)

    assert sorted(kinds(db)) == ["moved", "question"]


def test_a_closing_replaces_the_unread_notice_of_an_approval(told):
    db = told
    mine = booked(db, student=1)
    approve(db, mine.id, by=HEAD, now=NOW)
    write_notices(db, now=LATER)
    closed(db, now=LATER)
    write_notices(db, now=LATER + timedelta(seconds=1))

    assert kinds(db) == ["displaced"]


def test_a_notice_that_is_written_late_does_not_come_after_a_later_one(told):
    db = told
    mine = booked(db, student=1)
    approve(db, mine.id, by=HEAD, now=NOW)
    closed(db, now=LATER)
    write_notices(db, now=LATER + timedelta(seconds=1))

    assert kinds(db) == ["displaced"]


@pytest.mark.parametrize("has_read", [False, True])
def test_a_change_that_was_undone_is_told_to_who_has_read_of_it(told, has_read):
    db = told
    mine = booked(db, student=1)
    rejected = reject(db, mine.id, by=HEAD, reason="Exam", now=NOW)
    write_notices(db, now=NOW)
    [notice] = notices_for(db, MEERA.id)
    if has_read:
        mark_read(db, [notice.id], by=MEERA)
    undo_change(db, mine.id, revision=rejected.revision, by=HEAD, now=LATER)
    write_notices(db, now=LATER)
    write_notices(db, now=LATER)

    assert kinds(db) == (["undone"] if has_read else [])


def test_a_swap_tells_the_other_author_once(told):
    db = told
    mine, other = booked(db, student=1), booked(db, student=2, start=11, by=RAVI)
    swap(db, mine.id, other.id, by=HEAD, now=LATER)
    write_notices(db, now=LATER)

    assert (kinds(db), kinds(db, RAVI)) == (["displaced"], ["displaced"])
