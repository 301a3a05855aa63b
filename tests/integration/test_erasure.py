"""Erasing a student who left: no collection names the person any more, and usage is unchanged.

The file is long because each collection that can name a student has its own case.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, at_once, booked, eventually, of_type

from booking_core import (
    Account,
    Erasure,
    NotAllowed,
    Role,
    Student,
    StudentStays,
    UnknownStudent,
    add_account,
    approve,
    bookings_ahead,
    cancel,
    change_account,
    change_student,
    close_grounds,
    erase_student,
    erasure_of,
    find_bookings,
    finish_erasures,
    get_booking,
    lift_closure,
    load_reference,
    move,
    read_table,
    reject,
    revoke,
    save_student,
    set_active,
)
from booking_core.live import Feed
from booking_core.operations.history_import import BOOKING_COLUMNS, import_bookings
from booking_core.storage import audit_log
from booking_core.storage.client.database import Documents

LEAVER = Student("R4711", "Zarqa Quill", "10-B", "zarqa.quill@example.org")
PURPOSE = "Zarqa's farewell game"
COLUMNS = ",".join(BOOKING_COLUMNS)
LATER = NOW + timedelta(days=3)  # after the last booking of these tests
FINISHED = LATER + timedelta(minutes=5)  # no verb that began before the erasure can still run


def documents(db: Documents) -> list[tuple[str, dict[str, Any]]]:
    """Returns every document of every collection."""
    return [(name, row) for name in db.list_collection_names() for row in db[name].find()]


def mentioning(db: Documents, *texts: str) -> list[str]:
    """Returns the collections in which one of ``texts`` occurs, in any field and any case."""
    return [
        name
        for name, row in documents(db)
        if any(text.casefold() in repr(row).casefold() for text in texts)
    ]


def usage_totals(db: Documents) -> Counter[tuple[str, ...]]:
    keys = ("ground_id", "date", "start", "end", "class_name", "game", "status", "created_by")
    return Counter(tuple(row[key] for key in keys) for row in db["bookings"].find())


@pytest.fixture
def leaver(db: Documents) -> Student:
    """A deactivated student with bookings in every status; and a booking of another student."""
    save_student(db, LEAVER)
    of = {"student": LEAVER.id, "purpose": PURPOSE}
    approve(db, booked(db, **of).id, by=HEAD, reason="Zarqa asked nicely", now=NOW)
    reject(db, booked(db, start=10, **of).id, by=HEAD, reason="Not Zarqa again", now=NOW)
    cancelled = booked(db, start=11, **of)
    cancel(db, cancelled.id, by=MEERA, reason="Zarqa is unwell", now=NOW)
    moved = move(db, booked(db, start=12, **of).id, start=None, end=None, by=MEERA, now=NOW,
                 ground_id="ground-3")  # fmt: skip
    approve(db, moved.id, by=HEAD, now=NOW)
    revoke(db, moved.id, by=HEAD, reason="R4711 was rude", now=NOW)
    booked(db, student=1, start=15, purpose="Somebody else's")
    changed = change_student(
        db, LEAVER, Student(LEAVER.id, LEAVER.name, "11-B", LEAVER.email), by=ADMIN
    )
    return set_active(db, changed.id, False, by=ADMIN)


def test_no_collection_mentions_the_student_and_usage_is_unchanged(
    db: Documents, leaver: Student
) -> None:
    texts = (LEAVER.id, "Zarqa", "Quill", "zarqa.quill@example.org", "rude", PURPOSE)
    before = usage_totals(db)
    assert set(mentioning(db, *texts)) == {"bookings", "students"}

    assert erase_student(db, leaver.id, by=ADMIN, now=LATER) == 4
    assert finish_erasures(db, now=FINISHED) == 0

    assert mentioning(db, *texts) == []
    assert usage_totals(db) == before
    assert leaver.id not in load_reference(db).students


def test_an_imported_booking_gets_a_random_id_and_its_notices_follow(
    db: Documents,
) -> None:
    """An import derives the id from the roll number: a correct guess would identify the student."""
    save_student(db, LEAVER)
    other = "ground-1,2020-03-02,09:00,10:00,S001,Football,Approved"
    lines = [
        f"ground-1,2020-03-01,{hour}:00,{hour + 1}:00,{LEAVER.id},Football,{status}"
        for hour, status in ((10, "Approved"), (11, "Cancelled"), (12, "Pending"))
    ]
    table = read_table("\n".join([COLUMNS, *lines, other]).encode(), "old.csv", BOOKING_COLUMNS)
    assert import_bookings(db, table, now=NOW).added == 4
    mine = booked(db, student=LEAVER.id)
    closing = close_grounds(
        db, ground_ids=["ground-1"], first=DAY, last=DAY, reason="Zarqa spilt the paint", by=HEAD,
        expected=[mine.id], now=NOW,
    )  # fmt: skip
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    db["notices"].insert_one(db["notices"].find_one({"booking_id": mine.id}) | {
        "_id": "told", "booking_id": find_bookings(db, class_name=LEAVER.class_name)[1].id
    })  # fmt: skip
    before = {row["_id"] for row in db["bookings"].find({"kind": "booking"})}
    usage_before = usage_totals(db)
    set_active(db, LEAVER.id, False, by=ADMIN)

    assert erase_student(db, LEAVER.id, by=ADMIN, now=LATER) == 4

    after = {row["_id"] for row in db["bookings"].find({"kind": "booking"})}
    assert len(before - after) == 3
    assert mine.id in after  # a random id reveals nothing
    assert usage_totals(db) == usage_before
    for row in db["notices"].find():
        assert (row["booking_id"] in after, row["reason"]) == (True, "")
    # A file with the same lines: no student of that number is on record.
    again = import_bookings(db, table, now=NOW)
    assert (again.added, len(again.refused)) == (0, 3)
    assert [(one.line, one.reason) for one in again.skipped] == [(5, "already imported")]


def test_the_effect_of_erasing_is_known_in_advance(db: Documents, leaver: Student) -> None:
    booked(db, student=2, start=16, purpose="Against zarqa quill's team")
    booked(db, student=3, start=17, purpose="Against Zarqa Quillfeather and R47110")
    add_account(db, Account("guard", "Guard", Role.STAFF))
    change_account(db, "guard", active=False, reason=f"Let {LEAVER.id} in", by=ADMIN)

    found = erasure_of(db, leaver.id, by=ADMIN)
    erase_student(db, leaver.id, by=ADMIN, now=LATER)

    assert found == Erasure(bookings=4, worded=4, elsewhere=2)
    assert set(mentioning(db, LEAVER.id + '"', "zarqa quill's")) == {"bookings"}
    booked(db, student=5, start=13)
    assert erasure_of(db, "S005", by=ADMIN) == Erasure(1, 0, 0)
    with pytest.raises(UnknownStudent):
        erasure_of(db, leaver.id, by=ADMIN)


def test_the_bookings_of_one_erased_student_share_a_pseudonym(
    db: Documents, leaver: Student
) -> None:
    erase_student(db, leaver.id, by=ADMIN, now=LATER)

    former = [b for b in find_bookings(db) if b.student_name == "Former student"]
    assert len(former) == 4
    [pseudonym] = {b.student_id for b in former}
    assert len(find_bookings(db, student_id=pseudonym)) == 4
    assert {b.purpose for b in former} == {""}
    assert {e.reason for b in former for e in b.history} == {""}
    # The submission is derived from roll number and purpose: a correct guess would identify the
    # student.
    assert db["bookings"].distinct("fingerprint", {"student_id": pseudonym}) == [""]
    # The decisions and their actors are kept: they do not identify the student.
    assert {e.by for b in former for e in b.history} == {"meera", "head"}
    [other] = find_bookings(db, student_id="S001")
    assert (other.student_name, other.purpose) == ("Student 1", "Somebody else's")


def test_two_erased_students_have_two_pseudonyms(db: Documents) -> None:
    for number in (1, 2):
        booked(db, student=number, start=8 + number)
        set_active(db, f"S00{number}", False, by=ADMIN)
        erase_student(db, f"S00{number}", by=ADMIN, now=LATER)

    assert len({b.student_id for b in find_bookings(db)}) == 2


def test_the_audit_log_names_the_admin_who_erased_and_not_the_student(
    db: Documents, leaver: Student
) -> None:
    erase_student(db, leaver.id, by=ADMIN, now=LATER)

    [entry] = db["audit"].find({"action": "erased"})
    assert (entry["by"], entry["what"], entry["id"]) == ("admin", "student", "")
    assert entry["details"] == {"class_name": "11-B", "bookings": 4}
    assert len(mentioning(db, "deactivated")) == 1


def test_an_active_student_is_not_erased(db: Documents) -> None:
    with pytest.raises(StudentStays) as caught:
        erase_student(db, "S001", by=ADMIN, now=LATER)

    assert caught.value.upcoming == 0
    assert "S001" in load_reference(db).students


def test_a_student_with_an_upcoming_booking_is_not_erased(db: Documents) -> None:
    booking = booked(db, student=1)  # tomorrow, 9:00 to 10:00
    set_active(db, "S001", False, by=ADMIN)
    during = NOW + timedelta(days=1, hours=3, minutes=30)

    with pytest.raises(StudentStays) as caught:
        erase_student(db, "S001", by=ADMIN, now=during)

    assert caught.value.upcoming == 1
    assert find_bookings(db) == [booking]
    assert [b.id for b in bookings_ahead(db, ["S001"], now=during)] == [booking.id]
    erase_student(db, "S001", by=ADMIN, now=during + timedelta(minutes=30))


def test_of_several_erasures_of_one_student_one_succeeds(db: Documents) -> None:
    set_active(db, "S001", False, by=ADMIN)

    outcomes = at_once(*[lambda: erase_student(db, "S001", by=ADMIN)] * 4)

    assert outcomes.count(0) == 1
    assert len(of_type(outcomes, UnknownStudent)) == 3


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=lambda actor: actor.role.value)
def test_only_an_admin_erases(db: Documents, by: Any) -> None:
    set_active(db, "S001", False, by=ADMIN)

    for attempt in (erase_student, erasure_of):
        with pytest.raises(NotAllowed):
            attempt(db, "S001", by=by)

    assert "S001" in load_reference(db).students


def test_of_erasing_and_reactivating_at_once_one_succeeds(db: Documents) -> None:
    for number in range(8):
        id = f"S00{number}"
        set_active(db, id, False, by=ADMIN)

        erased, back = at_once(
            lambda id=id: erase_student(db, id, by=ADMIN),
            lambda id=id: set_active(db, id, True, by=ADMIN),
        )

        kept = load_reference(db).students.get(id)
        assert (kept is None) == (erased == 0)
        assert isinstance(back, Student) == (kept is not None)


def test_an_erasure_that_fails_halfway_changes_nothing(
    db: Documents, leaver: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = documents(db)

    def fail(*args: Any) -> None:
        raise RuntimeError("the audit log cannot be written")

    monkeypatch.setattr(audit_log, "write", fail)
    with pytest.raises(RuntimeError, match="audit log"):
        erase_student(db, leaver.id, by=ADMIN, now=LATER)

    assert documents(db) == before


def late_booking(db: Documents, student_id: str) -> None:
    """A booking that another process had checked before the erasure, and writes after it."""
    row = db["bookings"].find_one({"status": "Cancelled"})
    db["bookings"].insert_one(row | {"_id": "late", "student_id": student_id})


def test_a_booking_that_comes_in_after_the_erasure_is_erased_once_no_verb_can_still_run(
    db: Documents, leaver: Student
) -> None:
    assert erase_student(db, leaver.id, by=ADMIN, now=LATER) == 4
    late_booking(db, LEAVER.id)

    assert finish_erasures(db, now=FINISHED - timedelta(seconds=1)) == 0
    assert sum(at_once(*[lambda: finish_erasures(db, now=FINISHED)] * 4)) == 1

    assert mentioning(db, LEAVER.id, "Zarqa") == []
    pseudonyms = {
        row["student_id"] for row in db["bookings"].find({"student_name": "Former student"})
    }
    assert len(pseudonyms) == 1
    assert finish_erasures(db, now=FINISHED) == 0


def test_a_new_student_with_the_roll_number_of_an_erased_one_keeps_the_bookings(
    db: Documents, leaver: Student
) -> None:
    erase_student(db, leaver.id, by=ADMIN, now=LATER)
    save_student(db, Student(LEAVER.id, "Noor Jahan", "1-A"))
    mine = booked(db, student=LEAVER.id, start=14)

    assert finish_erasures(db, now=FINISHED) == 0

    assert get_booking(db, mine.id) == mine


def test_an_erasure_raises_the_version_of_its_days(db: Documents, leaver: Student) -> None:
    feed = Feed(db)
    feed.start()
    try:
        day = find_bookings(db)[0].date
        before = feed.version(day)

        erase_student(db, leaver.id, by=ADMIN, now=LATER)

        eventually(lambda: feed.version(day) > before)
    finally:
        feed.stop()
