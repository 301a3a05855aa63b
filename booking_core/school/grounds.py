"""Adding, changing and ordering grounds. None is ever deleted: bookings refer to it.

In every verb, ``by`` None means that no account acts: the command line or a script.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, UnknownGround
from booking_core.domain.labels import label_key
from booking_core.domain.model import Actor, Booking, Ground
from booking_core.domain.names import new_id
from booking_core.domain.validation import check_id, check_text
from booking_core.school.administration import change_school
from booking_core.school.surfaces import claim, claim_late, overlapping, with_known_spelling
from booking_core.storage.bookings.writes import ClaimTaken
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference
from booking_core.storage.school import grounds as store
from booking_core.storage.school.changes import SchoolTransaction, facts_of

_LAST = 10**6  # the greatest place that a ground may have


@within_deadline
def save_ground(
    db: Documents, ground: Ground, *, by: Actor | None = None, now: datetime | None = None
) -> Ground:
    """Adds or replaces a ground.

    The bookings of a ground that gets other surfaces claim those. A surface that differs from one
    of another ground in capitals only is that one, and is stored with its spelling. Raises
    AlreadyExists for an id that differs from another's in capitals only, InvalidRequest, also for a
    name that another ground in use has and for surfaces that would overlap upcoming bookings,
    ChangedMeanwhile, NotAllowed, StoreUnavailable.
    """
    if not isinstance(ground, Ground):
        raise InvalidRequest("ground", "must be a Ground")
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> tuple[Ground, bool]:
        stored = store.read(tx)
        before, after = stored.get(ground.id), with_known_spelling(ground, stored)
        revoked = _put(db, tx, before, after, (), by, "", now)
        details = {"after": _details(before, after)["after"]}
        tx.audit(by, "saved", "ground", ground.id, details, now)
        return after, revoked is not None

    return _change(db, by, now, work)


@within_deadline
def add_ground(
    db: Documents,
    name: str,
    games: Iterable[str] = (),
    *,
    surfaces: Iterable[str] = (),
    caretaker_email: str = "",
    by: Actor | None = None,
    now: datetime | None = None,
) -> Ground:
    """Adds a ground, the last on the screens; its id is made of its name.

    Without ``surfaces`` it lies on one of its own. They are spelled as ``save_ground`` does.

    Raises InvalidRequest, also for a name that another ground in use has, NotAllowed,
    StoreUnavailable.
    """
    surfaces = _list(surfaces)
    wanted = Ground("new", name, _listed(games), surfaces=surfaces, caretaker_email=caretaker_email)
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Ground:
        stored = store.read(tx)
        last = max((ground.order for ground in stored.values()), default=0)
        id = new_id(wanted.name, stored, "ground")
        made = replace(wanted, id=id, order=min(last + 1, _LAST), surfaces=surfaces or (id,))
        made = with_known_spelling(made, stored)
        store.put(tx, made)
        details = _details(None, made)
        tx.audit(by, "added", "ground", id, details, now)
        return made

    return change_school(db, by, now, work)


@within_deadline
def change_ground(
    db: Documents,
    ground_id: str,
    *,
    name: str | None = None,
    games: Iterable[str] | None = None,
    retired: bool | None = None,
    surfaces: Iterable[str] | None = None,
    caretaker_email: str | None = None,
    revoke: Collection[str] = (),
    reason: str = "",
    by: Actor | None = None,
    was: Ground | None = None,
    now: datetime | None = None,
) -> Ground:
    """Changes what is not None; bookings stay, also those of a ground that is retired.

    On other ``surfaces`` upcoming bookings of the ground may overlap those of other grounds
    (``surface_overlaps``): these are revoked, for a ``reason``, if ``revoke`` names exactly them,
    and their authors get notices. Otherwise ChangedMeanwhile is raised; for an empty ``revoke``,
    InvalidRequest. All other bookings claim the new surfaces, spelled as ``save_ground`` does.

    With ``was``, the ground that the change was made from, raises ChangedMeanwhile where its name,
    games, surfaces, address or retirement differ by now. Raises UnknownGround, InvalidRequest,
    NotAllowed, StoreUnavailable.
    """
    ground_id, now = check_id(ground_id, "ground_id"), moment(db, now)
    if was is not None and not isinstance(was, Ground):
        raise InvalidRequest("was", "must be a Ground")
    if isinstance(revoke, str) or not isinstance(revoke, Collection):
        raise InvalidRequest("revoke", "must be a list of ids")
    ids = {check_id(id, "revoke") for id in revoke}
    reason = check_text(reason, "reason", required=bool(ids))
    if ids and by is None:
        raise InvalidRequest("by", "is missing: a revocation has an author")

    def work(tx: SchoolTransaction) -> tuple[Ground, bool]:
        stored = store.read(tx)
        before = stored.get(ground_id)
        if before is None:
            raise UnknownGround(ground_id)
        if was is not None and replace(was, order=before.order) != before:
            raise ChangedMeanwhile("the ground")
        after = Ground(
            before.id,
            before.name if name is None else name,
            before.games if games is None else _listed(games),
            before.order,
            before.retired if retired is None else retired,
            before.surfaces if surfaces is None else _list(surfaces),
            before.caretaker_email if caretaker_email is None else caretaker_email,
        )
        after = with_known_spelling(after, stored)
        revoked = _put(db, tx, before, after, ids, by, reason, now)
        action = "saved"
        if before.retired != after.retired:
            action = "retired" if after.retired else "brought back"
        details = _details(before, after)
        if revoked:
            details |= {"revoked": len(revoked), "reason": reason}
        tx.audit(by, action, "ground", ground_id, details, now)
        return after, revoked is not None

    return _change(db, by, now, work)


@within_deadline
def surface_overlaps(
    db: Documents, ground_id: str, surfaces: Iterable[str], *, now: datetime | None = None
) -> list[Booking]:
    """The upcoming bookings of a ground that could not stay if it lay on ``surfaces``, by date and
    time: bookings or closures of other grounds hold a part of them.

    Raises UnknownGround, InvalidRequest, StoreUnavailable.
    """
    known = reference.load(db)
    ground = known.ground(check_id(ground_id, "ground_id"))
    wanted = with_known_spelling(replace(ground, surfaces=_list(surfaces)), known.grounds)
    return overlapping(db, wanted, moment(db, now))


def _put(
    db: Documents,
    tx: SchoolTransaction,
    before: Ground | None,
    after: Ground,
    revoke: Collection[str],
    by: Actor | None,
    reason: str,
    now: datetime,
) -> list[Booking] | None:
    """Stores a ground. The bookings that are revoked; None if its surfaces stay."""
    store.put(tx, after)
    if before is None or before.surfaces == after.surfaces:
        if revoke:
            raise ChangedMeanwhile("the list of bookings")
        return None
    grounds = store.read(tx).values()
    return claim(db, tx.bookings(), after, grounds, revoke, by, reason, now)


def _change(
    db: Documents,
    by: Actor | None,
    now: datetime,
    work: Callable[[SchoolTransaction], tuple[Ground, bool]],
) -> Ground:
    """The ground that ``work`` stores; True: on other surfaces."""
    try:
        ground, is_moved = change_school(db, by, now, work)
    except ClaimTaken as lost:  # a slot was taken after the bookings were read
        raise ChangedMeanwhile("the list of bookings") from lost
    if is_moved:
        claim_late(db, ground, by, now)
    return ground


def is_retired(tx: SchoolTransaction, ground_id: str) -> bool:
    """Whether the ground is retired, as of ``tx``. Raises UnknownGround."""
    ground = store.read(tx).get(ground_id)
    if ground is None:
        raise UnknownGround(ground_id)
    return ground.retired


def retire(
    tx: SchoolTransaction, ground_id: str, by: Actor | None, facts: dict[str, Any], now: datetime
) -> None:
    """Retires a known ground within ``tx``; ``facts`` go into the audit log."""
    before = store.read(tx)[ground_id]
    after = replace(before, retired=True)
    store.put(tx, after)
    tx.audit(by, "retired", "ground", ground_id, _details(before, after) | facts, now)


@within_deadline
def save_grounds_order(
    db: Documents, ids: Iterable[str], *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Puts the grounds in the order of ``ids`` on every screen; those not named follow as before.

    Raises UnknownGround, InvalidRequest for one named twice, NotAllowed, StoreUnavailable.
    """
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidRequest("ids", "must be a list of ground ids")
    wanted = [check_id(id, "ids") for id in ids]
    if len(set(wanted)) != len(wanted):
        raise InvalidRequest("ids", "names one ground twice")
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        before = list(store.read(tx))
        for id in wanted:
            if id not in before:
                raise UnknownGround(id)
        after = wanted + [id for id in before if id not in set(wanted)]
        store.put_order(tx, after)
        tx.audit(by, "reordered", "grounds", "", {"before": before, "after": after}, now)

    change_school(db, by, now, work)


def _details(before: Ground | None, after: Ground) -> dict[str, Any]:
    """The change as the audit log has it: without the address, only whether there is another."""
    found = {
        name: facts_of(ground and replace(ground, caretaker_email=""))
        for name, ground in (("before", before), ("after", after))
    }
    old = "" if before is None else before.caretaker_email
    if old != after.caretaker_email and found["after"] is not None:
        found["after"]["caretaker"] = "another address" if after.caretaker_email else "no address"
    return found


def _list(surfaces: Iterable[str]) -> tuple[str, ...]:
    if isinstance(surfaces, str) or not isinstance(surfaces, Iterable):
        raise InvalidRequest("surfaces", "must be a list of ids")
    return tuple(surfaces)


def _listed(games: Iterable[str]) -> tuple[str, ...]:
    if isinstance(games, str) or not isinstance(games, Iterable):
        raise InvalidRequest("games", "must be a list of names")
    games = tuple(games)
    keys = [label_key(game) for game in games if isinstance(game, str)]
    if len(set(keys)) < len(keys):
        raise InvalidRequest("games", "names one entry twice")
    return games
