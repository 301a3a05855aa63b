"""Fairness: how the hours are spread over classes and students, and who goes short."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date as Date

from booking_core.domain import rules
from booking_core.domain.labels import class_spellings, label_key, most_frequent
from booking_core.domain.model import Actor, Student
from booking_core.domain.validation import check_id, minutes
from booking_core.insight.audit import check_range
from booking_core.insight.exports import MAX_ROWS, Export, Value
from booking_core.storage.bookings import usage as store
from booking_core.storage.client.database import Documents
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference


@dataclass(frozen=True, slots=True)
class ClassShare:
    """A class: its active ``students``, the bookings it ``requested`` of every status, those that
    it ``held`` (pending and approved), and their ``hours``."""

    name: str
    students: int
    requested: int
    held: int
    hours: float

    @property
    def held_share(self) -> float | None:
        """Held of requested bookings, 0 to 1; None for a class that asked for nothing."""
        return self.held / self.requested if self.requested else None


@dataclass(frozen=True, slots=True)
class StudentHours:
    """An active student and the hours of the bookings that name the student."""

    student: Student
    hours: float


@dataclass(frozen=True, slots=True)
class Fairness:
    """How the hours of ``first`` to ``last`` are spread.

    ``classes`` by hours, fewest first: those with active students or bookings. A booking for
    students of several classes counts in full for each class. ``students`` are the active ones by
    hours, fewest first: each named student of a booking has its hours in full; bookings for a
    class, a team or staff count for no student.
    """

    first: Date
    last: Date
    classes: tuple[ClassShare, ...]
    students: tuple[StudentHours, ...]

    @property
    def without(self) -> tuple[Student, ...]:
        """The students with no hour."""
        return tuple(one.student for one in self.students if not one.hours)

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """A quarter, half and three quarters of the students have at most these hours."""
        if not self.students:
            return None
        count = len(self.students)
        first, half, third = (
            self.students[(count * part + 3) // 4 - 1].hours for part in (1, 2, 3)
        )
        return first, half, third

    @property
    def short(self) -> tuple[ClassShare, ...]:
        """The classes that asked, by the share of their requests that they hold, least first."""
        asked = [one for one in self.classes if one.requested]
        return tuple(sorted(asked, key=lambda one: (one.held / one.requested, one.hours, one.name)))


@within_deadline(seconds=store.DEADLINE_SECONDS)
def fairness(
    db: Documents, *, by: Actor, first: Date, last: Date, ground_id: str | None = None
) -> Fairness:
    """The hours by class and student from ``first`` to ``last`` (inclusive, at most 400 days).

    For those who see everybody's figures. Raises NotAllowed, InvalidRequest, UnknownGround,
    StoreUnavailable.
    """
    rules.check_may("report", by)
    check_range(first, last)
    known = reference.load(db)
    if ground_id is not None:
        known.ground(check_id(ground_id, "ground_id"))
    requested, held, of_class = (Counter[str]() for _ in range(3))
    of_student: Counter[str] = Counter()
    spelled: Counter[str] = Counter()
    for one in store.people_counts(db, first, last, ground_id):
        spent = one.count * (minutes(one.end, closing=True) - minutes(one.start))
        for name in one.classes:
            spelled[name] += one.count
        for key in {label_key(name) for name in one.classes}:
            requested[key] += one.count
            if one.is_held:
                held[key] += one.count
                of_class[key] += spent
        for id in one.student_ids:
            of_student[id] += spent
    active = [student for student in known.students.values() if student.active]
    sizes = Counter(label_key(student.class_name) for student in active)
    names = most_frequent(dict(sorted(spelled.items()))) | class_spellings(known.students.values())
    classes = [
        ClassShare(names[key], sizes[key], requested[key], held[key], of_class[key] / 60)
        for key in {*sizes, *requested}
    ]
    students = [StudentHours(student, of_student[student.id] / 60) for student in active]
    return Fairness(
        first,
        last,
        tuple(sorted(classes, key=lambda one: (one.hours, one.name))),
        tuple(sorted(students, key=lambda one: (one.hours, one.student.name, one.student.id))),
    )


def export_fairness(found: Fairness) -> Export:
    """Returns the classes and the students as a table to export, at most 50,000 rows."""
    columns = (
        ("By", 10),
        ("Name", 28),
        ("Roll number", 12),
        ("Class", 10),
        ("Students", 10),
        ("Requested", 10),
        ("Held", 10),
        ("Hours", 10),
    )
    rows: list[tuple[Value, ...]] = [
        ("Class", one.name, None, one.name, one.students, one.requested, one.held, one.hours)
        for one in found.classes
    ]
    for line in found.students:
        who = line.student
        rows.append(("Student", who.name, who.id, who.class_name, None, None, None, line.hours))
    return Export("Fairness", columns, tuple(rows[:MAX_ROWS]), len(rows) > MAX_ROWS)
