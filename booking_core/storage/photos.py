"""A photo of a ground, in a collection of its own: reference data stays small without it."""

from __future__ import annotations

import io
import warnings

from bson.binary import Binary
from PIL import Image, ImageOps
from pymongo.client_session import ClientSession

from booking_core.domain.clock import clock
from booking_core.domain.errors import InvalidRequest, UnknownGround
from booking_core.domain.model import Actor
from booking_core.domain.validation import check_id
from booking_core.storage import audit_log as journal
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.school_data import change_school

MOST_BYTES = 1024 * 1024
LONGEST_SIDE = 1280
_MOST_PIXELS = 40_000_000  # a small file may unpack to a very large picture
_KINDS = ("PNG", "JPEG", "WEBP")


def save_ground_photo(
    db: Documents, ground_id: str, data: bytes, *, by: Actor | None = None
) -> None:
    """Keeps the picture as WebP, at most LONGEST_SIDE wide or high, without any metadata.

    Raises InvalidRequest for what is no PNG, JPEG or WebP of at most MOST_BYTES, UnknownGround,
    NotAllowed, StoreUnavailable.
    """
    ground_id = check_id(ground_id, "ground_id")
    picture = encode(data)

    def work(session: ClientSession) -> None:
        if not collection(db, schema.GROUNDS).find_one({"_id": ground_id}, session=session):
            raise UnknownGround(ground_id)
        row = {"at": clock(), "webp": Binary(picture)}
        collection(db, schema.GROUND_PHOTOS).replace_one(
            {"_id": ground_id}, row, upsert=True, session=session
        )
        details = {"bytes": len(picture)}
        journal.write(db, session, by, "saved", "photo", ground_id, details)

    change_school(db, by, work)


def remove_ground_photo(db: Documents, ground_id: str, *, by: Actor | None = None) -> None:
    """Takes the photo away; nothing happens where there is none. Raises NotAllowed."""
    ground_id = check_id(ground_id, "ground_id")

    def work(session: ClientSession) -> None:
        photos = collection(db, schema.GROUND_PHOTOS)
        if photos.delete_one({"_id": ground_id}, session=session).deleted_count:
            journal.write(db, session, by, "deleted", "photo", ground_id)

    change_school(db, by, work)


def ground_photo(db: Documents, ground_id: str) -> bytes | None:
    """The photo as WebP; None for none."""
    with reachable():
        row = collection(db, schema.GROUND_PHOTOS).find_one({"_id": check_id(ground_id, "id")})
    return None if row is None else bytes(row["webp"])


def encode(data: bytes) -> bytes:
    """``data`` as a WebP of our own making; raises InvalidRequest."""
    if not isinstance(data, bytes):
        raise InvalidRequest("photo", "must be the content of a file")
    if len(data) > MOST_BYTES:
        raise InvalidRequest("photo", "is larger than 1 MB")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=_KINDS) as picture:
            warnings.simplefilter("error")  # of Pillow, which only warns of some faults
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
    # Pillow raises whatever its decoders do; of a stranger's file any of it means the same.
    except Exception as exc:
        raise InvalidRequest("photo", "is no PNG, JPEG or WebP that can be read") from exc
    return out.getvalue()
