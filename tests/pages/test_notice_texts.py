"""The sentences of notices: one booking, several of one step, and moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from booking_core import Booking, Decision, Ground, Notice, Slot, Status
from pages.shared.text import mails, notices

TODAY = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 5, tzinfo=UTC)
GROUNDS = {id: Ground(id, id.title(), ("Football",), 1) for id in ("oval", "court")}
SLOT = Slot("oval", date(2026, 11, 27), time(14), time(15))


def booking(*entries: Decision) -> Booking:
    return Booking(
        id="b", ground_id="court", date=SLOT.date, start=SLOT.start, end=SLOT.end,
        status=Status.APPROVED, student_id="S1", student_name="Asha", class_name="9-A",
        game="Football", purpose="", created_by="meera", created_by_name="Meera", created_at=AT,
        updated_at=AT, history=entries or (Decision(AT, "meera", "Meera", "requested"),),
    )  # fmt: skip


def notice(kind: str, reason: str = "", made: Booking | None = None, **changes: object) -> Notice:
    one = Notice("n", AT, "meera", kind, "b", SLOT, reason, "Head", False, made or booking())
    return replace(one, **changes)


@pytest.mark.parametrize(
    ("kind", "reason", "done"),
    [
        ("approved", "", "was approved by Head."),
        ("rejected", "Exam *week*", "was rejected by Head: Exam \\*week\\*"),
        ("cancelled", "", "was cancelled by Head."),
        ("displaced", "Rain", "was revoked by Head: Rain"),
        ("lapsed", "", "lapsed: nobody decided before the slot was over."),
        ("promoted", "", "comes from the waiting list: the slot was freed and is held for you."),
    ],
)
def test_a_single_notice(kind, reason, done):
    text = notices.sentence([notice(kind, reason)], GROUNDS, TODAY)
    assert text == f"Your booking **Oval, Fri 27 Nov, 2–3 PM** for Asha, 9-A, {done}"


def test_what_a_closing_moved_is_told_as_moved():
    moved = booking(
        Decision(AT - timedelta(days=1), "meera", "Meera", "requested"),
        Decision(AT, "head", "Head", "moved", "Rain", moved_from=SLOT),
    )
    one = notice("displaced", "Rain", moved)
    assert notices.kind_of(one) == "moved"
    assert notices.step(one) != notices.step(notice("displaced", "Rain"))
    assert "was moved by Head: Rain. It is on Court" in notices.sentence([one], GROUNDS, TODAY)


def test_several_of_one_step_are_one_sentence():
    same = [
        notice("displaced", "Rain", slot=replace(SLOT, start=time(hour), end=time(hour + 1)))
        for hour in (9, 10, 11, 12, 13)
    ]
    assert len({notices.step(one) for one in same}) == 1
    text = notices.sentence(same, GROUNDS, TODAY)
    assert text.startswith("**5 of your bookings** were revoked by Head: Rain. Oval, Fri")
    assert text.endswith("; 2 more")


def test_another_supervisor_alone_is_no_gift_to_others():
    one = notice("party_changed", "Ill")
    assert notices.sentence([one], GROUNDS, TODAY).endswith(
        "for Asha, 9-A, is now for these people, changed by Head: Ill"
    )
    text = notices.sentence([one, one], GROUNDS, TODAY)
    assert text.startswith("**2 of your bookings** had their people changed by Head: Ill.")
    assert mails.WRITING.subject([one], GROUNDS).startswith("People changed: Oval")


def test_a_notice_has_all_questions_that_wait_and_is_no_line_with_others():
    asked = [
        Decision(AT, "head", "Head", "asked", "Who supervises?"),
        Decision(AT, "deputy", "Deputy", "asked", "With whom?"),
    ]
    made = replace(booking(*asked), status=Status.PENDING)
    last = notice("question", "With whom?", made, by_name="Deputy")
    text = notices.sentence([last], GROUNDS, TODAY)
    assert text.endswith(
        "waits for your answer. Head asks: Who supervises? · Deputy asks: With whom?"
    )
    assert notices.step(last) != notices.step(replace(last, id="m"))
    closed = notice("question", "With whom?", by_name="Deputy")
    assert "Deputy asks: With whom?" in notices.sentence([closed], GROUNDS, TODAY)
