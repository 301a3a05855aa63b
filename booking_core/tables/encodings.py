"""The encoding of a text file: stated by the file, or guessed from its letters."""

from __future__ import annotations

import codecs
import unicodedata
from typing import NamedTuple

from booking_core.domain.errors import InvalidRequest

UTF8 = "UTF-8"
# What spreadsheets write as plain “CSV”; of two that fit equally well, the first is taken.
GUESSES = {
    "Windows-1252 (Western)": "cp1252",
    "Windows-1254 (Turkish)": "cp1254",
    "Mac Roman": "mac_roman",
}
ENCODINGS = tuple(GUESSES)
_UTF16 = "UTF-16"
_SAMPLE = 20_000  # letters beyond ASCII that are looked at
# Letters that are rare in names of the languages of their encoding.
_RARE = frozenset("ÐÞðþÝýŠšŒœŽžŸƒ")
_PUNCTUATION = frozenset("’‘“”–—…ªº°«»\xa0")


class Decoded(NamedTuple):
    """``encoding`` is a name for people; ``guessed``: the file does not state it."""

    text: str
    encoding: str
    guessed: bool


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """``data`` as text, in ``encoding`` (a name of GUESSES) if a person has chosen one.

    Raises InvalidRequest.
    """
    if encoding is not None:
        if encoding not in GUESSES:
            raise InvalidRequest("encoding", f"must be one of {', '.join(GUESSES)}")
        return _chosen(data, encoding)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Decoded(_utf16(data, "utf-16"), _UTF16, False)
    if b"\0" in data:
        return Decoded(_utf16(data, _byte_order(data)), _UTF16, True)
    try:
        return Decoded(data.decode("utf-8-sig"), UTF8, False)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
    found: list[tuple[int, int, Decoded]] = []
    for place, name in enumerate(GUESSES):
        try:
            text = data.decode(GUESSES[name])
        except UnicodeDecodeError:
            continue
        found.append((_likeness(text), -place, Decoded(text, name, True)))
    # Mac Roman decodes every byte, so that letters alone tell a text from other files.
    likeness, _, best = max(found)
    if likeness < 0 or _has_controls(best.text):
        problem = f"is no text that can be read (line {line}); save the sheet as “CSV UTF-8” first"
        raise InvalidRequest("file", problem)
    return best


def _chosen(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(GUESSES[encoding]), encoding, True)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise InvalidRequest("file", f"is no text in {encoding} (line {line})") from exc


def _utf16(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as exc:
        raise InvalidRequest("file", "is no text in UTF-16 that can be read") from exc


def _byte_order(data: bytes) -> str:
    """The codec of UTF-16 without a mark: every other byte of its Latin letters is zero."""
    sample = data[:2000]
    first, second = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 == 0 and 4 * max(first, second) > len(sample) and not min(first, second):
        return "utf-16-be" if first else "utf-16-le"
    raise InvalidRequest("file", "is no text file; save the sheet as “CSV UTF-8” first")


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(letter) == "Cc" for letter in set(text) - set("\t\r\n\f\v\x1a"))


def _likeness(text: str) -> int:
    """How much the letters beyond ASCII look like those of names: more is better."""
    places = [place for place, letter in enumerate(text) if letter > "\x7f"][:_SAMPLE]
    return sum(_likeness_at(text, place) for place in places)


def _likeness_at(text: str, place: int) -> int:
    letter, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if unicodedata.category(letter) not in ("Lu", "Ll"):
        if letter == "’" and before.isalpha() and after.isalpha():
            return 1
        return 0 if letter in _PUNCTUATION else -1
    # “OíBrien”, “JosÈ”: capitals stand in front.
    if (letter.isupper() and before.islower()) or (letter.islower() and after.isupper()):
        return -2
    return 0 if letter in _RARE else 1
