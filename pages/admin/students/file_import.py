"""The import of students in three steps: the file, its columns, what changes.

Nothing is saved before the last. The second step is drawn at once only where something is not sure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from booking_core import (
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    Limits,
    Matching,
    RawTable,
    RosterPlan,
    Student,
    WrongRow,
    apply_roster,
    keep_columns,
    plan_roster,
    read_sheet,
    suggest_columns,
    table_of,
)
from pages.admin import widgets
from pages.admin.students import import_columns, rows
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

T = TypeVar("T")
_KIND, _PAGE = "admin.students.import.kind", "admin.students.import.page"
_PREVIEW, _NUMBER = "admin.students.preview", "admin.students.upload"
_DONE = "admin.students.imported"
_LOST = "admin.students.import.lost"  # the address is that of an import without its file
_SHOWN_LINES = 10
_LIMITS = Limits()
KINDS = ("New", "Changed", "Leaving", "Wrong rows")
# With a byte order mark, so that a spreadsheet uses UTF-8.
TEMPLATE = "\ufeffroll number,name,class,email\r\n".encode()
# Kind -> the sentence in place of an empty list.
_NONE = {
    KINDS[0]: "Every student of the file is on record.",
    KINDS[1]: "No student on record has other details in the file.",
    KINDS[2]: "The file names every active student.",
    KINDS[3]: "Every row can be used.",
}
_FIELDS = {"id": "Roll number", "the row": "Row", "email": "E-mail"}


@dataclass(slots=True)
class _Preview:
    """The uploaded file and its plan, or a sentence about the ``problem`` with it.

    ``plan`` None: the columns are still to be chosen.
    """

    file_id: str
    sheet: RawTable | None = None
    found: Matching = field(default_factory=lambda: Matching({}))
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    plan: RosterPlan | None = None
    problem: str = ""
    is_new: bool = True  # no run has drawn the plan
    is_final: bool = True  # false: the next run reads the file again
    # What a press has done. Not in the session's state: Streamlit may end a run at each use of
    # that, and a live update that follows the save would lose the sentence.
    done: str = ""
    has_changed: bool = False  # the list on record did, and the plan with it


def adopt(text: str) -> bool:
    """Whether the address, with ``text`` as its parameter, shows the import.

    A file is kept in the session only: a new session says that it has to be given again.
    """
    state = st.session_state
    is_open = text == "open"
    state[_LOST] = is_open and _PREVIEW not in state
    return is_open


def address() -> str:
    """The parameter of the address: ``open`` while a file is given, or is to be given again."""
    state = st.session_state
    return "open" if _PREVIEW in state or state.get(_LOST) else ""


def show(shared: Services) -> None:
    """Draws the import."""
    state = st.session_state
    number = state.setdefault(_NUMBER, 0)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            "A CSV file or an Excel workbook, as the school's software writes it: roll or "
            "admission number, name and class, and e-mail if you like. At most "
            f"{formats.number(_LIMITS.rows)} rows. Nothing is saved before you have seen what "
            "would change.",
            width=640,
        )
        st.download_button(
            "Template",
            TEMPLATE,
            file_name="students.csv",
            mime="text/csv",
            key="admin.students.template",
            icon=":material/download:",
            on_click="ignore",
        )
    file = st.file_uploader(
        "List of students",
        type=["csv", "tsv", "txt", "xlsx", "xlsm"],
        max_upload_size=_LIMITS.bytes // (1024 * 1024),
        key=f"admin.students.file.{number}",
    )
    if file is None:
        state.pop(_PREVIEW, None)
        if state.get(_LOST):
            st.info(
                "The file that was open here is no longer kept. Give it again to go on.",
                icon=":material/upload_file:",
            )
        if text := state.get(_DONE):
            st.success(text, icon=":material/check:")
        return
    state.pop(_DONE, None)
    preview = state.get(_PREVIEW)
    if preview is None or preview.file_id != file.file_id or not preview.is_final:
        is_first = preview is None
        preview = state[_PREVIEW] = _read(shared, file)
        state[_LOST] = False
        if is_first:
            st.rerun()  # the address says that a file is open
    if preview.done:
        state[_DONE] = preview.done
        state[_NUMBER] += 1  # a new key empties the uploader
        state.pop(_PREVIEW, None)
        st.rerun()
    if preview.sheet is None:
        st.error(formats.literal(preview.problem), icon=":material/error:")
    elif preview.plan is None:
        _choose(shared, file, preview, preview.sheet)
    else:
        _show(shared, preview, preview.sheet, preview.plan)


def _read(shared: Services, file: st.typing.UploadedFile, encoding: str | None = None) -> _Preview:
    """The preview of ``file``: without a plan where a column or the encoding is not sure."""
    try:
        sheet = read_sheet(file.getvalue(), file.name, encoding=encoding)
        found = suggest_columns(shared.db, sheet)
        preview = _Preview(file.file_id, sheet, found, found.columns)
        if not (found.unsure or found.missing or sheet.guessed):
            preview.plan = plan_roster(shared.db, table_of(sheet, found.columns).rows)
    except InvalidRequest as exc:
        return _Preview(file.file_id, problem=messages.error(exc))
    except BookingError as exc:
        return _Preview(file.file_id, problem=messages.error(exc), is_final=False)
    return preview


def _choose(
    shared: Services, file: st.typing.UploadedFile, preview: _Preview, sheet: RawTable
) -> None:
    """Draws the second step."""
    st.markdown("##### Step 2 of 3: Columns")
    import_columns.notes(sheet)
    if (encoding := import_columns.encoding(sheet, preview.file_id)) is not None:
        st.session_state[_PREVIEW] = _read(shared, file, encoding)
        st.rerun()
    columns = import_columns.choose(sheet, preview.found, preview.columns, preview.file_id)
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        pressed = st.button(
            "Show what changes",
            key="admin.students.import.compare",
            type="primary",
            disabled=columns is None,
        )
    if not pressed or columns is None:
        return
    try:
        plan = plan_roster(shared.db, table_of(sheet, columns).rows)
    except BookingError as exc:
        failed.error(formats.literal(messages.error(exc)), icon=":material/error:")
        return
    st.session_state[_PREVIEW] = _Preview(preview.file_id, sheet, preview.found, columns, plan)
    st.rerun()


def _first_kind(plan: RosterPlan) -> str:
    """The first kind with entries in the plan."""
    found = zip(KINDS, (plan.new, plan.changed, plan.leaving, plan.wrong), strict=True)
    return next((kind for kind, entries in found if entries), KINDS[0])


def _first_page() -> None:
    st.session_state[_PAGE] = 0


def _show(shared: Services, preview: _Preview, sheet: RawTable, plan: RosterPlan) -> None:
    """Draws the third step."""
    state = st.session_state
    if preview.is_new:
        state[_KIND], preview.is_new = _first_kind(plan), False
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown("##### Step 3 of 3: What changes", width="content")
        if st.button("Columns", key="admin.students.import.back", icon=":material/arrow_back:"):
            preview.plan = None
            st.rerun()
    import_columns.notes(sheet)
    if preview.has_changed:
        preview.has_changed = False
        st.warning(
            "The list of students changed while you looked. This is what the file would do now.",
            icon=":material/sync:",
        )
    counts = dict(
        zip(KINDS, map(len, (plan.new, plan.changed, plan.leaving, plan.wrong)), strict=True)
    )
    kind = st.segmented_control(
        "What the file would do",
        KINDS,
        required=True,
        key=_KIND,
        format_func=lambda name: f"{name} {formats.number(counts[name])}",
        on_change=_first_page,
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
        preview.done = f"Done: {_summary(plan, leave)}. They can be chosen on Book at once."
        st.rerun()


def _compare_again(shared: Services, preview: _Preview, sheet: RawTable) -> None:
    try:
        preview.plan = plan_roster(shared.db, table_of(sheet, preview.columns).rows)
    except BookingError:
        st.session_state.pop(_PREVIEW)  # the next run reads the file again
    else:
        preview.is_new = preview.has_changed = True


def _entries(plan: RosterPlan, kind: str) -> None:
    """Draws one page of the plan's entries of ``kind``."""
    columns = ["Student", "Class", "E-mail"]
    if kind == KINDS[1]:
        _page_of(kind, plan.changed, _changed_row, [*columns, "State"])
    elif kind == KINDS[3]:
        _page_of(kind, plan.wrong, _wrong_row, ["Line", "Field", "Reason"])
    else:
        _page_of(kind, plan.new if kind == KINDS[0] else plan.leaving, _student_row, columns)


def _page_of(
    kind: str, found: Sequence[T], row: Callable[[T], dict[str, Any]], columns: list[str]
) -> None:
    """Draws one page of ``found``, each entry as ``row`` says; a sentence if there is none."""
    if not found:
        with st.container(border=True):
            st.caption(_NONE[kind])
        return
    shown, first = widgets.page(found, _PAGE)
    lines = [row(entry) for entry in shown]
    elements.action_list(
        {"caption": kind, "columns": columns, "rows": lines, "bulk": [], "live": True},
        key=f"admin.students.import.list.{KINDS.index(kind)}",
    )
    widgets.page_foot(len(found), first, _PAGE)


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
        lines = ", ".join(map(str, plan.unread[:_SHOWN_LINES]))
        more = f" and {len(plan.unread) - _SHOWN_LINES} more" if plan.unread[_SHOWN_LINES:] else ""
        st.warning(
            f"{rows.counted(len(plan.unread), 'row')} without a roll number that can be read "
            f"(line {lines}{more}): their students may be among those who leave. Mend the file "
            "first, or compare both lists.",
            icon=":material/warning:",
        )
    rows.upcoming(shared, plan.leaving, "{} of theirs ahead, which stay")


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
