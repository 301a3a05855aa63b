"""The Bookings screen: find bookings, read their history, move, cancel and export them."""

from datetime import datetime
from functools import partial

import streamlit as st

from booking_core import (
    Actor,
    BookingError,
    InvalidRequest,
    Status,
    classes_of,
    count_bookings,
    end_early,
    find_bookings,
    get_booking,
)
from booking_core.live import Scope
from booking_core.reports import export_bookings
from pages.bookings import cancelling, for_whom, move, subscribing, swapping, view, waiting
from pages.shared.auth import session
from pages.shared.components import elements, fields
from pages.shared.layout import (
    answering,
    booking_details,
    confirmation,
    export_dialog,
    header,
    pager,
    replacing,
    undoing,
)
from pages.shared.live import fragment, runtime, screen_user
from pages.shared.text import formats, messages, payloads

MOST = 200  # bookings that are counted
shared = runtime.start()
by = session.actor()
known = shared.reference()
today = shared.now().date()
state = st.session_state
classes = classes_of(known.students.values(), active=None)
view.open_view(by, known, classes, today)
shown = view.current()

header.show(shared, "Bookings")


def filter_fields() -> None:
    """The fields that are set less often than the others."""
    first_day, last_day = view.days_allowed(today)
    st.segmented_control(
        "Order",
        required=True,
        **fields.pressed(view.KEYS["order"], (view.BY_DATE, view.BY_REQUEST), view.first_page),
    )
    st.date_input(
        "Dates",
        format=formats.date_field(),
        help="They take the place of Upcoming and Past.",
        **fields.dated(view.KEYS["dates"], first_day, last_day, view.first_page),
    )
    st.selectbox(
        "Ground",
        format_func=lambda i: known.grounds[i].name,
        placeholder="All",
        **fields.chosen(view.KEYS["ground"], list(known.grounds), view.first_page),
    )
    st.selectbox(
        "Status",
        format_func=lambda s: messages.STATUS[s],
        placeholder="All",
        **fields.chosen(view.KEYS["status"], list(Status), view.first_page),
    )
    st.selectbox(
        "Class",
        placeholder="All",
        **fields.chosen(view.KEYS["class_name"], list(classes), view.first_page),
    )
    st.button(
        "Clear filters",
        key="bookings.clear",
        on_click=view.clear_filters,
        disabled=not shown.filters_set,
    )


with st.container(
    horizontal=True, vertical_alignment="center", gap="small", key="filters_bookings"
):
    st.text_input(
        "Search",
        type="search",
        icon=":material/search:",
        placeholder="Student, roll number or reference",
        label_visibility="collapsed",
        max_chars=view.MOST_SEARCHED,
        **fields.typed(view.KEYS["search"], view.first_page),
    )
    st.segmented_control(
        "Whose",
        required=True,
        label_visibility="collapsed",
        **fields.pressed(view.KEYS["whose"], (view.MINE, view.EVERYBODY), view.first_page),
    )
    st.segmented_control(
        "When",
        required=True,
        label_visibility="collapsed",
        disabled=bool(shown.dates),
        **fields.pressed(view.KEYS["when"], (view.UPCOMING, view.PAST), view.first_page),
    )
    count_set = f" · {shown.filters_set}" if shown.filters_set else ""
    with st.popover(f"Filters{count_set}", icon=":material/tune:", key="bookings.filters"):
        filter_fields()
    export_dialog.button(
        shared,
        "bookings.export",
        "bookings",
        lambda actor: export_bookings(
            shared.db, now=shared.mark(), **view.current().asked(actor, shared.reference())
        ),
    )
    subscribing.button(shared)


def screen() -> datetime | None:
    """Draws the lists; returns when the clock alone changes one of them next."""
    ends = None
    if view.current().when == view.UPCOMING:
        swapping.listing(shared, by)
        ends = waiting.listing(shared, by)
    listing()
    view.write_address(by)  # here, because Next and Previous draw this part alone
    changes_at = min(filter(None, (ends, shared.next_mark())), key=datetime.timestamp)
    return undoing.show(shared, changes_at)


def listing() -> None:
    """Draws a page of the list, and how many bookings there are."""
    grounds, mark = shared.reference().grounds, shared.mark()
    shown = view.current()
    try:
        asked = shown.asked(by, shared.reference())
    except InvalidRequest as exc:
        with st.container(border=True, key="card_bookings_empty"):
            st.markdown(f"##### {formats.literal(messages.error(exc))}")
            st.caption("Type more of the name, or the roll number.")
        return
    key = tuple((name, str(value)) for name, value in asked.items())
    after = view.last_before(
        lambda last, limit: find_bookings(shared.db, **asked, now=mark, after=last, limit=limit)
    )
    page = view.current().page
    found = shared.cached(
        Scope.BOOKINGS,
        ("bookings", key, after.id if after else None, mark),
        lambda: find_bookings(shared.db, **asked, now=mark, after=after, limit=view.PAGE + 1),
    )
    rows, is_last = found[: view.PAGE], len(found) <= view.PAGE
    if not rows and page == 1:
        with st.container(border=True, key="card_bookings_empty"):
            heading, hint = payloads.no_bookings(
                is_narrowed=shown.is_narrowed,
                is_mine=shown.whose == view.MINE,
                is_past=shown.when == view.PAST,
            )
            st.markdown(f"##### {heading}")
            st.caption(hint)
        return
    total = len(rows)
    if page > 1 or not is_last:
        counted = {name: value for name, value in asked.items() if name != "order"}
        total = shared.cached(
            Scope.BOOKINGS,
            ("bookings counted", key, mark),
            lambda: count_bookings(shared.db, **counted, now=mark, most=MOST),
        )
    order = messages.ORDER[asked.get("order", "asked")]
    number = formats.up_to(total, MOST)
    st.caption(f"{number} booking{'' if total == 1 else 's'}, {order}")
    payload = {
        "caption": f"Bookings, {order}",
        "columns": ["When", "Ground and game", "For", "Asked by", "Status"],
        "rows": [payloads.booking_row(b, by, grounds, shared.now()) for b in rows],
        "bulk": [],
        "kind": "wide",
        "live": shared.is_live,
    }
    acted = elements.action_list(payload, key="bookings.list")
    if acted is not None:
        chosen = acted["ids"][0]
        state[f"bookings.{acted['action']}"] = chosen
        st.rerun()
    if page == 1 and is_last:
        return
    first = (page - 1) * view.PAGE + 1
    pager.show(
        f"{formats.number(first)}–{formats.number(first + len(rows) - 1)}"
        if rows
        else "No more bookings",
        "bookings",
        partial(view.turn_to, page - 1) if page > 1 else None,
        None if is_last else partial(view.turn_to, page + 1, rows[-1]),
    )


@st.dialog("End this booking now?")
def confirm_end(booking_id: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    try:
        booking = get_booking(shared.db, booking_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.markdown(
        "It ends at the next five-minute mark. The periods after that are free for others at once. "
        + ("It still counts as a booking of this week." if booking.quota_window else "")
    )
    st.text(payloads.in_brief(booking, shared.reference().grounds, shared.now().date()))

    def end(by: Actor) -> None:
        ended = end_early(shared.db, booking_id, by=by)
        st.toast(f"The booking ends at {formats.clock(ended.end)}.", icon=":material/check:")

    if confirmation.show(
        shared, ("Let it run", "bookings.keep"), ("End now", "danger_bookings.end"), end
    ):
        st.rerun()


def buttons(booking_id: str) -> None:
    """The buttons below the details of a booking."""
    for_whom.button(shared, booking_id)
    replacing.button(shared, booking_id)


fragment.live(shared, "bookings", screen)
if chosen := state.pop("bookings.cancel", None):
    cancelling.show(shared, chosen)
elif chosen := state.pop("bookings.move", None):
    move.begin()
    move.dialog(shared, chosen)
elif chosen := state.pop("bookings.answer", None):
    answering.show(shared, chosen)
elif chosen := state.pop("bookings.end_early", None):
    confirm_end(chosen)
elif chosen := state.pop("bookings.details", None):
    booking_details.dialog(shared, chosen, below=partial(buttons, chosen), again=True)
elif not (for_whom.show(shared) or replacing.show(shared) or swapping.show_dialog(shared, by)):
    waiting.show_dialog(shared, by)
