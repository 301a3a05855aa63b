"""The school's list of students against a file: what would change, and then the change itself.

Nothing is written until the plan that was looked at is confirmed; a list that moved meanwhile is
looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from booking_core.domain.clock import moment
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Student
from booking_core.domain.rules import check_may
from booking_core.storage import school_data as reference
from booking_core.storage import students as store
from booking_core.storage.database import Documents
from booking_core.tables.table import Row

COLUMNS = ("id", "name", "class")


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A line of the file that cannot be used, and which of its fields is to blame, and why."""

    line: int
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """What a file would do to the list of students whose ``revision`` it was compared with.

    ``changed`` are pairs (before, after). ``leaving`` are the active students whom the file does
    not name. ``same`` are the lines that are on record already; ``inactive`` are the students
    among the named ones who are deactivated and stay so.
    """

    revision: int
    new: tuple[Student, ...] = ()
    changed: tuple[tuple[Student, Student], ...] = ()
    leaving: tuple[Student, ...] = ()
    wrong: tuple[WrongRow, ...] = ()
    same: tuple[int, ...] = ()
    inactive: tuple[Student, ...] = ()

    @property
    def unchanged(self) -> int:
        return len(self.same)

    def is_idle(self, *, deactivate_leaving: bool) -> bool:
        """Whether applying it would change nothing."""
        return not (self.new or self.changed or (deactivate_leaving and self.leaving))


def plan_roster(db: Documents, rows: Iterable[Row]) -> RosterPlan:
    """Compares ``rows`` with the students on record; writes nothing.

    Columns are id, name, class; also email, active. What a file has no column for stays as it is
    on record. Raises StoreUnavailable.
    """
    known = reference.load(db)
    return compare(rows, known.students, known.students_revision)


def compare(rows: Iterable[Row], known: Mapping[str, Student], revision: int) -> RosterPlan:
    """The plan, from values alone."""
    new: list[Student] = []
    changed: list[tuple[Student, Student]] = []
    wrong: list[WrongRow] = []
    same: list[int] = []
    inactive: list[Student] = []
    named: set[str] = set()
    first_line: dict[str, int] = {}
    # Roll numbers that differ in capitals alone are one student, typed in two ways.
    spelled = {id.casefold(): id for id in known}
    for row in rows:
        # Named even where the rest of the row is wrong: who has a row does not leave.
        named.add(row.values.get("id", ""))
        try:
            student = _student(row, known)
            line = first_line.setdefault(student.id.casefold(), row.line)
            if line != row.line:
                raise InvalidRequest("id", f"{student.id} stands in line {line} too")
            other = spelled.get(student.id.casefold(), student.id)
            if student.id not in known and other != student.id:
                named.add(other)
                raise InvalidRequest("id", f"{student.id} is on record as {other}")
        except InvalidRequest as exc:
            wrong.append(WrongRow(row.line, exc.field, exc.problem))
            continue
        before = known.get(student.id)
        if before is None:
            new.append(student)
        elif before == student:
            same.append(row.line)
        else:
            changed.append((before, student))
        if before is not None and not before.active and not student.active:
            inactive.append(student)
    leaving = [s for s in known.values() if s.active and s.id not in named]
    return RosterPlan(
        revision,
        tuple(new),
        tuple(changed),
        tuple(leaving),
        tuple(wrong),
        tuple(same),
        tuple(inactive),
    )


def _student(row: Row, known: Mapping[str, Student]) -> Student:
    if row.problem:
        raise InvalidRequest("the row", row.problem)
    values = row.values
    before = known.get(values["id"])
    try:
        student = Student(values["id"], values["name"], values["class"])
    except InvalidRequest as exc:
        field = "class" if exc.field == "class_name" else exc.field
        raise InvalidRequest(field, exc.problem) from exc
    email = values.get("email", before.email if before else None)
    active = before.active if before else True
    if text := values.get("active", "").casefold():
        if text not in ("yes", "true", "1", "no", "false", "0"):
            raise InvalidRequest("active", "must be yes or no")
        active = text in ("yes", "true", "1")
    return replace(student, email=email, active=active)


def apply_roster(
    db: Documents,
    plan: RosterPlan,
    *,
    by: Actor | None,
    deactivate_leaving: bool,
    now: datetime | None = None,
) -> None:
    """Does what ``plan`` says, all of it or nothing; wrong rows are left out.

    ``by`` None: no account acts, but whoever has the database in hand. Raises ChangedMeanwhile
    when the list of students is not the one that the plan was made from, NotAllowed,
    InvalidRequest, StoreUnavailable.
    """
    if not isinstance(plan, RosterPlan):
        raise InvalidRequest("plan", "must be a RosterPlan")
    if by is not None:
        check_may("administer", by)
    if plan.is_idle(deactivate_leaving=deactivate_leaving):
        return
    leaving = [student.id for student in plan.leaving] if deactivate_leaving else []
    details = {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "deactivated": len(leaving),
        "unchanged": plan.unchanged,
        "wrong": len(plan.wrong),
    }
    saved = [*plan.new, *(after for _, after in plan.changed)]
    store.write_roster(db, plan.revision, saved, leaving, by, details, moment(now))
