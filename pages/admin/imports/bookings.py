"""The import of a history of bookings: what its file would add, and the press that adds it.

Both go over the whole file in a thread of their own (``job``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from booking_core import (
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    RawTable,
    Row,
    Table,
    keep_columns,
)
from booking_core.imports import (
    BOOKING_COLUMNS,
    HISTORY_UPLOAD,
    Report,
    RowRemark,
    import_bookings,
    row_slot,
)
from booking_core.reports import Export, to_csv
from pages.admin.imports import job
from pages.admin.imports.columns import Fields
from pages.admin.imports.job import Job
from pages.admin.imports.wizard import (
    Kind,
    Outcome,
    Preview,
    entries,
    first_page,
    left_out_button,
)
from pages.admin.students import rows
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_KEY = "admin.history"
_KIND, _PAGE = f"{_KEY}.import.kind", f"{_KEY}.import.page"
KINDS = ("To add", "Known already", "Refused")
# Kind -> the sentence in place of an empty list.
_NONE = {
    KINDS[0]: "The file has no booking that would be added.",
    KINDS[1]: "No row is on record already, and no row is in the file twice.",
    KINDS[2]: "Every row can be used.",
}
_SHOWN_NAMES = 30


@dataclass(slots=True)
class _Plan:
    """The dry run of ``table``, and the import itself once it has begun."""

    table: Table
    foreseen: Job[Report]
    creates: bool = False
    saving: Job[Report] | None = None
    parts: tuple[list[Row], list[RowRemark], list[RowRemark]] | None = field(default=None)
    left_out: bytes = b""

    def parts_of(self, report: Report) -> tuple[list[Row], list[RowRemark], list[RowRemark]]:
        """The rows to add, those known already and those refused; worked out once."""
        if self.parts is None:
            others = {(one.sheet, one.line) for one in (*report.skipped, *report.refused)}
            fresh = [row for row in self.table.rows if (row.sheet, row.line) not in others]
            self.parts = fresh, report.skipped, report.refused
        return self.parts


def _compare(shared: Services, table: Table, *, creates: bool = False) -> _Plan:
    work = partial(import_bookings, shared.db, table, dry_run=True, create_missing=creates)
    return _Plan(
        table, Job(lambda progress: work(progress=progress), len(table.rows)), creates=creates
    )


def _show(shared: Services, preview: Preview, sheet: RawTable, plan: _Plan) -> None:
    """Draws the third step."""
    if plan.saving is not None:
        _finish(shared, preview, sheet, plan, plan.saving)
        return
    creates = st.checkbox(
        "Create the grounds and students that are missing",
        value=plan.creates,
        key=f"{_KEY}.create.{preview.file_id}",
    )
    if creates != plan.creates:
        preview.plan, preview.is_new = _compare(shared, plan.table, creates=creates), True
        st.rerun()
    if not job.wait(shared, plan.foreseen, "Comparing with what is on record:", f"{_KEY}.foresee"):
        return
    try:
        report = plan.foreseen.result()
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/error:")
        if st.button("Try again", key=f"{_KEY}.again"):
            preview.plan = _compare(shared, plan.table, creates=creates)
            st.rerun()
        return
    _created(report)
    parts: dict[str, Sequence[Any]] = dict(zip(KINDS, plan.parts_of(report), strict=True))
    if preview.is_new:
        preview.is_new = False
        st.session_state[_KIND] = next((kind for kind in KINDS if parts[kind]), KINDS[0])
        first_page(_PAGE)
    kind = st.segmented_control(
        "What the file would do",
        KINDS,
        required=True,
        key=_KIND,
        persist_state="session",
        format_func=lambda name: f"{name} {formats.number(len(parts[name]))}",
        on_change=first_page,
        args=(_PAGE,),
    )
    st.caption(
        "Nobody gets a notice of an import. Requests ahead wait on Approvals, and are in the next "
        "mail to those who decide. Bookings need not fit the rules or the periods, and one that "
        "another booking excludes is refused."
    )
    _entries(shared, plan, kind or KINDS[0], parts[kind or KINDS[0]])
    failed = st.empty()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        if report.refused:
            # Made once: of 100,000 rows it takes seconds.
            plan.left_out = plan.left_out or _left_out(sheet, report.refused)
            left_out_button(KIND, plan.left_out)
        pressed = st.button(
            f"Add {rows.counted(report.added, 'booking')}" if report.added else "Nothing to add",
            key=f"{_KEY}.import",
            type="primary",
            disabled=not report.added or not shared.is_live,
        )
    if not pressed:
        return
    try:
        by = session.actor()
        # Before the import: its change may end this run, and only a suggestion is lost here.
        with contextlib.suppress(BookingError):
            keep_columns(shared.db, sheet, preview.columns, BOOKING_COLUMNS, by=by)
    except BookingError as exc:
        failed.error(formats.literal(messages.error(exc)))
        return
    work = partial(
        import_bookings, shared.db, plan.table, create_missing=plan.creates, shown=report, by=by
    )
    plan.saving = Job(lambda progress: work(progress=progress), len(plan.table.rows))
    st.rerun()


def _finish(
    shared: Services, preview: Preview, sheet: RawTable, plan: _Plan, saving: Job[Report]
) -> None:
    """Draws how far the import is, and then has its outcome shown."""
    if not job.wait(shared, saving, "Adding the bookings:", f"{_KEY}.save"):
        st.caption(
            "The import goes on if you leave this page. Its outcome is shown here alone: give the "
            "file again, and the rows that were added are known already."
        )
        return
    try:
        report = saving.result()
    except ChangedMeanwhile:
        preview.plan = _compare(shared, plan.table, creates=plan.creates)
        preview.is_new = preview.has_changed = True
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/error:")
        st.caption("What was added until then stays. A second import skips it.")
        if st.button("Compare again", key=f"{_KEY}.again", type="primary"):
            preview.plan = _compare(shared, plan.table, creates=plan.creates)
            preview.is_new = True
            st.rerun()
        return
    else:
        left_out = _left_out(sheet, report.refused) if report.refused else b""
        preview.done = Outcome(f"Done: {_summary(report)}.", left_out)
    st.rerun()


def _created(report: Report) -> None:
    """Lists the grounds and students that would be created."""
    for noun, names in (("ground", report.new_grounds), ("student", report.new_students)):
        if not names:
            continue
        shown = ", ".join(formats.literal(name) for name in names[:_SHOWN_NAMES])
        more = len(names) - _SHOWN_NAMES
        rest = f" and {formats.number(more)} more" if more > 0 else ""
        st.markdown(f"**{rows.counted(len(names), f'new {noun}')}**: {shown}{rest}.")


def _summary(report: Report) -> str:
    parts = [f"{formats.number(report.added)} added"]
    if report.skipped:
        parts.append(f"{formats.number(len(report.skipped))} known already")
    if report.refused:
        parts.append(f"{formats.number(len(report.refused))} refused")
    for noun, names in (("ground", report.new_grounds), ("student", report.new_students)):
        if names:
            parts.append(f"{rows.counted(len(names), noun)} created")
    return ", ".join(parts)


def _entries(shared: Services, plan: _Plan, kind: str, found: Sequence[Any]) -> None:
    """Draws one page of the entries of ``kind``."""
    key = f"{_KEY}.import.list.{KINDS.index(kind)}"
    draw = partial(entries, kind, found, key=key, page=_PAGE, empty=_NONE[kind])
    if kind == KINDS[0]:
        draw(lambda row: rows.plain_row(row.place, *_cells(shared, plan.table, row)), [*_COLUMNS])
    else:
        draw(_remark_row, ["Line", "Reason"])


def _remark_row(one: RowRemark) -> dict[str, Any]:
    return rows.plain_row(
        f"{one.sheet}.{one.line}",
        [f"Line {one.line}", ", ".join(filter(None, (one.sheet, one.cell and f"cell {one.cell}")))],
        [one.reason[:1].upper() + one.reason[1:], ""],
    )


def _left_out(sheet: RawTable, refused: Sequence[RowRemark]) -> bytes:
    """A CSV file with the refused rows as the file has them, and why each is refused."""
    cells = {(row.sheet, row.line): row.cells for row in sheet.rows}
    width = len(sheet.headings)
    headings = [*sheet.headings, "Sheet", "Line", "Why it is refused"]
    lines: tuple[tuple[str | int, ...], ...] = tuple(
        (*_filled(cells[one.sheet, one.line], width), one.sheet, one.line, one.reason)
        for one in refused
    )
    return to_csv(Export("Refused", tuple((heading, 20) for heading in headings), lines))


def _filled(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


_COLUMNS = ("When", "Ground", "For", "Game", "Status")


def _cells(shared: Services, table: Table, row: Row) -> list[list[str]]:
    values = row.values
    try:
        date, start, end = row_slot(shared.db, table, row)
        when = [formats.full_date(date), formats.span(start, end)]
    except InvalidRequest as exc:
        typed = " ".join(values[name] for name in ("date", "start", "end") if values[name])
        when = [typed or "Empty", f"The {exc.field.removeprefix('the ')} {exc.problem}"]
    names = [values["student"], values.get("team", ""), values.get("class", "")]
    party = next(filter(None, [*names, values.get("party", "")]), "")
    class_name = values.get("class", "") if values["student"] else ""
    return [
        when,
        [values["ground"], ""],
        [party, class_name],
        [values["game"], values.get("purpose", "")],
        [values["status"], ""],
    ]


KIND = Kind(
    key=_KEY,
    parameter="bookings",
    about=(
        "A CSV file or an Excel workbook with the bookings of earlier years: ground, date, start, "
        "end, student, game and status. A row without a student is for its team or class. At most "
        "{rows} rows. Nothing is saved before you have seen what would be added."
    ),
    label="History of bookings",
    template=("\ufeffground,date,start,end,student,game,status,purpose,class,team\r\n".encode()),
    template_name="bookings.csv",
    limits=HISTORY_UPLOAD,
    fields=Fields(
        boxes={
            "Ground": ("ground", 0),
            "Date": ("date", 0),
            "Start": ("start", 0),
            "End": ("end", 0),
            "Student": ("student", 0),
            "Game": ("game", 0),
            "Status": ("status", 0),
            "Purpose": ("purpose", 0),
            "Class": ("class", 0),
            "Team": ("team", 0),
            "For": ("party", 0),
        },
        names={name: name for name in BOOKING_COLUMNS},
        columns=_COLUMNS,
        cells=_cells,
    ),
    compare=_compare,
    show=_show,
    changed="The school changed while you looked. This is what the file would do now.",
)
