"""The doctor's findings on stored documents: claims, names, and what no rule allows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from booking_core.domain.messages import COMMAND, conflicting, shown_id
from booking_core.domain.names import key_of
from booking_core.operations import misplaced
from booking_core.operations.finding import Finding
from booking_core.storage import unreadable
from booking_core.storage.bookings import claims_repair
from booking_core.storage.client.database import Documents, present
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import indexes, keys, migrations, schema
from booking_core.storage.school import data as reference

_MOST_GROUPS = 20
_MOST_DOCUMENTS = 10
_MOST_WRONG = 100
_INIT = f"run “{COMMAND} init”"
_REPAIR = f"run “{COMMAND} doctor --repair”"


def duplicates(db: Documents) -> Finding:
    with reachable(None):  # it reads every active booking
        offenders = indexes.find_offenders(db)
    if not offenders:
        return Finding("duplicates", "none")
    foreign = [one for one in offenders if one["key"]["claims"] is None]
    ours = [one for one in offenders if one not in foreign]
    details, remedies = [], []
    if ours:
        details.append(f"exclude each other: {conflicting(ours, _MOST_GROUPS)}")
        remedies.append("set the status of all but one of each to “Cancelled”")
    if foreign:
        details.append(f"active, but of another program: {conflicting(foreign, _MOST_GROUPS)}")
        remedies.append("move the documents of another program to another collection")
    what = ", and ".join(remedies)
    remedy = f"in the collection “bookings” of {db.name}, {what}, then {_INIT}"
    return Finding("duplicates", "; ".join(details), remedy)


def names(db: Documents) -> Finding:
    with reachable(None):  # it reads every student and account
        offenders = keys.find_colliding(db)
    if not offenders:
        return _surfaces(db)
    wrong = [(one["collection"], _fault(one["key"])) for one in offenders]
    remedies = [
        f"in “{collection}” {_REMEDIES[field].format(referring=_REFERRING[collection])}"
        for collection, field in dict.fromkeys(wrong)
    ]
    remedy = f"in the database {db.name}: {'; '.join(remedies)}; then {_INIT}"
    if {collection for collection, _ in wrong} & {schema.GROUNDS, schema.STUDENTS}:
        remedy += f" and {_REPAIR}: the claims of bookings have these ids too"
    detail = f"cannot be told apart or typed: {conflicting(offenders, _MOST_GROUPS)}"
    return Finding("names", detail, remedy)


def _surfaces(db: Documents) -> Finding:
    """Whether a surface has two spellings, as one that was stored by an older version may have.

    A booking on the one does not exclude a booking on the other.
    """
    spellings: dict[str, dict[str, list[str]]] = {}
    with reachable():
        grounds = reference.load(db).grounds.values()
    for ground in grounds:
        for surface in ground.surfaces:
            named = spellings.setdefault(key_of(surface), {})
            named.setdefault(surface, []).append(ground.id)
    found = [named for named in spellings.values() if len(named) > 1]
    if not found:
        return Finding("names", "none that could be mistaken for another")
    shown = "; ".join(
        ", ".join(f"“{surface}” of {', '.join(ids)}" for surface, ids in named.items())
        for named in found[:_MOST_GROUPS]
    )
    remedy = "on Admin, Grounds, choose one spelling of each for all of these grounds"
    return Finding("names", f"surfaces that differ in capitals only: {shown}", remedy)


def _fault(key: Mapping[str, Any]) -> str:
    """The key of _REMEDIES: the field that several documents share, or the fault of an id."""
    return _NO_TEXT if key == keys.NO_TEXT else next(iter(key))


_NO_TEXT = "no text"
_REMEDIES = {
    "name_key": "change the name of all but one of each",
    "email_key": "change or remove (null) the e-mail address of all but one of each",
    "id_key": "give all but one of each another id (insert the document anew under that id, set "
    "the id in {referring}, delete the old document), or delete them if nothing refers to them",
    "_id": "give each an id of letters and digits in normal form (NFC) (insert the document anew "
    "under that id, set the id in {referring}, delete the old document)",
    _NO_TEXT: "give each an id that is text (insert the document anew under that id, delete the "
    "old document), or move those of another program to another collection",
}
# Where ids of a collection occur.
_REFERRING = {
    schema.GROUNDS: "the ground_id of “bookings” and of moved_from in their history, the "
    "ground_id of slot of “notices”, the _id of “ground_photos”, the ground_ids of “timetables” "
    "and the grounds and timetables of “school_history”",
    schema.TIMETABLES: "the timetable_id of “days” and the timetables and days of “school_history”",
    schema.STUDENTS: "the student_id of “bookings” and the members of “teams”",
    schema.TEAMS: "the team_id of “bookings”",
    schema.ACCOUNTS: "the created_by of “bookings” and their supervisor, the staff of “teams”, "
    "the by and to of “delegations” and the to of “notices” (histories and the audit log keep the "
    "id of that time)",
}


def claims(db: Documents) -> Finding:
    with reachable(None):  # it reads every booking
        if migrations.version(db) < migrations.CLAIMS:
            return Finding("claims", f"none are stored before “{COMMAND} init”", missing=True)
        wrong = [one.booking.id for one in islice(claims_repair.find_wrong(db), _MOST_WRONG)]
    if not wrong:
        return Finding("claims", "agree with the bookings")
    shown = ", ".join(wrong[:3]) + (", ..." if wrong[3:] else "")
    detail = f"differ from those that follow from the bookings: {shown}"
    return Finding("claims", detail, f"{_REPAIR}, which derives them again")


def documents(db: Documents) -> Finding:
    with reachable(None):  # it reads all that is stored
        found = unreadable.find(db)
    if not found:
        return Finding("documents", "all can be read")
    shown = [f"{one.collection}/{shown_id(one.id)} ({one.problem})" for one in found]
    detail = f"{len(found)} that cannot be read: {', '.join(shown[:_MOST_DOCUMENTS])}"
    if shown[_MOST_DOCUMENTS:]:
        detail += ", ..."
    remedy = (
        f"in the database {db.name}, give each the fields that it lacks, move it to another "
        "collection, or delete it; until then no screen shows it, and an active booking's slot is "
        "shown as closed"
    )
    return Finding("documents", detail, remedy)


def bookings(db: Documents) -> Finding:
    with reachable():
        is_current = migrations.version(db) == schema.VERSION
    if not is_current:
        return Finding("bookings", f"cannot be examined before “{COMMAND} init”", missing=True)
    found = misplaced.find(db, present(db))
    if not found:
        return Finding("bookings", "all that is ahead has a student, a ground and a period")
    details = []
    for wrong, (count, first) in found.items():
        shown = [f"{b.reference} ({b.ground_id} {b.date} {b.start:%H:%M})" for b in first]
        more = ", ..." if count > len(first) else ""
        details.append(f"{count} ahead {wrong}: {', '.join(shown)}{more}")
    others = found.keys() - {misplaced.NO_STUDENT}
    remedies = ["move or cancel these in Bookings"] if others else []
    if misplaced.NO_STUDENT in found:
        # A booking of nobody cannot be moved.
        remedies.append("cancel those of unknown students in Bookings")
    return Finding("bookings", "; ".join(details), "; ".join(remedies))
