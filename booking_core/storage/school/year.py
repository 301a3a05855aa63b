"""The collection of terms, and the letters of the weeks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date

from booking_core.domain.school_year import SchoolYear, Term
from booking_core.storage import documents as d
from booking_core.storage.readable import readable
from booking_core.storage.schema import schema
from booking_core.storage.school.changes import SchoolTransaction

_REVISION = {"_id": "revision"}


def read(tx: SchoolTransaction) -> SchoolYear:
    rows = tx.collection(schema.TERMS).find(session=tx.session)
    meta = tx.collection(schema.META).find_one(_REVISION, session=tx.session) or {}
    return SchoolYear(tuple(readable(schema.TERMS, d.to_term, rows)), d.week_a_of(meta))


def put_terms(tx: SchoolTransaction, terms: Iterable[Term]) -> None:
    """Stores terms, each in the place of the one with its id."""
    for term in terms:
        tx.collection(schema.TERMS).replace_one(
            {"_id": term.id}, d.term_document(term), upsert=True, session=tx.session
        )


def delete_term(tx: SchoolTransaction, term_id: str) -> None:
    tx.collection(schema.TERMS).delete_one({"_id": term_id}, session=tx.session)


def put_week_a(tx: SchoolTransaction, week_a: Date | None) -> None:
    change: d.Document = {"$unset": {"week_a": ""}}
    if week_a is not None:
        change = {"$set": {"week_a": week_a.isoformat()}}
    tx.collection(schema.META).update_one(_REVISION, change, session=tx.session)
