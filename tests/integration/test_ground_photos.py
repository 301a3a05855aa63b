"""Photos of grounds: only images, re-encoded, small, and without the camera's metadata."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from functools import partial

import pytest
from PIL import Image
from support import ADMIN, HEAD, MEERA, at_once, of_type

from booking_core import (
    InvalidRequest,
    NotAllowed,
    UnknownGround,
    ground_photo,
    remove_ground_photo,
    save_ground_photo,
)
from booking_core.school import photos


def picture(kind="JPEG", size=(2000, 1000), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, kind, **options)
    return out.getvalue()


def with_metadata() -> bytes:
    """A JPEG with a location in its metadata, rotated by a quarter turn."""
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter turn
    exif[0x010E] = "SECRET PLACE"
    return picture(exif=exif, comment=b"SECRET PLACE")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_photo_is_stored_as_webp_of_limited_size(db, kind):
    save_ground_photo(db, "ground-1", picture(kind), by=ADMIN)

    kept = Image.open(io.BytesIO(ground_photo(db, "ground-1")))
    assert (kept.format, kept.size) == ("WEBP", (1280, 640))
    remove_ground_photo(db, "ground-1", by=ADMIN)
    assert ground_photo(db, "ground-1") is None
    assert [e["action"] for e in db["audit"].find({"what": "photo"}).sort("at", 1)] == [
        "saved",
        "deleted",
    ]


def test_a_photo_loses_its_metadata_and_is_rotated_upright(db):
    assert b"SECRET PLACE" in with_metadata()

    save_ground_photo(db, "ground-1", with_metadata(), by=ADMIN)

    kept = ground_photo(db, "ground-1")
    assert b"SECRET" not in kept
    opened = Image.open(io.BytesIO(kept))
    assert not opened.getexif()
    assert opened.size == (640, 1280)


def test_a_file_that_is_no_small_image_is_refused_and_nothing_is_stored(db):
    # The header states 64 million pixels: the file is refused before any of them is decoded.
    head = b"IHDR" + struct.pack(">IIBBBBB", 8_000, 8_000, 8, 2, 0, 0, 0)
    bomb = picture("PNG", (1, 1))
    bomb = bomb[:12] + head + struct.pack(">I", zlib.crc32(head)) + bomb[33:]
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    gif = picture("GIF", (10, 10))
    no_images = [
        None,
        "text",
        b"",
        b"no picture",
        svg,
        gif,
        picture()[:300],
        bomb,
        b"\xff" * 1048577,
    ]

    for data in no_images:
        with pytest.raises(InvalidRequest) as refused:
            save_ground_photo(db, "ground-1", data, by=ADMIN)
        assert refused.value.field == "photo"

    assert db["ground_photos"].count_documents({}) == 0
    with pytest.raises(InvalidRequest, match="too many pixels"):
        save_ground_photo(db, "ground-1", bomb, by=ADMIN)


def test_many_uploads_at_once_leave_the_warning_filters_of_the_process_alone():
    # Of many sizes, so that uploads begin and end in between each other.
    pictures = [picture(size=(100 * number, 1000)) for number in range(1, 17)]
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        before = list(warnings.filters)

        outcomes = at_once(*[partial(photos.encode, data) for data in pictures])

        assert warnings.filters == before
    assert len(of_type(outcomes, bytes)) == 16


def test_only_an_admin_changes_photos_and_only_of_a_known_ground(db):
    for actor in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            save_ground_photo(db, "ground-1", picture(), by=actor)
        with pytest.raises(NotAllowed):
            remove_ground_photo(db, "ground-1", by=actor)
    with pytest.raises(UnknownGround):
        save_ground_photo(db, "nowhere", picture(), by=ADMIN)

    assert db["ground_photos"].count_documents({}) == 0
