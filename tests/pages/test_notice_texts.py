"""The sentences of notices: one booking, several of one step, and moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from booking_core import Booking, Decision, Ground, Notice, Slot, Status
from pages.shared.text import formats, mails, notices

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


def of_status(status: Status, *entries: Decision, **changes: object) -> Booking:
    return replace(booking(*entries), status=status, **changes)


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        ("displaced", "was moved by Admin: Rain. It is on Court, Fri 27 Nov, 2–3 PM now."),
        ("party_changed", "is now for these people, changed by Admin: Rain."),
    ],
)
def test_a_change_that_took_the_approval_says_that_a_decision_is_needed(kind, done):
    action = {"displaced": "moved", "party_changed": "party changed"}[kind]
    change = Decision(
        AT, "admin", "Admin", action, "Rain", moved_from=SLOT, status_before=Status.APPROVED
    )
    one = notice(kind, "Rain", of_status(Status.PENDING, change), by_name="Admin")
    text = notices.sentence([one], GROUNDS, TODAY)
    assert text.endswith(f"{done} It waits for a decision again.")

    kept = notice(kind, "Rain", of_status(Status.APPROVED, change), by_name="Admin")
    assert "decision" not in notices.sentence([kept], GROUNDS, TODAY)
    text = notices.sentence([one, kept], GROUNDS, TODAY)
    assert ": Rain. 1 of them waits for a decision. Oval, Fri" in text
    text = notices.sentence([one, one], GROUNDS, TODAY)
    assert ": Rain. They wait for a decision. Oval, Fri" in text


def test_a_request_from_the_waiting_list_says_that_it_is_to_be_decided():
    one = notice("promoted", made=of_status(Status.PENDING))
    text = notices.sentence([one], GROUNDS, TODAY)
    assert text.endswith("the slot was freed and is held for you. It waits for a decision.")


def test_an_early_end_has_the_new_end():
    ended = Decision(AT, "head", "Head", "ended early", "Rain", moved_from=SLOT)
    one = notice("ended_early", "Rain", of_status(Status.APPROVED, ended, end=time(14, 20)))
    said = notices.parts([one], GROUNDS, lambda slot: formats.full_time(slot, TODAY))
    assert said == (
        "Your booking",
        "Oval, Fri 27 Nov, 2–3 PM",
        "for Asha, 9-A, was ended early by Head: Rain. Its end is 2:20 PM now.",
    )
    revoked = replace(one, booking=of_status(Status.REVOKED, ended, end=time(14, 20)))
    assert notices.sentence([revoked], GROUNDS, TODAY).endswith("ended early by Head: Rain")
    text = notices.sentence([one, one], GROUNDS, TODAY)
    assert text.startswith("**2 of your bookings** were ended early by Head: Rain. Oval")
    assert mails.WRITING.subject([one], GROUNDS) == "Ended early: Oval, Fri 27 Nov, 2–3 PM"


def test_several_of_one_step_are_one_sentence():
    same = [
        notice("displaced", "Rain", slot=replace(SLOT, start=time(hour), end=time(hour + 1)))
        for hour in (9, 10, 11, 12, 13)
    ]
    assert len({notices.step(one) for one in same}) == 1
    text = notices.sentence(same, GROUNDS, TODAY)
    assert text.startswith("**5 of your bookings** were revoked by Head: Rain. Oval, Fri")
    assert text.endswith("; 2 more")


def test_steps_are_those_of_one_change_each():
    first = notice("displaced", "Rain", slot=replace(SLOT, start=time(15), end=time(16)))
    second = notice("displaced", "Rain")
    third = notice("approved")
    assert notices.steps([first, second, third]) == [[second, first], [third]]


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
