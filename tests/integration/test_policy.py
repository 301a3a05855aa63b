"""The policy: saved by an admin, applied by every operation and board from that moment on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pymongo.errors import WriteError
from support import ADMIN, DAY, HEAD, MEERA, NOW, at_once, booked, of_type

from booking_core import (
    CellState,
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    PastCutOff,
    Policy,
    QuotaReached,
    RuleBroken,
    Slot,
    SlotTaken,
    TooFarAhead,
    TooLate,
    cancel,
    connect,
    day_board,
    load_reference,
    move,
    save_policy,
)
from booking_core.live import Feed, LiveBoards

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
MOMENT = timedelta(milliseconds=1)


def stored(db):
    return db["meta"].find_one({"_id": "revision"})


def test_until_a_policy_is_saved_the_settings_apply(make_db):
    db = make_db(advance_days=7, lead_minutes=15, quota=None, wall_shows="none")

    assert load_reference(db).policy == Policy(7, 15, None, None, "none")


def test_a_saved_policy_applies_to_the_next_booking_and_survives_a_restart(db):
    changed = Policy(advance_days=2, lead_minutes=180, quota=1, wall_shows="student")
    six = NOW  # six in the morning of Monday

    save_policy(db, changed, by=ADMIN)

    assert load_reference(db).policy == changed
    again = connect(db.booking_settings)
    assert load_reference(again).policy == changed
    again.client.close()
    with pytest.raises(TooFarAhead) as far:
        booked(db, on=MONDAY + timedelta(days=3), now=six)
    with pytest.raises(TooLate) as late:
        booked(db, on=MONDAY, start=8, now=six)
    booked(db, now=six)
    with pytest.raises(QuotaReached) as full:
        booked(db, start=11, now=six)
    assert far.value.last_date == MONDAY + timedelta(days=2)
    assert (late.value.lead_minutes, full.value.quota) == (180, 1)


def test_a_policy_saved_by_another_process_applies_to_the_next_booking(db):
    assert load_reference(db).policy.advance_days == 30
    other = connect(db.booking_settings)

    save_policy(other, Policy(advance_days=0), by=ADMIN)
    other.client.close()

    with pytest.raises(TooFarAhead):
        booked(db)


def test_bookings_before_a_stricter_policy_are_kept(db):
    kept = [booked(db, start=9), booked(db, start=10)]
    before = list(db["bookings"].find())

    save_policy(db, Policy(advance_days=0, quota=1), by=ADMIN)

    assert list(db["bookings"].find()) == before
    board = day_board(db, DAY, NOW)
    assert [board.holder(b.slot) for b in kept] == kept
    assert board.cell("ground-1", time(11)).state is CellState.CLOSED


def test_a_quota_that_is_removed_or_set_applies_from_the_next_booking(db):
    booked(db, start=9)
    booked(db, start=10)

    save_policy(db, Policy(quota=None), by=ADMIN)
    free = booked(db, start=11)
    save_policy(db, Policy(quota=3), by=ADMIN)
    third = booked(db, start=12)

    assert free.quota_window is None
    assert third.quota_seat == 2
    with pytest.raises(QuotaReached):
        booked(db, start=13)


def test_only_an_admin_saves_the_policy_and_the_audit_log_has_the_old_values(db):
    first, second = Policy(quota=None), Policy(cut_off=time(16, 30))
    for actor in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            save_policy(db, first, by=actor)
    assert "policy" not in stored(db)

    save_policy(db, first, by=ADMIN)
    save_policy(db, second, by=ADMIN)

    entries = list(db["audit"].find({"what": "settings"}).sort("at", 1))
    assert [(e["by"], e["action"]) for e in entries] == [("admin", "saved")] * 2
    assert [e["details"]["before"]["quota"] for e in entries] == [2, None]
    assert entries[1]["details"]["after"]["cut_off"] == "16:30"


def test_saving_raises_the_revision_that_readers_compare(db):
    before = stored(db)["grounds"]

    save_policy(db, Policy(quota=5))

    assert stored(db)["grounds"] == before + 1


def test_a_change_from_an_outdated_policy_is_refused(db):
    seen = load_reference(db).policy
    save_policy(db, Policy(quota=5), by=ADMIN, was=seen)
    before = stored(db)

    with pytest.raises(ChangedMeanwhile):
        save_policy(db, Policy(quota=7), by=ADMIN, was=seen)

    assert stored(db) == before
    assert db["audit"].count_documents({"what": "settings"}) == 1


def test_of_two_admins_at_the_same_moment_one_saves_and_the_other_is_refused(db):
    seen = load_reference(db).policy

    outcomes = at_once(
        *[lambda n=n: save_policy(db, Policy(quota=n), by=ADMIN, was=seen) for n in (3, 4, 5, 6)]
    )

    (won,) = of_type(outcomes, Policy)
    assert len(of_type(outcomes, ChangedMeanwhile)) == 3
    assert load_reference(db).policy == won


INVALID = [
    *[("advance_days", value) for value in (-1, 401, 1.5, "7", None, True)],
    *[("lead_minutes", value) for value in (-1, 43201, 1.5, "7", None, False)],
    *[("quota", value) for value in (0, 101, 2.0, "2", True, {"$gt": 0})],
    *[("cut_off", v) for v in ("16:00", 16, time(16, 3), time(16, 0, 1), time(16, tzinfo=UTC))],
    *[("wall_shows", value) for value in ("", "all", None, 1, ["class"], {"$ne": 1})],
]


@pytest.mark.parametrize(("field", "invalid"), INVALID, ids=[f"{f}={v!r}" for f, v in INVALID])
def test_an_invalid_policy_is_refused_by_the_name_of_its_field(field, invalid):
    with pytest.raises(InvalidRequest) as refused:
        Policy(**{field: invalid})

    assert refused.value.field == field


def test_a_cut_off_the_day_before_is_refused_while_only_today_may_be_booked():
    with pytest.raises(InvalidRequest) as refused:
        Policy(advance_days=0, cut_off=time(16))

    assert refused.value.field == "cut_off"


def test_a_value_that_is_no_policy_is_not_saved(db):
    for invalid in (None, {"quota": 1}, "policy"):
        with pytest.raises(InvalidRequest) as refused:
            save_policy(db, invalid, by=ADMIN)
        assert refused.value.field == "policy"
    for broken in ({"quota": 0}, {"wall_shows": "all"}, {"cut_off": "4 PM"}, {"unheard": 1}):
        with pytest.raises(WriteError):  # the validator of the database refuses it
            db["meta"].update_one({"_id": "revision"}, {"$set": {"policy": broken}})
    assert "policy" not in stored(db)


def test_a_cut_off_ends_booking_for_the_next_day_at_its_exact_moment(db):
    save_policy(db, Policy(cut_off=time(16)), by=ADMIN)
    four = datetime.combine(MONDAY, time(16), tzinfo=KOLKATA)

    made = booked(db, start=9, now=four - MOMENT)
    with pytest.raises(PastCutOff) as refused:
        booked(db, start=10, now=four)
    with pytest.raises(PastCutOff):
        move(db, made.id, start=time(11), end=time(12), by=MEERA, now=four)
    moved = move(db, made.id, date=DAY + timedelta(days=1), by=MEERA, now=four)

    assert (refused.value.date, refused.value.closed_at) == (DAY, four)
    assert moved.date == DAY + timedelta(days=1)


def test_alternatives_exclude_slots_past_the_cut_off(db):
    save_policy(db, Policy(cut_off=time(16)), by=ADMIN)
    four = datetime.combine(MONDAY, time(16), tzinfo=KOLKATA)
    booked(db, student=1, start=9, now=four - MOMENT)

    with pytest.raises(SlotTaken) as taken:
        booked(db, start=9, now=four - MOMENT)

    assert taken.value.alternatives
    assert not any(day_board(db, DAY, four).is_free(slot) for slot in taken.value.alternatives)


# The moments at which a board changes; also for the day after a clock change.
CHANGES = [
    pytest.param("Asia/Kolkata", date(2026, 11, 24), time(16), id="no change"),
    pytest.param("Europe/Berlin", date(2027, 3, 29), time(2, 30), id="in the hour that is skipped"),
    pytest.param(
        "Europe/Berlin", date(2026, 10, 26), time(2, 30), id="in the hour that comes twice"
    ),
    pytest.param("Europe/Berlin", date(2027, 3, 28), time(16), id="over the night in spring"),
    pytest.param("Europe/Berlin", date(2026, 10, 25), time(0), id="over the night in autumn"),
]


@pytest.mark.parametrize(("zone", "day", "cut_off"), CHANGES)
def test_a_slot_is_shown_as_free_exactly_while_it_can_be_booked(make_db, zone, day, cut_off):
    db = make_db(time_zone=zone, school=True)
    policy = Policy(advance_days=1, lead_minutes=120, quota=None, cut_off=cut_off)
    save_policy(db, policy, by=ADMIN)
    closes = policy.closes_at(day, ZoneInfo(zone))
    opens = datetime.combine(day - timedelta(days=1), time(0), tzinfo=ZoneInfo(zone))
    seen = set()
    for turn in (closes, opens):
        for now in (turn.astimezone(UTC) + n * MOMENT for n in (-1, 0, 1)):
            board = day_board(db, day, now)
            free = board.cell("ground-1", time(9)).state is CellState.FREE
            assert board.is_free(Slot("ground-1", day, time(9), time(10))) == free

            try:
                made = booked(db, on=day, start=9, now=now)
            except RuleBroken:
                assert not free, now
            else:
                assert free, now
                cancel(db, made.id, by=MEERA, now=now)
            seen.add((turn == closes, free))

    assert {(True, True), (True, False)} <= seen or cut_off == time(0)
    assert day_board(db, day, closes - MOMENT).turns_at() == closes


def test_past_the_cut_off_free_slots_show_as_ended_and_held_ones_stay(db):
    save_policy(db, Policy(cut_off=time(16)), by=ADMIN)
    held = booked(db, start=9)
    four = datetime.combine(MONDAY, time(16), tzinfo=KOLKATA)

    board = day_board(db, DAY, four)

    assert board.cell("ground-1", time(9)).booking == held
    cell = board.cell("ground-1", time(10))
    assert (cell.state, cell.note, cell.is_past) == (CellState.CLOSED, "Booking has ended", False)


def test_a_live_board_shows_no_cell_free_whose_lead_time_has_run_out_within_the_minute(db):
    save_policy(db, Policy(lead_minutes=60), by=ADMIN)
    feed = Feed(db)
    feed.start()
    boards = LiveBoards(db, feed)
    edge = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # 08:00 in Asia/Kolkata, for 09:00
    for moment in (edge, edge + timedelta(seconds=1), edge + timedelta(seconds=30)):
        live, stored = boards.get(DAY, moment), day_board(db, DAY, moment)
        assert live.cell("ground-1", time(9)).state is stored.cell("ground-1", time(9)).state
    feed.stop()
