"""Grounds that share a surface: of a pitch and its halves, one at a time is won, in any race."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from functools import partial

import pytest
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    request_for,
)

from booking_core import (
    BookingError,
    CellState,
    ChangedMeanwhile,
    Ground,
    GroundClosed,
    InvalidRequest,
    Slot,
    SlotTaken,
    Status,
    add_ground,
    book,
    cancel,
    change_ground,
    close_grounds,
    day_board,
    displaced_by,
    find_reinstatable,
    get_booking,
    lift_closure,
    load_reference,
    move,
    notices_for,
    reinstate,
    relocations,
    save_ground,
    surface_overlaps,
    wall_cards,
)
from booking_core.operations import stored_data
from booking_core.school import grounds as grounds_module

GAMES = ("Volleyball", "Football")
MAIN = Ground("main", "Main ground", GAMES, 10, surfaces=("main-n", "main-s"))
NORTH = Ground("north", "North half", GAMES, 11, surfaces=("main-n",))
SOUTH = Ground("south", "South half", GAMES, 12, surfaces=("main-s",))
close_all_day = partial(close_grounds, first=DAY, last=DAY, reason="Rain", by=ADMIN, now=NOW)


@pytest.fixture
def divided(db):
    for ground in (MAIN, NORTH, SOUTH):
        save_ground(db, ground)
    return db


def is_active(outcome):
    return not isinstance(outcome, BaseException)


def test_a_ground_lies_on_a_surface_of_its_own_by_default():
    assert Ground("pool", "Pool", GAMES).surfaces == ("pool",)


@pytest.mark.parametrize(
    "surfaces", ["north", 7, ("",), (7,), ("a", "a"), ("a", "A"), [f"s{n}" for n in range(13)]]
)
def test_malformed_surfaces_are_refused_by_name(surfaces):
    with pytest.raises(InvalidRequest) as refused:
        Ground("main", "Main ground", GAMES, surfaces=surfaces)
    assert refused.value.field == "surfaces"


@pytest.mark.parametrize(("first", "second"), [("main", "north"), ("south", "main")])
def test_a_whole_and_a_half_exclude_each_other(divided, first, second):
    held = booked(divided, ground=first, student=1)

    with pytest.raises(SlotTaken) as lost:
        booked(divided, ground=second, student=2)

    assert lost.value.held_by == held
    assert (lost.value.ground_id, held.ground_id) == (second, first)
    assert second not in {
        slot.ground_id for slot in lost.value.alternatives if slot.start == time(9)
    }
    assert_sound(divided)


@pytest.mark.parametrize("change", ["save", "add", "other surfaces"])
def test_a_surface_in_other_capitals_is_the_one_that_is_stored(db, change):
    save_ground(db, MAIN)
    if change == "save":
        half = save_ground(db, replace(NORTH, surfaces=("Main-N",)))
    elif change == "add":
        half = add_ground(db, "North half", GAMES, surfaces=("MAIN-N",))
    else:
        save_ground(db, Ground("north", "North half", GAMES))
        half = change_ground(db, "north", surfaces=("Main-N",), by=ADMIN, now=NOW)
    held = booked(db, ground="main", student=1)

    assert (half.surfaces, load_reference(db).grounds[half.id]) == (("main-n",), half)
    with pytest.raises(SlotTaken) as lost:
        booked(db, ground=half.id, student=2)
    assert lost.value.held_by == held
    assert_sound(db)


def test_the_surface_of_another_ground_is_found_in_other_capitals(db):
    save_ground(db, Ground("pitch", "Pitch", GAMES))
    other = booked(db, ground="ground-1", student=1)
    booked(db, ground="pitch", student=2)

    assert surface_overlaps(db, "ground-1", ("Pitch",), now=NOW) == [other]
    assert save_ground(db, Ground("half", "Half", GAMES, surfaces=("Pitch",))).surfaces == (
        "pitch",
    )
    with pytest.raises(SlotTaken):
        booked(db, ground="half", student=3)


def test_a_ground_in_other_capitals_than_a_surface_lies_on_it(db):
    save_ground(db, MAIN)
    booked(db, ground="main", student=1)

    assert save_ground(db, Ground("Main-S", "South", GAMES)).surfaces == ("main-s",)
    with pytest.raises(SlotTaken):
        booked(db, ground="Main-S", student=2)


def test_a_spelling_that_is_stored_stays_until_another_is_chosen(db):
    """As two grounds may be stored that an older version has saved."""
    save_ground(db, MAIN)
    save_ground(db, NORTH)
    db.grounds.update_one({"_id": "north"}, {"$set": {"surfaces": ["Main-N"]}})
    db.meta.update_one({"_id": "revision"}, {"$inc": {"grounds": 1}})
    held = booked(db, ground="north", student=1)
    assert held.held_surfaces == ("Main-N",)

    change_ground(db, "north", name="North", by=ADMIN, now=NOW)

    assert get_booking(db, held.id) == held
    found = stored_data.names(db)
    assert not found.ok
    assert found.detail.endswith("only: “main-n” of main, “Main-N” of north")
    change_ground(db, "north", surfaces=("main-n",), by=ADMIN, now=NOW)
    assert get_booking(db, held.id).held_surfaces == ("main-n",)
    assert stored_data.names(db).ok
    assert_sound(db)


def test_the_only_ground_on_a_surface_spells_it_anew(db):
    save_ground(db, SOUTH)

    assert change_ground(db, "south", surfaces=("Main-S",), now=NOW).surfaces == ("Main-S",)


def test_two_halves_are_booked_side_by_side(divided):
    booked(divided, ground="north", student=1)
    booked(divided, ground="south", student=2)

    assert_sound(divided)


@pytest.mark.parametrize("round_", range(8))
def test_64_threads_race_for_a_whole_and_its_halves(divided, round_):
    places = ["main", "north", "south", "main"] * 16

    outcomes = at_once(
        *(partial(booked, divided, ground=g, student=n) for n, g in enumerate(places))
    )

    won = sorted(b.ground_id for b in outcomes if is_active(b))
    assert won in (["main"], ["north", "south"])
    assert all(isinstance(o, SlotTaken) for o in outcomes if not is_active(o))
    assert_sound(divided)


def test_layouts_that_share_a_strip_exclude_each_other(db):
    save_ground(db, Ground("pitch", "Pitch", GAMES, 10, surfaces=("a", "b", "c")))
    for n, strip in enumerate("abc"):
        save_ground(db, Ground(f"net-{strip}", f"Net {strip}", GAMES, 11 + n, surfaces=(strip,)))
    booked(db, ground="net-b", student=1)

    with pytest.raises(SlotTaken):
        booked(db, ground="pitch", student=2)
    booked(db, ground="net-a", student=3)
    booked(db, ground="net-c", student=4)
    assert_sound(db)


def test_the_board_shows_what_another_layout_holds(divided):
    held = booked(divided, ground="main", student=1)

    board = day_board(divided, DAY, NOW)

    for ground in ("main", "north", "south"):
        cell = board.cell(ground, time(9))
        assert (cell.state, cell.booking) == (CellState.PENDING, held)
        assert board.cell(ground, time(10)).state is CellState.FREE
    free = {slot.ground_id for slot in board.free_slots("Football", 1) if slot.start == time(9)}
    assert free == {"ground-1", "ground-2"}


def test_every_slot_that_the_board_shows_free_is_booked(divided):
    booked(divided, ground="north", student=1, start=9)
    booked(divided, ground="main", student=2, start=11)
    slots = [
        slot
        for slot in day_board(divided, DAY, NOW).free_slots("Football", 1)
        if slot.ground_id in ("main", "north", "south")
    ]
    for slot in slots:
        made = booked(divided, ground=slot.ground_id, student=3, start=slot.start, game="Football")
        cancel(divided, made.id, by=MEERA, now=NOW)
    assert len(slots) == 30 - 2 - 3  # 9: main and north; 11: all three


def test_a_booking_kept_on_a_retired_layout_still_shows_on_the_others(divided):
    held = booked(divided, ground="main", student=1)
    change_ground(divided, "main", retired=True, now=NOW)

    assert day_board(divided, DAY, NOW).cell("north", time(9)).booking == held


def test_a_move_leaves_the_old_surfaces_and_takes_the_new(divided):
    held = booked(divided, ground="main", student=1)

    move(divided, held.id, ground_id="north", by=MEERA, now=NOW)

    booked(divided, ground="south", student=2)
    with pytest.raises(SlotTaken):
        booked(divided, ground="north", student=3)
    move(divided, held.id, ground_id="ground-1", by=MEERA, now=NOW)
    booked(divided, ground="north", student=3)
    assert_sound(divided)


def test_a_move_onto_another_layout_of_the_same_slot_is_free_of_itself(divided):
    held = booked(divided, ground="north", student=1)

    moved = move(divided, held.id, ground_id="main", by=MEERA, now=NOW)

    assert moved.held_surfaces == ("main-n", "main-s")
    assert_sound(divided)


def test_closing_a_half_displaces_the_whole_and_spares_the_other_half(divided):
    whole = booked(divided, ground="main", student=1, start=9)
    other = booked(divided, ground="south", student=2, start=10)
    shown = displaced_by(divided, ground_ids=["north"], first=DAY, last=DAY, now=NOW)
    assert shown == [whole]

    closing = close_all_day(divided, ground_ids=["north"], expected=[whole.id])

    assert [b.id for b in closing.displaced] == [whole.id]
    assert get_booking(divided, other.id).status is Status.PENDING
    assert day_board(divided, DAY, NOW).cell("main", time(15)).state is CellState.CLOSED
    with pytest.raises(GroundClosed):
        booked(divided, ground="main", student=3, start=15)
    lifted = lift_closure(divided, closing.id, by=ADMIN, now=NOW)
    assert [b.id for b in lifted.reinstatable] == [whole.id]
    assert_sound(divided)


def test_all_layouts_are_closed_in_one_step(divided):
    ids = [
        booked(divided, ground=g, student=n, start=9 + n).id
        for n, g in enumerate(["main", "north"])
    ]

    closing = close_all_day(divided, ground_ids=["main", "north", "south"], expected=ids)

    assert [closure.ground_id for closure in closing.closures] == ["main"]
    for ground in ("main", "north", "south"):
        assert day_board(divided, DAY, NOW).cell(ground, time(12)).state is CellState.CLOSED
    assert_sound(divided)


def test_the_whole_is_closed_where_a_half_is_closed_already(divided):
    close_all_day(divided, ground_ids=["north"], expected=())

    closing = close_all_day(divided, ground_ids=["main"], expected=())

    assert [closure.surfaces for closure in closing.closures] == [("main-s",)]
    with pytest.raises(GroundClosed):
        booked(divided, ground="south", student=1)
    lift_closure(divided, closing.id, by=ADMIN, now=NOW)
    booked(divided, ground="south", student=1)
    assert_sound(divided)


def test_a_displaced_whole_is_reinstated_only_while_both_halves_are_free(divided):
    whole = booked(divided, ground="main", student=1)
    closing = close_all_day(divided, ground_ids=["north"], expected=[whole.id])
    lift_closure(divided, closing.id, by=ADMIN, now=NOW)
    half = booked(divided, ground="south", student=2)
    assert find_reinstatable(divided, from_date=DAY, now=NOW) == []
    with pytest.raises(SlotTaken):
        reinstate(divided, whole.id, by=ADMIN, now=NOW)

    cancel(divided, half.id, by=MEERA, now=NOW)

    assert reinstate(divided, whole.id, by=ADMIN, now=NOW).status is Status.PENDING
    assert_sound(divided)


def test_relocations_offer_no_two_bookings_one_surface(divided):
    for n, start in enumerate((9, 9)):
        booked(divided, ground=f"ground-{n + 1}", student=n, start=start, game="Football")
    save_ground(divided, replace(load_reference(divided).grounds["ground-3"], games=("Chess",)))
    planned = [
        *relocations(divided, "ground-1", now=NOW),
        *relocations(divided, "ground-2", now=NOW),
    ]

    for one in planned:
        assert one.slot is not None
        move(
            divided,
            one.booking.id,
            ground_id=one.slot.ground_id,
            start=one.slot.start,
            end=one.slot.end,
            by=MEERA,
            now=NOW,
        )
        break
    assert_sound(divided)


# A change of surfaces


def test_dividing_a_ground_gives_its_bookings_the_claims_of_its_surfaces(db):
    held = booked(db, ground="ground-1", student=1)

    change_ground(db, "ground-1", surfaces=("n", "s"), now=NOW)
    save_ground(db, Ground("north", "North", GAMES, surfaces=("n",)))

    with pytest.raises(SlotTaken) as lost:
        booked(db, ground="north", student=2)
    assert lost.value.held_by.id == held.id
    assert get_booking(db, held.id).held_surfaces == ("n", "s")
    assert_sound(db)


def test_past_bookings_and_those_of_others_stay_as_they_are(db):
    past = booked(db, ground="ground-1", student=1, start=9)
    later = NOW + timedelta(days=2)

    change_ground(db, "ground-1", surfaces=("n", "s"), now=later)

    assert get_booking(db, past.id) == past


def test_overlapping_bookings_are_shown_and_revoked_in_the_step_of_the_change(db):
    lost = booked(db, ground="ground-1", student=1, start=9)
    kept = booked(db, ground="ground-1", student=2, start=10)
    other = booked(db, ground="ground-3", student=3, start=9)
    assert surface_overlaps(db, "ground-1", ("ground-1", "ground-3"), now=NOW) == [lost]
    change = partial(
        change_ground, db, "ground-1", surfaces=("ground-1", "ground-3"), by=ADMIN, now=NOW
    )

    with pytest.raises(InvalidRequest) as refused:
        change()
    assert refused.value.field == "surfaces"
    with pytest.raises(InvalidRequest) as refused:
        change(revoke=[lost.id])
    assert refused.value.field == "reason"
    with pytest.raises(ChangedMeanwhile):
        change(revoke=[lost.id, kept.id], reason="New layout")
    assert load_reference(db).grounds["ground-1"].surfaces == ("ground-1",)
    assert get_booking(db, lost.id) == lost

    change(revoke=[lost.id], reason="New layout")

    assert get_booking(db, lost.id).status is Status.REVOKED
    assert get_booking(db, kept.id).held_surfaces == ("ground-1", "ground-3")
    assert get_booking(db, other.id) == other
    assert [n.reason for n in notices_for(db, MEERA.id)] == ["New layout"]
    with pytest.raises(SlotTaken):
        booked(db, ground="ground-3", student=4, start=10)
    assert_sound(db)


def test_a_closure_closes_of_the_new_surfaces_what_nobody_holds(db):
    close_all_day(db, ground_ids=["ground-1"], expected=())
    other = booked(db, ground="ground-3", student=3, start=9)

    change_ground(db, "ground-1", surfaces=("ground-1", "ground-3"), now=NOW)

    assert get_booking(db, other.id) == other
    assert day_board(db, DAY, NOW).cell("ground-1", time(12)).state is CellState.CLOSED
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_a_booking_that_races_with_the_change_holds_the_surfaces_of_now(db, round_):
    save_ground(db, Ground("north", "North", GAMES, surfaces=("n",)))

    outcomes = at_once(
        partial(change_ground, db, "ground-1", surfaces=("n", "s"), by=ADMIN, now=NOW),
        *(partial(booked, db, ground="ground-1", student=n, start=9 + n) for n in range(6)),
        *(partial(booked, db, ground="north", student=10 + n, start=9 + n) for n in range(6)),
    )

    allowed = (SlotTaken, ChangedMeanwhile, InvalidRequest)
    assert all(is_active(o) or isinstance(o, allowed) for o in outcomes), outcomes
    surfaces = load_reference(db).grounds["ground-1"].surfaces
    for booking in day_board(db, DAY, NOW).bookings:
        if booking.ground_id == "ground-1":
            assert booking.held_surfaces == surfaces
    assert_sound(db)


def test_a_booking_stored_between_the_change_and_its_end_gets_the_surfaces(db, monkeypatch):
    """The second look: without it this booking would hold the old surfaces."""
    late = []
    claim = grounds_module.claim

    def claim_then_book(*args):
        found = claim(*args)
        if not late:  # outside of the transaction, by the school as it was
            late.append(booked(db, ground="ground-1", student=1, now=NOW))
        return found

    monkeypatch.setattr(grounds_module, "claim", claim_then_book)

    change_ground(db, "ground-1", surfaces=("n", "s"), by=ADMIN, now=NOW)

    assert get_booking(db, late[0].id).held_surfaces == ("n", "s")
    assert_sound(db)


def test_a_booking_checked_before_the_change_and_stored_after_it_is_undone(db, monkeypatch):
    """The second look of ``book``: without it this booking would hold the old surfaces."""
    from booking_core.storage.bookings import writes

    insert = writes.insert

    def change_then_insert(*args):
        monkeypatch.setattr(writes, "insert", insert)
        change_ground(db, "ground-1", surfaces=("n", "s"), by=ADMIN, now=NOW)
        return insert(*args)

    monkeypatch.setattr(writes, "insert", change_then_insert)

    with pytest.raises(ChangedMeanwhile):
        book(db, request_for(student=1), by=MEERA, now=NOW)

    assert active(db) == []
    booked(db, student=1)
    assert_sound(db)


def test_a_closing_that_races_with_the_change_closes_the_surfaces_of_now(divided):
    outcomes = at_once(
        partial(change_ground, divided, "south", surfaces=("main-n", "main-s"), by=ADMIN, now=NOW),
        partial(close_all_day, divided, ground_ids=["south"], expected=()),
    )

    assert all(is_active(o) or isinstance(o, BookingError) for o in outcomes), outcomes
    if is_active(outcomes[1]):
        assert day_board(divided, DAY, NOW).cell("south", time(9)).state is CellState.CLOSED
    assert_sound(divided)


def test_a_ground_with_surfaces_is_added_by_name(db):
    made = add_ground(db, "North half", GAMES, surfaces=("ground-1",), now=NOW)
    plain = add_ground(db, "Pool", GAMES, now=NOW)

    assert (made.surfaces, plain.surfaces) == (("ground-1",), (plain.id,))
    with pytest.raises(InvalidRequest):
        add_ground(db, "Court", GAMES, surfaces="ground-1", now=NOW)


def test_the_wall_shows_what_holds_a_part_of_each_layout(divided):
    held = booked(divided, ground="main", student=1, as_approved=True, by=HEAD)

    cards = {card.ground.id: card for card in wall_cards(day_board(divided, DAY, NOW))}

    assert cards.keys().isdisjoint({"north", "south"})
    assert cards["main"].held == (held,)


def test_a_slot_of_one_ground_alone_has_no_other_layout(divided):
    board = day_board(divided, DAY, NOW)
    assert board.is_free(Slot("ground-1", DAY, time(9), time(10)))
