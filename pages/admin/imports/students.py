"""The import of students: what its file would change, and the press that saves it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

import streamlit as st

from booking_core import (
    BookingError,
    ChangedMeanwhile,
    Limits,
    RawTable,
    RosterPlan,
    Row,
    Student,
    Table,
    WrongRow,
    apply_roster,
    keep_columns,
    plan_roster,
    table_of,
)
from pages.admin.imports.columns import Fields
from pages.admin.imports.wizard import (
    Kind,
    Outcome,
    Preview,
    entries,
    first_page,
)
from pages.admin.students import rows
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_KIND, _PAGE = "admin.students.import.kind", "admin.students.import.page"
_SHOWN_LINES = 10
KINDS = ("New", "Changed", "Leaving", "Wrong rows")
# Kind -> the sentence in place of an empty list.
_NONE = {
    KINDS[0]: "Every student of the file is on record.",
    KINDS[1]: "No student on record has other details in the file.",
    KINDS[2]: "The file names every active student.",
    KINDS[3]: "Every row can be used.",
}
_FIELDS = {"id": "Roll number", "the row": "Row", "email": "E-mail"}


def _first_kind(plan: RosterPlan) -> str:
    """The first kind with entries in the plan."""
    found = zip(KINDS, (plan.new, plan.changed, plan.leaving, plan.wrong), strict=True)
    return next((kind for kind, entries in found if entries), KINDS[0])


def _show(shared: Services, preview: Preview, sheet: RawTable, plan: RosterPlan) -> None:
    """Draws the third step."""
    state = st.session_state
    if preview.is_new:
        state[_KIND], preview.is_new = _first_kind(plan), False
    counts = dict(
        zip(KINDS, map(len, (plan.new, plan.changed, plan.leaving, plan.wrong)), strict=True)
    )
    kind = st.segmented_control(
        "What the file would do",
        KINDS,
        required=True,
        key=_KIND,
        persist_state="session",
        format_func=lambda name: f"{name} {formats.number(counts[name])}",
        on_change=first_page,
        args=(_PAGE,),
    )
    notes = [f"{rows.counted(plan.unchanged, 'row')} on record already"]
    if plan.inactive:
        notes.append(f"{rows.counted(len(plan.inactive), 'student')} inactive, and left so")
    if sheet.guessed:
        notes.append(f"the letters are read in {sheet.encoding}, which is a guess")
    st.caption(". ".join(note[0].upper() + note[1:] for note in notes) + ".")
    _entries(plan, kind or KINDS[0])
    leave = st.checkbox(
        f"Deactivate the {_leaving(plan)} whom the file does not name",
        key=f"admin.students.leave.{preview.file_id}",
        disabled=not plan.leaving,
    )
    confirmed = None
    if leave and plan.leaving:
        _warn(shared, plan)
        confirmed = _confirmed(preview.file_id, plan)
    failed = st.empty()
    label = _label(plan, leave)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        if plan.wrong:
            st.caption(f"{rows.counted(len(plan.wrong), 'wrong row')} left out.", width="content")
        pressed = st.button(
            label or "Nothing to save",
            key="admin.students.import",
            type="primary",
            disabled=not label or not shared.is_live or (leave and confirmed is None),
        )
    if not pressed:
        return
    try:
        by = session.actor()
        with shared.change():
            # Before the list: its change may end this run, and only a suggestion is lost here.
            with contextlib.suppress(BookingError):
                keep_columns(shared.db, sheet, preview.columns, by=by)
            apply_roster(
                shared.db, plan, by=by, deactivate_leaving=leave, leaving_confirmed=confirmed
            )
    except ChangedMeanwhile:
        _compare_again(shared, preview, sheet)
        st.rerun()
    except BookingError as exc:
        failed.error(formats.literal(messages.error(exc)))
    else:
        done = f"Done: {_summary(plan, leave)}. They can be chosen on Book at once."
        preview.done = Outcome(done)
        st.rerun()


def _compare_again(shared: Services, preview: Preview, sheet: RawTable) -> None:
    try:
        preview.plan = _compare(shared, table_of(sheet, preview.columns))
    except BookingError:
        st.session_state.pop(KIND.preview)  # the next run reads the file again
    else:
        preview.is_new = preview.has_changed = True


def _entries(plan: RosterPlan, kind: str) -> None:
    """Draws one page of the plan's entries of ``kind``."""
    columns = ["Student", "Class", "E-mail"]
    key = f"admin.students.import.list.{KINDS.index(kind)}"
    draw = partial(entries, kind, key=key, page=_PAGE, empty=_NONE[kind])
    if kind == KINDS[1]:
        draw(plan.changed, _changed_row, [*columns, "State"])
    elif kind == KINDS[3]:
        draw(plan.wrong, _wrong_row, ["Line", "Field", "Reason"])
    else:
        draw(plan.new if kind == KINDS[0] else plan.leaving, _student_row, columns)


def _student_row(student: Student) -> dict[str, Any]:
    return rows.plain_row(
        student.id,
        [student.name, student.id],
        [student.class_name, ""],
        [student.email or "", ""],
    )


def _changed_row(change: tuple[Student, Student]) -> dict[str, Any]:
    before, after = change
    return rows.plain_row(
        after.id,
        [after.name, _was(before.name, after.name) or after.id],
        [after.class_name, _was(before.class_name, after.class_name)],
        [after.email or "", _was(before.email or "none", after.email or "none")],
        ["Active" if after.active else "Inactive", "", "chip"],
    )


def _wrong_row(wrong: WrongRow) -> dict[str, Any]:
    return rows.plain_row(
        f"{wrong.sheet}.{wrong.line}",
        [f"Line {wrong.line}", wrong.sheet],
        [_FIELDS.get(wrong.field, wrong.field.capitalize()), ""],
        [wrong.problem, ""],
    )


def _was(before: str, after: str) -> str:
    return "" if before == after else f"was {before}"


def _warn(shared: Services, plan: RosterPlan) -> None:
    """Shows unreadable rows, and the upcoming bookings of the leaving students."""
    if plan.unread:
        lines = _places(plan.unread[:_SHOWN_LINES])
        more = f" and {len(plan.unread) - _SHOWN_LINES} more" if plan.unread[_SHOWN_LINES:] else ""
        st.warning(
            f"{rows.counted(len(plan.unread), 'row')} without a roll number that can be read "
            f"({lines}{more}): their students may be among those who leave. Mend the file "
            "first, or compare both lists.",
            icon=":material/warning:",
        )
    rows.upcoming(shared, plan.leaving, "{} of theirs ahead, which stay")


def _places(wrong: Sequence[WrongRow]) -> str:
    """``line 3, 4``, or ``line 3, 4 of the sheet “8-A”, line 5 of the sheet “8-B”``."""
    parts = []
    for sheet, found in groupby(wrong, key=lambda one: one.sheet):
        of_sheet = f" of the sheet “{formats.literal(sheet)}”" if sheet else ""
        parts.append(f"line {', '.join(str(one.line) for one in found)}{of_sheet}")
    return ", ".join(parts)


def _leaving(plan: RosterPlan) -> str:
    return f"{formats.number(len(plan.leaving))} of {rows.counted(plan.active, 'active student')}"


def _confirmed(file_id: str, plan: RosterPlan) -> int | None:
    """The number of leaving students if the user has confirmed it, else None."""
    number = len(plan.leaving)
    if not plan.many_leave:
        return number
    st.warning(
        f"{_leaving(plan)} leave, more than a tenth of the school. Is this the whole list?",
        icon=":material/group_remove:",
    )
    # The key contains the number, so that a changed plan needs a new confirmation.
    ticked = st.checkbox(
        f"Yes, deactivate {rows.counted(number, 'student')}",
        key=f"admin.students.leave.{file_id}.{number}",
    )
    return number if ticked else None


def _label(plan: RosterPlan, leave: bool) -> str:
    """The label of the button; "" if the plan changes nothing."""
    parts = [
        f"{formats.number(number)} {word}"
        for number, word in ((len(plan.new), "new"), (len(plan.changed), "changed"))
        if number
    ]
    saved = f"save {' and '.join(parts)}" if parts else ""
    gone = f"deactivate {formats.number(len(plan.leaving))}" if leave and plan.leaving else ""
    label = ", ".join(part for part in (saved, gone) if part)
    return label[:1].upper() + label[1:]


def _summary(plan: RosterPlan, leave: bool) -> str:
    parts = [f"{formats.number(len(plan.new))} new", f"{formats.number(len(plan.changed))} changed"]
    if leave:
        parts.append(f"{formats.number(len(plan.leaving))} deactivated")
    return ", ".join(parts)


def _compare(shared: Services, table: Table) -> RosterPlan:
    return plan_roster(shared.db, table.rows)


def _cells(shared: Services, table: Table, row: Row) -> list[list[str]]:
    values = row.values
    cells = [values.get(name, "") for name in ("name", "class", "email")]
    return [[cells[0], values.get("id", "")], [cells[1], ""], [cells[2], ""]]


KIND = Kind(
    key="admin.students",
    parameter="open",
    about=(
        "A CSV file or an Excel workbook, as the school's software writes it: roll or "
        "admission number, name and class, and e-mail if you like. At most {rows} rows. Nothing is "
        "saved before you have seen what would change."
    ),
    label="List of students",
    # With a byte order mark, so that a spreadsheet uses UTF-8.
    template="\ufeffroll number,name,class,email\r\n".encode(),
    template_name="students.csv",
    limits=Limits(),
    fields=Fields(
        boxes={
            "Roll or admission number (id)": ("id", 0),
            "E-mail": ("email", 0),
            "Name": ("name", 0),
            "Name, second part": ("name", 1),
            "Class": ("class", 0),
            "Section": ("class", 1),
        },
        names={"id": "roll or admission number", "name": "name", "class": "class"},
        columns=("Student", "Class", "E-mail"),
        cells=_cells,
        hidden=("active",),
    ),
    compare=_compare,
    show=_show,
    changed="The list of students changed while you looked. This is what the file would do now.",
)
