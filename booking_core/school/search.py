"""Finding students as people type: without accents, in any order of words, with a wrong letter.

An index is built once for each list of students; a query reads slices of it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Student
from booking_core.school.rollover import class_place
from booking_core.storage.school_data import Reference

_MOST_WORDS = 6  # of a query; more cost time and tell nothing
_SHORTEST_INSIDE = 3  # letters that are looked for inside of words too
_SHORTEST_WITH_TYPO = 4
_TYPOS = 1
_END = "\U0010ffff"  # sorts after every character of a word

_APOSTROPHES = "'\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02be\u02bf\u02c8\u0060\u00b4\u2032\uff07"
# Letters that Unicode does not decompose, as they are typed on a keyboard that lacks them.
_LETTERS = {
    "ł": "l", "đ": "d", "ð": "d", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ŧ": "t",
    "ŋ": "n", "ı": "i", "ə": "e", "ĸ": "k",
}  # fmt: skip
# The same where two letters stand for one, as in German and the Nordic languages.
_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_WORD = re.compile(r"\S+")


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


def _foldings(text: str) -> list[list[str]]:
    """The words of ``text``, folded; in two ways where a letter may be written as two."""
    text = unicodedata.normalize("NFC", text)
    one = _WORD.findall(text.translate(_ONE_LETTER_EACH))
    two = one if text.isascii() else _WORD.findall(text.translate(_TWO_LETTERS_EACH))
    return [one] if two == one else [one, two]


class StudentIndex:
    """The students of a list, found by the words of their names, classes, numbers and addresses."""

    def __init__(self, students: Iterable[Student]) -> None:
        students = list(students)
        place = {name: class_place(name) for name in {s.class_name for s in students}}
        self.students = sorted(
            students,
            key=lambda s: (place[s.class_name], " ".join(_foldings(s.name)[0]), s.name, s.id),
        )
        postings: defaultdict[str, set[int]] = defaultdict(set)
        names: set[str] = set()
        for number, student in enumerate(self.students):
            for words in _foldings(student.name):
                names.update(words)
                for word in _with_joined(words):
                    postings[word].add(number)
            for word in _codes(student):
                postings[word].add(number)
        # In one list, in the order of the words: what a range of words names is a slice of it.
        self._words = sorted(postings)
        self._offsets, self._numbers = [0], list[int]()
        for word in self._words:
            self._numbers += postings[word]
            self._offsets.append(len(self._numbers))
        self._names = sorted(names)
        self._names_text = "\n" + "\n".join(self._names) + "\n"
        self._names_by_length: defaultdict[int, list[str]] = defaultdict(list)
        for name in self._names:
            self._names_by_length[len(name)].append(name)

    def find(self, text: str) -> list[int]:
        """The places in ``students`` of those that match each word of ``text``, the best first.

        Whole words come before beginnings, then parts of names, then names with one typo; within
        each, the order of ``students``.
        """
        everyone = set(range(len(self.students)))
        if text.strip() and not _foldings(text)[0]:
            return []  # signs alone
        levels = [everyone] * 4
        for words in self._queries(text):
            levels = [kept & found for kept, found in zip(levels, words, strict=True)]
            if not levels[-1]:
                return []
        ranked: list[int] = []
        seen: set[int] = set()
        for level in levels:
            ranked += sorted(level - seen)
            seen |= level
        return ranked

    def _queries(self, text: str) -> Iterator[list[set[int]]]:
        """For each word of ``text``: who matches it whole, in the beginning, inside, with a typo.

        Each is part of the next. A word matches also by what it makes with its neighbours.
        """
        # An address is one word, of which the beginning may be typed.
        pieces = (re.sub(r"[\W_]", "", p) if "@" in p else p for p in text.split())
        foldings = _foldings(" ".join(pieces))
        # Both ways have one number of words, unless a letter that has two is a word of its own.
        count = min(len(words) for words in foldings)
        foldings = [list(dict.fromkeys(words[:count]))[:_MOST_WORDS] for words in foldings]
        for place in range(min(len(words) for words in foldings)):
            levels: list[set[int]] = [set(), set(), set(), set()]
            for words in foldings:
                word = words[place]
                joined = {
                    "".join(words[first:end])
                    for first in range(max(place - 2, 0), place + 1)
                    for end in range(place + 1, min(first + 3, len(words)) + 1)
                }
                for whole in joined:
                    levels[0] |= self._between(whole, whole)
                    levels[1] |= self._between(whole, whole + _END)
                if len(word) >= _SHORTEST_INSIDE:
                    for name in self._names_with(word):
                        levels[2] |= self._between(name, name)
                for name in self._names_like(word):
                    levels[3] |= self._between(name, name)
            for low in range(3):
                levels[low + 1] |= levels[low]
            yield levels

    def _between(self, first: str, last: str) -> set[int]:
        """The students of all words from ``first`` to ``last``, both included."""
        low = bisect_left(self._words, first)
        high = bisect_left(self._words, last, low)
        if high < len(self._words) and self._words[high] == last:
            high += 1
        return set(self._numbers[self._offsets[low] : self._offsets[high]])

    def _names_with(self, part: str) -> Iterator[str]:
        text, at = self._names_text, -1
        while (at := text.find(part, at + 1)) >= 0:
            start, at = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            yield text[start:at]

    def _names_like(self, word: str) -> Iterator[str]:
        if len(word) < _SHORTEST_WITH_TYPO or not word.isalpha():
            return
        for length in range(len(word) - _TYPOS, len(word) + _TYPOS + 1):
            found = process.extract(
                word,
                self._names_by_length.get(length, ()),
                scorer=OSA.distance,
                score_cutoff=_TYPOS,
                limit=None,
            )
            yield from (name for name, _, _ in found)


def _with_joined(words: list[str]) -> Iterator[str]:
    """The words, each two neighbours as one word, and all of them as one."""
    yield from words
    for pair in pairwise(words):
        yield "".join(pair)
    yield "".join(words)


def _codes(student: Student) -> Iterator[str]:
    """Words that are found whole or by their beginnings only: a number, a class, an address."""
    for text in (student.id, student.class_name):
        for words in _foldings(text):
            yield from _with_joined(words)
    if student.email:
        yield from _foldings(student.email.partition("@")[0])[0]
        yield "".join(_foldings(student.email)[0])


def find_students(
    students: Iterable[Student] | Reference,
    text: str = "",
    *,
    class_name: str | None = None,
    active: bool | None = None,
) -> list[Student]:
    """Students whose name, class, roll number or address matches each word of ``text``.

    Case, accents, apostrophes, spaces and hyphens make no difference, nor does the order of the
    words; a word of a name may have one typo. The best matches first, then by class, the lowest
    first, then by name. A Reference keeps the index for the next call; a list does not. Raises
    InvalidRequest.
    """
    if not isinstance(text, str):
        raise InvalidRequest("text", "must be text")
    if isinstance(students, Reference):
        index = students.of_students("search", lambda known: StudentIndex(known.values()))
    else:
        index = StudentIndex(students)
    return [
        student
        for student in map(index.students.__getitem__, index.find(text))
        if (class_name is None or student.class_name == class_name)
        and (active is None or student.active == active)
    ]
