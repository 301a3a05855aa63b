"""The sentences of the dialog that gives the slot of a booking to another party."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from test_delegated_decisions import ASKED, booking

from booking_core import BookingRequest, Replacement, Slot, SlotTaken, Status
from pages.shared.text import messages
from pages.shared.text import replacing_texts as texts

TODAY = date(2026, 11, 23)
BEFORE = booking(ASKED)
FREE = Slot("ground-1", date(2026, 11, 24), time(14), time(15))


class Known:
    """A school without grounds, in which a ground is called by its id."""

    grounds = {}


def lines(monkeypatch, slot, **changed):
    monkeypatch.setattr(texts, "party_of", lambda known, asked: BEFORE)
    asked = BookingRequest(
        "ground-1", BEFORE.date, BEFORE.start, BEFORE.end, student_id="S001", game="Football"
    )
    given = {"is_approved": True, "keeps": True, "by_id": "head"} | changed
    return texts.review(BEFORE, asked, slot, Known, TODAY, **given)


def test_the_review_says_who_gets_the_slot_and_where_the_other_goes(monkeypatch) -> None:
    assert lines(monkeypatch, FREE) == [
        "Asha Rao, 10-B: gets ground-1, Tomorrow 9–10 AM, Football, approved at once.",
        "Asha Rao, 10-B: moves to ground-1, Tomorrow 2–3 PM. It keeps its status.",
        "Meera Nair gets a notice with the reason.",
    ]


def test_the_review_of_a_delegate_and_of_an_own_booking_says_what_differs(monkeypatch) -> None:
    said = lines(monkeypatch, FREE, is_approved=False, keeps=False, by_id="meera")

    assert said[0].endswith("as a request, on which the principal decides.")
    assert said[1].endswith("The principal decides on it again.")
    assert len(said) == 2


@pytest.mark.parametrize(
    ("status", "label", "sentence"),
    [
        (Status.APPROVED, "Revoke it", "the booking is revoked and has no slot any more."),
        (Status.PENDING, "Reject it", "the booking is rejected and has no slot any more."),
    ],
)
def test_without_a_slot_a_booking_is_revoked_and_a_request_rejected(
    monkeypatch, status, label, sentence
) -> None:
    monkeypatch.setitem(globals(), "BEFORE", replace(BEFORE, status=status))

    assert texts.outcome(texts.END, BEFORE, None, Known, TODAY) == label
    assert sentence in lines(monkeypatch, None)[1]


def test_what_was_done_says_where_the_other_is() -> None:
    moved = BEFORE.placed(FREE, ("ground-1",))
    ended = replace(BEFORE, status=Status.REVOKED)

    assert texts.done(Replacement(BEFORE, moved), Known, TODAY) == (
        "Asha Rao, 10-B has the slot. The booking of Asha Rao, 10-B is on ground-1, "
        "Tomorrow 2–3 PM now."
    )
    assert texts.done(Replacement(BEFORE, ended), Known, TODAY).endswith("is revoked.")


def test_the_loss_of_the_offered_slot_is_told_from_that_of_another() -> None:
    of_offer = SlotTaken("ground-1", FREE.date, FREE.start, FREE.end, None, None)
    of_other = SlotTaken("ground-3", FREE.date, FREE.start, FREE.end, None, datetime.now(UTC))

    assert "to move to was taken meanwhile" in texts.error(of_offer, FREE)
    assert texts.error(of_other, FREE) == messages.error(of_other)
    assert texts.error(of_offer, None) == messages.error(of_offer)


def test_a_replacement_whose_answer_was_lost_is_told_as_done() -> None:
    said = texts.made(replace(BEFORE, student_name="Ravi Kumar"), Known, TODAY)

    assert said == "This is done: Ravi Kumar, 10-B has ground-1, Tomorrow 9–10 AM."
