"""Offers of a swap between two authors: made, answered, withdrawn, and over; in any race."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, assert_sound, at_once, booked

from booking_core import (
    Account,
    AlreadyBegun,
    AlreadyDecided,
    ChangedMeanwhile,
    GameNotAllowed,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Role,
    Student,
    StudentBusy,
    accept_swap,
    add_account,
    approve,
    cancel,
    change_account,
    change_ground,
    decline_swap,
    erase_account,
    erase_student,
    get_booking,
    mark_read,
    move,
    notices_for,
    offer_swap,
    plan_swap_offer,
    revoke,
    save_student,
    swap_offers,
    undo_change,
    withdraw_swap,
    write_notices,
)
from booking_core.storage import notices as notice_store
from booking_core.storage.bookings import writes as bookings

LATER = DAY + timedelta(days=1)


@pytest.fixture
def two(db, quick_hashes):
    """A booking of Meera on Tuesday at nine, and one of Ravi on ground 3 on Wednesday at ten."""
    for actor in (MEERA, RAVI, HEAD):
        add_account(db, Account(actor.id, actor.name, actor.role), now=NOW)
    mine = booked(db, student=1, game="Volleyball")
    other = booked(db, by=RAVI, student=2, ground="ground-3", on=LATER, start=10)
    write_notices(db, now=NOW)
    return mine, other


def offered(db, two, **more):
    mine, other = two
    return offer_swap(db, mine.id, other.id, **({"by": MEERA, "now": NOW} | more))


def stored(db, two):
    return [get_booking(db, booking.id) for booking in two]


def kinds(db, account):
    return [notice.kind for notice in notices_for(db, account.id, unread_only=False)]


def test_an_accepted_offer_swaps_both_slots_and_tells_who_made_it(db, two):
    mine, other = two
    offer = offered(db, two, reason="Rehearsal")

    open_offer = replace(offer, given=mine, wanted=other)
    assert [swap_offers(db, by=by, now=NOW) for by in (MEERA, RAVI)] == [[open_offer]] * 2
    assert swap_offers(db, by=HEAD, now=NOW) == []
    [notice] = notices_for(db, RAVI.id)
    assert (notice.kind, notice.booking_id, notice.by_name, notice.reason) == (
        *("swap_offered", other.id, "Meera", "Rehearsal"),
    )

    given, wanted = accept_swap(db, offer.id, by=RAVI, now=NOW)

    assert (given.slot, wanted.slot) == (other.slot, mine.slot)
    assert stored(db, two) == [given, wanted]
    assert [entry.by for booking in (given, wanted) for entry in booking.history[1:]] == [
        "ravi"
    ] * 2
    assert [swap_offers(db, by=by, now=NOW) for by in (MEERA, RAVI)] == [[], []]
    assert kinds(db, MEERA) == ["displaced"]
    assert_sound(db)


def test_the_plan_is_what_the_acceptance_makes(db, two):
    mine, other = two
    plan = plan_swap_offer(db, mine.id, other.id, by=MEERA, now=NOW)
    done = accept_swap(db, offered(db, two).id, by=RAVI, now=NOW)

    assert [b.slot for b in plan] == [b.slot for b in done]
    assert [b.status for b in plan] == [b.status for b in done]


def test_an_offer_that_is_sent_again_is_one_offer_with_one_notice(db, two):
    assert offered(db, two) == offered(db, two)

    assert len(swap_offers(db, by=RAVI, now=NOW)) == 1
    assert kinds(db, RAVI) == ["swap_offered"]


def test_an_acceptance_that_is_sent_again_answers_as_the_first(db, two):
    offer = offered(db, two)

    assert accept_swap(db, offer.id, by=RAVI, now=NOW) == accept_swap(
        db, offer.id, by=RAVI, now=NOW
    )


def test_a_declined_offer_changes_nothing_and_is_not_made_again(db, two):
    offer = offered(db, two)

    decline_swap(db, offer.id, by=RAVI, now=NOW)
    decline_swap(db, offer.id, by=RAVI, now=NOW)

    assert stored(db, two) == list(two)
    assert kinds(db, MEERA) == ["swap_declined"]
    assert swap_offers(db, by=MEERA, now=NOW) == []
    with pytest.raises(ChangedMeanwhile):
        accept_swap(db, offer.id, by=RAVI, now=NOW)
    with pytest.raises(InvalidRequest) as refused:
        offered(db, two)
    assert refused.value.field == "wanted_id"


def test_a_withdrawn_offer_cannot_be_accepted_and_can_be_made_again(db, two):
    offer = offered(db, two)

    withdraw_swap(db, offer.id, by=MEERA)

    assert kinds(db, RAVI) == []
    with pytest.raises(ChangedMeanwhile):
        accept_swap(db, offer.id, by=RAVI, now=NOW)
    assert stored(db, two) == list(two)
    again = offered(db, two, now=NOW + timedelta(minutes=1), reason="Please")
    assert again.id == offer.id
    assert [notice.reason for notice in notices_for(db, RAVI.id)] == ["Please"]
    assert [one.reason for one in swap_offers(db, by=RAVI, now=NOW)] == ["Please"]
    accept_swap(db, offer.id, by=RAVI, now=NOW)


@pytest.mark.parametrize(
    "answer",
    [
        lambda db, id: accept_swap(db, id, by=RAVI, now=NOW),
        lambda db, id: decline_swap(db, id, by=RAVI, now=NOW),
        lambda db, id: withdraw_swap(db, id, by=MEERA),
    ],
)
@pytest.mark.parametrize("mailed", [False, True])
def test_the_notice_of_an_offer_that_was_answered_or_withdrawn_is_read(db, two, answer, mailed):
    offer = offered(db, two)
    if mailed:
        db.notices.update_many({}, {"$set": {"mail": "m"}})

    answer(db, offer.id)

    assert notices_for(db, RAVI.id) == []


def test_the_notice_of_an_offer_is_unread_while_it_can_be_accepted(db, two):
    offered(db, two)
    approve(db, two[0].id, by=HEAD, now=NOW)
    write_notices(db, now=NOW)
    assert [notice.kind for notice in notices_for(db, RAVI.id)] == ["swap_offered"]

    approved = get_booking(db, two[0].id)
    revoked = revoke(db, approved.id, by=HEAD, reason="Exam", now=NOW)
    write_notices(db, now=NOW)
    assert notices_for(db, RAVI.id) == []

    undo_change(db, revoked.id, revision=revoked.revision, by=HEAD, now=NOW)
    write_notices(db, now=NOW)
    assert [notice.kind for notice in notices_for(db, RAVI.id)] == ["swap_offered"]
    mark_read(db, [notice.id for notice in notices_for(db, RAVI.id)], by=RAVI)
    write_notices(db, now=NOW)
    assert notices_for(db, RAVI.id) == []


class Killed(BaseException):
    """As if the process had been killed at this step."""


def test_an_offer_and_its_answer_are_stored_with_their_notices_or_not_at_all(db, two, monkeypatch):
    def killed(*_):
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(notice_store, "insert_one", killed)
        with pytest.raises(Killed):
            offered(db, two)
    assert swap_offers(db, by=RAVI, now=NOW) == []
    offer = offered(db, two)
    with monkeypatch.context() as context:
        context.setattr(notice_store, "insert_one", killed)
        with pytest.raises(Killed):
            decline_swap(db, offer.id, by=RAVI, now=NOW)
    assert [one.id for one in swap_offers(db, by=RAVI, now=NOW)] == [offer.id]

    decline_swap(db, offer.id, by=RAVI, now=NOW)

    assert kinds(db, MEERA) == ["swap_declined"]


def test_an_offer_that_is_withdrawn_at_the_kill_keeps_its_notice(db, two, monkeypatch):
    offer = offered(db, two)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(notice_store, "withdraw", killed)
        with pytest.raises(Killed):
            withdraw_swap(db, offer.id, by=MEERA)

    assert [one.id for one in swap_offers(db, by=RAVI, now=NOW)] == [offer.id]


def test_an_offer_that_is_sent_twice_at_once_is_one_offer_with_one_notice(db, two):
    for second in range(8):
        at = [NOW + timedelta(minutes=second, seconds=one) for one in range(2)]
        first, again = at_once(*(lambda now=now: offered(db, two, now=now) for now in at))

        assert first == again
        assert len(notices_for(db, RAVI.id)) == 1
        withdraw_swap(db, first.id, by=MEERA)


def test_an_offer_that_was_read_and_made_again_is_told_again(db, two):
    offer = offered(db, two)
    mark_read(db, [notice.id for notice in notices_for(db, RAVI.id)], by=RAVI)
    withdraw_swap(db, offer.id, by=MEERA)

    offered(db, two, now=NOW + timedelta(minutes=1))

    assert [notice.kind for notice in notices_for(db, RAVI.id)] == ["swap_offered"]


def test_an_accepted_offer_is_not_opened_by_one_that_is_sent_late(db, two, monkeypatch):
    offer = offered(db, two)
    stale = stored(db, two)
    accept_swap(db, offer.id, by=RAVI, now=NOW)
    monkeypatch.setattr("booking_core.booking.swap_offers.existing_pair", lambda *_: stale)
    monkeypatch.setattr("booking_core.booking.swaps.plan", lambda *_: None)

    with pytest.raises(ChangedMeanwhile):
        offered(db, two)

    assert db["swap_offers"].find_one({"_id": offer.id})["status"] == "accepted"


def test_an_offer_is_for_the_slots_that_the_user_saw(db, two):
    mine, other = two
    seen = {mine.id: mine.slot, other.id: replace(other.slot, start=time(11), end=time(12))}

    with pytest.raises(ChangedMeanwhile):
        offered(db, two, expected=seen)

    assert swap_offers(db, by=RAVI, now=NOW) == []


def test_a_swap_that_the_school_takes_back_leaves_the_offer_open(db, two, monkeypatch):
    offer = offered(db, two)
    real = bookings.exchange

    def exchanged(*arguments):
        done = real(*arguments)
        monkeypatch.setattr(bookings, "exchange", real)
        change_ground(db, "ground-3", games=("Cricket",), by=ADMIN, now=NOW)
        return done

    monkeypatch.setattr(bookings, "exchange", exchanged)
    with pytest.raises(GameNotAllowed):
        accept_swap(db, offer.id, by=RAVI, now=NOW)

    assert [b.slot for b in stored(db, two)] == [b.slot for b in two]
    assert [one.id for one in swap_offers(db, by=RAVI, now=NOW)] == [offer.id]


def test_erasing_a_student_deletes_the_offers_of_its_bookings(db, two):
    offered(db, two, reason="Student 1 is ill")
    cancel(db, two[0].id, by=MEERA, now=NOW)

    save_student(db, Student("S001", "Student 1", "2-A", active=False))
    erase_student(db, "S001", by=ADMIN, now=NOW)

    assert db["swap_offers"].count_documents({}) == 0


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("change", ["move", "cancel"])
def test_an_offer_is_over_once_a_booking_has_changed(db, two, change, who):
    offer = offered(db, two)
    changed, author = two[who], (MEERA, RAVI)[who]
    if change == "move":
        move(db, changed.id, start=time(14), end=time(15), by=author, now=NOW)
    else:
        cancel(db, changed.id, by=author, now=NOW)

    assert swap_offers(db, by=RAVI, now=NOW) == []
    with pytest.raises((ChangedMeanwhile, AlreadyDecided)):
        accept_swap(db, offer.id, by=RAVI, now=NOW)
    assert [b.slot for b in stored(db, two) if b.status.is_active and b.id != changed.id] == [
        two[1 - who].slot
    ]


def test_an_offer_is_over_once_a_booking_has_begun(db, two):
    offer = offered(db, two)
    begun = NOW + timedelta(days=1, hours=4)  # 10:00 on Tuesday

    assert swap_offers(db, by=RAVI, now=begun) == []
    with pytest.raises(AlreadyBegun):
        accept_swap(db, offer.id, by=RAVI, now=begun)


def test_an_approval_in_between_leaves_the_offer_open(db, two):
    offer = offered(db, two)
    approve(db, two[1].id, by=HEAD, now=NOW)

    given, wanted = accept_swap(db, offer.id, by=RAVI, now=NOW)

    assert (given.slot, wanted.slot) == (two[1].slot, two[0].slot)


def test_only_the_authors_make_and_answer_an_offer(db, two):
    mine, _ = two
    with pytest.raises(NotAllowed):
        offered(db, two, by=RAVI)
    with pytest.raises(NotAllowed):
        offered(db, two, by=HEAD)
    offer = offered(db, two)
    for answer in (accept_swap, decline_swap):
        for by in (MEERA, HEAD):
            with pytest.raises(NotAllowed):
                answer(db, offer.id, by=by, now=NOW)
    for by in (RAVI, HEAD):
        with pytest.raises(NotAllowed):
            withdraw_swap(db, offer.id, by=by)
    with pytest.raises(NotFound):
        accept_swap(db, mine.id, by=RAVI, now=NOW)
    assert stored(db, two) == list(two)


def test_what_cannot_be_swapped_cannot_be_offered(db, two):
    mine, _ = two
    own = booked(db, student=3, start=12)
    football = booked(db, by=RAVI, student=4, ground="ground-2", on=LATER, start=12, game="Cricket")
    busy = booked(db, by=RAVI, student=5, ground="ground-3", on=LATER, start=9)
    booked(db, student=5, ground="ground-2", start=9, game="Football")
    for wanted, error in (
        (own, InvalidRequest),
        (football, GameNotAllowed),
        (busy, StudentBusy),
    ):
        with pytest.raises(error):
            offer_swap(db, mine.id, wanted.id, by=MEERA, now=NOW)
    assert swap_offers(db, by=MEERA, now=NOW) == []
    assert kinds(db, RAVI) == []


def test_an_author_who_is_gone_is_offered_nothing(db, two):
    change_account(db, RAVI.id, by=HEAD_OF_ADMIN, active=False, now=NOW)

    with pytest.raises(InvalidRequest) as refused:
        offered(db, two)
    assert refused.value.field == "wanted_id"


def test_an_author_has_ten_open_offers_at_most(db, two):
    others = [
        booked(db, by=RAVI, student=20 + n, ground="ground-3", on=LATER + timedelta(days=n // 5),
               start=11 + n % 5, now=NOW)
        for n in range(11)
    ]  # fmt: skip
    for other in others[:10]:
        offer_swap(db, two[0].id, other.id, by=MEERA, now=NOW)

    with pytest.raises(InvalidRequest):
        offer_swap(db, two[0].id, others[10].id, by=MEERA, now=NOW)
    assert len(swap_offers(db, by=RAVI, now=NOW)) == 10


def test_accepting_and_withdrawing_at_once_have_one_winner(db, two):
    for round in range(8):
        offer = offered(db, stored(db, two), now=NOW + timedelta(seconds=round))
        before = [b.slot for b in stored(db, two)]
        accepted, withdrawn = at_once(
            lambda offer=offer: accept_swap(db, offer.id, by=RAVI, now=NOW),
            lambda offer=offer: withdraw_swap(db, offer.id, by=MEERA),
        )
        after = [b.slot for b in stored(db, two)]
        failed = [isinstance(one, Exception) for one in (accepted, withdrawn)]
        assert sorted(failed) == [False, True], (accepted, withdrawn)
        assert after == (before[::-1] if failed[1] else before)
        if failed[1]:  # back, for the next round
            mine, other = stored(db, two)
            back = offer_swap(db, mine.id, other.id, by=MEERA, now=NOW)
            accept_swap(db, back.id, by=RAVI, now=NOW)
    assert_sound(db)


def test_two_offers_for_one_booking_are_accepted_once(db, two):
    third = booked(db, student=6, start=14, ground="ground-3", on=LATER)
    mine, other = two
    first, second = (offer_swap(db, one.id, other.id, by=MEERA, now=NOW) for one in (mine, third))

    answers = at_once(
        *(lambda one=one: accept_swap(db, one.id, by=RAVI, now=NOW) for one in (first, second))
    )

    assert sum(isinstance(answer, Exception) for answer in answers) == 1
    assert swap_offers(db, by=RAVI, now=NOW) == []
    assert_sound(db)


def test_erasing_an_account_takes_its_offers_out(db, two):
    offered(db, two)

    erase_account(db, MEERA.id, by=None, now=NOW)

    assert swap_offers(db, by=RAVI, now=NOW) == []
    assert db["swap_offers"].count_documents({}) == 0


def test_invalid_ids_are_named(db, two):
    mine, other = two
    for given, wanted in ((5, other.id), (mine.id, "")):
        with pytest.raises(InvalidRequest):
            offer_swap(db, given, wanted, by=MEERA, now=NOW)
    with pytest.raises(InvalidRequest):
        accept_swap(db, 5, by=RAVI, now=NOW)
    with pytest.raises(InvalidRequest):
        offer_swap(db, mine.id, other.id, reason="x" * 100_000, by=MEERA, now=NOW)


HEAD_OF_ADMIN = replace(HEAD, id="office", role=Role.ADMIN)
