"""The words by which students are found: folded as people type them, on any keyboard."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from booking_core.domain.model import Student
from booking_core.domain.names import MAX_INPUT

_MOST_WORDS = 6  # of a query; more cost time and tell nothing
_MOST_JOINED = 3  # words that may be typed as one: van den Berg

_APOSTROPHES = "'\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02be\u02bf\u02c8\u0060\u00b4\u2032\uff07"
# Letters that Unicode does not decompose, as they are typed on a keyboard that lacks them.
_LETTERS = {
    "ł": "l", "đ": "d", "ð": "d", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ŧ": "t",
    "ŋ": "n", "ı": "i", "ə": "e", "ĸ": "k",
}  # fmt: skip
# The same where two letters stand for one, as in German and the Nordic languages.
_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_WORD = re.compile(r"\S+")
# The first digit that is no leading zero, in a word such as r00107 or 0042.
_NUMBERED = re.compile(r"(\D*)(0*)(\d.*)")


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that is filled with the characters that occur."""

    def __init__(self, letters: Mapping[str, str]) -> None:
        self._letters = letters
        super().__init__()

    def __missing__(self, code: int) -> str:
        folded = "".join(map(self._fold, chr(code).casefold()))
        self[code] = folded
        return folded

    def _fold(self, character: str) -> str:
        if character in self._letters:
            return self._letters[character]
        if character in _APOSTROPHES:
            return ""
        base = "".join(c for c in unicodedata.normalize("NFKD", character) if not _is_accent(c))
        base = "".join(_LETTERS.get(c, c) for c in base.casefold())
        return "".join(map(_word_character, base))


def _is_accent(character: str) -> bool:
    # Of Latin, Greek, Cyrillic, Hebrew and Arabic; the marks of Indic scripts are vowels.
    code = ord(character)
    return (
        0x0300 <= code <= 0x036F
        or 0x0591 <= code <= 0x05C7
        or 0x064B <= code <= 0x065F
        or 0x1AB0 <= code <= 0x1AFF
        or 0x1DC0 <= code <= 0x1DFF
    )


def _word_character(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    return "" if category == "Cf" else " "


_ONE_LETTER_EACH = _Folding(_LETTERS)
_TWO_LETTERS_EACH = _Folding(_LETTERS | _TWO_LETTERS)


def foldings(text: str) -> list[list[str]]:
    """The words of ``text``, folded; in two ways where a letter may be written as two."""
    text = unicodedata.normalize("NFC", text[:MAX_INPUT])
    one = _WORD.findall(text.translate(_ONE_LETTER_EACH))
    two = one if text.isascii() else _WORD.findall(text.translate(_TWO_LETTERS_EACH))
    return [one] if two == one else [one, two]


def query(text: str) -> list[tuple[str, ...]]:
    """The different words of a query, each in one or two spellings."""
    # An address is one word, of which the beginning may be typed.
    pieces = (re.sub(r"[\W_]", "", p) if "@" in p else p for p in text.split())
    words = zip(*foldings(" ".join(pieces)), strict=True)
    return list(dict.fromkeys(words))[:_MOST_WORDS]


def runs(words: Sequence[str], through: int | None = None) -> Iterator[str]:
    """Each two and three neighbours as one word; those with the word at ``through``, if given."""
    for length in range(2, _MOST_JOINED + 1):
        for first in range(len(words) - length + 1):
            if through is None or first <= through < first + length:
                yield "".join(words[first : first + length])


def codes(student: Student) -> Iterator[list[str]]:
    """The words of a student's roll number, class and address, each in its spellings."""
    for text in (student.id, student.class_name):
        yield from foldings(text)
    if student.email:
        yield foldings(student.email.partition("@")[0])[0]
        yield ["".join(foldings(student.email)[0])]


def shortened(student: Student) -> Iterator[str]:
    """The roll number as people shorten it: R00107 is also 107, 00107 and R107."""
    for word in foldings(student.id)[0]:
        if match := _NUMBERED.fullmatch(word):
            letters, zeros, rest = match.groups()
            yield from {rest, zeros + rest, letters + rest} - {word}
