"""An altered backup is refused with the line of the fault, and nothing is stored."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest
from backup_files import assert_empty, contents, lines_of, rewritten

from booking_core import (
    InvalidRequest,
)
from booking_core.operations import backups
from booking_core.storage.backups import archive


def test_a_school_that_exists_is_not_overwritten(backed_up, db):
    before = contents(db)

    with pytest.raises(InvalidRequest, match="holds data already"):
        backups.load(db, backed_up[1])

    assert contents(db) == before


def line_of(lines, collection, nth=0):
    """Returns the index in ``lines`` of the nth document of ``collection``."""
    return [n for n, line in enumerate(lines) if json.loads(line).get("in") == collection][nth]


def _without_a_row(lines):
    return [lines[0], *lines[2:]]


def _without_an_end(lines):
    return lines[:-1]


def _with_a_row_after_the_end(lines):
    return [*lines, lines[1]]


def _with_a_row_twice(lines):
    place = line_of(lines, "students", 3)
    counts = json.loads(lines[-1])
    counts["end"]["students"] += 1
    return [*lines[:place], lines[place], *lines[place:-1], json.dumps(counts)]


def _with_an_unknown_collection(lines):
    counts = json.loads(lines[-1])
    counts["end"]["intruders"] = 1
    return [lines[0], '{"in": "intruders", "is": {"_id": 1}}', *lines[1:-1], json.dumps(counts)]


def _with_a_student_without_an_id(lines):
    place = line_of(lines, "students")
    return [*lines[:place], lines[place].replace('"_id"', '"id"'), *lines[place + 1 :]]


def _with_a_student_that_may_not_be(lines):
    place = line_of(lines, "students")
    assert '"active":true' in lines[place]
    return [*lines[:place], lines[place].replace("true", '"x"'), *lines[place + 1 :]]


def _with_a_number_too_large(lines):
    place = line_of(lines, "students")
    return [*lines[:place], lines[place].replace("true", f"1{'0' * 30}"), *lines[place + 1 :]]


def _with_broken_json(lines):
    return [*lines[:4], lines[4][:-5], *lines[5:]]


def _with_a_broken_date(lines):
    place = line_of(lines, "bookings")
    broken = json.loads(lines[place])
    broken["is"]["created_at"] = {"$date": 5, "$uuid": 5}
    return [*lines[:place], json.dumps(broken), *lines[place + 1 :]]


def _with_a_deep_line(lines):
    return [*lines[:4], "[" * 200_000, *lines[4:]]


def _of_another_kind(lines):
    return [json.dumps({"kind": "other"})]


def _without_a_moment(lines):
    return [json.dumps(json.loads(lines[0]) | {"at": "yesterday"}), *lines[1:]]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_without_a_row, r"line \d+ counts 8 audit, not 7"),
        (_without_an_end, r"line \d+ is the last one, and the line of counts is missing"),
        (_with_a_row_after_the_end, r"line \d+ lies behind the line of counts"),
        (_with_a_row_twice, r"\(line \d+: an earlier line has the same _id in students\)"),
        (_with_an_unknown_collection, r"line 2 names the unknown collection 'intruders'"),
        (_with_a_student_without_an_id, r"line \d+ holds no document"),
        (_with_a_student_that_may_not_be, r"may not be stored \(line \d+: Document failed"),
        (_with_a_number_too_large, r"may not be stored \(line \d+: "),
        (_with_broken_json, r"line 5 is no JSON"),
        (_with_a_broken_date, r"line \d+ is no JSON"),
        (_with_a_deep_line, r"line 5 is no JSON"),
        (_of_another_kind, r"line 1 is not the header"),
        (_without_a_moment, r"line 1 does not say when"),
        (lambda lines: ["[]"], r"line 1 is no JSON object"),
        (lambda lines: ["", ""], r"line 1 is not the header"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_an_altered_backup_is_refused_with_the_line_and_nothing_is_stored(
    backed_up, empty, tmp_path, damage, problem
):
    file = rewritten(tmp_path / "school.gz", "\n".join(damage(lines_of(backed_up[1]))))

    with pytest.raises(InvalidRequest, match=problem) as refused:
        backups.load(empty, file)

    assert refused.value.field == "file"
    assert_empty(empty)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:50] + b"\x00\x01\x02" + data[53:],
        lambda data: b"id,name\n1,x\n",
        lambda data: b"",
        lambda data: gzip.compress(b"\xff\xfe"),
    ],
    ids=["cut", "other bytes", "a table", "empty", "no text"],
)
def test_a_damaged_file_is_refused_and_nothing_is_written(backed_up, empty, tmp_path, damage):
    file = tmp_path / "school.gz"
    file.write_bytes(damage(backed_up[1].read_bytes()))

    with pytest.raises(InvalidRequest) as refused:
        backups.load(empty, file)

    assert refused.value.field == "file"
    assert_empty(empty)


def test_a_line_of_any_length_is_refused(empty, tmp_path):
    file = tmp_path / "school.gz"
    with gzip.open(file, "wb", compresslevel=9) as out:
        for _ in range(200):
            out.write(b" " * 1_000_000)
    assert file.stat().st_size < 714_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest, match="line 1 is longer than 25165824 characters"):
            backups.load(empty, file)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 150_000_000  # bytes
    assert_empty(empty)


def test_a_document_that_the_server_drops_is_noticed(backed_up, empty, monkeypatch):
    """A part of each batch is lost; the restore compares the number of stored documents."""
    insert = archive._insert
    monkeypatch.setattr(archive, "_insert", lambda db, name, batch: insert(db, name, batch[:1]))

    with pytest.raises(InvalidRequest, match="holds 8 documents of audit; stored: 1"):
        backups.load(empty, backed_up[1])

    assert_empty(empty)


@pytest.mark.parametrize("place", ["", "missing/school.gz"])
def test_a_path_that_cannot_be_written_is_named(school, tmp_path, place):
    with pytest.raises(InvalidRequest, match="file: cannot be written"):
        backups.save(school[0], tmp_path / place)


def test_a_missing_file_is_reported_in_one_sentence(empty, tmp_path):
    with pytest.raises(InvalidRequest, match="file: cannot be read: No such file"):
        backups.load(empty, tmp_path / "missing.gz")
