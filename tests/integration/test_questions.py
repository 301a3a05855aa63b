"""Questions about requests: who asks and answers, what waits, and every race with another verb."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    at_once,
    booked,
    of_type,
    student_id,
)

from booking_core import (
    Account,
    AlreadyBegun,
    AlreadyDecided,
    Booking,
    InvalidRequest,
    NotAllowed,
    NotAsked,
    add_account,
    answer,
    approve,
    ask,
    cancel,
    change_party,
    delegate,
    erase_student,
    get_booking,
    lapse_pending,
    load_reference,
    mark_read,
    move,
    notices_for,
    reject,
    save_student,
    undo_change,
    write_notices,
)
from booking_core.reports import find_changes
from booking_core.storage.client.database import settings_of

LATER = NOW + timedelta(seconds=30)
QUESTION = "Who supervises?"


@pytest.fixture
def mine(db):
    return booked(db)


@pytest.fixture
def asked(db, mine):
    return ask(db, mine.id, QUESTION, by=HEAD, now=NOW)


def actions(booking):
    return [entry.action for entry in booking.history]


def notices(db, to):
    return [(n.kind, n.by_name, n.reason) for n in notices_for(db, to.id)]


def test_a_request_waits_for_its_author_until_the_answer(db, asked):
    assert (asked.asked.reason, asked.asked.by, asked.asked.at) == (QUESTION, HEAD.id, NOW)
    assert asked.status.value == "Pending"

    done = answer(db, asked.id, "I do.", by=MEERA, now=LATER)

    assert (done.asked, done.waits_since) == (None, LATER)
    assert get_booking(db, asked.id) == done
    assert actions(done) == ["requested", "asked", "answered"]
    assert done.history[-1].reason == "I do."


def test_a_further_question_is_added_and_one_answer_answers_both(db, asked):
    both = ask(db, asked.id, "With whom?", by=DEPUTY, now=LATER)

    assert [one.reason for one in both.questions] == [QUESTION, "With whom?"]
    assert both.asked.by == DEPUTY.id
    assert answer(db, asked.id, "With Ravi.", by=MEERA, now=LATER).questions == ()


def test_a_repeated_question_and_answer_are_answered_as_the_first(db, asked):
    ask(db, asked.id, "With whom?", by=DEPUTY, now=LATER)
    assert len(ask(db, asked.id, QUESTION, by=HEAD, now=LATER).history) == 3

    first = answer(db, asked.id, "I do.", by=MEERA, now=LATER)
    assert answer(db, asked.id, "I do.", by=MEERA, now=LATER) == first
    approved = approve(db, asked.id, by=HEAD, now=LATER)
    assert answer(db, asked.id, "I do.", by=MEERA, now=LATER) == approved
    with pytest.raises(AlreadyDecided):
        answer(db, asked.id, "Ravi does.", by=MEERA, now=LATER)


@pytest.mark.parametrize(
    "end",
    [
        lambda db, id: approve(db, id, by=HEAD, now=LATER),
        lambda db, id: reject(db, id, by=HEAD, reason="rain", now=LATER),
        lambda db, id: cancel(db, id, by=MEERA, now=LATER),
        lambda db, id: move(db, id, start=time(11), end=time(12), by=MEERA, now=LATER),
        lambda db, id: lapse_pending(db, now=NOW + timedelta(days=3)),
    ],
)
def test_a_decision_a_cancellation_a_move_and_a_lapse_end_the_wait(db, asked, end):
    end(db, asked.id)

    found = get_booking(db, asked.id)
    assert found.asked is None
    if found.status.value != "Pending":
        with pytest.raises(AlreadyDecided):
            ask(db, asked.id, "With whom?", by=HEAD, now=LATER)
        assert get_booking(db, asked.id) == found
    with pytest.raises((NotAsked, AlreadyDecided)):
        answer(db, asked.id, "I do.", by=MEERA, now=LATER)


def test_what_is_undone_brings_the_question_back(db, asked):
    gone = cancel(db, asked.id, by=MEERA, now=LATER)

    back = undo_change(db, asked.id, by=MEERA, revision=gone.revision, now=LATER)

    assert back.asked == asked.asked
    both = ask(db, asked.id, "With whom?", by=HEAD, now=LATER)
    assert [one.reason for one in both.questions] == [QUESTION, "With whom?"]


def test_a_request_that_has_begun_is_not_asked_about_and_is_answered_until_it_is_over(db, asked):
    begins = asked.slot.starts_at(settings_of(db).zone)
    with pytest.raises(AlreadyBegun):
        ask(db, asked.id, "With whom?", by=HEAD, now=begins)

    with pytest.raises(AlreadyBegun):
        answer(db, asked.id, "I do.", by=MEERA, now=begins + timedelta(days=1))
    assert answer(db, asked.id, "I do.", by=MEERA, now=begins).asked is None


def test_who_may_ask_and_answer(db, mine):
    for by in (MEERA, RAVI, ADMIN):
        with pytest.raises(NotAllowed):
            ask(db, mine.id, QUESTION, by=by, now=NOW)
    with pytest.raises(NotAsked):
        answer(db, mine.id, "I do.", by=MEERA, now=NOW)
    ask(db, mine.id, QUESTION, by=HEAD, now=NOW)
    with pytest.raises(NotAllowed):
        answer(db, mine.id, "I do.", by=RAVI, now=NOW)
    assert answer(db, mine.id, "Meera does.", by=ADMIN, now=NOW).history[-1].by == ADMIN.id


def test_a_delegate_asks_for_the_principal_and_not_about_an_own_request(db, mine):
    for actor in (HEAD, MEERA, RAVI):
        add_account(db, Account(actor.id, actor.name, actor.role))
    delegate(db, to=RAVI.id, first=NOW.date(), last=NOW.date(), by=HEAD, now=NOW)
    own = booked(db, student=2, start=12, by=RAVI)

    done = ask(db, mine.id, QUESTION, by=RAVI, now=NOW)

    assert (done.asked.by, done.asked.on_behalf_of) == (RAVI.id, HEAD.name)
    with pytest.raises(NotAllowed):
        ask(db, own.id, QUESTION, by=RAVI, now=NOW)


@pytest.mark.parametrize("text", ["", " ", "x" * 501, None, 7])
def test_a_text_that_cannot_be_stored_names_its_field_and_stores_nothing(db, asked, text):
    with pytest.raises(InvalidRequest) as of_question:
        ask(db, asked.id, text, by=HEAD, now=NOW)
    with pytest.raises(InvalidRequest) as of_answer:
        answer(db, asked.id, text, by=MEERA, now=NOW)

    assert (of_question.value.field, of_answer.value.field) == ("question", "text")
    assert get_booking(db, asked.id) == asked


def test_two_who_ask_at_once_have_both_questions_stored(db, mine):
    at_once(
        lambda: ask(db, mine.id, QUESTION, by=HEAD, now=NOW),
        lambda: ask(db, mine.id, "With whom?", by=DEPUTY, now=NOW),
    )

    found = get_booking(db, mine.id)
    assert {one.reason for one in found.questions} == {QUESTION, "With whom?"}
    assert found.revision == 2


@pytest.mark.parametrize("number", range(5))
def test_an_answer_against_an_approval_leaves_one_order_of_both(db, asked, number):
    said, _ = at_once(
        lambda: answer(db, asked.id, "I do.", by=MEERA, now=NOW),
        lambda: approve(db, asked.id, by=HEAD, now=NOW),
    )

    found = get_booking(db, asked.id)
    lost = isinstance(said, AlreadyDecided)
    assert found.status.value == "Approved"
    assert actions(found)[2:] == (["approved"] if lost else ["answered", "approved"])
    assert found.revision == len(found.history) - 1


@pytest.mark.parametrize("number", range(5))
def test_a_question_against_a_cancellation_ends_in_the_cancellation(db, mine, number):
    outcomes = at_once(
        lambda: ask(db, mine.id, QUESTION, by=HEAD, now=NOW),
        lambda: cancel(db, mine.id, by=MEERA, now=NOW),
    )

    found = get_booking(db, mine.id)
    assert (found.status.value, actions(found)[-1]) == ("Cancelled", "cancelled")
    assert len(of_type(outcomes, Booking)) == len(found.history) - 1


def test_the_author_hears_of_the_question_and_who_asked_of_the_answer(db, mine):
    write_notices(db, now=NOW)
    ask(db, mine.id, QUESTION, by=HEAD, now=NOW)
    write_notices(db, now=LATER)
    assert notices(db, MEERA) == [("question", "Head", QUESTION)]

    answer(db, mine.id, "I do.", by=MEERA, now=LATER)
    for _ in range(2):
        write_notices(db, now=LATER)

    assert notices(db, MEERA) == []  # the question waits no more
    assert notices(db, HEAD) == [("answered", "Meera", "I do.")]


@pytest.mark.parametrize("is_read", [False, True])
def test_a_rejection_that_is_undone_leaves_the_notice_of_the_question(db, mine, is_read):
    write_notices(db, now=NOW)
    ask(db, mine.id, QUESTION, by=DEPUTY, now=NOW)
    write_notices(db, now=NOW)
    soon = NOW + timedelta(seconds=10)
    gone = reject(db, mine.id, by=HEAD, reason="Exam", now=soon)
    write_notices(db, now=soon)
    [rejected] = notices_for(db, MEERA.id)
    if is_read:
        mark_read(db, [rejected.id], by=MEERA)

    undo_change(db, mine.id, by=HEAD, revision=gone.revision, now=LATER)
    for _ in range(2):
        write_notices(db, now=LATER)

    question = ("question", "Deputy", QUESTION)
    assert notices(db, MEERA) == ([("undone", "Head", ""), question] if is_read else [question])
    mark_read(db, [one.id for one in notices_for(db, MEERA.id)], by=MEERA)
    write_notices(db, now=LATER)
    assert notices(db, MEERA) == []  # it is read for good


@pytest.mark.parametrize(
    "change",
    [
        lambda db, id: move(db, id, date=DAY + timedelta(days=1), by=MEERA, now=LATER),
        lambda db, id: change_party(db, id, student_id=student_id(2), by=MEERA, now=LATER),
    ],
)
def test_an_approved_booking_that_waits_again_is_new_to_who_decides(db, mine, change):
    other = booked(db, student=3, start=13)
    approve(db, other.id, by=HEAD, now=NOW)

    # The request has waited all the time; the approved booking waits since the change.
    assert change(db, mine.id).waits_since == mine.created_at
    after = change(db, other.id)
    assert (after.status.value, after.waits_since) == ("Pending", LATER)


def test_an_answer_by_an_admin_is_told_to_the_author_and_to_all_who_asked(db, mine):
    write_notices(db, now=NOW)
    ask(db, mine.id, QUESTION, by=HEAD, now=NOW)
    ask(db, mine.id, "With whom?", by=DEPUTY, now=NOW)
    answer(db, mine.id, "Meera does.", by=ADMIN, now=NOW)

    write_notices(db, now=LATER)

    for to in (MEERA, HEAD, DEPUTY):
        assert notices(db, to) == [("answered", "Admin", "Meera does.")]


def test_erasing_the_student_takes_question_and_answer_out(db, asked):
    write_notices(db, now=NOW - timedelta(minutes=1))
    write_notices(db, now=LATER)
    answer(db, asked.id, "Student 1 limps.", by=MEERA, now=LATER)
    write_notices(db, now=LATER)
    student = load_reference(db).students[asked.student_id]
    cancel(db, asked.id, by=MEERA, now=LATER)
    save_student(db, replace(student, active=False), by=ADMIN)

    erase_student(db, student.id, by=ADMIN, now=LATER)

    stored = str(list(db.bookings.find())) + str(list(db.notices.find()))
    assert "limps" not in stored
    assert QUESTION not in stored


def test_the_audit_lists_both(db, asked):
    answer(db, asked.id, "I do.", by=MEERA, now=NOW)

    found = find_changes(db, by=ADMIN, first=NOW.date(), last=NOW.date())

    assert [one.action for one in found if one.what == "booking"][:2] == ["answered", "asked"]
    assert NOW.date() < DAY
