"""The school year's turn: each class becomes the next one, the highest leaves."""

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
from booking_core.storage.database import Documents

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII")
# Standing alone, so that no letter of a word is taken for a number.
_NUMBER = re.compile(r"\d+|(?<![^\W_])(?:IX|IV|VI{0,3}|XI{0,2}|I{1,3})(?![^\W_])")


@dataclass(frozen=True, slots=True)
class ClassMove:
    """``students`` active ones go from class ``before`` to ``after``; None: they leave."""

    before: str
    after: str | None
    students: int


@dataclass(frozen=True, slots=True)
class RollOverPlan:
    """What a turn of the year would do to the students whose ``revision`` it was made from.

    ``joined`` are classes in which students would meet who come from several, or who stay there.
    """

    revision: int
    moves: tuple[ClassMove, ...]
    leaving: tuple[Student, ...]
    joined: tuple[str, ...]

    @property
    def moving(self) -> int:
        return sum(move.students for move in self.moves if move.after is not None)


def classes_of(students: Iterable[Student], *, active: bool | None = True) -> dict[str, int]:
    """Class -> how many students (``active`` None: all of them), the lowest class first."""
    counts = Counter(s.class_name for s in students if active is None or s.active == active)
    return dict(sorted(counts.items(), key=lambda pair: class_place(pair[0])))


def suggest_roll_over(classes: Iterable[str]) -> dict[str, str | None]:
    """Class -> the next one: "8-A" -> "9-A", "VIII B" -> "IX B"; None for the highest: it leaves.

    A class without a number is not in the answer: it stays.
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


def roll_over_plan(db: Documents, mapping: Mapping[str, str | None]) -> RollOverPlan:
    """What ``roll_over`` would do; writes nothing. Raises InvalidRequest, StoreUnavailable."""
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


def roll_over(
    db: Documents,
    mapping: Mapping[str, str | None],
    *,
    by: Actor | None,
    revision: int | None = None,
    now: datetime | None = None,
) -> None:
    """Moves the active students of each class to the class it maps to, all at once or none.

    None for a class deactivates its students; classes that are not mapped stay. ``revision`` is
    that of the plan which was looked at: raises ChangedMeanwhile when students changed since.
    ``by`` None: no account acts, but whoever has the database in hand. Raises NotAllowed,
    InvalidRequest, StoreUnavailable.
    """
    if by is not None:
        check_may("administer", by)
    known = reference.load(db)
    if revision is not None and revision != known.students_revision:
        # The classes that it names may be gone: that is no mistake of whoever confirms.
        raise ChangedMeanwhile(store.THE_LIST)
    wanted = _checked(mapping, classes_of(known.students.values()))
    if wanted:
        store.roll_over(db, wanted, revision, by, moment(now))


def _checked(
    mapping: Mapping[str, str | None], classes: Mapping[str, int]
) -> dict[str, str | None]:
    """``mapping`` without the classes that stay as they are."""
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
    """Where a class stands in a list: by its number, those without one first."""
    match = _NUMBER.search(name)
    return (_value(match[0]) if match else -1, name)
