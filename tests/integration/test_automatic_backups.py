"""Backups that the app makes by itself: when, which are kept, and what a failure leaves."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from backup_files import contents, without_counters
from command_line import ROOT
from support import ADMIN, NOW, at_once, booked, eventually, of_type

from booking_core import InvalidRequest, Settings, StoreUnavailable, Student, save_students
from booking_core.live import make_due_backup
from booking_core.operations import automatic_backups, backups, doctor, health
from booking_core.storage.backups import runs as backup_runs
from booking_core.storage.client.database import BookingDatabase, open_database
from pages.shared.live import runtime

MakeDatabase = Callable[..., BookingDatabase]
DAYS = timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def school(make_db: MakeDatabase, place: Path) -> BookingDatabase:
    return make_db(backup_directory=str(place))


def names(place: Path) -> list[str]:
    return sorted(file.name for file in place.iterdir())


def finding(db: BookingDatabase, now: datetime | None = None) -> Any:
    found = health.health_findings(db, by=ADMIN, feed_lag_ms=1.0, now=now)
    return {one.name: one for one in found}["automatic backups"]


# One backup


def test_a_backup_is_whole_has_its_digest_and_is_readable_by_its_owner_only(
    school: BookingDatabase, make_db: MakeDatabase, place: Path
) -> None:
    booked(school)
    before = contents(school)

    file = make_due_backup(school, now=NOW)

    assert file == place / f"{school.name}-2026-11-23-0230.gz"
    assert names(place) == [file.name, f"{file.name}.sha256"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in place.iterdir()} == {0o600}
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    checked = subprocess.run(
        ["sha256sum", "--check", f"{file.name}.sha256"], cwd=place, capture_output=True
    )
    assert checked.returncode == 0
    other = make_db(school=False)
    backups.load(other, file)
    restored = without_counters(contents(other))
    assert restored["bookings"] == before["bookings"]
    found = {one.name: one for one in doctor.examine(school.booking_settings)}
    assert found["last backup"].ok
    assert found["automatic backups"].detail.startswith(f"daily at 02:30 in {place}, kept for 14")
    assert finding(school, NOW).detail == f"daily at 02:30 in {place}, kept for 14 days"


def test_a_backup_that_differs_from_its_digest_is_refused(
    school: BookingDatabase, make_db: MakeDatabase
) -> None:
    file = make_due_backup(school, now=NOW)
    assert file is not None
    later = make_due_backup(school, now=NOW + DAYS)
    assert later is not None
    file.write_bytes(later.read_bytes())  # a whole backup, but another one

    with pytest.raises(InvalidRequest, match="SHA-256") as raised:
        backups.load(make_db(school=False), file)
    with pytest.raises(InvalidRequest, match="SHA-256"):
        list(backups.conflicts(file, backups.Decisions()))

    assert raised.value.field == "file"


def test_without_a_directory_and_with_it_off_none_is_made(
    make_db: MakeDatabase, place: Path
) -> None:
    for settings in ({}, {"backup_directory": str(place), "backup_at": "off"}):
        db = make_db(school=False, **settings)

        assert make_due_backup(db, now=NOW) is None
        assert finding(db).missing
        assert finding(db).detail.startswith("off: ")
    assert not place.exists()


def test_beside_the_embedded_server_backups_are_made_without_a_setting(tmp_path: Path) -> None:
    settings = Settings(data_directory=str(tmp_path))

    plan = settings.automatic_backups

    assert plan is not None
    assert (plan.directory, plan.at, plan.keep_days) == (tmp_path / "backups", time(2, 30), 14)


# When


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("Asia/Kolkata", "2026-11-23T21:00", "2026-11-23T21:00"),
        ("Asia/Kolkata", "2026-11-23T20:59", "2026-11-22T21:00"),
        ("America/New_York", "2026-11-23T07:30", "2026-11-23T07:30"),
        ("America/New_York", "2026-11-23T07:29", "2026-11-22T07:30"),
        # The clock goes from 2:00 to 3:00: an hour later.
        ("America/New_York", "2026-03-08T07:29", "2026-03-07T07:30"),
        ("America/New_York", "2026-03-08T07:30", "2026-03-08T07:30"),
        ("America/New_York", "2026-03-09T06:30", "2026-03-09T06:30"),
        # The clock has 2:30 twice: the first of both.
        ("Europe/Berlin", "2026-10-25T00:29", "2026-10-24T00:30"),
        ("Europe/Berlin", "2026-10-25T00:30", "2026-10-25T00:30"),
        ("Europe/Berlin", "2026-10-25T01:30", "2026-10-25T00:30"),
        ("Pacific/Apia", "2026-11-23T13:30", "2026-11-23T13:30"),
    ],
)
def test_a_backup_is_due_at_the_local_time(
    mongod_uri: str, place: Path, zone: str, now: str, due: str
) -> None:
    db = open_database(
        mongod_uri,
        Settings(mongodb_uri=mongod_uri, time_zone=zone, backup_directory=str(place)),
    )
    plan = db.booking_settings.automatic_backups
    assert plan is not None

    found = automatic_backups.due_at(plan, datetime.fromisoformat(f"{now}Z"), db)

    assert found == datetime.fromisoformat(f"{due}Z")
    db.close()


def test_one_is_made_each_day_and_a_missed_one_as_soon_as_an_app_runs(
    school: BookingDatabase, place: Path
) -> None:
    begin = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)  # 02:30 of the 23rd
    made = []
    for minutes in range(0, 3 * 1440, 180):
        if 1440 < minutes < 2160:
            continue  # no app runs
        if (file := make_due_backup(school, now=begin + timedelta(minutes=minutes))) is not None:
            made.append((minutes, file.name.removeprefix(f"{school.name}-")))

    assert made == [
        (0, "2026-11-23-0230.gz"),
        (1440, "2026-11-24-0230.gz"),
        (2880, "2026-11-25-0230.gz"),
    ]
    assert make_due_backup(school, now=begin + timedelta(days=9, hours=7)) is not None
    assert f"{school.name}-2026-12-02-0230.gz" in names(place)


def test_the_days_to_keep_are_kept_and_other_files_stay(make_db: MakeDatabase, place: Path) -> None:
    db = make_db(school=False, backup_directory=str(place), backup_keep=3)
    place.mkdir()
    others = [f"{db.name}-notes.gz", f"{db.name}-2026-01-01.gz", "x-2026-01-01-0230.gz"]
    for name in others:
        (place / name).touch()

    for day in range(10):
        make_due_backup(db, now=NOW + day * DAYS)

    kept = [f"{db.name}-2026-{rest}-0230.gz" for rest in ("11-30", "12-01", "12-02")]
    assert names(place) == sorted([*others, *kept, *(f"{name}.sha256" for name in kept)])


def test_the_last_good_backup_stays_however_old_while_others_fail(
    make_db: MakeDatabase, place: Path
) -> None:
    db = make_db(school=False, backup_directory=str(place), backup_keep=1)
    file = make_due_backup(db, now=NOW)
    assert file is not None
    with limited_files(100):
        for day in range(1, 5):
            with pytest.raises(InvalidRequest):
                make_due_backup(db, now=NOW + day * DAYS)

    assert names(place) == [file.name, f"{file.name}.sha256"]


# One of many


def test_of_several_processes_one_makes_the_backup(school: BookingDatabase, place: Path) -> None:
    settings = school.booking_settings
    others = [open_database(str(settings.mongodb_uri), settings) for _ in range(4)]

    outcomes = at_once(*(lambda db=db: make_due_backup(db, now=NOW) for db in others))

    assert len(of_type(outcomes, Path)) == 1
    assert outcomes.count(None) == 3
    assert len(names(place)) == 2
    for db in others:
        db.close()


def test_a_process_that_was_stopped_beyond_its_lease_leaves_the_backup_to_the_next(
    school: BookingDatabase, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backups.digest_of
    second: list[Any] = []

    def stopped_here(file: Path) -> str:
        monkeypatch.setattr(backups, "digest_of", real)
        later = NOW + backup_runs.LEASE + timedelta(seconds=1)
        second.append(make_due_backup(school, now=later))
        return real(file)

    monkeypatch.setattr(backups, "digest_of", stopped_here)

    first = make_due_backup(school, now=NOW)

    assert first is None
    assert second == [place / f"{school.name}-2026-11-23-0230.gz"]
    assert names(place) == [second[0].name, f"{second[0].name}.sha256"]
    assert finding(school, NOW).ok


def test_a_lease_that_was_lost_at_the_end_gives_the_file_no_name(
    school: BookingDatabase, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backups.digest_of

    def taken_here(file: Path) -> str:
        assert backup_runs.take(school, "other", NOW, NOW + backup_runs.LEASE)
        return real(file)

    monkeypatch.setattr(backups, "digest_of", taken_here)

    assert make_due_backup(school, now=NOW) is None

    assert names(place) == []
    assert backup_runs.renew(school, "other", NOW)


def test_the_lease_is_renewed_while_a_backup_is_written(
    school: BookingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic_backups, "_LOOK_DOCUMENTS", 1)
    monkeypatch.setattr(automatic_backups, "_RENEW", timedelta())
    renewed = []
    real = backup_runs.renew
    monkeypatch.setattr(
        backup_runs, "renew", lambda *given: renewed.append(real(*given)) or renewed[-1]
    )

    assert make_due_backup(school, now=NOW) is not None

    assert len(renewed) > 200
    assert all(renewed)


def test_a_lease_that_was_lost_ends_the_writing(
    school: BookingDatabase, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic_backups, "_LOOK_DOCUMENTS", 1)
    monkeypatch.setattr(automatic_backups, "_RENEW", timedelta())
    monkeypatch.setattr(backup_runs, "renew", lambda *_: False)

    assert make_due_backup(school, now=NOW) is None

    assert names(place) == []


# Failures


class limited_files:
    """Lets this process write files of so many bytes only, as a full disk would."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
        signal.signal(signal.SIGXFSZ, self._handler)


def test_a_disk_that_is_full_in_the_middle_leaves_no_file_and_a_reason(
    school: BookingDatabase, place: Path
) -> None:
    with limited_files(1000), pytest.raises(InvalidRequest) as raised:
        make_due_backup(school, now=NOW)

    assert raised.value.field == "BACKUP_DIRECTORY"
    assert names(place) == []
    found = finding(school, NOW)
    assert not found.ok
    assert "; the one of 2026-11-23 06:00 failed: " in found.detail
    assert "File too large" in found.detail
    assert make_due_backup(school, now=NOW + timedelta(minutes=9)) is None
    assert make_due_backup(school, now=NOW + timedelta(minutes=10)) is not None
    assert finding(school, NOW).ok


@pytest.mark.parametrize("students", [0, 500])  # the backup has room and its digest none; neither
def test_a_full_file_system_is_reported_in_words(
    make_db: MakeDatabase, tmp_path: Path, students: int
) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    small = tmp_path / "small"
    small.mkdir()
    options = ["-t", "tmpfs", "-o", "size=4k", "tmpfs", str(small)]
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        db = make_db(backup_directory=str(small))
        save_students(db, [Student(uuid4().hex, uuid4().hex, "1-A") for _ in range(students)])
        with pytest.raises(InvalidRequest, match="No space left on device"):
            make_due_backup(db, now=NOW)
        assert names(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_directory_that_cannot_be_made_is_named(make_db: MakeDatabase, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    db = make_db(school=False, backup_directory=str(tmp_path / "file" / "in"))

    with pytest.raises(InvalidRequest) as raised:
        make_due_backup(db, now=NOW)

    assert raised.value.field == "BACKUP_DIRECTORY"
    assert "Not a directory" in finding(db, NOW).detail


def test_an_error_of_the_driver_is_told_in_words_and_raised_for_the_log(
    school: BookingDatabase, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(*_: object) -> None:
        school.command("noSuchCommand")

    monkeypatch.setattr(backups.archive, "read_all", too_old)

    with pytest.raises(Exception, match="noSuchCommand"):
        make_due_backup(school, now=NOW)

    assert "did not let all of it be read" in finding(school, NOW).detail
    assert "log" in finding(school, NOW).remedy
    assert names(place) == []


KILLED = """
import sys
from datetime import datetime
from booking_core import Settings, connect
from booking_core.live import make_due_backup
from booking_core.storage.backups import archive

uri, name, directory, now = sys.argv[1:]
read_all = archive.read_all

def in_the_middle(db):
    for number, entry in enumerate(read_all(db)):
        if number == 100:
            print("ready", flush=True)
            sys.stdin.read()
        yield entry

archive.read_all = in_the_middle
settings = Settings(
    mongodb_uri=uri, database=name, time_zone="Asia/Kolkata", backup_directory=directory
)
make_due_backup(connect(settings), now=datetime.fromisoformat(now))
"""


def test_a_process_that_is_killed_leaves_nothing_that_looks_like_a_backup(
    school: BookingDatabase, place: Path
) -> None:
    uri = str(school.booking_settings.mongodb_uri)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, uri, school.name, str(place), NOW.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate()
    left = names(place)

    still_held = make_due_backup(school, now=NOW + timedelta(seconds=90))
    file = make_due_backup(school, now=NOW + backup_runs.LEASE)

    assert left
    assert not [name for name in left if not name.startswith(".")]
    assert still_held is None
    assert file is not None
    assert names(place) == [file.name, f"{file.name}.sha256"]


def test_a_database_that_does_not_answer_is_no_failed_backup(
    place: Path,
) -> None:
    uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"
    db = open_database(uri, Settings(mongodb_uri=uri, backup_directory=str(place)))

    with pytest.raises(StoreUnavailable):
        make_due_backup(db, now=NOW)

    assert not place.exists()
    db.close()


def test_health_says_when_no_backup_is_made_for_two_days(school: BookingDatabase) -> None:
    assert "none was made yet" in finding(school, NOW).detail
    make_due_backup(school, now=NOW)

    assert finding(school, NOW + DAYS).ok
    late = finding(school, NOW + 3 * DAYS)

    assert not late.ok
    assert "the last one was due 2026-11-23 02:30" in late.detail


# In the app


def test_the_app_makes_it_in_a_thread_of_its_own(
    school: BookingDatabase, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_BACKUP_SECONDS", 0.05)
    at_work = threading.Event()
    go_on = threading.Event()
    real = backups.digest_of

    def slow(file: Path) -> str:
        at_work.set()
        assert go_on.wait(30)
        return real(file)

    monkeypatch.setattr(backups, "digest_of", slow)
    services = runtime.Services(school.booking_settings)
    services.start()
    try:
        assert at_work.wait(30)
        assert services.is_usable
        go_on.set()
        eventually(lambda: len([n for n in names(place) if n.endswith(".gz")]) == 1)
    finally:
        go_on.set()
        services.stop()


def test_old_backups_that_cannot_be_deleted_are_told_and_the_new_one_stays(
    school, place, monkeypatch
):
    first = make_due_backup(school, now=NOW)
    later = NOW + timedelta(days=20)

    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(automatic_backups, "_delete_old", refuse)
    file = make_due_backup(school, now=later)

    assert {first.name, file.name} <= set(names(place))
    found = finding(school, later)
    assert "older ones cannot be deleted" in found.detail
    assert "BACKUP_DIRECTORY" in found.remedy
    monkeypatch.undo()
    make_due_backup(school, now=later + timedelta(days=1))
    assert finding(school, later + timedelta(days=1)).ok
    assert first.name not in names(place)
