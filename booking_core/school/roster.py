"""Compares a file with the list of students, and applies the differences.

Planning writes nothing. Applying a plan fails when the list of students changed after the plan was
made.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Student
from booking_core.domain.names import MAX_ID, key_of
from booking_core.domain.rules import check_may
from booking_core.domain.validation import check_id
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference
from booking_core.storage.school import students as store
from booking_core.tables.cells import ascii_digits, is_date, is_rounded
from booking_core.tables.table import Row

COLUMNS = ("id", "name", "class")


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A line of the file that cannot be used, the field that is wrong, and the reason.

    ``sheet`` is "" where the file has one sheet with rows.
    """

    line: int
    field: str
    problem: str
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """The changes that a file makes to the list of students with this ``revision``.

    ``changed`` are pairs (before, after). ``leaving`` are active students without a row in the
    file; a wrong row counts as a row. ``unread`` are the wrong rows without a roll number that can
    be read: their students may be among the leaving ones. ``same`` are the lines that change
    nothing; ``inactive`` are the students in the file who are inactive and stay so. ``active`` is
    how many students of the school are active.
    """

    revision: int
    new: tuple[Student, ...] = ()
    changed: tuple[tuple[Student, Student], ...] = ()
    leaving: tuple[Student, ...] = ()
    wrong: tuple[WrongRow, ...] = ()
    same: tuple[int, ...] = ()
    inactive: tuple[Student, ...] = ()
    unread: tuple[WrongRow, ...] = ()
    active: int = 0

    @property
    def unchanged(self) -> int:
        return len(self.same)

    @property
    def many_leave(self) -> bool:
        """Whether more than a tenth of the active students leave: that needs a confirmation."""
        return len(self.leaving) * 10 > self.active

    def is_idle(self, *, deactivate_leaving: bool) -> bool:
        """Whether applying the plan changes nothing."""
        return not (self.new or self.changed or (deactivate_leaving and self.leaving))


@within_deadline
def plan_roster(db: Documents, rows: Iterable[Row]) -> RosterPlan:
    """Compares ``rows`` with the stored students; writes nothing.

    Columns are id, name, class; also email, active. Fields without a column keep their stored
    value. Raises StoreUnavailable.
    """
    known = reference.load(db)
    return compare(rows, known.students, known.students_revision)


def compare(rows: Iterable[Row], known: Mapping[str, Student], revision: int) -> RosterPlan:
    """The plan of ``plan_roster``, from values alone."""
    new: list[Student] = []
    changed: list[tuple[Student, Student]] = []
    wrong: list[WrongRow] = []
    same: list[int] = []
    inactive: list[Student] = []
    unread: list[WrongRow] = []
    named: set[str] = set()
    found: dict[str, list[tuple[Row, Student]]] = {}
    stored = {_key(id): id for id in known}
    for row in rows:
        # Before the rest of the row is checked: a student with a wrong row does not leave.
        id = row.values.get("id", "")
        named |= {_key(id), _key(ascii_digits(id))}
        try:
            student = _student(row, known, stored)
        except InvalidRequest as exc:
            wrong.append(WrongRow(row.line, exc.field, exc.problem, row.sheet))
            if not _is_readable(row, stored):
                unread.append(wrong[-1])
            continue
        found.setdefault(_key(student.id), []).append((row, student))
    for group in found.values():
        first, student = group[0]
        is_clear = all(replace(other, id=student.id) == student for _, other in group)
        # Of rows that differ, none is known to be right: it would overwrite another person.
        refused = group[1:] if is_clear else group
        for row, spelled in refused:
            other = first if row is not first else group[1][0]
            details = "" if is_clear else ", with other details"
            problem = f"{spelled.id} is in {other.place} too{details}"
            wrong.append(WrongRow(row.line, "id", problem, row.sheet))
        if not is_clear:
            continue
        before = known.get(student.id)
        if before is None:
            new.append(student)
        elif before == student:
            same.append(first.line)
        else:
            changed.append((before, student))
        if before is not None and not before.active and not student.active:
            inactive.append(student)
    # One sheet after the other, as the file has them.
    sheets = {name: place for place, name in enumerate(dict.fromkeys(w.sheet for w in wrong))}
    wrong.sort(key=lambda one: (sheets[one.sheet], one.line))
    active = [student for student in known.values() if student.active]
    return RosterPlan(
        revision,
        tuple(new),
        tuple(changed),
        tuple(student for student in active if _key(student.id) not in named),
        tuple(wrong),
        tuple(same),
        tuple(inactive),
        tuple(unread),
        len(active),
    )


def _key(text: str) -> str:
    """A roll number for comparisons: in normal form, without capitals and invisible characters."""
    # No roll number is longer: a file may have thousands of texts that take long to compose.
    text = text[: 4 * MAX_ID]
    return key_of("".join(letter for letter in text if unicodedata.category(letter) != "Cf"))


def _is_readable(row: Row, stored: Mapping[str, str]) -> bool:
    """Whether the roll number of ``row`` is a stored one, or could be one."""
    text = row.values.get("id", "")
    try:
        check_id(text, "id")
    except InvalidRequest:
        return _key(text) in stored
    return True


def _student(row: Row, known: Mapping[str, Student], stored: Mapping[str, str]) -> Student:
    if row.problem:
        raise InvalidRequest("the row", row.problem)
    values = row.values
    text = values["id"]
    if is_rounded(text) and _key(text) not in stored:
        raise InvalidRequest(
            "id",
            f"is rounded in cell {row.cell('id')} ({text}): format the column as text and "
            "type the number again",
        )
    id = check_id(text, "id")
    if _key(id) not in stored:
        id = ascii_digits(id)
    id = stored.get(_key(id), id)  # "s001" in a file is the stored "S001"
    if is_date(values["class"]):
        raise InvalidRequest(
            "class",
            f"is a date in cell {row.cell('class')} ({values['class']}), which a spreadsheet makes "
            "of a class like 10-5: format the column as text and type the class again",
        )
    before = known.get(id)
    try:
        student = Student(id, values["name"], values["class"])
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


@within_deadline(seconds=store.BULK_SECONDS)
def apply_roster(
    db: Documents,
    plan: RosterPlan,
    *,
    by: Actor | None,
    deactivate_leaving: bool,
    leaving_confirmed: int | None = None,
    now: datetime | None = None,
) -> None:
    """Makes all changes of ``plan`` or none; wrong rows are left out.

    When more than a tenth of the active students leave, ``leaving_confirmed`` must be their number:
    raises InvalidRequest for the field "leaving" otherwise. ``by`` None: no account acts, but the
    command line. Raises ChangedMeanwhile when the list of students changed after the plan was
    made, NotAllowed, InvalidRequest, StoreUnavailable.
    """
    if not isinstance(plan, RosterPlan):
        raise InvalidRequest("plan", "must be a RosterPlan")
    if by is not None:
        check_may("administer", by)
    if plan.is_idle(deactivate_leaving=deactivate_leaving):
        return
    leaving = [student.id for student in plan.leaving] if deactivate_leaving else []
    if leaving:
        _check_confirmed(plan, leaving_confirmed)
    details = {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "deactivated": len(leaving),
        "unchanged": plan.unchanged,
        "wrong": len(plan.wrong),
    }
    saved = [*plan.new, *(after for _, after in plan.changed)]
    store.write_roster(db, plan.revision, saved, leaving, by, details, moment(db, now))


def _check_confirmed(plan: RosterPlan, confirmed: int | None) -> None:
    if confirmed is None and not plan.many_leave:
        return
    if isinstance(confirmed, bool) or confirmed != len(plan.leaving):
        raise InvalidRequest(
            "leaving",
            f"are {len(plan.leaving)} of {plan.active} active students: "
            "confirm this number before they are deactivated",
        )
