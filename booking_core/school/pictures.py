"""Pictures that an admin uploads: checked, made smaller, and freed of what a camera adds."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from booking_core.domain.errors import InvalidRequest

MOST_BYTES = 1024 * 1024
_MOST_PIXELS = 40_000_000  # a small file may unpack to a very large picture
_KINDS = ("PNG", "JPEG", "WEBP")


def decoded(data: bytes, field: str, *, longest_side: int, is_opaque: bool) -> Image.Image:
    """A new picture of the pixels of ``data`` alone, upright, at most ``longest_side`` pixels wide
    or high.

    ``is_opaque``: without transparency. Raises InvalidRequest with the name ``field`` for anything
    but a PNG, JPEG or WebP of at most MOST_BYTES.
    """
    if not isinstance(data, bytes):
        raise InvalidRequest(field, "must be the content of a file")
    if len(data) > MOST_BYTES:
        raise InvalidRequest(field, "is larger than 1 MB")
    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as picture:
            # Pillow only warns of a picture that unpacks to too many pixels, and a warning cannot
            # be made an error for one thread alone.
            if picture.width * picture.height > _MOST_PIXELS:
                raise InvalidRequest(field, "has too many pixels")
            mode = "RGB" if is_opaque or not picture.has_transparency_data else "RGBA"
            upright = ImageOps.exif_transpose(picture).convert(mode)
            upright.thumbnail((longest_side, longest_side))
            # Place, camera and comments stay behind.
            clean = Image.new(mode, upright.size)
            clean.paste(upright)
    except InvalidRequest:
        raise
    # Pillow's decoders raise exceptions of many types; for an unknown file all mean the same.
    except Exception as exc:
        raise InvalidRequest(field, "is no PNG, JPEG or WebP that can be read") from exc
    return clean


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The file of a picture, such as "WEBP", with options of Pillow."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
