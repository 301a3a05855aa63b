"""Changing the school's year: its terms with their holidays, and the letters of its weeks.

No booking changes with them. In every verb, ``by`` None means that no account acts: the command
line or a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, timedelta

from booking_core.domain.errors import AlreadyExists, ChangedMeanwhile, InvalidRequest, NotFound
from booking_core.domain.model import Actor
from booking_core.domain.names import key_of, label_key, new_id
from booking_core.domain.school_year import SchoolYear, Term
from booking_core.domain.validation import check_date, check_id
from booking_core.school.administration import change_school
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference
from booking_core.storage.school import year as store
from booking_core.storage.school.changes import SchoolTransaction, facts_of

MOST_TERMS = 20  # that one change may add
# Terms that begin closer than this are of one school year. It is shorter than a year: a term of the
# next year has the same name, and may begin some weeks earlier.
_SAME_YEAR = timedelta(weeks=44)


@within_deadline
def terms(db: Documents) -> tuple[Term, ...]:
    """The terms in order of time. Raises StoreUnavailable."""
    return reference.load(db).year.terms


@within_deadline
def save_term(
    db: Documents,
    term: Term,
    *,
    by: Actor | None = None,
    was: Term | None = None,
    now: datetime | None = None,
) -> Term:
    """Adds or replaces a term; existing bookings stay, also on a day that becomes a holiday.

    With ``was``, the term that the change was made from, raises ChangedMeanwhile where the stored
    one differs by now. Raises AlreadyExists for an id that differs from another's in capitals only,
    InvalidRequest, also for a term that overlaps another or has the name of another term of the
    school year, NotAllowed, StoreUnavailable.
    """
    if not isinstance(term, Term):
        raise InvalidRequest("term", "must be a Term")
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Term:
        year = store.read(tx)
        before = _of_id(year, term.id)
        if was is not None and was != before:
            raise ChangedMeanwhile("the term")
        _check_unlike(term, year.with_terms([term]))
        store.put_terms(tx, [term])
        _audit(tx, by, "saved" if before else "added", before, term, now)
        return term

    return change_school(db, by, now, work)


@within_deadline
def add_terms(
    db: Documents, terms: Iterable[Term], *, by: Actor | None = None, now: datetime | None = None
) -> list[Term]:
    """Adds 1 to MOST_TERMS terms, all of them or none; returns them as stored.

    Their ids are made of their names; those that they have mean nothing. Raises InvalidRequest,
    also for terms that overlap and for two of one school year with one name, NotAllowed,
    StoreUnavailable.
    """
    if isinstance(terms, str) or not isinstance(terms, Iterable):
        raise InvalidRequest("terms", "must be a list of terms")
    wanted, now = list(terms), moment(db, now)
    if not all(isinstance(term, Term) for term in wanted):
        raise InvalidRequest("terms", "must be a list of terms")
    if not 1 <= len(wanted) <= MOST_TERMS:
        raise InvalidRequest("terms", f"must be from 1 to {MOST_TERMS} terms")

    def work(tx: SchoolTransaction) -> list[Term]:
        year = store.read(tx)
        made = _with_new_ids(wanted, year)
        after = year.with_terms(made)
        for term in made:
            _check_unlike(term, after)
        store.put_terms(tx, made)
        for term in made:
            _audit(tx, by, "added", None, term, now)
        return made

    return change_school(db, by, now, work)


def _check_unlike(term: Term, year: SchoolYear) -> None:
    """Raises AlreadyExists and InvalidRequest if another term of ``year`` looks like ``term``."""
    for other in year.terms:
        if other.id == term.id:
            continue
        if key_of(other.id) == key_of(term.id):
            raise AlreadyExists("term", other.id)
        is_near = abs(other.first - term.first) < _SAME_YEAR
        if is_near and label_key(other.name) == label_key(term.name):
            raise InvalidRequest("name", f"is taken by another term of that year: {other.name!r}")


def _with_new_ids(terms: Sequence[Term], year: SchoolYear) -> list[Term]:
    taken = {term.id for term in year.terms}
    made = []
    for term in terms:
        id = new_id(term.name, taken, "term")
        taken.add(id)
        made.append(replace(term, id=id))
    return made


@within_deadline
def remove_term(
    db: Documents, term_id: str, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Removes a term with its holidays, on which there is school again.

    Raises NotFound, InvalidRequest, NotAllowed, StoreUnavailable.
    """
    term_id, now = check_id(term_id, "term_id"), moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        before = _of_id(store.read(tx), term_id)
        if before is None:
            raise NotFound("term", term_id)
        store.delete_term(tx, term_id)
        _audit(tx, by, "deleted", before, None, now)

    change_school(db, by, now, work)


@within_deadline
def save_week_a(
    db: Documents, week_a: Date | None, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Weeks alternate between A and B from now on, Monday to Sunday: that of ``week_a`` is an A.

    None: weeks have no letters. Raises InvalidRequest, NotAllowed, StoreUnavailable.
    """
    if week_a is not None:
        check_date(week_a, "week_a")
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        before = store.read(tx).week_a
        store.put_week_a(tx, week_a)
        sides = {"before": before, "after": week_a}
        details = {side: {"week_a": date and date.isoformat()} for side, date in sides.items()}
        tx.audit(by, "saved", "weeks", "", details, now)

    change_school(db, by, now, work)


def _of_id(year: SchoolYear, term_id: str) -> Term | None:
    return next((term for term in year.terms if term.id == term_id), None)


def _audit(
    tx: SchoolTransaction,
    by: Actor | None,
    action: str,
    before: Term | None,
    after: Term | None,
    now: datetime,
) -> None:
    [id] = {term.id for term in (before, after) if term is not None}
    details = {"before": facts_of(before), "after": facts_of(after)}
    tx.audit(by, action, "term", id, details, now)
