"""Photos of grounds, one for each."""

from __future__ import annotations

from datetime import datetime

from booking_core.domain.errors import UnknownGround
from booking_core.domain.model import Actor
from booking_core.domain.validation import check_id
from booking_core.school import pictures
from booking_core.school.administration import change_school
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import grounds
from booking_core.storage.school import photos as store
from booking_core.storage.school.changes import SchoolTransaction

LONGEST_SIDE = 1280


@within_deadline
def save_ground_photo(
    db: Documents,
    ground_id: str,
    data: bytes,
    *,
    by: Actor | None = None,
    now: datetime | None = None,
) -> None:
    """Stores the picture as WebP, at most LONGEST_SIDE pixels wide or high, without metadata.

    ``by`` None: no account acts. Raises InvalidRequest for anything but a PNG, JPEG or WebP of at
    most 1 MB, UnknownGround, NotAllowed, StoreUnavailable.
    """
    ground_id, now = check_id(ground_id, "ground_id"), moment(db, now)
    with deadlines.paused():
        picture = encode(data)

    def work(tx: SchoolTransaction) -> None:
        if ground_id not in grounds.read(tx):
            raise UnknownGround(ground_id)
        store.put(tx, ground_id, picture, now)
        tx.audit(by, "saved", "photo", ground_id, {"bytes": len(picture)}, now)

    change_school(db, by, now, work)


@within_deadline
def remove_ground_photo(
    db: Documents, ground_id: str, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Deletes the photo; does nothing where there is none. Raises NotAllowed, StoreUnavailable."""
    ground_id, now = check_id(ground_id, "ground_id"), moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        if store.delete(tx, ground_id):
            tx.audit(by, "deleted", "photo", ground_id, now=now)

    change_school(db, by, now, work)


@within_deadline
def ground_photo(db: Documents, ground_id: str) -> bytes | None:
    """The photo as WebP; None for none. Raises InvalidRequest, StoreUnavailable."""
    return store.read(db, check_id(ground_id, "id"))


def encode(data: bytes) -> bytes:
    """``data`` as a WebP of our own making; raises InvalidRequest."""
    picture = pictures.decoded(data, "photo", longest_side=LONGEST_SIDE, is_opaque=True)
    return pictures.encoded(picture, "WEBP", quality=80)
