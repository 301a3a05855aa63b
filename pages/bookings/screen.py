"""The Bookings screen: find bookings, read their history, move, cancel and export them."""

from datetime import timedelta

import streamlit as st

from booking_core import (
    BookingError,
    Notice,
    Scope,
    Status,
    StoreUnavailable,
    cancel,
    classes_of,
    end_early,
    find_bookings,
    get_booking,
    mark_read,
    notices_for,
)
from booking_core.insight import exports
from pages.bookings import move
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.components.student_box import student_box
from pages.shared.layout import booking_details, export_dialog
from pages.shared.live import fragment, runtime
from pages.shared.text import formats, messages, payloads

PAGE = 50  # bookings on a page of the list
NOTICES = 50  # that "Dismiss all" dismisses at most
shared = runtime.start()
by = session.actor()
known = shared.reference()
today = shared.now().date()
state = st.session_state


def first_page() -> None:
    state["bookings.pages"] = []  # the last booking of each previous page


# Streamlit drops the filters when the user leaves the screen, so the list starts at its first page.
if "bookings.dates" not in state or "bookings.pages" not in state:
    first_page()


def clear_filters() -> None:
    # Set and not removed: the browser would send the old value of a removed key again.
    state["bookings.dates"] = ()
    for key in ("ground", "status", "student", "class"):
        state[f"bookings.{key}"] = None
    state["bookings.student.find"] = ""
    first_page()


title, status_side = st.columns([2.4, 7], vertical_alignment="center")
title.title("Bookings", anchor=False)
with status_side:
    fragment.line(shared)
session.demo_note(shared)

with st.container(
    horizontal=True, vertical_alignment="bottom", gap="xsmall", key="filters_bookings"
):
    dates = st.date_input(
        "Dates",
        value=(),
        key="bookings.dates",
        format=formats.date_field(),
        on_change=first_page,
        width=250,
        min_value=today - timedelta(days=3660),
        max_value=today + timedelta(days=400),
    )
    ground = st.selectbox(
        "Ground",
        list(known.grounds),
        index=None,
        key="bookings.ground",
        format_func=lambda i: known.grounds[i].name,
        placeholder="All",
        on_change=first_page,
        width=160,
    )
    status = st.selectbox(
        "Status",
        list(Status),
        index=None,
        key="bookings.status",
        format_func=lambda s: messages.STATUS[s],
        placeholder="All",
        on_change=first_page,
        width=130,
    )
    student = student_box(
        known,
        key="bookings.student",
        placeholder="All",
        on_change=first_page,
        width=190,
        find_width=140,
    )
    class_name = st.selectbox(
        "Class",
        list(classes_of(known.students.values(), active=None)),
        index=None,
        key="bookings.class",
        placeholder="All",
        on_change=first_page,
        width=105,
    )
    st.button("Clear", key="bookings.clear", on_click=clear_filters, type="tertiary")
    filters = {
        "date_from": dates[0] if dates else None,
        "date_to": dates[1] if len(dates) > 1 else None,
        "ground_id": ground,
        "status": status,
        "student_id": student,
        "class_name": class_name,
    }
    export_dialog.button(
        shared,
        "bookings.export",
        "bookings",
        lambda actor: exports.bookings(shared.db, by=actor, **filters),
    )


def show_notices() -> None:
    """Shows the notices of the user that are not dismissed yet."""
    reader = by.id
    try:
        notices = shared.cached(
            Scope.NOTICES,
            ("notices", reader),
            lambda: notices_for(shared.db, reader, limit=NOTICES + 1),
        )
    except StoreUnavailable:
        return
    if not notices:
        return
    with st.container(border=True, gap="small", key="card_notices"):
        for notice in notices[:4]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                icon = "undo" if notice.kind == "reinstated" else "block"
                text = payloads.notice(notice, known.grounds, today)
                st.markdown(f":material/{icon}: {text}", width="stretch")
                about = f"Dismiss: {payloads.slot_title(notice.slot, known.grounds)}"
                st.button(
                    "Dismiss",
                    key=f"bookings.dismiss.{notice.id}",
                    type="tertiary",
                    help=formats.literal(about),
                    on_click=dismiss,
                    args=([notice],),
                )
        if len(notices) > 1:
            more = formats.up_to(len(notices) - 4, NOTICES - 4)
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="right"
            ):
                if len(notices) > 4:
                    st.caption(f"and {more} more", width="content")
                st.button(
                    "Dismiss all",
                    key="bookings.dismiss_all",
                    type="tertiary",
                    on_click=dismiss,
                    args=(notices,),
                )


def dismiss(notices: list[Notice]) -> None:
    try:
        with shared.change():
            mark_read(shared.db, [notice.id for notice in notices], by=session.actor())
    except BookingError as exc:
        st.toast(formats.literal(messages.error(exc)), icon=":material/error:")


def screen() -> None:
    show_notices()
    listing()


def listing() -> None:
    pages = state["bookings.pages"]
    after = pages[-1] if pages else None
    key = ("bookings", tuple(filters.values()), after.id if after else None)
    found = shared.cached(
        Scope.BOOKINGS,
        key,
        lambda: find_bookings(shared.db, **filters, after=after, limit=PAGE + 1),
    )
    shown = found[:PAGE]
    if not shown:
        with st.container(border=True, key="card_bookings_empty"):
            if any(filters.values()):
                st.markdown("##### No bookings match")
                st.caption("Choose other filters, or clear them.")
            else:
                st.markdown("##### No bookings yet")
                st.caption("Book a ground, and it appears here at once.")
        return
    now = shared.now()
    payload = {
        "caption": "Bookings, newest first",
        "columns": ["When", "Ground and game", "Student", "Asked by", "Status"],
        "rows": [payloads.booking_row(b, by, known.grounds, now) for b in shown],
        "bulk": [],
        "kind": "wide",
        "live": shared.is_live,
    }
    acted = elements.action_list(payload, key="bookings.list")
    if acted is not None:
        chosen = acted["ids"][0]
        state[f"bookings.{acted['action']}"] = chosen
        st.rerun()
    first = len(pages) * PAGE + 1
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{first}–{first + len(shown) - 1}, newest first", width="content")
        if st.button("Newer", key="bookings.newer", disabled=not pages):
            state["bookings.pages"] = pages[:-1]
            st.rerun(scope="fragment")
        if st.button("Older", key="bookings.older", disabled=len(found) <= PAGE):
            state["bookings.pages"] = [*pages, shown[-1]]
            st.rerun(scope="fragment")


@st.dialog("Cancel this booking?")
def confirm_cancel(booking_id: str) -> None:
    by = session.actor()
    try:
        booking = get_booking(shared.db, booking_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.markdown("The slot is free for others at once. The booking stays on record as cancelled.")
    st.text(payloads.in_brief(booking, known.grounds, today))
    reason = st.text_input("Reason (optional)", key="bookings.reason", max_chars=500)
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="bookings.keep"):
            st.rerun()
        if st.button("Cancel booking", key="danger_bookings.cancel", type="primary"):
            try:
                with shared.change():
                    cancel(shared.db, booking_id, by=by, reason=reason)
            except BookingError as exc:
                failed.error(formats.literal(messages.error(exc)))
            else:
                st.toast("Booking cancelled. The slot is free.", icon=":material/check:")
                st.rerun()


@st.dialog("End this booking now?")
def confirm_end(booking_id: str) -> None:
    by = session.actor()
    try:
        booking = get_booking(shared.db, booking_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.markdown(
        "It ends at the next five-minute mark. The periods after that are free for others at once. "
        "It still counts as one of the student's bookings of this week."
    )
    st.text(payloads.in_brief(booking, known.grounds, today))
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Let it run", key="bookings.keep"):
            st.rerun()
        if st.button("End now", key="danger_bookings.end", type="primary"):
            try:
                with shared.change():
                    ended = end_early(shared.db, booking_id, by=by)
            except BookingError as exc:
                failed.error(formats.literal(messages.error(exc)))
            else:
                text = f"The booking ends at {formats.clock(ended.end)}."
                st.toast(text, icon=":material/check:")
                st.rerun()


fragment.live(shared, "bookings", screen)
if chosen := state.pop("bookings.cancel", None):
    confirm_cancel(chosen)
elif chosen := state.pop("bookings.move", None):
    move.begin()
    move.dialog(shared, chosen)
elif chosen := state.pop("bookings.end_early", None):
    confirm_end(chosen)
elif chosen := state.pop("bookings.details", None):
    booking_details.dialog(shared, chosen)
