"""The class rollover at the end of a school year: each class becomes the next one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from booking_core.domain.clock import moment
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest
from booking_core.domain.model import Actor, Student
from booking_core.domain.rules import check_may
from booking_core.domain.validation import MAX_NAME, check_text
from booking_core.storage import school_data as reference
from booking_core.storage import students as store
from booking_core.storage.database import Documents, within_deadline

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII")
# Only a numeral that is a word of its own: "Civil" holds no number.
_NUMBER = re.compile(r"\d+|(?<![^\W_])(?:IX|IV|VI{0,3}|XI{0,2}|I{1,3})(?![^\W_])")


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
    """Class -> number of students (``active`` None: all students), the lowest class first."""
    counts = Counter(s.class_name for s in students if active is None or s.active == active)
    return dict(sorted(counts.items(), key=lambda pair: class_place(pair[0])))


def suggest_roll_over(classes: Iterable[str]) -> dict[str, str | None]:
    """Class -> next class: "8-A" -> "9-A", "VIII B" -> "IX B". None: the highest class leaves.

    Classes without a number stay and are not in the answer.
    """
    found = {name: match for name in classes if (match := _NUMBER.search(name))}
    numbers = {name: _value(match[0]) for name, match in found.items()}
    highest = max(numbers.values(), default=0)
    return {
        name: None
        if numbers[name] == highest
        else name[: match.start()] + _next(match[0]) + name[match.end() :]
        for name, match in found.items()
    }


@within_deadline
def roll_over_plan(db: Documents, mapping: Mapping[str, str | None]) -> RollOverPlan:
    """Returns the changes that ``roll_over`` makes; writes nothing.

    Raises InvalidRequest, StoreUnavailable.
    """
    known = reference.load(db)
    counts = classes_of(known.students.values())
    wanted = _checked(mapping, counts)
    moves = tuple(ClassMove(before, after, counts[before]) for before, after in wanted.items())
    coming = Counter(move.after for move in moves if move.after is not None)
    coming.update(name for name in counts if name not in wanted)
    return RollOverPlan(
        known.students_revision,
        moves,
        tuple(
            student
            for student in known.students.values()
            if student.active and wanted.get(student.class_name, "") is None
        ),
        tuple(sorted((str(c) for c, sources in coming.items() if sources > 1), key=class_place)),
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

    None for a class deactivates its students; classes without a mapping stay. ``revision`` is that
    of the plan that was confirmed: raises ChangedMeanwhile when students changed since. ``by``
    None: no account acts, but the command line. Raises NotAllowed, InvalidRequest,
    StoreUnavailable.
    """
    if by is not None:
        check_may("administer", by)
    known = reference.load(db)
    if revision is not None and revision != known.students_revision:
        # First: the mapping may name classes that no longer exist, which is not the user's mistake.
        raise ChangedMeanwhile(store.THE_LIST)
    wanted = _checked(mapping, classes_of(known.students.values()))
    if wanted:
        store.roll_over(db, wanted, revision, by, moment(now))


def _checked(
    mapping: Mapping[str, str | None], classes: Mapping[str, int]
) -> dict[str, str | None]:
    """Returns ``mapping`` without the classes that map to themselves. Raises InvalidRequest."""
    if not isinstance(mapping, Mapping):
        raise InvalidRequest("mapping", "must map classes to classes")
    wanted: dict[str, str | None] = {}
    for before, after in mapping.items():
        if before not in classes:
            raise InvalidRequest("class_name", f"{before!r} has no active students")
        if after is not None:
            after = check_text(after, "class_name", limit=MAX_NAME, required=True)
        if after != before:
            wanted[before] = after
    return wanted


def _value(text: str) -> int:
    return int(text) if text.isdecimal() else _ROMAN.index(text) + 1


def _next(text: str) -> str:
    if text.isdecimal():
        return str(int(text) + 1).zfill(len(text))
    return _ROMAN[_ROMAN.index(text) + 1]


def class_place(name: str) -> tuple[int, str]:
    """The sort key of a class: its number, then its name; classes without a number come first."""
    match = _NUMBER.search(name)
    return (_value(match[0]) if match else -1, name)
