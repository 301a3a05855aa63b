"""Photos of grounds, one for each: checked, made smaller, and freed of what a camera adds."""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image, ImageOps

from booking_core.domain.errors import InvalidRequest, UnknownGround
from booking_core.domain.model import Actor
from booking_core.domain.validation import check_id
from booking_core.school.administration import change_school
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import grounds
from booking_core.storage.school import photos as store
from booking_core.storage.school.changes import SchoolTransaction

MOST_BYTES = 1024 * 1024
LONGEST_SIDE = 1280
_MOST_PIXELS = 40_000_000  # a small file may unpack to a very large picture
_KINDS = ("PNG", "JPEG", "WEBP")


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
    most MOST_BYTES, UnknownGround, NotAllowed, StoreUnavailable.
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
    if not isinstance(data, bytes):
        raise InvalidRequest("photo", "must be the content of a file")
    if len(data) > MOST_BYTES:
        raise InvalidRequest("photo", "is larger than 1 MB")
    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as picture:
            # Pillow only warns of a picture that unpacks to too many pixels, and a warning cannot
            # be made an error for one thread alone.
            if picture.width * picture.height > _MOST_PIXELS:
                raise InvalidRequest("photo", "has too many pixels")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            # A new picture of the pixels alone: place, camera and comments stay behind.
            clean = Image.new("RGB", upright.size)
            clean.paste(upright)
            out = io.BytesIO()
            clean.save(out, "WEBP", quality=80)
    except InvalidRequest:
        raise
    # Pillow's decoders raise exceptions of many types; for an unknown file all mean the same.
    except Exception as exc:
        raise InvalidRequest("photo", "is no PNG, JPEG or WebP that can be read") from exc
    return out.getvalue()
