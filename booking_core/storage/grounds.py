"""The grounds as the desk changes them. None is ever deleted: bookings refer to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pymongo.client_session import ClientSession

from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, UnknownGround
from booking_core.domain.model import Actor, Ground
from booking_core.domain.validation import MAX_ID, check_id
from booking_core.storage import audit_log as journal
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection
from booking_core.storage.school_data import change_school

_LAST = 10**6  # the greatest place that a ground may have


def new_id(name: str, taken: Iterable[str], otherwise: str) -> str:
    """An id of the words of ``name`` that is not among ``taken``, such as ``tennis-court-2``."""
    taken = set(taken)
    stem = re.sub(r"[\W_]+", "-", name.casefold())[: MAX_ID - 6].strip("-") or otherwise
    id, number = stem, 2
    while id in taken:
        id, number = f"{stem}-{number}", number + 1
    return id


def add_ground(
    db: Documents, name: str, games: Iterable[str] = (), *, by: Actor | None = None
) -> Ground:
    """A new ground, the last on the screens; its id is made of its name.

    Raises InvalidRequest, also for a name that another ground has, NotAllowed, StoreUnavailable.
    """
    wanted = Ground("new", name, _listed(games))

    def work(session: ClientSession) -> Ground:
        stored = _stored(db, session)
        last = max((ground.order for ground in stored.values()), default=0)
        id = new_id(wanted.name, stored, "ground")
        made = replace(wanted, id=id, order=min(last + 1, _LAST))
        _check_name(made, stored)
        row = d.ground_document(made)
        collection(db, schema.GROUNDS).insert_one(row, session=session)
        journal.write(db, session, by, "added", "ground", id, {"before": None, "after": row})
        return made

    return change_school(db, by, work)


def change_ground(
    db: Documents,
    ground_id: str,
    *,
    name: str | None = None,
    games: Iterable[str] | None = None,
    retired: bool | None = None,
    by: Actor | None = None,
    was: Ground | None = None,
) -> Ground:
    """Changes what is not None; bookings stay, also those of a ground that is retired.

    With ``was``, ChangedMeanwhile is raised when its name, games or retirement are others by now.
    Raises UnknownGround, InvalidRequest, NotAllowed, StoreUnavailable.
    """
    ground_id = check_id(ground_id, "ground_id")

    def work(session: ClientSession) -> Ground:
        stored = _stored(db, session)
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
        )
        if (after.name, after.retired) != (before.name, before.retired):
            _check_name(after, stored)
        row = d.ground_document(after)
        collection(db, schema.GROUNDS).replace_one({"_id": ground_id}, row, session=session)
        action = "saved"
        if before.retired != after.retired:
            action = "retired" if after.retired else "brought back"
        details = {"before": d.ground_document(before), "after": row}
        journal.write(db, session, by, action, "ground", ground_id, details)
        return after

    return change_school(db, by, work)


def save_grounds_order(db: Documents, ids: Iterable[str], *, by: Actor | None = None) -> None:
    """Puts the grounds in the order of ``ids`` on every screen; those not named follow as before.

    Raises UnknownGround, InvalidRequest for one named twice, NotAllowed, StoreUnavailable.
    """
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidRequest("ids", "must be a list of ground ids")
    wanted = [check_id(id, "ids") for id in ids]
    if len(set(wanted)) != len(wanted):
        raise InvalidRequest("ids", "names one ground twice")

    def work(session: ClientSession) -> None:
        stored = _stored(db, session)
        for id in wanted:
            if id not in stored:
                raise UnknownGround(id)
        before = sorted(stored.values(), key=lambda g: (g.order, g.name, g.id))
        after = wanted + [ground.id for ground in before if ground.id not in set(wanted)]
        for place, id in enumerate(after, start=1):
            collection(db, schema.GROUNDS).update_one(
                {"_id": id}, {"$set": {"order": place}}, session=session
            )
        details = {"before": [ground.id for ground in before], "after": after}
        journal.write(db, session, by, "reordered", "grounds", "", details)

    change_school(db, by, work)


def _stored(db: Documents, session: ClientSession) -> dict[str, Ground]:
    rows = collection(db, schema.GROUNDS).find(session=session)
    return {ground.id: ground for ground in map(d.to_ground, rows)}


def _check_name(ground: Ground, stored: dict[str, Ground]) -> None:
    """Two grounds in use by one name could not be told apart on a screen."""
    if ground.retired:
        return
    for other in stored.values():
        same = other.name.casefold() == ground.name.casefold()
        if same and other.id != ground.id and not other.retired:
            raise InvalidRequest("name", "is the name of another ground")


def _listed(games: Iterable[str]) -> tuple[str, ...]:
    if isinstance(games, str) or not isinstance(games, Iterable):
        raise InvalidRequest("games", "must be a list of names")
    return tuple(games)
