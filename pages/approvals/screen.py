"""The Approvals screen: approve, reject and revoke, one booking or several at once."""

from collections.abc import Mapping
from datetime import datetime

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    InvalidRequest,
    NotFound,
    Slot,
    approve,
    approved_upcoming,
    check_reason,
    decided_lately,
    get_booking,
    may,
    reject,
    revoke,
    weeks_of,
)
from booking_core.live import Scope
from pages.approvals import delegation
from pages.shared.auth import session
from pages.shared.components import choices, elements
from pages.shared.layout import booking_details, header, waiting
from pages.shared.live import fragment, runtime, screen_user, url_state
from pages.shared.text import formats, messages, payloads

shared = runtime.start()
state = st.session_state
ACTIONS = {"reject": reject, "revoke": revoke}
UPCOMING = 200  # bookings to revoke
DECIDED = 50  # bookings decided lately
_IN_DIALOG = 10  # bookings that a dialog lists
TABS = ("Waiting", "Approved, upcoming", "Decided")
IN_ADDRESS = dict(zip(("", "upcoming", "decided"), TABS, strict=True))
NOTHING = {
    TABS[0]: ("Nothing is waiting", "New requests appear here by themselves."),
    TABS[1]: ("Nothing approved lies ahead", "What is approved can be revoked here."),
    TABS[2]: ("Nothing was decided lately", "What is approved, rejected or revoked appears here."),
}
viewer = session.actor()  # for display only: an action reads its actor again
TAB, FIRST_TAB, REASON = url_state.field("approvals.tab"), "approvals.tab", "approvals.reason"
REFUSED = "approvals.refused"  # the reason was missing or wrong when the button was pressed
state.setdefault("approvals.shown", None)  # ids in the order in which they were first shown
if url_state.is_entered():
    state[FIRST_TAB] = TABS[0]

if may("delegate", viewer):
    with header.with_controls(shared, "Approvals", "control_approvals"):
        delegation.button(shared)
else:
    header.show(shared, "Approvals")


def decide(
    action: str, ids: list[str], reason: str = "", seen: Mapping[str, Slot] | None = None
) -> None:
    """Decides each booking on its own, so that a conflict of one does not stop the others.

    ``seen``: the slot of each request as shown to the user. A request that has moved since is not
    approved.
    """
    by = session.actor()
    conflicts = []
    done = 0
    for booking_id in ids:
        try:
            with shared.change():
                if action == "approve":
                    expected = seen.get(booking_id) if seen else None
                    approve(shared.db, booking_id, by=by, reason=reason, expected=expected)
                else:
                    ACTIONS[action](shared.db, booking_id, by=by, reason=reason)
            done += 1
        except BookingError as exc:
            conflicts.append((booking_id, messages.error(exc)))
    state["approvals.outcome"] = (action, done, conflicts, False)


def show_new() -> None:
    state["approvals.shown"] = None
    state.pop("approvals.outcome", None)


def adopt(values: Mapping[str, str]) -> None:
    """Shows the tab of the address; Waiting for an unknown one."""
    tab = IN_ADDRESS.get(values.get("tab", ""), TABS[0])
    state[FIRST_TAB] = tab
    show_new()


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
            TABS,
            default=state[FIRST_TAB],
            required=True,
            key=TAB,
            label_visibility="collapsed",
            on_change=show_new,
        )
        tab = choices.option(TAB, TABS)
        # Not in the labels: Streamlit ignores a press of an option whose label has just changed.
        st.caption(
            f"{formats.up_to(len(requests), waiting.LIMIT)} waiting · "
            f"{formats.up_to(len(upcoming), UPCOMING)} approved ahead",
            width="content",
        )
        url_state.write({"tab": next(name for name, of in IN_ADDRESS.items() if of == tab)})
        if tab == TABS[0]:
            shown, is_cut = requests[: waiting.LIMIT], len(requests) > waiting.LIMIT
            rows = with_stable_order(shown)
        elif tab == TABS[1]:
            rows, is_cut = upcoming[:UPCOMING], len(upcoming) > UPCOMING
        else:
            rows = shared.cached(
                Scope.BOOKINGS, "decided", lambda: decided_lately(shared.db, limit=DECIDED + 1)
            )
            rows, is_cut = rows[:DECIDED], len(rows) > DECIDED
    if not rows:
        with st.container(border=True, key="card_approvals_empty"):
            title, hint = NOTHING[tab]
            st.markdown(f"##### {title}")
            st.caption(hint)
        return
    weeks = shared.cached(
        Scope.BOOKINGS, ("weeks", tuple(b.id for b in rows)), lambda: weeks_of(shared.db, rows)
    )
    now, known = shared.now(), shared.reference()  # of this run: a live update has newer grounds
    last_column = "That week" if tab == TABS[0] else "Status"
    payload = {
        "caption": tab,
        "kind": "decisions",
        "columns": ["When", "Ground and game", "For", "Asked by", last_column],
        "rows": [
            payloads.decision_row(b, weeks.get(b.id, []), known.grounds, now, known.policy)
            for b in rows
        ],
        "bulk": [
            {"name": "reject", "label": "Reject {}…", "tone": ""},
            {"name": "approve", "label": "Approve {}", "tone": "go"},
        ],
        "live": shared.is_live,
    }
    # A press refers to the list of the previous run; this run may have read newer slots.
    seen = state.get("approvals.seen", {})
    state["approvals.seen"] = {booking.id: booking.slot for booking in rows}
    acted = elements.action_list(payload, key=f"approvals.list.{TABS.index(tab)}")
    if is_cut:
        show_rest(tab, len(rows))
    show_outcome()
    if acted is not None:
        if acted["action"] == "approve":
            decide("approve", acted["ids"], seen=seen)
            st.rerun(scope="fragment")
        state["approvals.asked"] = (acted["action"], acted["ids"])
        st.rerun()


def show_rest(tab: str, shown: int) -> None:
    """Says that the list ends before its last booking, and where the others are."""
    if tab == TABS[0]:
        st.caption(f"The first {shown} requests. Others appear once these are decided.")
        return
    which = "next" if tab == TABS[1] else "latest"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"The {which} {shown}. All are on Bookings.", width="content")
        st.page_link("bookings/screen.py", label="Open Bookings", icon=":material/list_alt:")


def with_stable_order(requests: list[Booking]) -> list[Booking]:
    """The rows of the queue in the order first shown, so that no row moves under the pointer.

    Decided bookings keep their row, and new ones are hidden, until the user presses a button.
    """
    current = {booking.id: booking for booking in requests}
    if state["approvals.shown"] is None:
        state["approvals.shown"] = list(current)
    shown = state["approvals.shown"]
    new = [i for i in current if i not in set(shown)]
    if new and not shown:
        state["approvals.shown"] = shown = list(current)
        new = []
    decided = sum(i not in current for i in shown)
    if new:
        st.button(f"{len(new)} new – show", key="approvals.new", on_click=show_new, type="primary")
    if decided:
        st.button(f"Tidy away {decided} decided", key="approvals.tidy", on_click=show_new)
    rows = []
    for booking_id in shown:
        try:
            rows.append(current.get(booking_id) or cached_booking(booking_id))
        except NotFound:
            continue
    return rows


def cached_booking(booking_id: str) -> Booking:
    """Raises NotFound and StoreUnavailable."""
    return shared.cached(
        Scope.BOOKINGS, ("booking", booking_id), lambda: get_booking(shared.db, booking_id)
    )


def show_outcome() -> None:
    """Shows the result of the last decision, with a line for each booking with a conflict."""
    action, done, conflicts, is_shown = state.get("approvals.outcome", ("", 0, [], True))
    if not action:
        return
    word = {"approve": "approved", "reject": "rejected", "revoke": "revoked"}[action]
    if done and not is_shown:
        st.toast(f"{done} {word}.", icon=":material/check:")
    if conflicts and not is_shown:  # the lines are below the list, which may be out of sight
        count = len(conflicts)
        st.toast(f"{count} could not be {word}: see below the list.", icon=":material/group:")
    state["approvals.outcome"] = (action, done, conflicts, True)
    for booking_id, text in conflicts:
        try:
            booking = cached_booking(booking_id)
            name = f"{booking.party_name}, {formats.when(booking, shared.now().date())}: "
        except BookingError:
            name = ""
        st.warning(formats.literal(name + text), icon=":material/group:")


def ask(action: str, ids: list[str]) -> None:
    """Opens the dialog that asks for the reason of a decision."""
    many = len(ids) > 1
    # Set and not removed: the browser would send the reason of the previous dialog again.
    state[REASON], state[REFUSED] = "", False
    label = f"{action.capitalize()} {f'{len(ids)} bookings' if many else 'this booking'}"
    st.dialog(f"{label}?")(give_reason)(action, ids, label)


def give_reason(action: str, ids: list[str], label: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    st.markdown(
        f"What {'they hold' if len(ids) > 1 else 'it holds'} is free for others at once. "
        "The reason stays in the history."
    )
    for booking_id in ids[:_IN_DIALOG]:
        try:
            booking = get_booking(shared.db, booking_id)
        except BookingError as exc:
            st.error(formats.literal(messages.error(exc)))
            continue
        st.text(
            f"{booking.whom}: {booking.game}, "
            f"{payloads.slot_title(booking.slot, shared.reference().grounds)}, "
            f"{formats.when(booking, shared.now().date())}"
        )
    if len(ids) > _IN_DIALOG:
        st.caption(f"and {len(ids) - _IN_DIALOG} others that you have selected")
    # Live, so that an error goes while the user mends the reason.
    reason = st.text_input(
        "Reason", key=REASON, max_chars=500, placeholder="Exam week, rain, …", live=True
    )
    problem = problem_of(reason)
    if problem and state.get(REFUSED):
        st.error(formats.literal(problem))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="approvals.back"):
            st.rerun()
        if st.button(label, key="danger_approvals.do", type="primary"):
            if problem:
                state[REFUSED] = True
                st.rerun(scope="fragment")
            decide(action, ids, reason)
            st.rerun()


def problem_of(reason: str) -> str:
    """Why the reason cannot be stored; "" if it can."""
    if not reason.strip():
        return "Give a reason."
    try:
        check_reason(reason)
    except InvalidRequest as exc:
        return messages.error(exc)
    return ""


def screen() -> datetime:
    """Draws the lists; returns when the clock alone changes them."""
    queue()
    return shared.next_mark()


fragment.live(shared, "approvals", screen)
if asked := state.pop("approvals.asked", None):
    action, ids = asked
    if action == "details":
        booking_details.dialog(shared, ids[0])
    else:
        ask(action, ids)
