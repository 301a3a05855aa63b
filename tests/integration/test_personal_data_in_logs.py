"""No log names a person: neither those of the application nor that of its own database server."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from streamlit_client import messages_sent
from support import ADMIN, http_get

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import ZONE, AppServer, tomorrow

from booking_core import (
    Account,
    Actor,
    AlreadyExists,
    BookingRequest,
    CellState,
    NotAllowed,
    Role,
    Settings,
    SlotTaken,
    Student,
    add_account,
    apply_roster,
    approve,
    book,
    cancel,
    change_account,
    connect,
    day_board,
    erase_account,
    erase_student,
    erasure_of,
    find_bookings,
    find_students,
    finish_erasures,
    load_reference,
    plan_roster,
    read_table,
    save_student,
    set_active,
)
from booking_core.calendars import make_calendar_address
from booking_core.embedded import server as mongod
from booking_core.school.roster import COLUMNS
from booking_core.sessions import open_session
from booking_core.storage.client.database import Documents

RARE = ("zarqaquill", "R4711Q", "jorunquorn")
LEAVER = Student("R4711Q", "Zarqaquill Vex", "8-A", "zarqaquill@example.org")


TEACHER = Actor("jorunquorn", Role.STAFF, "Jorunquorn Bex")


def logs_of(home: Path) -> str:
    """All logs below ``home``; the files of the database are none."""
    files = [file for file in home.rglob("*") if file.is_file() and ".log" in file.name]
    assert {"app.log", "mongod.log"} <= {file.name for file in files}
    return "\n".join(file.read_text(errors="replace") for file in files).casefold()


def test_no_log_names_a_person_after_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx")  # the client of this test logs what it asks for
    data = tmp_path.resolve() / "data"
    app = AppServer(tmp_path, {"DATA_DIRECTORY": str(data)})
    try:
        with mongod.start(data) as server:
            db = connect(Settings(mongodb_uri=server.uri, time_zone=ZONE))
            try:
                secret = a_day(db, app)
            finally:
                db.client.close()
    finally:
        app.close()

    text = logs_of(tmp_path) + caplog.text.casefold()
    assert [name for name in (*RARE, secret) if name.casefold() in text] == []


def free_request(db: Documents) -> BookingRequest:
    for day in range(7):
        board = day_board(db, tomorrow() + timedelta(days=day))
        for period in board.periods:
            for cell in board.row(period):
                if cell.state is CellState.FREE:
                    where, game = cell.ground.id, cell.ground.games[0]
                    return BookingRequest(
                        where, board.date, period.start, period.end, LEAVER.id, game,
                        f"{LEAVER.name} against all",
                    )  # fmt: skip
    raise AssertionError("nothing is free")


def a_day(db: Documents, app: AppServer) -> str:
    """What a school does on a day. Returns the secret of a calendar that was asked for."""
    listed = "\n".join(["id,name,class", f"{LEAVER.id},{LEAVER.name},8-A"]).encode()
    plan = plan_roster(db, read_table(listed, "list.csv", COLUMNS).rows)
    apply_roster(db, plan, by=ADMIN, deactivate_leaving=False)
    with pytest.raises(AlreadyExists):
        save_student(db, Student(LEAVER.id.lower(), LEAVER.name, "8-A"))
    assert find_students(load_reference(db), "zarqaquil")
    request = free_request(db)
    add_account(db, Account(TEACHER.id, TEACHER.name, TEACHER.role), by=ADMIN)
    made = book(db, request, by=TEACHER, submission_id=uuid4())
    with pytest.raises(SlotTaken):
        book(db, request, by=ADMIN, submission_id=uuid4())
    with pytest.raises(NotAllowed):
        approve(db, made.id, by=TEACHER)
    assert find_bookings(db, student_id=LEAVER.id) == [made]
    # A query that takes long, as one of a large school does.
    slow = {"student_id": LEAVER.id, "$where": "sleep(400) || true"}
    assert list(db["bookings"].find(slow))
    for page in ("bookings", "admin", "book"):
        assert messages_sent(app, app.token("admin"), page)
    assert messages_sent(app, open_session(db, TEACHER.id), "bookings")
    secret = make_calendar_address(db, by=TEACHER)
    calendar = f"{app.url}/calendars/mine/{secret}"
    assert LEAVER.name in http_get(f"{calendar}.ics").text
    assert http_get(f"{calendar}.ics?{secret}", headers={"range": "bytes=x"}).status_code == 200
    assert http_get(f"{calendar}/x.ics").status_code == 404
    cancel(db, made.id, by=TEACHER, reason=f"{LEAVER.name} is unwell")
    change_account(db, TEACHER.id, active=False, by=ADMIN)
    assert erase_account(db, TEACHER.id, by=ADMIN) == 1
    set_active(db, LEAVER.id, False, by=ADMIN)
    assert erasure_of(db, LEAVER.id, by=ADMIN).bookings == 1
    assert erase_student(db, LEAVER.id, by=ADMIN) == 1
    finish_erasures(db, now=datetime.now(UTC) + timedelta(minutes=5))
    assert http_get(f"{calendar}.ics").status_code == 404
    return secret
