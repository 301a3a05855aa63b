"""A small school, and helpers that act on it from several threads at the same moment."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx

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
from booking_core.storage.client.database import BookingDatabase, Documents
from booking_core.storage.schema import schema

# A busy machine makes no right test fail: the client's own limit is five seconds.
HTTP_SECONDS = 60
http_get, http_post = (
    partial(httpx.get, timeout=HTTP_SECONDS),
    partial(httpx.post, timeout=HTTP_SECONDS),
)

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
    """Closes one ground on one day, without displacing a booking; returns the closure."""
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
    student: int | str | None = 0,
    ground: str = "ground-1",
    on: date = DAY,
    start: int | time = 9,
    end: int | time | None = None,
    game: str | None = None,
    purpose: str = "",
    **party: Any,
) -> BookingRequest:
    """The request of one student; ``party`` has other fields of a BookingRequest."""
    if any(name != "supervisor_id" for name in party):
        student = party.pop("student_id", None)
    start = time(start) if isinstance(start, int) else start
    end = time(start.hour + 1) if end is None else end
    return BookingRequest(
        ground,
        on,
        start,
        time(end) if isinstance(end, int) else end,
        student_id(student) if isinstance(student, int) else student,
        game or ("Cricket" if ground == "ground-2" else "Volleyball"),
        purpose,
        **party,
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
    """Books through ``book``; by default the first ground at 9:00. Returns the booking."""
    return book(
        db,
        request_for(**request),
        by=by,
        submission_id=submission_id or uuid4(),
        as_approved=as_approved,
        now=now,
    )


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Runs all actions behind one barrier; returns the result or the exception of each."""
    barrier = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def run(place: int, action: Callable[[], Any]) -> None:
        barrier.wait(30)
        try:
            outcomes[place] = action()
        except Exception as exc:  # noqa: BLE001 - the test examines every outcome
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
    """Returns the first true result of ``condition``; fails after a time limit."""
    deadline = clock.monotonic() + within
    while not (answer := condition()):
        assert clock.monotonic() < deadline, "timed out"
        threading.Event().wait(0.01)
    return answer


def run_at_terminal(
    command: Sequence[str], answers: Mapping[str, str], **options: Any
) -> tuple[int, str]:
    """Runs ``command`` at a pseudo-terminal and types the answer to each question.

    Returns the exit code and all output; ``options`` are passed to the process.
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
    except OSError:  # the other end is closed: the process has ended
        return process.wait(30), shown
    finally:
        os.close(ours)
        process.kill()


def of_type(outcomes: Sequence[Any], kind: type) -> list[Any]:
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]


def active(db: Documents, **condition: Any) -> list[dict[str, Any]]:
    """Returns the stored bookings and closures that hold a slot, past the code under test."""
    return list(db["bookings"].find({"status": {"$in": ["Pending", "Approved"]}, **condition}))


def audit_entry(db: Documents, action: str) -> dict[str, Any]:
    """Returns the one entry of the audit log for ``action``."""
    [entry] = db["audit"].find({"action": action})
    return dict(entry)


def held_at(ground: str, day: date, hour: int) -> dict[str, str]:
    """A condition for ``active``: the ground is held at that hour."""
    return {"claims": f"ground|{ground}|{day.isoformat()}|{hour * 12:03d}"}


def make_index_non_unique(db: Documents) -> None:
    """Replaces the unique index by one that is not unique, for control tests.

    The new index has the same name and keys, because every write of a booking names it as its hint.
    The check before each write is switched off.
    """
    if isinstance(db, BookingDatabase):
        db.is_index_known = lambda: True
    ((name, (keys, where)),) = schema.UNIQUE_INDEXES.items()
    db["bookings"].drop_index(name)
    db["bookings"].create_index(
        [(key, 1) for key in keys], name=name, partialFilterExpression=where
    )


def minutes_of(row: dict[str, Any]) -> range:
    """Returns the minutes of the day that a stored booking covers."""
    begins, ends = (60 * int(row[end][:2]) + int(row[end][3:]) for end in ("start", "end"))
    return range(begins, ends or 1440)


def people_of(row: dict[str, Any]) -> list[str]:
    """Returns the students of a stored booking, and its supervisor."""
    people = [f"student {id}" for id in _as_list(row.get("student_id", []))]
    supervisor = row.get("supervisor")
    return [*people, f"staff {supervisor['id']}"] if supervisor else people


def seats_of(row: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Returns (holder, week, seat) of each seat of a quota that a stored booking has."""
    quota = row.get("quota")
    if quota is None:
        return []
    party = row.get("party", "students")
    holders = {
        "students": _as_list(row.get("student_id", [])),
        "class": [row["class_name"]],
        "team": [row.get("team_id")],
        "staff": [row["created_by"]],
    }[party]
    seats = _as_list(quota["seat"])
    return [
        (f"{party} {holder}", quota["window"], seat)
        for holder, seat in zip(holders, seats, strict=True)
    ]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def assert_sound(db: Documents) -> None:
    """Asserts the invariants of the stored bookings, counted here without the unique index."""
    slots: dict[tuple[str, str, int], str] = {}
    places: dict[tuple[str, str, int], str] = {}
    seats: dict[tuple[str, str, int], str] = {}
    firsts: dict[str, list[str]] = {}
    for row in active(db):
        # Of a set, all grounds have the same people at the same time, and one claims them.
        owner = row["series"] if "set_place" in row else row["_id"]
        if "set_place" in row:
            firsts.setdefault(owner, []).extend([row["_id"]] if row["set_place"] == 0 else [])
        for minute in minutes_of(row):
            for surface in row.get("surfaces") or [row["ground_id"]]:
                place = (surface, row["date"], minute)
                assert slots.setdefault(place, row["_id"]) == row["_id"], f"double-booked: {place}"
            for person in people_of(row):
                place = (person, row["date"], minute)
                assert places.setdefault(place, owner) == owner, f"two places: {place}"
        for seat in seats_of(row):
            assert seats.setdefault(seat, row["_id"]) == row["_id"], f"seat held twice: {seat}"
    assert all(len(ids) == 1 for ids in firsts.values()), f"sets without one first: {firsts}"
