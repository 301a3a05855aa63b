"""What the imports of files share: the file, its columns, and the frame of the third step.

Nothing is saved before the last step. The second is drawn at once only where something is not sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from booking_core import (
    BookingError,
    InvalidRequest,
    Limits,
    Matching,
    RawTable,
    Table,
    read_sheet,
    suggest_columns,
    table_of,
)
from pages.admin import widgets
from pages.admin.imports import columns
from pages.shared.components import elements
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

T = TypeVar("T")
_ENDINGS = ["csv", "tsv", "txt", "xlsx", "xlsm"]


@dataclass(slots=True)
class Preview:
    """The uploaded file and its plan, or a sentence about the ``problem`` with it.

    ``plan`` None: the columns are still to be chosen. Its type is that of the kind.
    """

    file_id: str
    sheet: RawTable | None = None
    found: Matching = field(default_factory=lambda: Matching({}))
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    plan: Any = None
    problem: str = ""
    is_new: bool = True  # no run has drawn the plan
    is_final: bool = True  # false: the next run reads the file again
    # What a press has done. Not in the session's state: Streamlit may end a run at each use of
    # that, and a live update that follows the save would lose the sentence.
    done: Outcome | None = None
    has_changed: bool = False  # the stored data, so that the plan was made again


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sentence about the saved rows; ``left_out`` is a CSV file of the refused rows."""

    text: str
    left_out: bytes = b""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of list.

    ``key`` is the first part of the keys of its widgets and its state, ``parameter`` the value of
    ``import`` in the address while its file is open. ``about`` may have ``{rows}`` for the limit.
    ``compare`` makes the plan of a table and raises BookingError; ``show`` draws the third step of
    a plan. ``changed`` is the sentence where what is on record did while the user looked.
    """

    key: str
    parameter: str
    about: str
    label: str
    template: bytes
    template_name: str
    limits: Limits
    fields: columns.Fields
    compare: Callable[[Services, Table], Any]
    show: Callable[[Services, Preview, RawTable, Any], None]
    changed: str

    def adopt(self, text: str) -> bool:
        """Whether the address, with ``text`` as its parameter, shows this import.

        A file is kept in the session only: a new session says that it has to be given again.
        """
        state = st.session_state
        is_open = text == self.parameter
        state[self._lost] = is_open and self.preview not in state
        return is_open

    def address(self) -> str:
        """The parameter of the address while a file is given, or is to be given again; else ""."""
        state = st.session_state
        return self.parameter if self.preview in state or state.get(self._lost) else ""

    @property
    def preview(self) -> str:
        """The key under which the session has the preview."""
        return f"{self.key}.preview"

    @property
    def done(self) -> str:
        """The key under which the session has the last outcome."""
        return f"{self.key}.imported"

    @property
    def number(self) -> str:
        """The key under which the session has how many files were imported."""
        return f"{self.key}.upload"

    @property
    def _lost(self) -> str:
        return f"{self.key}.import.lost"

    def is_lost(self) -> bool:
        """Whether the address is that of an import without its file."""
        return bool(st.session_state.get(self._lost))

    def find(self) -> None:
        """Notes that the file of the address was given."""
        st.session_state[self._lost] = False


def show(shared: Services, kind: Kind) -> None:
    """Draws the import."""
    state = st.session_state
    number = state.setdefault(kind.number, 0)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(kind.about.format(rows=formats.number(kind.limits.rows)), width=640)
        st.download_button(
            "Template",
            kind.template,
            file_name=kind.template_name,
            mime="text/csv",
            key=f"{kind.key}.template",
            icon=":material/download:",
            on_click="ignore",
        )
    file = st.file_uploader(
        kind.label,
        type=_ENDINGS,
        max_upload_size=kind.limits.bytes // (1024 * 1024),
        key=f"{kind.key}.file.{number}",
    )
    if file is None:
        state.pop(kind.preview, None)
        if kind.is_lost():
            st.info(
                "The file that was open here is no longer kept. Give it again to go on.",
                icon=":material/upload_file:",
            )
        if done := state.get(kind.done):
            _done(kind, done)
        return
    state.pop(kind.done, None)
    preview = state.get(kind.preview)
    if preview is None or preview.file_id != file.file_id or not preview.is_final:
        is_first = preview is None
        preview = state[kind.preview] = _read(shared, kind, file)
        kind.find()
        if is_first:
            st.rerun()  # the address says that a file is open
    if preview.done is not None:
        state[kind.done] = preview.done
        state[kind.number] += 1  # a new key empties the uploader
        state.pop(kind.preview, None)
        st.rerun()
    if preview.sheet is None:
        st.error(formats.literal(preview.problem), icon=":material/error:")
    elif preview.plan is None:
        _choose(shared, kind, file, preview, preview.sheet)
    else:
        _head(kind, preview, preview.sheet)
        kind.show(shared, preview, preview.sheet, preview.plan)


def left_out_button(kind: Kind, data: bytes) -> None:
    """Draws the button that downloads the rows that are left out."""
    st.download_button(
        "Rows left out (CSV)",
        data,
        file_name=f"left-out-{kind.template_name}",
        mime="text/csv",
        key=f"{kind.key}.left_out",
        icon=":material/download:",
        on_click="ignore",
    )


def first_page(page: str) -> None:
    """Shows the first page of the list whose page number is stored under ``page``."""
    st.session_state[page] = 0


def entries(
    caption: str,
    found: Sequence[T],
    row: Callable[[T], dict[str, Any]],
    columns: list[str],
    *,
    key: str,
    page: str,
    empty: str,
) -> None:
    """Draws one page of ``found``, each entry as ``row`` says; the sentence ``empty`` for none."""
    if not found:
        with st.container(border=True):
            st.caption(empty)
        return
    shown, first = widgets.page(found, page)
    lines = [row(entry) for entry in shown]
    elements.action_list(
        {"caption": caption, "columns": columns, "rows": lines, "bulk": [], "live": True}, key=key
    )
    widgets.page_foot(len(found), first, page)


def _done(kind: Kind, done: Outcome) -> None:
    st.success(formats.literal(done.text), icon=":material/check:")
    if done.left_out:
        left_out_button(kind, done.left_out)


def _read(
    shared: Services, kind: Kind, file: st.typing.UploadedFile, encoding: str | None = None
) -> Preview:
    """The preview of ``file``: without a plan where a column or the encoding is not sure."""
    try:
        sheet = read_sheet(file.getvalue(), file.name, limits=kind.limits, encoding=encoding)
        found = suggest_columns(shared.db, sheet, kind.fields.required)
        preview = Preview(file.file_id, sheet, found, found.columns)
        if not (found.unsure or found.missing or sheet.guessed):
            preview.plan = kind.compare(shared, table_of(sheet, found.columns))
    except InvalidRequest as exc:
        return Preview(file.file_id, problem=messages.error(exc))
    except BookingError as exc:
        return Preview(file.file_id, problem=messages.error(exc), is_final=False)
    return preview


def _choose(
    shared: Services, kind: Kind, file: st.typing.UploadedFile, preview: Preview, sheet: RawTable
) -> None:
    """Draws the second step."""
    st.markdown("##### Step 2 of 3: Columns")
    columns.notes(sheet)
    if (encoding := columns.encoding(sheet, kind.key, preview.file_id)) is not None:
        st.session_state[kind.preview] = _read(shared, kind, file, encoding)
        st.rerun()
    chosen = columns.choose(
        shared, kind.fields, sheet, preview.found, preview.columns, kind.key, preview.file_id
    )
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        pressed = st.button(
            "Show what changes",
            key=f"{kind.key}.import.compare",
            type="primary",
            disabled=chosen is None,
        )
    if not pressed or chosen is None:
        return
    try:
        plan = kind.compare(shared, table_of(sheet, chosen))
    except BookingError as exc:
        failed.error(formats.literal(messages.error(exc)), icon=":material/error:")
        return
    st.session_state[kind.preview] = Preview(preview.file_id, sheet, preview.found, chosen, plan)
    st.rerun()


def _head(kind: Kind, preview: Preview, sheet: RawTable) -> None:
    """Draws the head of the third step."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown("##### Step 3 of 3: What changes", width="content")
        if st.button("Columns", key=f"{kind.key}.import.back", icon=":material/arrow_back:"):
            preview.plan = None
            st.rerun()
    columns.notes(sheet)
    if preview.has_changed:
        preview.has_changed = False
        st.warning(kind.changed, icon=":material/sync:")
