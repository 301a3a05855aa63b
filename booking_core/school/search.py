"""Finding students as people type: without accents, in any order of words, with a wrong letter.

An index is built for a list of students and renewed by the students that change; a query reads
slices of it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import label_key
from booking_core.domain.model import Student, Team
from booking_core.domain.validation import MAX_TEXT, check_name
from booking_core.school.rollover import class_place, classes_of
from booking_core.school.search_words import codes, foldings, query, runs, shortened
from booking_core.storage.school.data import Reference

_SHORTEST_INSIDE = 3  # letters that are looked for inside of words too
_SHORTEST_WITH_TYPO = 4
_TYPOS = 1
_END = "\U0010ffff"  # sorts after every character of a word
_MOST_CHANGED = 1000  # students in the part of an index that each change builds anew


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


class _Part:
    """The words of some of the students of an index, who have the numbers from ``first`` on."""

    def __init__(self, students: Iterable[Student], first: int) -> None:
        single: defaultdict[str, set[int]] = defaultdict(set)
        joined: defaultdict[str, set[int]] = defaultdict(set)
        short: defaultdict[str, set[int]] = defaultdict(set)
        names: set[str] = set()
        for number, student in enumerate(students, first):
            spellings = foldings(student.name)
            names.update(*spellings)
            for words in (*spellings, *codes(student)):
                for word in words:
                    single[word].add(number)
                for word in runs(words):
                    joined[word].add(number)
            for word in shortened(student):
                short[word].add(number)
        self._single, self._joined, self._short = _Words(single), _Words(joined), _Words(short)
        self._names_text = "\n" + "\n".join(sorted(names)) + "\n"
        self._names_by_length: defaultdict[int, list[str]] = defaultdict(list)
        for name in sorted(names):
            self._names_by_length[len(name)].append(name)

    def matches(self, words: list[tuple[str, ...]], place: int) -> Iterator[tuple[int, list[int]]]:
        """Pairs of a level and the students who match the word at ``place`` on that level.

        Level 0 is a whole word, 1 a whole roll number as people shorten it, 2 the beginning of
        either, 3 a part of a name, 4 a name with a typo. A word matches also by what it makes with
        its neighbours.
        """
        for way, word in enumerate(words[place]):
            for run in (word, *runs([spellings[way] for spellings in words], place)):
                yield 0, self._single.whole(run)
                yield 0, self._joined.whole(run)
                yield 2, self._single.beginning(run)
                if len(run) > 1:  # what begins with one letter does so in a single word
                    yield 2, self._joined.beginning(run)
            yield 1, self._short.whole(word)
            if len(word) > 1:  # one digit is rather that of a class
                yield 2, self._short.beginning(word)
            if len(word) >= _SHORTEST_INSIDE:
                for name in self._names_with(word):
                    yield 3, self._single.whole(name)
            for name in self._names_like(word):
                yield 4, self._single.whole(name)

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


_LEVELS = 5  # of matches; see ``_Part.matches``
_Place = tuple[tuple[int, str], str, str, str]


class _FirstPart(_Part):
    """The students of a list, with what a later index of another list uses again."""

    def __init__(self, students: Sequence[Student]) -> None:
        super().__init__(students, 0)
        self.students = {student.id: student for student in students}
        self.numbers = {id: number for number, id in enumerate(self.students)}
        self.places = list(_places(students))
        self.order = sorted(range(len(students)), key=self.places.__getitem__)

    def differing(self, students: Sequence[Student]) -> tuple[list[Student], set[int]] | None:
        """The students that this index lacks in their present form, and the numbers of the entries
        that ``students`` no longer has in that form. None for more than _MOST_CHANGED.
        """
        known = self.students
        changed = [student for student in students if known.get(student.id) != student]
        stale = known.keys() - {student.id for student in students}
        stale |= known.keys() & {student.id for student in changed}
        if max(len(changed), len(stale)) > _MOST_CHANGED:
            return None
        return changed, {self.numbers[id] for id in stale}


class StudentIndex:
    """The students of a list, found by the words of their names, classes, numbers and addresses.

    ``first_part`` has the students as of the time when it was built, a second one those who were
    added or changed since. ``before``: an index of an earlier list, whose first part is used again
    if few students differ.
    """

    def __init__(self, students: Iterable[Student], before: StudentIndex | None = None) -> None:
        students = list({student.id: student for student in students}.values())
        differing = None if before is None else before.first_part.differing(students)
        if before is None or differing is None:
            first, differing = _FirstPart(students), ([], set[int]())
        else:
            first = before.first_part
        changed, stale = differing
        self.first_part: _FirstPart = first
        self._parts = (first, _Part(changed, len(first.places)))
        places = [*first.places, *_places(changed)]
        order = [number for number in first.order if number not in stale]
        for number in range(len(first.places), len(places)):
            insort(order, number, key=places.__getitem__)
        found = [*first.students.values(), *changed]
        self.students = [found[number] for number in order]
        self._rank = {number: rank for rank, number in enumerate(order)}

    def find(self, text: str) -> list[int]:
        """The places in ``students`` of those that match each word of ``text``, the best first.

        Whole words come first, then whole roll numbers as people shorten them, beginnings, parts
        of names, names with one typo; within each, the order of ``students``.
        """
        words = query(text)
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
                ranked += sorted(self._rank[number] for number in level - seen)
                seen = level
        return ranked

    def _matches(self, words: list[tuple[str, ...]], place: int) -> list[set[int]]:
        """Who matches the word at ``place``, on each level and those before it.

        A level that adds none is the same set as the one before.
        """
        found: tuple[list[int], ...] = tuple([] for _ in range(_LEVELS))
        for part in self._parts:
            for level, matching in part.matches(words, place):
                found[level].extend(matching)
        levels = [self._rank.keys() & found[0]]
        for matching in found[1:]:
            before = levels[-1]
            levels.append(before | (self._rank.keys() & matching) if matching else before)
        return levels


def _places(students: Sequence[Student]) -> Iterator[_Place]:
    """For each student the key by which results are sorted: by class, then by name."""
    place = {name: class_place(name) for name in {s.class_name for s in students}}
    for student in students:
        name = " ".join(foldings(student.name)[0])
        yield place[student.class_name], name, student.name, student.id


def _both(one: list[set[int]], other: list[set[int]]) -> list[set[int]]:
    """The students of both, level by level; a level that adds none is the same set."""
    levels: list[set[int]] = []
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        same = number and left is one[number - 1] and right is other[number - 1]
        levels.append(levels[-1] if same else left & right)
    return levels


def find_students(
    students: Iterable[Student] | Reference,
    text: str = "",
    *,
    class_name: str | None = None,
    active: bool | None = None,
) -> list[Student]:
    """Students whose name, class, roll number or address matches each word of ``text``.

    Case, accents, apostrophes, spaces and hyphens make no difference, nor does the order of the
    words; a word of a name may have one typo, a roll number may lack its letters and its leading
    zeros. The best matches first, then by class, the lowest first, then by name. ``class_name``
    may be any spelling of the class. A Reference keeps the index for the next call, and for a
    later list of students; a list does not. Raises InvalidRequest.
    """
    _check_search(text)
    if isinstance(students, Reference):
        index = students.of_students("search", _index)
    else:
        index = StudentIndex(students)
    key = None if class_name is None else label_key(check_name(class_name, "class_name"))
    return [
        student
        for student in map(index.students.__getitem__, index.find(text))
        if (key is None or label_key(student.class_name) == key)
        and (active is None or student.active == active)
    ]


def find_groups(known: Reference, text: str = "") -> tuple[list[str], list[Team]]:
    """The classes with active students, the lowest first, and the teams, by name, that have each
    word of ``text`` in their name.

    Case, spaces and hyphens make no difference. Raises InvalidRequest as ``find_students`` does.
    """
    _check_search(text)
    words = [_bare(word) for word in label_key(text).split()]

    def fits(name: str) -> bool:
        return all(word in _bare(label_key(name)) for word in words)

    classes = known.of_students("classes", lambda students, _: list(classes_of(students.values())))
    return list(filter(fits, classes)), [team for team in known.teams.values() if fits(team.name)]


def _check_search(text: str) -> None:
    if not isinstance(text, str):
        raise InvalidRequest("text", "must be text")
    if len(text) > MAX_TEXT:
        raise InvalidRequest("text", f"is longer than {MAX_TEXT} characters")


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _index(known: Mapping[str, Student], before: StudentIndex | None) -> StudentIndex:
    return StudentIndex(known.values(), before)
