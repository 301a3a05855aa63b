"""The class rollover at the end of a school year: each class becomes the next one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest
from booking_core.domain.labels import class_spellings, label_key
from booking_core.domain.model import Actor, Student
from booking_core.domain.rules import check_may
from booking_core.domain.validation import check_name
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference
from booking_core.storage.school import students as store

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII")
# Only a numeral that is a word of its own: "Civil" holds no number.
_NUMBER = re.compile(r"\d+|(?<![^\W_])(?:IX|IV|VI{0,3}|XI{0,2}|I{1,3})(?![^\W_])")
# French ordinals: 6ème, 5e, 4eA, 1re, 2nde. In French schools the number of a class goes down.
# "5E" in capitals is section E of class 5 where class 5 or another one has a section D.
_FRENCH = re.compile(
    r"\d(?: ?(?:i?[eè]mes?|[eè]?re|n?de)|(?-i:[eè][A-Z]?)|(?P<section>(?-i:E)))(?![^\W\d_])", re.I
)
_SECTION_D = re.compile(r"\dD(?![^\W\d_])")


@dataclass(frozen=True, slots=True)
class ClassMove:
    """``students`` active students move from class ``before`` to ``after``; None: they leave."""

    before: str
    after: str | None
    students: int


@dataclass(frozen=True, slots=True)
class RollOverPlan:
    """The changes that a rollover makes to the list of students with this ``revision``.

    ``joined`` are the classes that receive students of several classes, or that receive students
    while their own students stay.
    """

    revision: int
    moves: tuple[ClassMove, ...]
    leaving: tuple[Student, ...]
    joined: tuple[str, ...]

    @property
    def moving(self) -> int:
        return sum(move.students for move in self.moves if move.after is not None)


def classes_of(students: Iterable[Student], *, active: bool | None = True) -> dict[str, int]:
    """Class -> number of students (``active`` None: all students), the lowest class first.

    All spellings of a class are one class, under the spelling of most of its active students.
    """
    students = list(students)
    counts = Counter(
        label_key(s.class_name) for s in students if active is None or s.active == active
    )
    shown = class_spellings(students)
    named = {shown[key]: count for key, count in counts.items()}
    return dict(sorted(named.items(), key=lambda pair: class_place(pair[0])))


def suggest_roll_over(classes: Iterable[str]) -> dict[str, str | None]:
    """Class -> next class: "8-A" -> "9-A", "VIII B" -> "IX B". None: the highest class leaves.

    A next class that exists has the spelling that it has in ``classes``. Classes without a number
    are not in the answer, nor are those with a French ordinal, whose number may go down.
    """
    classes = list(classes)
    known = {label_key(name): name for name in reversed(classes)}
    numbered = (name for name in classes if not _may_go_down(name, classes))
    found = {name: match for name in numbered if (match := _NUMBER.search(name))}
    numbers = {name: _value(match[0]) for name, match in found.items()}
    highest = max(numbers.values(), default=0)
    suggested: dict[str, str | None] = {}
    for name, match in found.items():
        after = name[: match.start()] + _next(match[0]) + name[match.end() :]
        suggested[name] = None if numbers[name] == highest else known.get(label_key(after), after)
    return suggested


@within_deadline
def roll_over_plan(db: Documents, mapping: Mapping[str, str | None]) -> RollOverPlan:
    """Returns the changes that ``roll_over`` makes; writes nothing.

    Raises InvalidRequest, StoreUnavailable.
    """
    known = reference.load(db)
    classes = classes_of(known.students.values())
    moves = _checked(mapping, classes)
    after = [move.after for move in moves.values() if move.after is not None]
    shown = {label_key(name): name for name in (*reversed(after), *classes)}
    coming = Counter(map(label_key, after))
    coming.update(key for key in map(label_key, classes) if key not in moves)
    leaving = {key for key, move in moves.items() if move.after is None}
    return RollOverPlan(
        known.students_revision,
        tuple(moves.values()),
        tuple(
            student
            for student in known.students.values()
            if student.active and label_key(student.class_name) in leaving
        ),
        tuple(sorted((shown[key] for key, n in coming.items() if n > 1), key=class_place)),
    )


@within_deadline(seconds=store.BULK_SECONDS)
def roll_over(
    db: Documents,
    mapping: Mapping[str, str | None],
    *,
    by: Actor | None,
    revision: int | None = None,
    now: datetime | None = None,
) -> None:
    """Moves the active students of each class to the class that it maps to, all or none.

    The students of a class are those of all its spellings; the class that they move to is stored
    as ``mapping`` spells it. None for a class deactivates its students; classes without a mapping
    stay. ``revision`` is that of the plan that was confirmed: raises ChangedMeanwhile when students
    changed since. ``by`` None: no account acts, but the command line. Raises NotAllowed,
    InvalidRequest, StoreUnavailable.
    """
    if by is not None:
        check_may("administer", by)
    known = reference.load(db)
    if revision is not None and revision != known.students_revision:
        # First: the mapping may name classes that no longer exist, which is not the user's mistake.
        raise ChangedMeanwhile(store.THE_LIST)
    moves = _checked(mapping, classes_of(known.students.values())).values()
    if moves:
        wanted = {move.before: move.after for move in moves}
        store.roll_over(db, wanted, revision, by, moment(db, now))


def _checked(mapping: Mapping[str, str | None], classes: Mapping[str, int]) -> dict[str, ClassMove]:
    """Key of each class that changes -> its move. Raises InvalidRequest."""
    if not isinstance(mapping, Mapping):
        raise InvalidRequest("mapping", "must map classes to classes")
    counts = {label_key(name): count for name, count in classes.items()}
    moves: dict[str, ClassMove] = {}
    for before, after in mapping.items():
        key = label_key(before) if isinstance(before, str) else ""
        if key not in counts:
            raise InvalidRequest("class_name", f"{before!r} has no active students")
        if key in moves:
            raise InvalidRequest("mapping", f"names the class {before!r} twice")
        moves[key] = ClassMove(before, _checked_class(after), counts[key])
    return {key: move for key, move in moves.items() if move.after != move.before}


def _checked_class(name: str | None) -> str | None:
    if name is None:
        return None
    if isinstance(name, str) and name.splitlines() not in ([], [name]):
        raise InvalidRequest("class_name", "contains a line end")
    return check_name(name, "class_name")


def _may_go_down(name: str, classes: Iterable[str]) -> bool:
    """Whether ``name`` has a French ordinal."""
    match = _FRENCH.search(unicodedata.normalize("NFKC", name))
    if match is None or match["section"] is None:
        return match is not None
    return not any(map(_SECTION_D.search, classes))


def _value(text: str) -> int:
    return int(text) if text.isdecimal() else _ROMAN.index(text) + 1


def _next(text: str) -> str:
    """The next number, in the digits of the script that ``text`` has."""
    if text.isdecimal():
        zero = ord(text[0]) - unicodedata.decimal(text[0])
        digits = str(int(text) + 1).zfill(len(text))
        return "".join(chr(zero + int(digit)) for digit in digits)
    return _ROMAN[_ROMAN.index(text) + 1]


def class_place(name: str) -> tuple[int, str]:
    """The sort key of a class: its number, then its key; classes without a number come first.

    All spellings of a class have one place.
    """
    key = label_key(name)
    match = _NUMBER.search(key.upper())
    return (_value(match[0]) if match else -1, key)
