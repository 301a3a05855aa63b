"""Adding, changing, ordering and retiring grounds. No booking changes with them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, at_once, booked

from booking_core import (
    GroundRetired,
    InvalidRequest,
    Status,
    add_ground,
    approve,
    bookings_on,
    change_ground,
    day_board,
    load_reference,
    move,
    save_grounds_order,
)

LATER = DAY + timedelta(days=1)


def test_changes_of_one_ground_by_several_admins_at_once_are_all_kept(db):
    at_once(
        lambda: save_grounds_order(db, ["ground-3", "ground-1", "ground-2"], by=ADMIN),
        lambda: change_ground(db, "ground-1", name="North field", by=ADMIN),
        lambda: change_ground(db, "ground-1", games=["Cricket"], by=ADMIN),
    )

    known = load_reference(db).grounds
    assert list(known) == ["ground-3", "ground-1", "ground-2"]
    assert (known["ground-1"].name, known["ground-1"].games) == ("North field", ("Cricket",))


def test_an_order_applies_to_every_screen_and_unnamed_grounds_follow(db):
    save_grounds_order(db, ["ground-3"], by=ADMIN)

    assert [g.id for g in day_board(db, DAY, NOW).grounds] == ["ground-3", "ground-1", "ground-2"]


def test_a_new_ground_is_the_last_one_and_its_id_is_derived_from_its_name(db):
    made = add_ground(db, "Tennis court", ["Tennis"], by=ADMIN)
    change_ground(db, made.id, retired=True, by=ADMIN)
    again = add_ground(db, "Tennis  court!", by=ADMIN)
    other = add_ground(db, "体育館", by=ADMIN)

    assert (made.id, again.id) == ("tennis-court", "tennis-court-2")
    assert list(load_reference(db).grounds)[-2:] == [again.id, other.id]


def test_a_retired_ground_keeps_its_bookings_and_can_be_restored(db):
    kept = [booked(db, start=hour, student=hour, on=LATER) for hour in (12, 9)]
    booked(db, student=20, ground="ground-2")
    before = list(db["bookings"].find())

    change_ground(db, "ground-1", retired=True, by=ADMIN)

    assert list(db["bookings"].find()) == before
    assert bookings_on(db, "ground-1", DAY) == kept[::-1]
    assert bookings_on(db, "ground-1", LATER + timedelta(days=1)) == []
    with pytest.raises(GroundRetired):
        booked(db, student=21, start=10)
    change_ground(db, "ground-1", retired=False, by=ADMIN)
    assert booked(db, student=21, start=10).ground_id == "ground-1"
    actions = [e["action"] for e in db["audit"].find({"id": "ground-1"}).sort("at", 1)]
    assert actions[-2:] == ["retired", "brought back"]


@pytest.mark.parametrize("respelled", ["VOLLEYBALL", "volleyball", "Ｖｏｌｌｅｙｂａｌｌ"])
def test_requests_of_a_game_that_is_respelled_can_be_approved_and_moved(db, respelled):
    first, second = booked(db, start=9), booked(db, start=10, student=1)

    change_ground(db, "ground-1", games=[respelled], by=ADMIN)
    change_ground(db, "ground-3", games=[respelled], by=ADMIN)

    assert approve(db, first.id, by=HEAD, now=NOW).status is Status.APPROVED
    moved = move(db, second.id, ground_id="ground-3", by=MEERA, now=NOW)
    assert (moved.ground_id, moved.game) == ("ground-3", "Volleyball")


def test_a_ground_lists_each_game_in_one_spelling(db):
    games = ["Kho-kho", "kho – kho"]

    for verb in (partial(add_ground, db, "New"), partial(change_ground, db, "ground-1")):
        with pytest.raises(InvalidRequest) as refused:
            verb(games=games, by=ADMIN)
        assert refused.value.field == "games"


def test_a_booking_has_its_game_as_the_ground_spells_it(db):
    submission = uuid4()

    made = booked(db, game="ＶＯＬＬＥＹＢＡＬＬ", submission_id=submission)
    change_ground(db, "ground-1", games=["volleyball"], by=ADMIN)
    again = booked(db, game="ＶＯＬＬＥＹＢＡＬＬ", submission_id=submission)

    assert made.game == "Volleyball"
    assert again == made


def test_a_respelled_game_is_offered_on_every_ground_that_has_it(db):
    change_ground(db, "ground-3", games=["VOLLEYBALL"], by=ADMIN)
    board, made = day_board(db, DAY, NOW), booked(db)

    free = board.free_slots("Volleyball", 1)
    instead = board.free_instead(made.slot, "Volleyball")

    assert {slot.ground_id for slot in free} == {"ground-1", "ground-3"}
    assert {slot.ground_id for slot in instead} == {"ground-1", "ground-3"}
