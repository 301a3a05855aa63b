"""The principal's queue: approve, reject, revoke, one or several at once."""

import streamlit as st

from booking_core import (
    BookingError,
    InvalidRequest,
    NotFound,
    Scope,
    approve,
    approved_upcoming,
    decided_lately,
    get_booking,
    pending_queue,
    reject,
    revoke,
    weeks_of,
)
from booking_core.booking.queries import QUEUE
from booking_core.domain.validation import check_text
from pages.shared import elements, handing_on, live, services, session, views, words

shared = services.start()
known = shared.reference()
state = st.session_state
VERBS = {"approve": approve, "reject": reject, "revoke": revoke}
TABS = ("Waiting", "Approved, upcoming", "Decided")
NOTHING = {
    TABS[0]: ("Nothing is waiting", "New requests appear here by themselves."),
    TABS[1]: ("Nothing approved lies ahead", "What is approved can be revoked here."),
    TABS[2]: ("Nothing was decided lately", "What is approved, rejected or revoked appears here."),
}
viewer = session.actor()  # as of this run, for what is shown; whatever acts asks anew
state.setdefault("approvals.shown", None)  # ids in the order in which they were first shown

title, status_side, hand_on = st.columns([2.4, 4.6, 2.4], vertical_alignment="center")
title.title("Approvals", anchor=False)
with status_side:
    live.line(shared)
if viewer.role.decides:
    with (
        hand_on,
        st.container(horizontal=True, horizontal_alignment="right", key="control_approvals"),
    ):
        handing_on.button(shared)
session.demo_note(shared)


def decide(verb: str, ids: list[str], reason: str = "", seen: dict | None = None) -> None:
    """Each on its own: one that somebody else decided first does not stop the others.

    ``seen``: the slot of each request as the viewer saw it; one that moved since is not approved.
    """
    by = session.actor()
    lines = []
    done = 0
    for booking_id in ids:
        try:
            with shared.change():
                shown = {"expected": seen.get(booking_id)} if seen else {}
                VERBS[verb](shared.db, booking_id, by=by, reason=reason, **shown)
            done += 1
        except BookingError as exc:
            lines.append((booking_id, words.error(exc)))
    state["approvals.outcome"] = (verb, done, lines, False)


def show_new() -> None:
    state["approvals.shown"] = None
    state.pop("approvals.outcome", None)


def queue() -> None:
    handing_on.note(shared, viewer)
    waiting = shared.cached(Scope.BOOKINGS, "queue", lambda: pending_queue(shared.db))
    upcoming = shared.cached(Scope.BOOKINGS, "upcoming", lambda: approved_upcoming(shared.db))
    number = words.up_to(len(waiting), QUEUE)
    waits = f"({number}) " if waiting else ""
    st.set_page_config(page_title=f"{waits}Approvals · Ground booking")
    counts = {TABS[0]: f" {number}", TABS[1]: f" {words.up_to(len(upcoming), QUEUE)}", TABS[2]: ""}
    # The buttons that come and go stand beside the tabs, so that the list never moves.
    with st.container(horizontal=True, vertical_alignment="center", key="head_approvals"):
        tab = st.segmented_control(
            "Which",
            TABS,
            default=TABS[0],
            required=True,
            key="approvals.tab",
            format_func=lambda name: name + counts[name],
            label_visibility="collapsed",
            on_change=show_new,
        )
        if tab == TABS[0]:
            rows = in_place(waiting)
        elif tab == TABS[1]:
            rows = upcoming
        else:
            rows = shared.cached(Scope.BOOKINGS, "decided", lambda: decided_lately(shared.db))
    if not rows:
        with st.container(border=True, key="card_approvals_empty"):
            title, hint = NOTHING[tab]
            st.markdown(f"##### {title}")
            st.caption(hint)
        return
    weeks = shared.cached(
        Scope.BOOKINGS, ("weeks", tuple(b.id for b in rows)), lambda: weeks_of(shared.db, rows)
    )
    now, quota = shared.now(), shared.reference().policy.quota
    payload = {
        "caption": tab,
        "kind": "decisions",
        "columns": ["When", "Ground and game", "Student", "Asked by", "That week"],
        "rows": [
            views.decision_row(b, weeks.get(b.id, []), known.grounds, now, quota) for b in rows
        ],
        "bulk": [
            {
                "name": "reject",
                "one": "Reject…",
                "both": "Reject both…",
                "all": "Reject all…",
                "tone": "",
            },
            {
                "name": "approve",
                "one": "Approve",
                "both": "Approve both",
                "all": "Approve all",
                "tone": "go",
            },
        ],
        "live": shared.is_live,
    }
    # A press is about the list as it was drawn before this run, which may have read newer slots.
    seen = state.get("approvals.seen", {})
    state["approvals.seen"] = {booking.id: booking.slot for booking in rows}
    acted = elements.action_list(payload, key=f"approvals.list.{TABS.index(tab)}")
    outcome()
    if acted is not None:
        if acted["action"] == "approve":
            decide("approve", acted["ids"], seen=seen)
            st.rerun(scope="fragment")
        state["approvals.asked"] = (acted["action"], acted["ids"])
        st.rerun()


def in_place(waiting: list) -> list:
    """The queue without a jump: decided ones keep their line, new ones wait to be shown."""
    current = {booking.id: booking for booking in waiting}
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
        booking = current.get(booking_id)
        if booking is None:
            try:
                booking = shared.cached(
                    Scope.BOOKINGS,
                    ("booking", booking_id),
                    lambda i=booking_id: get_booking(shared.db, i),
                )
            except NotFound:
                continue
        rows.append(booking)
    return rows


def outcome() -> None:
    """What the last decision did, with a line for each one that somebody else decided first."""
    verb, done, lines, told = state.get("approvals.outcome", ("", 0, [], True))
    if not verb:
        return
    word = {"approve": "approved", "reject": "rejected", "revoke": "revoked"}[verb]
    if done and not told:
        st.toast(f"{done} {word}.", icon=":material/check:")
    if lines and not told:  # the lines themselves stand below the list, perhaps out of sight
        st.toast(f"{len(lines)} could not be {word}: see below the list.", icon=":material/group:")
    state["approvals.outcome"] = (verb, done, lines, True)
    for booking_id, text in lines:
        try:
            booking = shared.cached(
                Scope.BOOKINGS,
                ("booking", booking_id),
                lambda i=booking_id: get_booking(shared.db, i),
            )
            name = f"{booking.student_name}, {words.when(booking, shared.now().date())}: "
        except BookingError:
            name = ""
        st.warning(words.literal(name + text), icon=":material/group:")


def ask(verb: str, ids: list[str]) -> None:
    many = len(ids) > 1
    what = f"{verb.capitalize()} {f'{len(ids)} bookings' if many else 'this booking'}"
    st.dialog(f"{what}?")(give_reason)(verb, ids, what)


def give_reason(verb: str, ids: list[str], what: str) -> None:
    session.check(shared)  # it names people: nothing for whoever has left
    st.markdown(
        f"What {'they hold' if len(ids) > 1 else 'it holds'} is free for others at once. "
        "The reason stays in the history, and whoever asked reads it."
    )
    for booking_id in ids[:10]:
        try:
            booking = get_booking(shared.db, booking_id)
        except BookingError as exc:
            st.error(words.literal(words.error(exc)))
            continue
        st.text(
            f"{booking.student_name}, {booking.class_name}: {booking.game}, "
            f"{views.slot_title(booking.slot, known.grounds)}, "
            f"{words.when(booking, shared.now().date())}"
        )
    reason = st.text_input(
        "Reason", key="approvals.reason", max_chars=500, placeholder="Exam week, rain, …"
    )
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="approvals.back"):
            st.rerun()
        if st.button(what, key="danger_approvals.do", type="primary"):
            if not reason.strip():
                failed.error("Give a reason: the person who asked will want to know.")
                return
            try:
                check_text(reason, "reason")
            except InvalidRequest as exc:
                failed.error(words.literal(words.error(exc)))
                return
            decide(verb, ids, reason)
            st.rerun()


live.fragment(shared, "approvals", queue)
if asked := state.pop("approvals.asked", None):
    ask(*asked)
