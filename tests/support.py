"""A small school, and what the tests need to act in it at the same moment."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from booking_core import (
    Actor,
    Booking,
    BookingRequest,
    Ground,
    Period,
    Role,
    Student,
    Timetable,
    book,
    close_grounds,
    save_ground,
    save_students,
    save_timetable,
)
from booking_core.storage import schema
from booking_core.storage.database import Documents

NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # Monday, 06:00 in Asia/Kolkata
DAY = date(2026, 11, 24)
MEERA = Actor("meera", Role.STAFF, "Meera")
RAVI = Actor("ravi", Role.STAFF, "Ravi")
HEAD = Actor("head", Role.PRINCIPAL, "Head")
DEPUTY = Actor("deputy", Role.PRINCIPAL, "Deputy")
ADMIN = Actor("admin", Role.ADMIN, "Admin")

GROUNDS = (
    Ground("ground-1", "Ground 1", ("Volleyball", "Football"), order=1),
    Ground("ground-2", "Ground 2", ("Football", "Cricket"), order=2),
    Ground("ground-3", "Ground 3", ("Volleyball",), order=3),
)
HOURLY = Timetable(
    "regular",
    tuple(Period(f"{h}-{h + 1}", time(h), time(h + 1)) for h in range(8, 18)),
    tuple(range(7)),
)


def student_id(number: int) -> str:
    return f"S{number:03d}"


def open_school(db: Documents) -> None:
    """Three grounds, hourly periods from 8 to 18 on every day, students S000 to S199."""
    for ground in GROUNDS:
        save_ground(db, ground)
    save_timetable(db, HOURLY)
    save_students(
        db, [Student(student_id(n), f"Student {n}", f"{n % 10 + 1}-A") for n in range(200)]
    )


def close_one(
    db: Documents,
    *,
    ground_id: str,
    date: date,
    start: time,
    end: time,
    reason: str,
    by: Actor,
    now: datetime | None = None,
) -> Booking:
    """Closes one ground on one day, with no booking in the way; the closure."""
    closing = close_grounds(
        db,
        ground_ids=[ground_id],
        first=date,
        last=date,
        start=start,
        end=end,
        reason=reason,
        by=by,
        expected=(),
        now=now,
    )
    return closing.closures[0]


def request_for(
    *,
    student: int | str = 0,
    ground: str = "ground-1",
    on: date = DAY,
    start: int | time = 9,
    end: int | time | None = None,
    game: str | None = None,
    purpose: str = "",
) -> BookingRequest:
    start = time(start) if isinstance(start, int) else start
    end = time(start.hour + 1) if end is None else end
    return BookingRequest(
        ground,
        on,
        start,
        time(end) if isinstance(end, int) else end,
        student if isinstance(student, str) else student_id(student),
        game or ("Cricket" if ground == "ground-2" else "Volleyball"),
        purpose,
    )


def booked(
    db: Documents,
    *,
    by: Actor = MEERA,
    submission_id: UUID | None = None,
    as_approved: bool | None = None,
    now: datetime = NOW,
    **request: Any,
) -> Booking:
    """A booking made through ``book``, of the first ground at nine unless told otherwise."""
    return book(
        db,
        request_for(**request),
        by=by,
        submission_id=submission_id or uuid4(),
        as_approved=as_approved,
        now=now,
    )


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action returned, or the exception it raised, all released by one barrier."""
    barrier = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def run(place: int, action: Callable[[], Any]) -> None:
        barrier.wait(30)
        try:
            outcomes[place] = action()
        except Exception as exc:  # noqa: BLE001 - every outcome is looked at by the test
            outcomes[place] = exc

    threads = [
        threading.Thread(target=run, args=(place, action)) for place, action in enumerate(actions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def eventually(condition: Callable[[], Any], *, within: float = 20.0) -> Any:
    """The first true answer of ``condition``; fails when none comes in time."""
    deadline = clock.monotonic() + within
    while not (answer := condition()):
        assert clock.monotonic() < deadline, "it did not come true in time"
        threading.Event().wait(0.01)
    return answer


def typed_at_a_terminal(
    command: Sequence[str], answers: Mapping[str, str], **options: Any
) -> tuple[int, str]:
    """Runs ``command`` at a terminal of its own and types the answer to each question.

    Answers how it ended and all that was shown; ``options`` go to the process.
    """
    ours, theirs = pty.openpty()
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    process = subprocess.Popen([*command], **ends, start_new_session=True, **options)
    os.close(theirs)
    shown = ""
    try:
        for question, answer in answers.items():
            while question not in shown:
                shown += os.read(ours, 1000).decode()
            os.write(ours, f"{answer}\n".encode())
        while True:
            shown += os.read(ours, 1000).decode()
    except OSError:  # the other end is closed: it has ended
        return process.wait(30), shown
    finally:
        os.close(ours)
        process.kill()


def of_type(outcomes: Sequence[Any], kind: type) -> list[Any]:
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]


def active(db: Documents, **condition: Any) -> list[dict[str, Any]]:
    """The stored bookings and closures that hold a slot, read past the code under test."""
    return list(db["bookings"].find({"status": {"$in": ["Pending", "Approved"]}, **condition}))


def noted(db: Documents, action: str) -> dict[str, Any]:
    """The one entry of the journal for ``action``."""
    [entry] = db["audit"].find({"action": action})
    return dict(entry)


def holding(ground: str, day: date, hour: int) -> dict[str, str]:
    """The condition of ``active`` for what holds the ground at that hour."""
    return {"claims": f"ground|{ground}|{day.isoformat()}|{hour * 12:03d}"}


def unguard(db: Documents) -> None:
    """Puts an index that guards nothing in the place of the unique one, for control tests.

    It has the same name and keys, because every write of a booking asks for it by name.
    """
    ((name, (keys, where)),) = schema.UNIQUE_INDEXES.items()
    db["bookings"].drop_index(name)
    db["bookings"].create_index(
        [(key, 1) for key in keys], name=name, partialFilterExpression=where
    )


def minutes_of(row: dict[str, Any]) -> range:
    """The minutes of the day that a stored booking covers."""
    begins, ends = (60 * int(row[end][:2]) + int(row[end][3:]) for end in ("start", "end"))
    return range(begins, ends or 1440)


def assert_sound(db: Documents) -> None:
    """What must hold of the stored bookings at every moment, counted here and not by an index."""
    slots: dict[tuple[str, str, int], str] = {}
    places: dict[tuple[str, str, int], str] = {}
    seats: dict[tuple[str, str, int], str] = {}
    for row in active(db):
        for minute in minutes_of(row):
            place = (row["ground_id"], row["date"], minute)
            assert slots.setdefault(place, row["_id"]) == row["_id"], f"double-booked: {place}"
            if row["kind"] == "booking":
                place = (row["student_id"], row["date"], minute)
                assert places.setdefault(place, row["_id"]) == row["_id"], f"two places: {place}"
        if "quota" in row:
            seat = (row["student_id"], row["quota"]["window"], row["quota"]["seat"])
            assert seats.setdefault(seat, row["_id"]) == row["_id"], f"seat held twice: {seat}"
