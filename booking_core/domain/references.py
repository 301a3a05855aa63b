"""References of bookings: eight characters to read out over the telephone.

They stand for the first eight digits of the id (hexadecimal). A spreadsheet takes digits alone for
a number, and also digits around one E. So a reference begins with a letter, and has no E. Earlier
ones were the digits themselves; their first character tells the two kinds apart.
"""

from __future__ import annotations

LENGTH = 8
_HEX = "0123456789ABCDEF"
_FIRST, _OTHERS = "GHJKLMNPQRSTVWXY", "0123456789ABCDHF"
_encode_first, _encode = str.maketrans(_HEX, _FIRST), str.maketrans(_HEX, _OTHERS)
_decode_first, _decode = str.maketrans(_FIRST, _HEX), str.maketrans(_OTHERS, _HEX)


def reference_of(booking_id: str) -> str:
    """The reference of the booking with this id, a UUID."""
    digits = booking_id.replace("-", "")[:LENGTH].upper()
    return digits[:1].translate(_encode_first) + digits[1:].translate(_encode)


def start_of_id(reference: object) -> str | None:
    """How the id begins of the booking with this reference, of either kind and in any case.

    Returns None if the text is no reference.
    """
    if not isinstance(reference, str) or not reference.isascii() or len(reference) != LENGTH:
        return None
    text = reference.upper()
    first, others = text[0], text[1:]
    if first in _FIRST and all(character in _OTHERS for character in others):
        return (first.translate(_decode_first) + others.translate(_decode)).lower()
    return text.lower() if all(character in _HEX for character in text) else None
