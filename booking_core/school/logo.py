"""The school's logo, which the sidebar, the wall and the sign-in page show."""

from __future__ import annotations

from datetime import datetime

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.logo import Logo
from booking_core.domain.model import Actor
from booking_core.school import pictures
from booking_core.school.administration import change_school
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import logo as store
from booking_core.storage.school.changes import SchoolTransaction

LONGEST_SIDE = 512


@within_deadline
def save_school_logo(
    db: Documents, data: bytes, *, by: Actor | None = None, now: datetime | None = None
) -> Logo:
    """Stores the picture as PNG, at most LONGEST_SIDE pixels wide or high, without metadata.

    Empty margins are cut off. ``by`` None: no account acts. Raises InvalidRequest for anything but
    a PNG, JPEG or WebP of at most 1 MB that shows something, NotAllowed, StoreUnavailable.
    """
    now = moment(db, now)
    with deadlines.paused():
        logo = encode(data)

    def work(tx: SchoolTransaction) -> Logo:
        store.put(tx, logo, now)
        details = {"bytes": len(logo.png), "width": logo.width, "height": logo.height}
        tx.audit(by, "saved", "logo", details=details, now=now)
        return logo

    return change_school(db, by, now, work)


@within_deadline
def remove_school_logo(
    db: Documents, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Deletes the logo; does nothing where there is none. Raises NotAllowed, StoreUnavailable."""
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        if store.delete(tx):
            tx.audit(by, "deleted", "logo", now=now)

    change_school(db, by, now, work)


@within_deadline
def school_logo(db: Documents) -> Logo | None:
    """The logo; None for none. Raises StoreUnavailable."""
    return store.read(db)


def encode(data: bytes) -> Logo:
    """``data`` as a logo of our own making; raises InvalidRequest."""
    picture = pictures.decoded(data, "logo", longest_side=LONGEST_SIDE, is_opaque=False)
    if picture.mode == "RGBA":
        visible = picture.getchannel("A").getbbox()
        if visible is None:
            raise InvalidRequest("logo", "is transparent all over")
        picture = picture.crop(visible)
    return Logo(pictures.encoded(picture, "PNG", optimize=True), *picture.size)
