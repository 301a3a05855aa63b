"""The Approvals screen: approve, reject and revoke, one booking or several at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from booking_core import Booking, approved_upcoming, decided_lately, may, weeks_of
from booking_core.live import Scope
from pages.approvals import asking, deciding, delegation, line, queue_rows, series_dialog
from pages.shared.auth import session
from pages.shared.components import choices, elements, fields
from pages.shared.layout import booking_details, header, undoing, waiting
from pages.shared.live import fragment, runtime, url_state
from pages.shared.text import formats, payloads, series_texts

shared = runtime.start()
state = st.session_state
UPCOMING = 200  # bookings to revoke
DECIDED = 50  # bookings decided lately
LIST = "approvals.list"  # one for all tabs: a press may arrive when another tab is shown already
TABS = ("Waiting", "Approved, upcoming", "Decided")
IN_ADDRESS = dict(zip(("", "upcoming", "decided"), TABS, strict=True))
NOTHING = {
    TABS[0]: ("Nothing is waiting", "New requests appear here by themselves."),
    TABS[1]: ("Nothing approved lies ahead", "What is approved can be revoked here."),
    TABS[2]: ("Nothing was decided lately", "What is approved, rejected or revoked appears here."),
}
viewer = session.actor()  # for display only: an action reads its actor again
TAB = "approvals.tab"
if url_state.is_entered():
    state[TAB] = TABS[0]

if may("delegate", viewer):
    with header.with_controls(shared, "Approvals", "control_approvals"):
        delegation.button(shared)
else:
    header.show(shared, "Approvals")


def adopt(values: Mapping[str, str]) -> None:
    """Shows the tab of the address; Waiting for an unknown one."""
    state[TAB] = IN_ADDRESS.get(values.get("tab", ""), TABS[0])
    queue_rows.show_new()


url_state.read(("tab",), adopt)


def queue() -> None:
    delegation.note(shared, viewer)
    requests = waiting.requests(shared)
    mark = shared.mark()
    upcoming = shared.cached(
        Scope.BOOKINGS,
        ("upcoming", mark),
        lambda: approved_upcoming(shared.db, now=mark, limit=UPCOMING + 1),
    )
    # Buttons that appear later are beside the tabs, so that they do not move the list.
    with st.container(horizontal=True, vertical_alignment="center", key="head_approvals"):
        st.segmented_control(
            "Which",
            required=True,
            label_visibility="collapsed",
            **fields.pressed(TAB, TABS, queue_rows.show_new),
        )
        tab = choices.option(TAB, TABS)
        # Not in the labels: Streamlit ignores a press of an option whose label has just changed.
        st.caption(
            f"{waiting.counted(requests)} waiting · {_unanswered(requests)}"
            f"{formats.up_to(len(upcoming), UPCOMING)} approved ahead",
            width="content",
        )
        url_state.write({"tab": next(name for name, of in IN_ADDRESS.items() if of == tab)})
        if tab == TABS[0]:
            rows = queue_rows.in_stable_order(shared, queue_rows.waiting_rows_of(shared, requests))
            is_cut = len(requests) > waiting.LIMIT
        elif tab == TABS[1]:
            rows, is_cut = [(one,) for one in upcoming[:UPCOMING]], len(upcoming) > UPCOMING
        else:
            decided = shared.cached(
                Scope.BOOKINGS, "decided", lambda: decided_lately(shared.db, limit=DECIDED + 1)
            )
            rows, is_cut = [(one,) for one in decided[:DECIDED]], len(decided) > DECIDED
    # A press refers to the list of the previous run, also of another tab; this run may have read
    # newer slots.
    seen = state.get("approvals.seen", {})
    state["approvals.seen"] = deciding.shown_of(rows)
    acted = show_list(tab, requests, rows) if rows else show_nothing(tab)
    if is_cut:
        show_rest(tab, sum(map(len, rows)))
    deciding.show_outcome(shared)
    if acted is not None:
        pressed = {id: seen.get(id, {}) for id in acted["ids"]}
        if acted["action"] == "approve":
            deciding.decide(shared, "approve", pressed)
            st.rerun(scope="fragment")
        state["approvals.asked"] = (acted["action"], pressed)
        st.rerun()


def _unanswered(requests: Sequence[Booking]) -> str:
    count = sum(one.asked is not None for one in requests[: waiting.LIMIT])
    return f"{formats.number(count)} asked about · " if count else ""


def show_nothing(tab: str) -> dict[str, Any] | None:
    """Draws a card in place of an empty list; returns a press in the list before it."""
    with st.container(border=True, key="card_approvals_empty"):
        title, hint = NOTHING[tab]
        st.markdown(f"##### {title}")
        st.caption(hint)
    return elements.take_press(LIST)


def show_list(
    tab: str, requests: Sequence[Booking], rows: Sequence[Sequence[Booking]]
) -> dict[str, Any] | None:
    """Draws the list of a tab, a line for each of ``rows``; returns the press of a button."""
    # Of the dates of a series that are behind the end of a long list, nothing is said.
    known_ids = {request.id for request in requests[: waiting.LIMIT]}
    of_weeks = [one for row in rows for one in row if len(row) == 1 or one.id in known_ids]
    weeks = shared.cached(
        Scope.BOOKINGS,
        ("weeks", tuple(one.id for one in of_weeks)),
        lambda: weeks_of(shared.db, of_weeks),
    )
    now, known = shared.now(), shared.reference()  # of this run: a live update has newer grounds
    zone = shared.settings.zone
    behind = line.behind(shared, rows)
    last_column = "That week" if tab == TABS[0] else "Status"
    payload = {
        "caption": tab,
        "kind": "decisions",
        "columns": ["When", "Ground and game", "For", "Asked by", last_column],
        "rows": [
            series_texts.decision_row(
                row,
                weeks,
                known.grounds,
                now,
                zone,
                known.policy,
                queue_rows.term(known.year, row),
                behind.get(row[0].id, ""),
            )
            if len(row) > 1
            else payloads.decision_row(
                row[0],
                weeks.get(row[0].id, []),
                known.grounds,
                now,
                known.policy,
                queue_rows.term(known.year, row),
                behind.get(row[0].id, ""),
            )
            for row in rows
        ],
        "bulk": [
            {"name": "reject", "label": "Reject {}…", "tone": ""},
            {"name": "approve", "label": "Approve {}", "tone": "go"},
        ],
        "live": shared.is_live,
    }
    return elements.action_list(payload, key=LIST)


def show_rest(tab: str, shown: int) -> None:
    """Says that the list ends before its last booking, and where the others are."""
    if tab == TABS[0]:
        st.caption(f"{shown} requests are shown. Others appear once these are decided.")
        return
    which = "next" if tab == TABS[1] else "latest"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"The {which} {shown}. All are on Bookings.", width="content")
        st.page_link("bookings/screen.py", label="Open Bookings", icon=":material/list_alt:")


def screen() -> datetime | None:
    """Draws the lists; returns when the clock alone changes them."""
    queue()
    return undoing.show(shared, shared.next_mark())


fragment.live(shared, "approvals", screen)
if asked := state.pop("approvals.asked", None):
    action, pressed = asked
    [first, *_] = pressed
    if action == "ask":
        asking.show(shared, first)
    elif action != "details":
        deciding.ask(shared, action, pressed)
    elif first.startswith(series_texts.SERIES):
        series_dialog.show(shared, first.removeprefix(series_texts.SERIES))
    else:
        booking_details.dialog(shared, first)
