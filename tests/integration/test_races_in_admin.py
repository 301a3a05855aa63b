"""Races of admin changes with bookings and with other admin changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from closing_steps import ALL, closed
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    HOURLY,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    of_type,
)

from booking_core import (
    Account,
    AlreadyDecided,
    Booking,
    ChangedMeanwhile,
    GroundClosed,
    InvalidRequest,
    NotAllowed,
    NotAPeriod,
    Role,
    Status,
    add_account,
    apply_roster,
    approve,
    change_account,
    change_student,
    close_grounds,
    decides,
    delegate,
    delegations_of,
    end_delegation,
    erase_student,
    get_booking,
    lift_closure,
    load_reference,
    misfits,
    plan_roster,
    read_table,
    reinstate,
    reject,
    revoke,
    roll_over,
    save_timetable,
    set_active,
)
from booking_core.booking.closures import Closing, Lifted
from booking_core.operations.history_import import BOOKING_COLUMNS, STUDENT_COLUMNS, import_bookings


@pytest.fixture
def unlimited(make_db):
    return make_db(quota=None)


def test_a_closing_and_simultaneous_decisions_agree_on_each_booking(unlimited):
    db = unlimited
    for round_ in range(12):
        day = DAY + timedelta(days=round_)
        mine = [booked(db, student=n, start=8 + n, on=day).id for n in range(4)]
        approve(db, mine[2], by=HEAD, now=NOW)

        closing, approved, rejected, revoked = at_once(
            partial(close_grounds, db, ground_ids=ALL, first=day, last=day, reason="Rain",
                    by=HEAD, expected=mine, now=NOW),
            partial(approve, db, mine[0], by=HEAD, now=NOW),
            partial(reject, db, mine[1], by=HEAD, reason="Exam", now=NOW),
            partial(revoke, db, mine[2], by=HEAD, reason="Exam", now=NOW),
        )  # fmt: skip

        kept = {id: get_booking(db, id) for id in mine}
        notices = db.notices.count_documents({"slot.date": day.isoformat()})
        if isinstance(closing, Closing):
            assert {row["kind"] for row in active(db, date=day.isoformat())} == {"closure"}
            assert {b.last_decision.action for b in kept.values()} == {"displaced"}
            assert notices == len(closing.displaced) == 4
            # An earlier rejection or revocation would have refused the closing.
            assert len(of_type([rejected, revoked], AlreadyDecided)) == 2
            was = db.bookings.find_one({"_id": mine[0]})["history"][-1]["was"]
            assert was == ("Approved" if isinstance(approved, Booking) else "Pending")
        else:
            assert isinstance(closing, ChangedMeanwhile)
            assert notices == 0
            assert {row["kind"] for row in active(db, date=day.isoformat())} == {"booking"}
            assert kept[mine[3]].status is Status.PENDING
        assert_sound(db)


def test_simultaneous_lifting_closing_and_reinstating_give_each_slot_one_holder(unlimited):
    db = unlimited
    for round_ in range(10):
        day = DAY + timedelta(days=round_)
        mine = booked(db, student=1, on=day)
        first = closed(db, first=day, last=day)

        lifted, again, one, anew, back, rival = at_once(
            partial(lift_closure, db, first.id, by=HEAD, now=NOW),
            partial(lift_closure, db, first.id, by=ADMIN, now=NOW),
            partial(lift_closure, db, first.closures[0].id, by=DEPUTY, now=NOW),
            partial(close_grounds, db, ground_ids=ALL[:1], first=day, last=day, reason="Exam",
                    by=HEAD, expected=(), now=NOW),
            partial(reinstate, db, mine.id, by=HEAD, now=NOW),
            partial(booked, db, student=2, on=day),
        )  # fmt: skip

        assert all(isinstance(o, Lifted | AlreadyDecided) for o in (lifted, again, one))
        closures = [c.id for o in of_type([lifted, again, one], Lifted) for c in o.closures]
        assert sorted(closures) == sorted(c.id for c in first.closures)  # each lifted by one call
        assert isinstance(anew, Closing | GroundClosed | ChangedMeanwhile)
        holders = active(db, date=day.isoformat(), ground_id="ground-1")
        won = [*of_type([back, rival], Booking), *of_type([anew], Closing)]
        assert len(holders) <= 1
        assert len(holders) == len(won)
        assert_sound(db)


def test_of_an_import_a_rollover_and_an_edit_of_one_revision_one_succeeds(db):
    columns = ",".join(STUDENT_COLUMNS)
    for number in range(8):
        known = load_reference(db)
        before = known.students["S007"]
        file = read_table(
            f"{columns}\nS007,Renamed {number},{before.class_name}\n".encode(),
            "a.csv",
            STUDENT_COLUMNS,
        )
        plan = plan_roster(db, file.rows)
        mapping = {before.class_name: f"{number}-Z"}

        outcomes = at_once(
            partial(apply_roster, db, plan, by=ADMIN, deactivate_leaving=False),
            partial(roll_over, db, mapping, by=ADMIN, revision=known.students_revision),
            partial(change_student, db, before, replace(before, email=f"n{number}@x.org"),
                    by=ADMIN),
        )  # fmt: skip

        assert len(of_type(outcomes, ChangedMeanwhile)) == 2
        after = load_reference(db).students["S007"]
        changed = [
            name
            for name in ("name", "class_name", "email")
            if getattr(after, name) != getattr(before, name)
        ]
        assert len(changed) == 1
    entries = {"action": {"$in": ["imported", "rolled over", "changed"]}}
    assert db.audit.count_documents(entries) == 8


def test_a_booking_made_while_the_timetable_changes_fits_or_is_listed(unlimited):
    db = unlimited
    number = count()
    shorter = replace(HOURLY, periods=HOURLY.periods[:5])  # until 13:00
    for round_ in range(8):
        day = DAY + timedelta(days=round_)

        _, *made = at_once(
            partial(save_timetable, db, shorter, by=ADMIN),
            *(
                partial(booked, db, student=next(number), start=start, on=day)
                for start in (9, 12, 14, 16)
            ),
        )

        assert [type(o) for o in made[:2]] == [Booking, Booking]
        assert all(isinstance(o, Booking | NotAPeriod) for o in made[2:])
        late = [b.id for b in of_type(made[2:], Booking)]
        assert sorted(b.id for b in misfits(db, from_date=day)) == sorted(late)
        save_timetable(db, HOURLY, by=ADMIN)


def test_a_student_erased_during_an_import_does_not_return_with_its_later_lines(db):
    lines = [
        f"ground-1,{2010 + n // 300}-{1 + n // 25 % 12:02d}-{1 + n % 25:02d},09:00,10:00,"
        "S001,Football,Cancelled"
        for n in range(1100)
    ]
    file = "\n".join([",".join(BOOKING_COLUMNS), *lines]).encode()
    progress_calls = count()

    def erase(rows: int) -> None:
        if next(progress_calls) == 1:  # after the first five hundred rows
            set_active(db, "S001", False, by=ADMIN)
            erase_student(db, "S001", by=ADMIN, now=NOW)

    report = import_bookings(
        db, read_table(file, "a.csv", BOOKING_COLUMNS), now=NOW, progress=erase
    )

    assert (report.added, report.refused) == (1100, [])
    rows = list(db.bookings.find())
    assert len(rows) == 1100
    assert "S001" not in load_reference(db).students
    assert {row["student_name"] for row in rows} == {"Former student"}
    assert "S001" not in str(rows)


@pytest.fixture
def staffed(db, quick_hashes):
    for actor in (MEERA, HEAD, ADMIN):
        add_account(db, Account(actor.id, actor.name, actor.role))
    return db


def test_a_disabled_delegate_decides_nothing(staffed):
    db = staffed
    delegate(db, to="meera", first=NOW.date(), last=DAY, by=HEAD, now=NOW)
    mine = booked(db, by=RAVI)
    assert decides(db, MEERA, NOW)

    change_account(db, "meera", active=False, by=ADMIN)

    assert not decides(db, MEERA, NOW)
    with pytest.raises(NotAllowed):
        approve(db, mine.id, by=MEERA, now=NOW)
    change_account(db, "meera", active=True, by=ADMIN)
    assert approve(db, mine.id, by=MEERA, now=NOW).status is Status.APPROVED


def test_no_decision_follows_the_loss_of_a_role_an_account_or_a_delegation(staffed):
    db = staffed
    for round_ in range(8):
        day = DAY + timedelta(days=round_)
        mine = booked(db, on=day, student=round_, by=RAVI)
        given = delegate(db, to="meera", first=NOW.date(), last=DAY, by=HEAD, now=NOW)
        fall = (
            partial(change_account, db, "head", role=Role.STAFF, by=ADMIN),
            partial(change_account, db, "meera", active=False, by=ADMIN),
            partial(end_delegation, db, given.id, by=HEAD, now=NOW),
        )[round_ % 3]

        _, decision, another = at_once(
            fall,
            partial(approve, db, mine.id, by=MEERA, now=NOW),
            partial(delegate, db, to="meera", first=DAY, last=DAY, by=HEAD, now=NOW),
        )

        assert isinstance(decision, Booking | NotAllowed)
        assert isinstance(another, Exception) == isinstance(another, InvalidRequest | LookupError)
        if isinstance(decision, Booking):
            assert decision.last_decision.on_behalf_of == "Head"
        assert delegations_of(db, MEERA, NOW) == []
        with pytest.raises(NotAllowed):
            reject(db, mine.id, by=MEERA, reason="Late", now=NOW)
        db.delegations.delete_many({})
        change_account(db, "head", role=Role.PRINCIPAL, by=ADMIN)
        change_account(db, "meera", active=True, by=ADMIN)
