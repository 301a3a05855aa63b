"""Helpers for backups: their lines, and the contents of a database."""

from __future__ import annotations

import gzip

from booking_core.storage.backups import archive
from booking_core.storage.schema import indexes, schema

REVISION = {"_id": "revision", "grounds": 7, "students": 7, "schema": schema.VERSION}


def contents(db):
    return {name: list(db[name].find().sort("_id")) for name in archive.COLLECTIONS}


def without_counters(found):
    """``contents`` without the revisions of the school, which a restored one gets anew."""
    counters = ("grounds", "students")
    meta = [{k: v for k, v in row.items() if k not in counters} for row in found["meta"]]
    return found | {"meta": meta}


def make_empty(db):
    for name in archive.COLLECTIONS:
        db[name].delete_many({})
    db[schema.META].insert_one(REVISION)
    return db


def assert_empty(db):
    assert {name: rows for name, rows in contents(db).items() if rows} == {"meta": [REVISION]}
    assert indexes.index_faults(db) == indexes.validator_faults(db) == []


def lines_of(file):
    return gzip.decompress(file.read_bytes()).decode().splitlines()


def rewritten(file, text):
    file.write_bytes(gzip.compress(text.encode()))
    return file
