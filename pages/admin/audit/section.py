"""The section for the audit log: all changes, to read and to export."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta
from functools import partial
from typing import Any

import streamlit as st

from booking_core import Actor, BookingError, Change, NotAllowed, may
from booking_core.live import Scope
from booking_core.reports import audit_people, audit_subjects, export_changes, find_changes
from pages.admin.audit import texts
from pages.shared.components import choices, elements
from pages.shared.layout import export_dialog, pager
from pages.shared.live import fragment, screen_user
from pages.shared.live.address import base
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_DAYS = 30
PAGE = 50  # changes
_ALL = tuple(Scope)  # the audit log has changes of every kind
_DATES, _WHO, _WHAT = "admin.audit.dates", "admin.audit.who", "admin.audit.what"
_PAGES, _DETAILS = "admin.audit.pages", "admin.audit.details"


def show(shared: Services) -> None:
    """Draws the section."""
    state = st.session_state
    if _DATES not in state or _PAGES not in state:
        _first_page()
    try:
        filters = _filters(shared)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    fragment.live(shared, "admin.audit", lambda: _listing(shared, filters))
    if chosen := state.pop(_DETAILS, None):
        _details(shared, chosen)


def _first_page() -> None:
    st.session_state[_PAGES] = []  # the last change of each previous page


def _clear(dates: tuple[Date, Date]) -> None:
    # Set and not removed: the browser would send the old value of a removed key again.
    st.session_state[_DATES] = dates
    st.session_state[_WHO] = st.session_state[_WHAT] = None
    _first_page()


def _admin() -> Actor:
    """The user of this screen. Raises NotAllowed if not an admin: the cache does not check that."""
    by = screen_user.actor()
    if not may("administer", by):
        raise NotAllowed("administer", by.role.value)
    return by


def _filters(shared: Services) -> dict[str, Any]:
    by = _admin()
    today = shared.now().date()
    usual = (today - timedelta(days=_DAYS - 1), today)
    people = shared.cached(_ALL, "audit.people", lambda: audit_people(shared.db, by=by))
    subjects = shared.cached(_ALL, "audit.subjects", lambda: audit_subjects(shared.db, by=by))
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="xsmall", key="filters_audit"
    ):
        st.session_state.setdefault(_DATES, usual)
        st.date_input(
            "Dates",
            key=_DATES,
            format=formats.date_field(),
            on_change=_first_page,
            width=250,
            min_value=today - timedelta(days=3660),
            max_value=today + timedelta(days=1),
        )
        who = st.selectbox(
            "By whom",
            list(people),
            index=None,
            key=_WHO,
            format_func=lambda id: f"{people.get(id, id)} · {id}",
            placeholder="Everybody",
            on_change=_first_page,
            width=220,
        )
        what = st.selectbox(
            "What",
            subjects,
            index=None,
            key=_WHAT,
            format_func=texts.kind,
            placeholder="Everything",
            on_change=_first_page,
            width=170,
        )
        st.button("Clear", key="admin.audit.clear", on_click=_clear, args=(usual,), type="tertiary")
        dates = choices.date_range(_DATES)
        first = dates[0] if dates else usual[0]
        last = dates[1] if len(dates) > 1 else (dates[0] if dates else usual[1])
        filters = {"first": first, "last": last, "who": who, "what": what}
        export_dialog.button(
            shared,
            "admin.audit.export",
            "changes",
            lambda actor: export_changes(shared.db, by=actor, **filters),
        )
    return filters


def _listing(shared: Services, filters: dict[str, Any]) -> None:
    state = st.session_state
    pages = state[_PAGES]
    after = pages[-1] if pages else None
    key = ("audit", tuple(filters.values()), after and after.place)
    try:
        by = _admin()
        found = shared.cached(
            _ALL,
            key,
            lambda: find_changes(shared.db, by=by, **filters, after=after, limit=PAGE + 1),
        )
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    shown = found[:PAGE]
    if not shown:
        with st.container(border=True, key="card_audit_empty"):
            st.markdown("##### No changes match")
            st.caption("Choose other dates or filters, or clear them.")
        return
    grounds = shared.reference().grounds
    now = shared.now()
    payload = {
        "caption": "Changes, newest first",
        "kind": "brief",
        "columns": ["When", "Who", "Did what", "To what"],
        "rows": [texts.row(change, grounds, now) for change in shown],
        "bulk": [],
        "live": True,  # the details are part of the payload and need no connection
    }
    acted = elements.action_list(payload, key="admin.audit.list")
    if acted is not None:
        chosen = acted["ids"][0]
        state[_DETAILS] = next((c for c in shown if texts.key(c) == chosen), None)
        st.rerun()
    begin = len(pages) * PAGE + 1
    pager.show(
        f"{formats.number(begin)}–{formats.number(begin + len(shown) - 1)}, newest first",
        "admin.audit",
        partial(_turn_to, pages[:-1]) if pages else None,
        partial(_turn_to, [*pages, shown[-1]]) if len(found) > PAGE else None,
        ("Newer", "Older"),
    )


def _turn_to(pages: list[Change]) -> None:
    st.session_state[_PAGES] = pages


@st.dialog("Change")
def _details(shared: Services, change: Change) -> None:
    lines = texts.lines(change, shared.reference().grounds, shared.settings.zone)
    st.table(
        {
            "Name": [f"**{formats.literal(name)}**" for name, _ in lines],
            "Value": [formats.literal(value) for _, value in lines],
        },
        border="horizontal",
        hide_index=True,
        hide_header=True,
        alt="All facts of this change",
    )
    if (address := texts.board_then(change, shared.settings.zone)) is not None:
        st.link_button(
            "Show the board then", f"{base()}/{address}", icon=":material/history:", type="tertiary"
        )
    st.caption("Entries cannot be changed or removed here.")
