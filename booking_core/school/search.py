"""Finding students as people type: without accents, in any order of words, with a wrong letter.

An index is built once for each list of students; a query reads slices of it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import label_key
from booking_core.domain.model import Student
from booking_core.domain.validation import check_name
from booking_core.school.rollover import class_place
from booking_core.storage.school_data import Reference

_MOST_WORDS = 6  # of a query; more cost time and tell nothing
_MOST_JOINED = 3  # words that may be typed as one: van den Berg
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


class _Words:
    """Words in their order, and the numbers of the students who have each.

    The numbers are one list, in the order of the words: those of a range of words are a slice.
    """

    def __init__(self, postings: Mapping[str, set[int]]) -> None:
        self._words = sorted(postings)
        self._offsets, self._numbers = [0], list[int]()
        for word in self._words:
            self._numbers += postings[word]
            self._offsets.append(len(self._numbers))

    def whole(self, word: str) -> list[int]:
        place = bisect_left(self._words, word)
        found = place < len(self._words) and self._words[place] == word
        return self._slice(place, place + 1) if found else []

    def beginning(self, start: str) -> list[int]:
        low = bisect_left(self._words, start)
        return self._slice(low, bisect_left(self._words, start + _END, low))

    def _slice(self, low: int, high: int) -> list[int]:
        return self._numbers[self._offsets[low] : self._offsets[high]]


class StudentIndex:
    """The students of a list, found by the words of their names, classes, numbers and addresses."""

    def __init__(self, students: Iterable[Student]) -> None:
        named = [(student, _foldings(student.name)) for student in students]
        place = {name: class_place(name) for name in {s.class_name for s, _ in named}}
        named.sort(key=lambda n: (place[n[0].class_name], " ".join(n[1][0]), n[0].name, n[0].id))
        self.students = [student for student, _ in named]
        single: defaultdict[str, set[int]] = defaultdict(set)
        joined: defaultdict[str, set[int]] = defaultdict(set)
        names: set[str] = set()
        for number, (student, spellings) in enumerate(named):
            names.update(*spellings)
            for words in (*spellings, *_codes(student)):
                for word in words:
                    single[word].add(number)
                for word in _runs(words):
                    joined[word].add(number)
        self._single, self._joined = _Words(single), _Words(joined)
        self._names_text = "\n" + "\n".join(sorted(names)) + "\n"
        self._names_by_length: defaultdict[int, list[str]] = defaultdict(list)
        for name in sorted(names):
            self._names_by_length[len(name)].append(name)

    def find(self, text: str) -> list[int]:
        """The places in ``students`` of those that match each word of ``text``, the best first.

        Whole words come before beginnings, then parts of names, then names with one typo; within
        each, the order of ``students``.
        """
        words = _query(text)
        if not words:  # no text, or signs alone
            return [] if text.strip() else list(range(len(self.students)))
        levels: list[set[int]] | None = None
        for place in range(len(words)):
            found = self._matches(words, place)
            levels = found if levels is None else _both(levels, found)
            if not levels[-1]:
                return []
        ranked: list[int] = []
        seen: set[int] = set()
        for level in levels or ():
            if level is not seen:
                ranked += sorted(level - seen)
                seen = level
        return ranked

    def _matches(self, words: list[tuple[str, ...]], place: int) -> list[set[int]]:
        """Who matches the word at ``place``: whole, by a beginning, by a part, with a typo.

        Each includes the one before, and is the same set where it adds none. A word matches also
        by what it makes with its neighbours.
        """
        found: tuple[list[int], ...] = ([], [], [], [])
        for way, word in enumerate(words[place]):
            for run in (word, *_runs([spellings[way] for spellings in words], place)):
                for table in (self._single, self._joined):
                    found[0].extend(table.whole(run))
                found[1].extend(self._single.beginning(run))
                if len(run) > 1:  # what begins with one letter does so in a single word
                    found[1].extend(self._joined.beginning(run))
            if len(word) >= _SHORTEST_INSIDE:
                for name in self._names_with(word):
                    found[2].extend(self._single.whole(name))
            for name in self._names_like(word):
                found[3].extend(self._single.whole(name))
        levels = [set(found[0])]
        for numbers in found[1:]:
            before = levels[-1]
            levels.append(before.union(numbers) if numbers else before)
        return levels

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


def _both(one: list[set[int]], other: list[set[int]]) -> list[set[int]]:
    """The students of both, level by level; a level that adds none is the same set."""
    levels: list[set[int]] = []
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        same = number and left is one[number - 1] and right is other[number - 1]
        levels.append(levels[-1] if same else left & right)
    return levels


def _query(text: str) -> list[tuple[str, ...]]:
    """The different words of a query, each in one or two spellings."""
    # An address is one word, of which the beginning may be typed.
    pieces = (re.sub(r"[\W_]", "", p) if "@" in p else p for p in text.split())
    words = zip(*_foldings(" ".join(pieces)), strict=True)
    return list(dict.fromkeys(words))[:_MOST_WORDS]


def _runs(words: Sequence[str], through: int | None = None) -> Iterator[str]:
    """Each two and three neighbours as one word; those with the word at ``through``, if given."""
    for length in range(2, _MOST_JOINED + 1):
        for first in range(len(words) - length + 1):
            if through is None or first <= through < first + length:
                yield "".join(words[first : first + length])


def _codes(student: Student) -> Iterator[list[str]]:
    """The words of the student's number, class and address, each in its spellings."""
    for text in (student.id, student.class_name):
        yield from _foldings(text)
    if student.email:
        yield _foldings(student.email.partition("@")[0])[0]
        yield ["".join(_foldings(student.email)[0])]


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
    first, then by name. ``class_name`` may be any spelling of the class. A Reference keeps
    the index for the next call; a list does not. Raises InvalidRequest.
    """
    if not isinstance(text, str):
        raise InvalidRequest("text", "must be text")
    if isinstance(students, Reference):
        index = students.of_students("search", lambda known: StudentIndex(known.values()))
    else:
        index = StudentIndex(students)
    key = None if class_name is None else label_key(check_name(class_name, "class_name"))
    return [
        student
        for student in map(index.students.__getitem__, index.find(text))
        if (key is None or label_key(student.class_name) == key)
        and (active is None or student.active == active)
    ]
