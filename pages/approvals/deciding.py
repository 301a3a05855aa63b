"""Decisions of the Approvals screen: the actions, the dialog for a reason, and the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    WaitingEntry,
    approve,
    approve_series,
    check_reason,
    find_series,
    get_booking,
    reject,
    reject_series,
    revoke,
)
from pages.approvals import line, queue_rows
from pages.shared.auth import session
from pages.shared.layout import undoing
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, series_texts, waiting_texts
from pages.shared.text.series_texts import SERIES

# Id of a row -> its bookings (by their ids) as the user saw them.
Rows = Mapping[str, Mapping[str, Booking]]
_ACTIONS = {"reject": reject, "revoke": revoke}
_DONE = {"approve": "approved", "reject": "rejected", "revoke": "revoked"}
_REASON = "approvals.reason"
_REFUSED = "approvals.refused"  # the reason was missing or wrong when the button was pressed
_GIVEN = "approvals.given_back"  # sentences: the new holder of each slot
_IN_DIALOG = 10  # rows that a dialog lists
_IN_TOAST = 2  # sentences about the waiting list; Streamlit cuts a longer toast


def shown_of(rows: Sequence[queue_rows.Row]) -> dict[str, dict[str, Booking]]:
    """The bookings of each row that is drawn now."""
    return {queue_rows.id_of(row): {one.id: one for one in row} for row in rows}


def decide(shared: Services, action: str, rows: Rows, reason: str = "") -> None:
    """Decides each row on its own, so that a conflict of one does not stop the others.

    All dates of a series are decided, or none. A booking is not approved if its slot or its people
    have changed since the list was shown.
    """
    conflicts: list[tuple[str, str]] = []
    ended: list[Booking] = []  # which can be undone one by one
    done, given = 0, []
    for id, shown in rows.items():
        try:
            held = _held(shared, action, id)
            seen = shown.get(id)
            if held and seen and (made := line.give_at_once(shared, seen, reason)) is not None:
                given.append(waiting_texts.has(made))
                done += 1
                continue
            goes_on = _goes_on(shared, action, id, shown)
            with shared.change():
                decided = decide_row(shared, action, id, shown, reason)
        except BookingError as exc:
            conflicts.append((id, messages.error(exc)))
            continue
        if held and (now_held := line.give(shared, *held)) is not None:
            given.append(waiting_texts.has(now_held))
            done += len(decided)
        elif action == "approve" or goes_on:
            done += len(decided)
        else:
            ended += decided
    if ended:
        undoing.offer(shared, ended, f"{formats.number(len(ended))} {_DONE[action]}.")
    st.session_state[queue_rows.OUTCOME] = (action, done, conflicts, False)
    st.session_state[_GIVEN] = given


def _held(
    shared: Services, action: str, id: str
) -> tuple[Booking, tuple[WaitingEntry, ...]] | None:
    """The booking that is given back, and who waits on its day; None where nobody does."""
    if action == "approve" or id.startswith(SERIES):
        return None
    booking = get_booking(shared.db, id)
    waiting = shared.boards.get(booking.date, shared.now()).waiting
    return (booking, waiting) if waiting else None


def _goes_on(shared: Services, action: str, id: str, shown: Mapping[str, Booking]) -> bool:
    """Whether who waits has a slot of this series in a moment: there is nothing to undo then."""
    if action == "approve" or not id.startswith(SERIES):
        return False
    return undoing.is_waited_for(shared, list(shown.values()))


def decide_row(
    shared: Services, action: str, id: str, shown: Mapping[str, Booking], reason: str = ""
) -> Sequence[Booking]:
    """Decides one row; the bookings that are decided. Raises a BookingError."""
    by = session.actor()
    if id.startswith(SERIES):
        if not shown:  # the window has shown an older list
            raise ChangedMeanwhile("the dates of this series")
        series_id = id.removeprefix(SERIES)
        if action == "approve":
            return approve_series(shared.db, series_id, by=by, expected=shown)
        return reject_series(shared.db, series_id, by=by, reason=reason, expected=shown)
    if action == "approve":
        if id not in shown:
            raise ChangedMeanwhile("this request")
        return [approve(shared.db, id, by=by, reason=reason, expected=shown[id])]
    return [_ACTIONS[action](shared.db, id, by=by, reason=reason)]


def show_outcome(shared: Services) -> None:
    """Shows the result of the last decision, with a line for each row with a conflict."""
    state = st.session_state
    action, done, conflicts, is_shown = state.get(queue_rows.OUTCOME, ("", 0, [], True))
    if not action:
        return
    word = _DONE[action]
    if done and not is_shown:
        said = " ".join([f"{done} {word}.", *state.get(_GIVEN, ())[:_IN_TOAST]])
        st.toast(formats.literal(said), icon=":material/check:")
    if conflicts and not is_shown:  # the lines are below the list, which may be out of sight
        count = len(conflicts)
        st.toast(f"{count} could not be {word}: see below the list.", icon=":material/group:")
    state[queue_rows.OUTCOME] = (action, done, conflicts, True)
    for id, text in conflicts:
        st.warning(formats.literal(_name(shared, id) + text), icon=":material/group:")


def _name(shared: Services, id: str) -> str:
    try:
        if id.startswith(SERIES):
            dates = queue_rows.series(shared, id.removeprefix(SERIES))
            return f"{dates[0].party_name}, {series_texts.rhythm(dates)}: "
        booking = shared.booking(id)
        return f"{booking.party_name}, {formats.when(booking, shared.now().date())}: "
    except BookingError:
        return ""


def ask(shared: Services, action: str, rows: Rows) -> None:
    """Opens the dialog that asks for the reason of a decision."""
    # Set and not removed: the browser would send the reason of the previous dialog again.
    st.session_state[_REASON], st.session_state[_REFUSED] = "", False
    count = sum(len(shown) or 1 for shown in rows.values())
    label = f"{action.capitalize()} {f'{count} bookings' if count > 1 else 'this booking'}"
    st.dialog(f"{label}?")(_give_reason)(shared, action, rows, label)


def _give_reason(shared: Services, action: str, rows: Rows, label: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    is_one = sum(len(shown) or 1 for shown in rows.values()) == 1
    st.markdown(f"{_consequence(shared, rows, is_one)} The reason stays in the history.")
    for id in [*rows][:_IN_DIALOG]:
        try:
            st.text(_line(shared, id, rows[id]))
        except BookingError as exc:
            st.error(formats.literal(messages.error(exc)))
    if len(rows) > _IN_DIALOG:
        st.caption(f"and {len(rows) - _IN_DIALOG} other rows that you have selected")
    # Live, so that an error goes while the user mends the reason.
    reason = st.text_input(
        "Reason",
        key=_REASON,
        persist_state="session",
        max_chars=500,
        placeholder="Exam week, rain, …",
        live=True,
    )
    problem = _problem_of(reason)
    if problem and st.session_state.get(_REFUSED):
        st.error(formats.literal(problem))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="approvals.back"):
            st.rerun()
        if st.button(label, key="danger_approvals.do", type="primary"):
            if problem:
                st.session_state[_REFUSED] = True
                st.rerun(scope="fragment")
            decide(shared, action, rows, reason)
            st.rerun()


def _consequence(shared: Services, rows: Rows, is_one: bool) -> str:
    """What becomes of the slots, as markdown."""
    first = None
    for id in rows:
        with suppress(BookingError):  # the list below says it
            if not id.startswith(SERIES):
                first = first or line.next_after(shared, get_booking(shared.db, id))
    if first is None:
        return f"What {'it holds' if is_one else 'they hold'} is free for others at once."
    if is_one:
        return formats.literal(waiting_texts.would_have(first, shared.reference()))
    return "What they hold is free at once, first for those on the waiting list."


def _line(shared: Services, id: str, shown: Mapping[str, Booking]) -> str:
    """What a row holds, as stored now."""
    grounds = shared.reference().grounds
    if id.startswith(SERIES):
        found = find_series(shared.db, id.removeprefix(SERIES))
        dates = [booking for booking in found if booking.id in shown]
        if not dates:  # the window has shown an older list
            raise ChangedMeanwhile("the dates of this series")
        where = series_texts.places(dates, grounds)
        when = f"{series_texts.rhythm(dates)}, {series_texts.dates_of(dates)}"
        return f"{series_texts.whom_of(dates)}: {dates[0].game}, {where}, {when}"
    booking = get_booking(shared.db, id)
    return (
        f"{booking.whom}: {booking.game}, {payloads.slot_title(booking.slot, grounds)}, "
        f"{formats.when(booking, shared.now().date())}"
    )


def _problem_of(reason: str) -> str:
    """Why the reason cannot be stored; "" if it can."""
    if not reason.strip():
        return "Give a reason."
    try:
        check_reason(reason)
    except InvalidRequest as exc:
        return messages.error(exc)
    return ""
