"""Erases an account: a pseudonym replaces its name in all documents.

A principal may have decided on many thousand bookings, more than one transaction can change. So the
account goes in a transaction with a note of it, and the references in batches. Each batch may be
repeated, and ``finish`` does so: what an interruption has left is done five minutes later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

from pymongo import ReplaceOne
from pymongo.client_session import ClientSession

from booking_core.domain.claims import claims_of
from booking_core.domain.model import Account, Booking
from booking_core.storage import audit_log, erasures
from booking_core.storage.access import accounts
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, to_booking, to_bookings
from booking_core.storage.erasures import Erased
from booking_core.storage.schema import schema

BULK_SECONDS = 12.0
_BATCH = 500
_PREFIX, _FORMER = "former-staff-", "Former staff"
_PSEUDONYM = re.compile(rf"{_PREFIX}[0-9a-f]{{8}}")


def new_pseudonym() -> str:
    """An id that stays in the place of a sign-in name."""
    return _PREFIX + uuid4().hex[:8]


def is_pseudonym(id: str) -> bool:
    """Whether ``id`` has the form of the id of a former account."""
    return _PSEUDONYM.fullmatch(id) is not None


def shown_name(pseudonym: str) -> str:
    """The name for a pseudonym, such as ``Former staff 3f2a19c4``."""
    return f"{_FORMER} {pseudonym.removeprefix(_PREFIX)}"


@dataclass(frozen=True, slots=True)
class _Person:
    """An erased account: its id, every name it had, and the pseudonym.

    ``unshared`` are those names that no other account has. ``delegates`` are ids of the accounts
    that decided for this one: a history names its principal by name only.
    """

    id: str
    names: frozenset[str]
    unshared: frozenset[str]
    delegates: frozenset[str]
    pseudonym: str

    @property
    def name(self) -> str:
        return shown_name(self.pseudonym)


def note(tx: accounts.AccountTransaction, account: Account, pseudonym: str, due: datetime) -> int:
    """Records that ``finish`` is to look again for the erased account at ``due``.

    How many bookings the account has made.
    """
    facts = {
        "names": sorted(_names_of(tx.db, account.id, account.name)),
        "delegates": sorted(_delegates_of(tx.db, account.id)),
    }
    erasures.note(tx.db, tx.session, erasures.ACCOUNT, pseudonym, account.id, due, facts)
    _take_out_of_grounds(tx.db, tx.session, account.email)
    made = {"created_by": account.id, "kind": "booking"}
    return collection(tx.db, schema.BOOKINGS).count_documents(made, session=tx.session)


def is_noted(db: Documents, account_id: str) -> bool:
    """Whether the erasure of an account with this id is not finished. Raises StoreUnavailable."""
    return erasures.is_noted(db, erasures.ACCOUNT, account_id)


def take_out(db: Documents, pseudonym: str) -> int:
    """Puts the pseudonym in the place of the account of its note, in all collections.

    How many bookings of the account it changed; 0 without a note. Raises StoreUnavailable; the
    changes made until then stay.
    """
    kept = erasures.read_note(db, erasures.ACCOUNT, pseudonym)
    if kept is None:
        return 0
    return _take_out(
        db, _person(db, pseudonym, kept["account_id"], kept["names"], kept["delegates"])
    )


def finish(db: Documents, pseudonym: str) -> int:
    """Takes the erased account out of what came in late, and forgets its names.

    How many bookings there were. Raises StoreUnavailable.
    """
    count = take_out(db, pseudonym)
    transact(db, lambda session: erasures.settle(db, session, erasures.ACCOUNT, pseudonym))
    return count


def erase_again(db: Documents, missing: Iterable[Erased]) -> int:
    """Erases the accounts of those erasures, which are not on record here; returns how many.

    For a database that was restored from a backup older than the erasures, and that nobody uses
    yet. Raises StoreUnavailable.
    """
    entries = [one for one in missing if one.kind == erasures.ACCOUNT]
    if not entries:
        return 0
    ids, count = _ids_on_record(db), 0
    for entry in entries:
        for id in sorted(one for one in ids if entry.fits(one)):
            with reachable():
                found = collection(db, schema.ACCOUNTS).find_one_and_delete({"_id": id}) or {}
            names = _names_of(db, id, str(found.get("name") or id))
            _take_out_of_grounds(db, None, found.get("email"))
            _take_out(db, _person(db, new_pseudonym(), id, names, _delegates_of(db, id)))
            count += 1
        transact(db, partial(_record, db, entry))
    return count


def _record(db: Documents, entry: Erased, session: ClientSession) -> None:
    erasures.record(db, session, entry)


def count_references(
    db: Documents, account: Account, today: Date
) -> tuple[int, list[Booking], int]:
    """(bookings that the account made, its active ones of ``today`` and later, mentions).

    A mention is a booking, closure or entry of the audit log with the account's full name or
    sign-in name in its purpose or a reason. Raises StoreUnavailable.
    """
    made = {"created_by": account.id, "kind": "booking"}
    ahead = {
        "$or": [{"created_by": account.id}, {"supervisor.id": account.id}],
        "kind": "booking",
        "date": {"$gte": today.isoformat()},
        **schema.HOLDS,
    }
    either = "|".join(re.escape(text) for text in (account.name, account.id))
    names = {"$regex": rf"(?<!\w)({either})(?!\w)", "$options": "i"}
    bookings = collection(db, schema.BOOKINGS)
    with reachable(BULK_SECONDS):  # no index has these texts
        return (
            bookings.count_documents(made),
            list(to_bookings(bookings.find(ahead))),
            bookings.count_documents({"$or": [{"purpose": names}, {"history.reason": names}]})
            # The reasons of changes of the account itself go.
            + audit_log.count_reasons(db, names, without=("account", account.id)),
        )


def _person(
    db: Documents, pseudonym: str, id: str, names: Iterable[str], delegates: Iterable[str]
) -> _Person:
    names = frozenset(names)
    with reachable():
        others = collection(db, schema.ACCOUNTS).find({"name": {"$in": sorted(names)}}, {"name": 1})
        unshared = names - {row["name"] for row in others}
    return _Person(id, names, unshared, frozenset(delegates), pseudonym)


def _names_of(db: Documents, id: str, name: str) -> set[str]:
    """Every name under which the account is stored somewhere."""
    audit, bookings = collection(db, schema.AUDIT), collection(db, schema.BOOKINGS)
    own, found = {"what": "account", "id": id}, [name]
    with reachable(None):
        for side in ("before", "after"):
            found += audit.distinct(f"details.{side}.name", own)
        found += audit.distinct("by_name", {"by": id})
        found += bookings.distinct("created_by_name", {"created_by": id})
        found += bookings.distinct("supervisor.name", {"supervisor.id": id})
        entries: list[Document] = [
            {"$match": {"history.by": id}},
            {"$unwind": "$history"},
            {"$match": {"history.by": id}},
            {"$group": {"_id": "$history.by_name"}},
        ]
        found += [row["_id"] for row in bookings.aggregate(entries)]
    return {one for one in found if isinstance(one, str)}


def _delegates_of(db: Documents, id: str) -> set[str]:
    """The ids of the accounts to which this one has ever delegated."""
    given = {"what": "delegation", "details.by": id}
    with reachable(None):
        found = collection(db, schema.AUDIT).distinct("details.to", given)
        found += collection(db, schema.DELEGATIONS).distinct("to", {"by": id})
    return {one for one in found if isinstance(one, str)}


def _ids_on_record(db: Documents) -> set[str]:
    """Every id of an account that any collection has."""
    audit, bookings = collection(db, schema.AUDIT), collection(db, schema.BOOKINGS)
    delegations = collection(db, schema.DELEGATIONS)
    offers = collection(db, schema.SWAP_OFFERS)
    with reachable(None):
        found = [
            *collection(db, schema.ACCOUNTS).distinct("_id"),
            *bookings.distinct("created_by"),
            *bookings.distinct("history.by"),
            *bookings.distinct("supervisor.id"),
            *collection(db, schema.TEAMS).distinct("staff"),
            *collection(db, schema.WAITING).distinct("by"),
            *(id for side in ("by", "to") for id in offers.distinct(side)),
            *audit.distinct("by"),
            *audit.distinct("id", {"what": "account"}),
            *(id for side in ("by", "to") for id in audit.distinct(f"details.{side}")),
            *(id for side in ("by", "to") for id in delegations.distinct(side)),
            *collection(db, schema.NOTICES).distinct("to"),
        ]
    return {id for id in found if isinstance(id, str)}


def _take_out(db: Documents, person: _Person) -> int:
    with reachable(None):
        for name in (schema.SESSIONS, schema.DEVICES, schema.CHALLENGES, schema.MAIL_LINKS):
            collection(db, name).delete_many({"account_id": person.id})
        # What one says is composed when it is sent: those to others have no name.
        collection(db, schema.MAILS).delete_many({"to": person.id})
        # The audit log keeps who delegated to whom; a delegation itself has no more effect.
        either = {"$or": [{"by": person.id}, {"to": person.id}]}
        collection(db, schema.DELEGATIONS).delete_many(either)
        # The feed reports their end, and no deletion.
        offers = collection(db, schema.SWAP_OFFERS)
        offers.update_many(either, {"$set": {"status": "ended"}})
        offers.delete_many(either)
        _take_out_of_waiting_list(db, person)
        teams = collection(db, schema.TEAMS)
        if teams.update_many({"staff": person.id}, {"$pull": {"staff": person.id}}).modified_count:
            erasures.raise_revision(db, None)
        count = _take_out_of_bookings(db, person)
        _take_out_of_notices(db, person)
        _take_out_of_audit_log(db, person)
    return count


def _take_out_of_grounds(db: Documents, session: ClientSession | None, email: Any) -> None:
    """Removes the address of the account where it is that of a caretaker."""
    if not isinstance(email, str):
        return
    with reachable():
        done = collection(db, schema.GROUNDS).update_many(
            {"caretaker_email": email}, {"$unset": {"caretaker_email": ""}}, session=session
        )
    if done.modified_count:
        erasures.raise_revision(db, session)


def _take_out_of_waiting_list(db: Documents, person: _Person) -> None:
    """Deletes the entries that name the account. The feed reports their end, and no deletion."""
    target = collection(db, schema.WAITING)
    either = {"$or": [{"by": person.id}, {"party.supervisor_id": person.id}]}
    for row in list(target.find(either, {"date": 1})):
        ended = {"status": "ended", "changed": row["date"]}
        target.update_one({"_id": row["_id"]}, {"$set": ended, "$unset": {"place": ""}})
    target.delete_many(either)


def _take_out_of_bookings(db: Documents, person: _Person) -> int:
    """How many bookings the account had made.

    A booking that cannot be read is deleted: whom else its fields name cannot be known.
    """
    bookings, count = collection(db, schema.BOOKINGS), 0
    condition = {
        "$or": [
            {"created_by": person.id},
            {"supervisor.id": person.id},
            {"history.by": person.id},
            {"history.on_behalf_of": {"$in": sorted(person.names)}},
        ]
    }
    again = True
    while again:
        again = False
        for rows in _batches(bookings.find(condition)):
            foreign = [row["_id"] for row in rows if next(to_bookings([row]), None) is None]
            if foreign:
                bookings.delete_many({"_id": {"$in": foreign}})
            pairs = [
                (row, after)
                for row in rows
                if row["_id"] not in foreign and (after := without_account(row, person)) != row
            ]
            if not pairs:
                continue
            # Of the revision that was read: a booking that has just been changed is read again.
            writes = [
                ReplaceOne({"_id": row["_id"], "revision": row["revision"]}, after)
                for row, after in pairs
            ]
            done = bookings.bulk_write(writes, ordered=False)
            again |= done.matched_count < len(pairs)
            count += sum(row["created_by"] == person.id for row, _ in pairs)
    return count


def without_account(booking: Mapping[str, Any], person: _Person) -> Document:
    """The document of a booking with the pseudonym in the place of the account.

    The fingerprint of a booking that the account made goes: it is made from the sign-in name too.
    """
    after: Document = {**booking, "history": [_entry(one, person) for one in booking["history"]]}
    if booking["created_by"] == person.id:
        after |= {
            "created_by": person.pseudonym,
            "created_by_name": person.name,
            "fingerprint": "",
        }
    if booking.get("supervisor", {}).get("id") == person.id:
        after |= {
            "supervisor": {"id": person.pseudonym, "name": person.name},
            "fingerprint": "",
        }
    if after != booking:
        # Those of a supervisor, and the seats of bookings for staff, are made from the id.
        after["claims"] = claims_of(to_booking(after))
        after["revision"] = booking["revision"] + 1
    return after


def _entry(entry: Mapping[str, Any], person: _Person) -> Document:
    after = dict(entry)
    if entry["by"] == person.id:
        after |= {"by": person.pseudonym, "by_name": person.name}
    principal = entry.get("on_behalf_of")
    is_delegate = entry["by"] in person.delegates and principal in person.names
    if principal in person.unshared or is_delegate:
        after["on_behalf_of"] = person.name
    return after


def _take_out_of_notices(db: Documents, person: _Person) -> None:
    """Deletes the notices to the account, and takes its name out of those to others.

    A notice that cannot be read is deleted.
    """
    notices, fits = collection(db, schema.NOTICES), schema.VALIDATORS[schema.NOTICES]
    named = {"by_name": {"$in": sorted(person.names)}}
    notices.delete_many({"$or": [{"to": person.id}, named | {"$nor": [fits]}]})
    # A notice has no id of its author. Of a name that others have too, the booking tells it.
    acted = {"history.by": person.pseudonym}
    shared = [
        row["_id"]
        for row in notices.find(named, {"booking_id": 1, "by_name": 1})
        if row["by_name"] in person.unshared
        or collection(db, schema.BOOKINGS).find_one({"_id": row["booking_id"]} | acted, {"_id": 1})
    ]
    for ids in _batches(shared):
        notices.update_many({"_id": {"$in": ids}}, {"$set": {"by_name": person.name}})


def _take_out_of_audit_log(db: Documents, person: _Person) -> None:
    """An entry that cannot be read is deleted."""
    audit, fits = collection(db, schema.AUDIT), schema.VALIDATORS[schema.AUDIT]
    condition = {
        "$or": [
            {"by": person.id},
            {"what": "account", "id": person.id},
            {"what": "delegation", "details.by": person.id},
            {"what": "delegation", "details.to": person.id},
        ]
    }
    audit.delete_many(condition | {"$nor": [fits]})
    for rows in _batches(audit.find(condition)):
        audit.bulk_write(
            [ReplaceOne({"_id": row["_id"]}, _change(row, person)) for row in rows], ordered=False
        )


def _change(entry: Mapping[str, Any], person: _Person) -> Document:
    """The entry of the audit log with the pseudonym in the place of the account.

    The reasons of changes of the account go, as the reasons of bookings of an erased student do.
    """
    after, details = dict(entry), entry.get("details")
    if entry["by"] == person.id:
        after |= {"by": person.pseudonym, "by_name": person.name}
    if not isinstance(details, Mapping):
        return after
    kept = dict(details)
    if entry["what"] == "account" and entry["id"] == person.id:
        after["id"] = person.pseudonym
        kept.pop("reason", None)
        for side in ("before", "after"):
            if isinstance(kept.get(side), Mapping):
                kept[side] = _without_names(kept[side], person)
    if entry["what"] == "delegation":
        kept |= {side: person.pseudonym for side in ("by", "to") if kept.get(side) == person.id}
    return after | {"details": kept}


def _without_names(fields: Mapping[str, Any], person: _Person) -> Document:
    stand_in = {"name": person.name, "email": None}
    return {**fields, **{name: stand_in[name] for name in stand_in if name in fields}}


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
