"""The dialog that books several grounds for the picked periods, such as for a sports day."""

from __future__ import annotations

from uuid import UUID, uuid4

import streamlit as st

from booking_core import (
    BookingError,
    BookingRequest,
    Ground,
    InvalidRequest,
    OfGround,
    Reference,
    Series,
    SetRequest,
    SubmissionReused,
    book_set,
    layouts,
    plan_set,
    widest,
)
from booking_core.live import Scope
from pages.book import draft, party
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.live import fragment, screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_DONE, _PROBLEM = draft.SET_DONE, "book.set.problem"
_GROUNDS, _OFFERED = "book.set.grounds", "book.set.offered"


def begin() -> None:
    """Opens the dialog in the next run, under a new submission id."""
    draft.close_dialogs()
    if draft.can_be_asked():
        st.session_state[draft.SET_ID] = uuid4()


def show(shared: Services) -> bool:
    """Draws the dialog that is open, if any; returns whether one is."""
    if st.session_state.get(_DONE) is not None:
        title = "Grounds booked" if draft.as_approved() else "Grounds requested"
        st.dialog(title, on_dismiss=_finish, icon=":material/check_circle:")(_booked)(shared)
        return True
    if draft.SET_ID in st.session_state:
        st.dialog("Several grounds at once", width="medium", on_dismiss=draft.close_dialogs)(
            fragment.keep
        )(shared, "book.set", lambda: _form(shared))
        return True
    return False


def _form(shared: Services) -> None:
    if _DONE in st.session_state:
        st.rerun()
    wanted = draft.request()
    if wanted is None:
        st.warning(party.missing())
        return
    known, today = shared.reference(), shared.now().date()
    if (who := party.named(known, wanted)) is None:
        st.warning(party.GONE)
        return
    elements.facts(
        "book.set.facts",
        ("When", formats.full_time(wanted, today)),
        ("For", f"{who} · {wanted.game}"),
    )
    chosen = _choice(known, wanted)
    asked: SetRequest | None = None
    plan: tuple[OfGround, ...] | str = ()
    try:
        if len(chosen) > 1:
            asked = SetRequest(wanted, chosen)
            both = asked.overlap(known.grounds)
            plan = _plan(shared, asked) if both is None else _same_area(*both)
    except InvalidRequest as exc:  # more grounds than one request may have
        plan = messages.error(exc)
    if isinstance(plan, str):
        st.error(formats.literal(plan), icon=":material/error:")
    elif plan:
        _lines(known, plan)
    elif st.session_state[_OFFERED]:
        st.caption("Choose at least one more ground.")
    if problem := st.session_state.get(_PROBLEM):
        st.error(formats.literal(problem), icon=":material/error:")
    _buttons(shared, asked, plan)


def _choice(known: Reference, wanted: BookingRequest) -> tuple[str, ...]:
    """Draws the grounds for the game; the ids of the chosen ones, that of the slot first."""
    state = st.session_state
    fit = [
        ground
        for ground in known.open_grounds
        if wanted.game in ground.games and not ground.shares(known.ground(wanted.ground_id))
    ]
    others = [ground.id for ground in fit]
    usual = [widest(group).id for group in layouts(fit)]
    state[_OFFERED] = bool(others)
    state[_GROUNDS] = [id for id in state.get(_GROUNDS, usual) if id in others]
    if not others:
        st.caption(f"No other ground for {formats.literal(wanted.game)} lies apart from this one.")
        return (wanted.ground_id,)
    name = formats.literal(known.ground(wanted.ground_id).name)
    st.pills(
        f"With {name}",
        others,
        selection_mode="multi",
        key=_GROUNDS,
        persist_state="session",
        format_func=lambda id: formats.literal(known.ground(id).name),
    )
    return (wanted.ground_id, *state[_GROUNDS])


def _same_area(one: Ground, other: Ground) -> str:
    return f"{one.name} and {other.name} lie on the same area: choose one of them."


def _plan(shared: Services, asked: SetRequest) -> tuple[OfGround, ...] | str:
    by, mark = screen_user.actor(), shared.mark()
    submission: UUID | None = st.session_state.get(draft.SET_ID)
    try:
        return shared.cached(
            (Scope.BOOKINGS, Scope.SCHOOL),
            ("set", asked, by.id, by.role, submission, mark),
            lambda: plan_set(shared.db, asked, by=by, submission_id=submission, now=mark),
        )
    except BookingError as exc:
        return messages.error(exc)


def _lines(known: Reference, plan: tuple[OfGround, ...]) -> None:
    """Draws a line for each ground: that it is free, or why it is not."""
    lost = sum(one.problem is not None for one in plan)
    count = f"{len(plan)} grounds"
    st.markdown(f"**{count}, all free**" if not lost else f"**{count}, {lost} not free**")
    lines = []
    for ground_id, problem, own in plan:
        name = formats.literal(known.ground(ground_id).name)
        if problem is None:
            by_you = " · booked by you" if own else ""
            lines.append(f":green[:material/check:] {name}{by_you}")
        else:
            reason = formats.literal(payloads.why(problem, known.grounds))
            lines.append(f":red[:material/close:] {name} · {reason}")
    st.markdown("  \n".join(lines))


def _buttons(shared: Services, asked: SetRequest | None, plan: tuple[OfGround, ...] | str) -> None:
    verb = "Book" if draft.as_approved() else "Request"
    is_free = isinstance(plan, tuple) and bool(plan) and not any(p.problem for p in plan)
    count = len(asked.ground_ids) if asked is not None else 0
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="book.set.back"):
            draft.close_dialogs()
            st.rerun()
        st.button(
            f"{verb} {count} grounds" if count else f"{verb} all",
            key="book.set.confirm",
            type="primary",
            on_click=_confirm,
            args=(shared, asked),
            disabled=not is_free or not shared.is_live,
        )


def _confirm(shared: Services, asked: SetRequest | None) -> None:
    state = st.session_state
    submission: UUID | None = state.get(draft.SET_ID)
    if submission is None or asked is None or _DONE in state:
        return
    state.pop(_PROBLEM, None)
    try:
        with shared.change():
            state[_DONE] = book_set(
                shared.db,
                asked,
                by=session.actor(),
                submission_id=submission,
                as_approved=draft.as_approved(),
            )
    except SubmissionReused:  # an earlier press, whose answer was lost: the next is another
        state[_PROBLEM], state[draft.SET_ID] = messages.SENT_BEFORE, uuid4()
    except BookingError as exc:
        state[_PROBLEM] = messages.error(exc)


def _booked(shared: Services) -> None:
    screen_user.check(shared)
    done: Series | None = st.session_state.get(_DONE)
    if done is None:
        return
    grounds = shared.reference().grounds
    count = len(done.bookings)
    st.markdown(
        f"**{count} grounds** booked; they wait for nobody."
        if draft.as_approved()
        else f"**{count} grounds** held and waiting for the principal's approval."
    )
    st.caption(
        formats.literal(payloads.ground_names([b.ground_id for b in done.bookings], grounds))
    )
    if st.button("OK", key="book.set.ok", type="primary", width="stretch"):
        _finish()
        st.switch_page("bookings/screen.py")


def _finish() -> None:
    draft.close_dialogs()
    draft.finish()
