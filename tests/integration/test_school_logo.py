"""The school's logo: only images, re-encoded as PNG, small, cut to what shows, by admins only."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageDraw
from support import ADMIN, HEAD, MEERA, NOW

from booking_core import (
    InvalidRequest,
    NotAllowed,
    remove_school_logo,
    save_school_logo,
    school_logo,
)
from booking_core.operations import backups
from booking_core.operations.doctor import examine_database
from booking_core.reports import find_changes


def picture(kind="PNG", size=(1000, 500), mode="RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "green").save(out, kind, **options)
    return out.getvalue()


def crest() -> bytes:
    """A disc of 200 pixels on a transparent ground of 400."""
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((100, 100, 299, 299), fill="navy")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def entries(db) -> list[tuple[str, str]]:
    return [(row["by"], row["action"]) for row in db["audit"].find({"what": "logo"}).sort("at", 1)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_stored_as_png_of_limited_size_and_removed_again(db, kind):
    assert school_logo(db) is None

    saved = save_school_logo(db, picture(kind), by=ADMIN)

    kept = school_logo(db)
    assert kept == saved
    opened = Image.open(io.BytesIO(kept.png))
    assert (opened.format, opened.size) == ("PNG", (512, 256))
    assert (kept.width, kept.height) == (512, 256)
    remove_school_logo(db, by=ADMIN)
    remove_school_logo(db, by=ADMIN)  # nothing to remove, nothing to tell
    assert school_logo(db) is None
    assert entries(db) == [(ADMIN.id, "saved"), (ADMIN.id, "deleted")]


def test_transparency_stays_and_empty_margins_go(db):
    save_school_logo(db, crest(), by=ADMIN)

    kept = Image.open(io.BytesIO(school_logo(db).png))
    assert (kept.mode, kept.size) == ("RGBA", (200, 200))
    assert kept.getpixel((0, 0))[3] == 0
    assert kept.getpixel((100, 100)) == (0, 0, 128, 255)


def test_a_logo_loses_its_metadata_and_is_rotated_upright(db):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter turn
    exif[0x010E] = "SECRET PLACE"
    data = picture("JPEG", exif=exif, comment=b"SECRET PLACE")
    assert b"SECRET" in data

    save_school_logo(db, data, by=ADMIN)

    kept = school_logo(db)
    assert b"SECRET" not in kept.png
    assert (kept.width, kept.height) == (256, 512)


def test_a_file_that_is_no_small_image_is_refused_and_the_logo_stays(db):
    before = save_school_logo(db, crest(), by=ADMIN)
    # The header states 64 million pixels: the file is refused before any of them is decoded.
    head = b"IHDR" + struct.pack(">IIBBBBB", 8_000, 8_000, 8, 2, 0, 0, 0)
    bomb = picture(size=(1, 1))
    bomb = bomb[:12] + head + struct.pack(">I", zlib.crc32(head)) + bomb[33:]
    empty = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(empty, "PNG")
    refused = {
        "must be the content of a file": [None, "text"],
        "is larger than 1 MB": [b"\xff" * 1048577],
        "has too many pixels": [bomb],
        "is transparent all over": [empty.getvalue()],
        "is no PNG, JPEG or WebP that can be read": [
            b"",
            b"no picture",
            b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            picture("GIF", (10, 10)),
            picture("JPEG")[:300],
        ],
    }

    for reason, files in refused.items():
        for data in files:
            with pytest.raises(InvalidRequest, match=reason) as error:
                save_school_logo(db, data, by=ADMIN)
            assert error.value.field == "logo"

    assert school_logo(db) == before
    assert len(entries(db)) == 1


def test_only_an_admin_changes_the_logo(db):
    before = save_school_logo(db, crest(), by=ADMIN)

    for actor in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            save_school_logo(db, picture(), by=actor)
        with pytest.raises(NotAllowed):
            remove_school_logo(db, by=actor)

    assert school_logo(db) == before


def test_the_audit_log_names_the_change(db):
    saved = save_school_logo(db, crest(), by=ADMIN, now=NOW)

    changes = find_changes(db, by=ADMIN, first=NOW.date(), last=NOW.date())
    (change,) = (one for one in changes if one.what == "logo")
    assert (change.action, change.by) == ("saved", ADMIN.id)
    assert change.details == {"bytes": len(saved.png), "width": 200, "height": 200}


def test_a_backup_has_the_logo_and_doctor_finds_nothing_wrong(db, make_db, tmp_path):
    saved = save_school_logo(db, crest(), by=ADMIN)
    file, other = tmp_path / "backup.gz", make_db(school=False)

    backups.save(db, file)
    backups.load(other, file)

    assert school_logo(other) == saved
    found = {one.name: one for one in examine_database(other)}
    assert found["documents"].ok
    assert found["validators"].ok


def test_a_stored_logo_that_cannot_be_read_counts_as_none(db):
    save_school_logo(db, crest(), by=ADMIN)
    db["logo"].update_one({}, {"$unset": {"width": 1}}, bypass_document_validation=True)

    assert school_logo(db) is None
    found = {one.name: one for one in examine_database(db)}
    assert "logo/school" in found["documents"].detail
