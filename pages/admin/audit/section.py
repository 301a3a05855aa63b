"""The section for the audit log: all changes, to read and to export."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date as Date
from datetime import timedelta
from functools import partial
from typing import Any

import streamlit as st

from booking_core import Actor, BookingError, Change, NotAllowed, may
from booking_core.live import Scope
from booking_core.reports import audit_people, audit_subjects, export_changes, find_changes
from pages.admin import widgets
from pages.admin.audit import texts
from pages.shared.components import choices, elements, fields
from pages.shared.layout import export_dialog, pager
from pages.shared.live import fragment, screen_user, url_state
from pages.shared.live.address import base
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_DAYS = 30
PAGE = 50  # changes
_ALL = tuple(Scope)  # the audit log has changes of every kind
_DATES, _WHO, _WHAT = "admin.audit.dates", "admin.audit.who", "admin.audit.what"
_PAGES, _DETAILS = "admin.audit.pages", "admin.audit.details"
_AHEAD = "admin.audit.ahead"  # how many pages before the one of the address are still to be read
_MOST_PAGES = 200  # to which an address leads
_EARLIEST = timedelta(days=3660)
PARAMETERS = ("from", "to", "who", "what", "page")


def adopt(values: Mapping[str, str]) -> None:
    """Shows the dates, the filters and the page of the address."""
    state = st.session_state
    dates: tuple[Date, ...] = ()
    with suppress(KeyError, ValueError):
        dates = tuple(sorted(Date.fromisoformat(values[name]) for name in ("from", "to")))
    state[_DATES] = dates
    state[_WHO], state[_WHAT] = values.get("who"), values.get("what")
    state[_PAGES], state[_AHEAD] = [], min(widgets.page_of(values), _MOST_PAGES - 1)


def show(shared: Services) -> None:
    """Draws the section."""
    state = st.session_state
    for name, value in ((_DATES, ()), (_WHO, None), (_WHAT, None), (_PAGES, []), (_AHEAD, 0)):
        state.setdefault(name, value)
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
    st.session_state[_AHEAD] = 0


def _clear(dates: tuple[Date, Date]) -> None:
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
        if not st.session_state[_DATES]:
            st.session_state[_DATES] = usual
        st.date_input(
            "Dates",
            format=formats.date_field(),
            width=250,
            **fields.dated(_DATES, today - _EARLIEST, today + timedelta(days=1), _first_page),
        )
        who = st.selectbox(
            "By whom",
            format_func=lambda id: f"{people.get(id, id)} · {id}",
            placeholder="Everybody",
            width=220,
            **fields.chosen(_WHO, list(people), _first_page),
        )
        what = st.selectbox(
            "What",
            format_func=texts.kind,
            placeholder="Everything",
            width=170,
            **fields.chosen(_WHAT, subjects, _first_page),
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


def _write_address(filters: dict[str, Any], today: Date) -> None:
    usual = filters["first"] == today - timedelta(days=_DAYS - 1) and filters["last"] == today
    state = st.session_state
    url_state.write(
        {
            "section": "audit",
            "from": "" if usual else filters["first"].isoformat(),
            "to": "" if usual else filters["last"].isoformat(),
            "who": filters["who"] or "",
            "what": filters["what"] or "",
            "page": widgets.page_in_address(len(state[_PAGES])),
        }
    )


def _read_ahead(shared: Services, filters: dict[str, Any], by: Actor) -> None:
    """Reads the pages before the one of the address, once; as many as there are."""
    state = st.session_state
    ahead, state[_AHEAD] = state[_AHEAD], 0
    for _ in range(ahead):
        after = state[_PAGES][-1] if state[_PAGES] else None
        found = find_changes(shared.db, by=by, **filters, after=after, limit=PAGE + 1)
        if len(found) <= PAGE:
            break
        state[_PAGES] = [*state[_PAGES], found[PAGE - 1]]


def _listing(shared: Services, filters: dict[str, Any]) -> None:
    state = st.session_state
    try:
        by = _admin()
        _read_ahead(shared, filters, by)
        pages = state[_PAGES]
        after = pages[-1] if pages else None
        key = ("audit", tuple(filters.values()), after and after.place)
        found = shared.cached(
            _ALL,
            key,
            lambda: find_changes(shared.db, by=by, **filters, after=after, limit=PAGE + 1),
        )
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    _write_address(filters, shared.now().date())
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
