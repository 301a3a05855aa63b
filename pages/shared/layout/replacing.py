"""The dialog in which a user who may decide gives the slot of a booking to another party."""

from __future__ import annotations

from uuid import UUID, uuid4

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    BookingRequest,
    Slot,
    get_booking,
    keeps_approval,
    may,
    plan_replacement,
    replace_booking,
)
from pages.shared.auth import session
from pages.shared.components import fields
from pages.shared.layout import people_fields, slot_picker
from pages.shared.live import fragment, screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads
from pages.shared.text import replacing_texts as texts

_PREFIX = "replace."
_ASKED = f"{_PREFIX}asked"  # the id of the booking whose dialog opens in the next run
_DONE, _PROBLEM = f"{_PREFIX}done", f"{_PREFIX}problem"
_ID = f"{_PREFIX}id"  # the submission id of the open dialog: sent several times, it is one change
_GAME, _PURPOSE, _REASON = f"{_PREFIX}game", f"{_PREFIX}purpose", f"{_PREFIX}reason"
_AFTER = f"{_PREFIX}after"  # what becomes of the booking before
_LONGEST = 500  # characters of a reason, and of a purpose


def button(shared: Services, booking_id: str) -> None:
    """Draws the button that opens the dialog, for a user who may decide; below the facts of a
    booking that has not begun."""
    if not screen_user.decides():
        return
    try:
        booking = shared.booking(booking_id)
    except BookingError:
        return  # the dialog above says it
    if not booking.status.is_active or booking.slot.has_begun(shared.now(), shared.settings.zone):
        return
    if st.button(
        "Replace…",
        key=f"{_PREFIX}open",
        icon=":material/person_add:",
        width="stretch",
        help="Give this slot to another student, class or team",
        disabled=not shared.is_live,
    ):
        _begin(booking_id)
        st.rerun()


def show(shared: Services) -> bool:
    """Opens the dialog that was asked for; False for none."""
    booking_id: str | None = st.session_state.pop(_ASKED, None)
    if booking_id is not None:
        _dialog(shared, booking_id)
    return booking_id is not None


def _begin(booking_id: str) -> None:
    fields.clear(_PREFIX)
    # Set and not removed: the browser would send the choices of the previous dialog again.
    state = st.session_state
    state[f"{_PREFIX}party"] = state[f"{_PREFIX}supervisor"] = state[_GAME] = None
    state[f"{_PREFIX}more"], state[_PURPOSE], state[_REASON] = [], "", ""
    state[_AFTER] = texts.MOVE
    state[_ID], state[_ASKED] = uuid4(), booking_id


@st.dialog("Replace this booking")
def _dialog(shared: Services, booking_id: str) -> None:
    if (done := st.session_state.pop(_DONE, None)) is not None:
        st.toast(formats.literal(done), icon=":material/check:")
        st.rerun()
    session.actor()  # the dialog shows names, which need a session
    fragment.keep(shared, f"{_PREFIX}part", lambda: _body(shared, booking_id))


def _body(shared: Services, booking_id: str) -> None:
    by, known, today = screen_user.actor(), shared.reference(), shared.now().date()
    if _PROBLEM in st.session_state and (made := _made(shared)) is not None:
        # The press before was carried out, and its answer was lost.
        st.success(formats.literal(texts.made(made, known, today)), icon=":material/check:")
        return
    try:
        booking, proposed = plan_replacement(shared.db, booking_id, by=by)
    except BookingError as exc:
        st.info(formats.literal(messages.error(exc)), icon=":material/block:")
        return
    st.text(payloads.in_brief(booking, known.grounds, today))
    reason = st.text_input("Reason", key=_REASON, persist_state="session", max_chars=_LONGEST)
    people = people_fields.of_booking(shared, _PREFIX)
    game = _game(booking, known.ground(booking.ground_id).games)
    purpose = st.text_input(
        "Purpose (optional)", key=_PURPOSE, persist_state="session", max_chars=_LONGEST
    )
    slot = _after(shared, booking, proposed)
    asked = None
    if people and game:
        at = booking.slot
        asked = BookingRequest(
            at.ground_id, at.date, at.start, at.end, game=game, purpose=purpose, **people
        )
    is_open = st.session_state[_AFTER] == texts.OTHER and slot is None
    is_ready = asked is not None and bool(reason.strip()) and not is_open
    with st.container(key=f"foot_{_PREFIX}foot", gap="small"):
        try:
            lines = _lines(shared, booking, asked, slot) if asked and is_ready else []
        except BookingError as exc:  # the party is gone from the list
            st.info(formats.literal(messages.error(exc)), icon=":material/block:")
            lines, is_ready = [], False
        if lines:
            st.caption("  \n".join(map(formats.literal, lines)))
        elif asked is None or not reason.strip():
            st.caption("Give a reason, and choose who gets the slot, to go on.")
        elif is_open:
            st.caption("Choose the slot to which it moves, to go on.")
        if problem := st.session_state.get(_PROBLEM):
            st.error(formats.literal(problem), icon=":material/error:")
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Leave it there", key=f"{_PREFIX}keep"):
                st.rerun()
            st.button(
                "Replace booking",
                key=f"{_PREFIX}do",
                type="primary",
                on_click=_replace,
                # What this run shows, even if it changes before the press.
                args=(shared, booking, asked, reason, slot, st.session_state[_ID]),
                disabled=not is_ready or not shared.is_live,
            )


def _game(booking: Booking, games: tuple[str, ...]) -> str | None:
    """Draws the choice of a game, that of the booking at first; returns it."""
    if st.session_state.get(_GAME) not in games:
        first = booking.game if booking.game in games else next(iter(games), None)
        st.session_state[_GAME] = first
    game: str | None = st.selectbox("Game", **fields.chosen(_GAME, games))
    return game


def _forget_problem() -> None:
    st.session_state.pop(_PROBLEM, None)


def _made(shared: Services) -> Booking | None:
    """The booking that an earlier press of this dialog has made."""
    try:
        return get_booking(shared.db, str(st.session_state[_ID]))
    except BookingError:
        return None


def _after(shared: Services, booking: Booking, proposed: Slot | None) -> Slot | None:
    """Draws what becomes of ``booking``; the slot to which it moves, None where it ends."""
    known, today = shared.reference(), shared.now().date()
    choices = [*([] if proposed is None else [texts.MOVE]), texts.OTHER, texts.END]
    if st.session_state.get(_AFTER) not in choices:
        st.session_state[_AFTER] = choices[0]
    chosen = st.radio(
        f"What becomes of the booking of {formats.literal(booking.whom)}",
        choices,
        key=_AFTER,
        persist_state="session",
        on_change=_forget_problem,
        format_func=lambda one: formats.literal(
            texts.outcome(one, booking, proposed, known, today)
        ),
    )
    if proposed is None:
        st.caption("No other slot is free for it on this day or in the 14 days after it.")
    if chosen == texts.OTHER:
        return slot_picker.draw(shared, booking, None, [booking.slot], f"{_PREFIX}other")
    return proposed if chosen == texts.MOVE else None


def _lines(
    shared: Services, booking: Booking, asked: BookingRequest, slot: Slot | None
) -> list[str]:
    by = screen_user.actor()
    return texts.review(
        booking,
        asked,
        slot,
        shared.reference(),
        shared.now().date(),
        is_approved=may("book approved", by),
        keeps=slot is None or keeps_approval(shared.db, booking, by=by, slot=slot),
        by_id=by.id,
    )


def _replace(
    shared: Services,
    booking: Booking,
    asked: BookingRequest,
    reason: str,
    slot: Slot | None,
    submission_id: UUID,
) -> None:
    st.session_state.pop(_PROBLEM, None)
    try:
        with shared.change():
            made = replace_booking(
                shared.db,
                booking.id,
                asked,
                reason=reason,
                expected=booking.revision,
                move_to=slot,
                by=session.actor(),
                submission_id=submission_id,
            )
    except BookingError as exc:
        st.session_state[_PROBLEM] = texts.error(exc, slot)
    else:
        st.session_state[_DONE] = texts.done(made, shared.reference(), shared.now().date())
