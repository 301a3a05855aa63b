"""The parts of Book about the waiting list: who waits for a slot, and joining it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import streamlit as st

from booking_core import (
    Board,
    BookingError,
    LineFull,
    Slot,
    WaitingEntry,
    join_waiting_list,
    leave_waiting_list,
    may,
)
from pages.book import draft
from pages.shared.auth import session
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, waiting_texts

_ANY, _UNTIL = "book.wait.any", "book.wait.until"
_BEGIN, _HOUR, _EVENING = "It begins", "1 hour before", "The evening before"
_EVENING_AT = time(20)
UNTIL = (_BEGIN, _HOUR, _EVENING)  # the names of the ends of waiting
_LEFT = "book.wait.left"  # the problem of the last press of Leave


def part(shared: Services, board: Board, slot: Slot) -> None:
    """Draws how many wait for the picked slot, the choices of an entry, and the button to join."""
    now, known = shared.now(), shared.reference()
    line = board.line(slot)
    with st.container(key="inset_waiting", gap="small"):
        st.markdown(f"**Waiting list** · {waiting_texts.count(line)}")
        own = next((one for one in line if one.by == screen_user.actor().id), None)
        if own is not None:
            whose = formats.literal(waiting_texts.whom(known, own))
            st.caption(f"You wait already, for {whose}: {waiting_texts.place(line, own)}.")
        game = st.session_state.get(draft.game_key(slot.ground_id)) or ""
        if any(ground.id != slot.ground_id for ground in board.of_game(game).grounds):
            st.radio(
                "Where",
                [False, True],
                key=_ANY,
                format_func=lambda is_any: where(game, is_any=is_any),
            )
        else:
            st.session_state.pop(_ANY, None)
        offered = ends(slot, now)
        if st.session_state.get(_UNTIL) not in offered:
            st.session_state[_UNTIL] = _BEGIN
        st.selectbox(
            "Wait until",
            list(offered),
            key=_UNTIL,
            persist_state="session",
            format_func=lambda name: (
                f"{name}, {formats.clock(at.time())}" if (at := offered.get(name)) else name
            ),
        )
        why = obstacle(shared, board, slot)
        if not why and draft.people_request(slot) is None:
            why = "Choose a student, a class or a team to go on."
        st.button(
            "Join the waiting list",
            key="book.wait.join",
            type="primary",
            width="stretch",
            on_click=_join,
            args=(shared, slot),
            disabled=bool(why),
        )
        st.caption(
            formats.literal(why)
            or "The first in line has the slot as a request as soon as it is free."
        )


def where(game: str, *, is_any: bool) -> str:
    """The name of the choice of all grounds for ``game``, or of the one that was picked."""
    return formats.literal(f"Any ground for {game}") if is_any else "This ground only"


def ends(slot: Slot, now: datetime) -> dict[str, datetime | None]:
    """The ends of waiting that lie ahead: label -> moment (aware; None: when the slot begins)."""
    zone = now.tzinfo
    starts_at = datetime.combine(slot.date, slot.start, zone)
    moments = {
        _HOUR: datetime.fromtimestamp(starts_at.timestamp() - 3600, zone),
        _EVENING: datetime.combine(slot.date - timedelta(days=1), _EVENING_AT, zone),
    }
    ahead = {name: at for name, at in moments.items() if at.timestamp() > now.timestamp()}
    return {_BEGIN: None, **ahead}


def obstacle(shared: Services, board: Board, slot: Slot) -> str:
    """Why nobody can join the waiting list of ``slot`` now; "" if nothing is in the way."""
    if not shared.reference().policy.waiting_places:
        return messages.error(LineFull(0))
    if (refusal := board.refusal(slot.start)) is not None:
        return messages.error(refusal)
    return "" if shared.is_live else messages.BUTTON_COMES_BACK


def below(shared: Services, slot: Slot) -> None:
    """Draws who waits for a slot that is taken, in its dialog, and the button to wait for it."""
    board = shared.boards.get(slot.date, shared.now())
    if slot.has_begun(shared.now(), shared.settings.zone):
        return
    line = board.line(slot)
    st.markdown("**Waiting list**")
    st.caption(waiting_texts.count(line))
    for number, entry in enumerate(line, start=1):
        _entry(shared, number, entry)
    if problem := st.session_state.pop(_LEFT, None):
        st.error(formats.literal(problem), icon=":material/error:")
    why = obstacle(shared, board, slot)
    if st.button(
        "Wait for this slot…",
        key="book.wait.open",
        icon=":material/hourglass_empty:",
        width="stretch",
        on_click=draft.wait_for,
        args=(slot,),
        disabled=bool(why),
    ):
        st.rerun()
    if why:
        st.caption(formats.literal(why))


def _entry(shared: Services, number: int, entry: WaitingEntry) -> None:
    viewer, known = screen_user.actor(), shared.reference()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        whom = formats.literal(waiting_texts.whom(known, entry))
        by = formats.literal(entry.by_name)
        end = formats.literal(waiting_texts.until(entry, shared.now()))
        place = formats.ordinal(number)
        st.markdown(f"{place} · **{whom}**  \n:gray[asked by {by}, {end}]", width="stretch")
        is_own = entry.by == viewer.id
        if is_own or may("close", viewer):
            st.button(
                "Leave" if is_own else "Remove",
                key=f"book.wait.leave.{entry.id}",
                type="tertiary",
                help=f"{'Leave' if is_own else 'Remove'}: {whom}",
                on_click=_leave,
                args=(shared, entry.id),
                disabled=not shared.is_live,
            )


def _leave(shared: Services, entry_id: str) -> None:
    try:
        with shared.change():
            leave_waiting_list(shared.db, entry_id, by=session.actor())
    except BookingError as exc:
        st.session_state[_LEFT] = messages.error(exc)


def _join(shared: Services, slot: Slot) -> None:
    """Joins the waiting list of the picked slot once; says the place in line, or the problem."""
    if draft.picked() != slot or not draft.can_be_asked():
        return
    asked = draft.request()
    if asked is None:
        return
    any_ground = bool(st.session_state.get(_ANY))
    not_after = ends(slot, shared.now()).get(st.session_state.get(_UNTIL, _BEGIN))
    try:
        with shared.change():
            entry = join_waiting_list(
                shared.db,
                asked,
                by=session.actor(),
                any_ground=any_ground,
                not_after=not_after,
                entry_id=draft.entry_id(asked, any_ground, not_after),
            )
        board = shared.boards.get(slot.date, shared.now())
    except BookingError as exc:
        draft.refuse(messages.error(exc))
    else:
        draft.finish_joining(waiting_texts.joined(board, entry, shared.reference()))
