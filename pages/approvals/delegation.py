"""Delegation on the Approvals screen: the button, its dialog, and the note about delegations."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta

import streamlit as st

from booking_core import (
    Actor,
    BookingError,
    Delegation,
    Role,
    delegate,
    delegations_of,
    end_delegation,
    find_accounts,
    find_delegations,
    may,
)
from booking_core.live import Scope
from pages.shared.auth import session
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_MAX_AHEAD = timedelta(days=365)


def button(shared: Services) -> None:
    """Draws the button that opens the dialog; only for users who decide."""
    if st.button("Delegate…", key="approvals.hand_on", icon=":material/handshake:"):
        _dialog(shared)


def note(shared: Services, by: Actor) -> None:
    """Shows the delegations of today that concern this user: given by principals, or received."""
    today = shared.now().date()
    if may("delegate", by):
        given = shared.cached(
            Scope.ACCOUNTS, ("delegations", today), lambda: find_delegations(shared.db, on=today)
        )
        lines = [
            f"{g.to_name} decides for {'you' if g.by == by.id else g.by_name} too"
            f"{_until(g, today)}."
            for g in _latest_of_each(given)
        ]
    else:
        received = _received(shared, by)
        lines = [
            f"You decide for {g.by_name}{_until(g, today)}. The history shows both names."
            for g in _latest_of_each(received)
        ]
    for line in lines:
        st.caption(f":material/handshake: {formats.literal(line)}")


def _received(shared: Services, actor: Actor) -> list[Delegation]:
    key = ("delegations_of", actor.id, actor.role, shared.now().date())
    return shared.cached(Scope.ACCOUNTS, key, lambda: delegations_of(shared.db, actor))


def _latest_of_each(given: list[Delegation]) -> list[Delegation]:
    """For each pair of principal and delegate, the delegation that ends last."""
    latest: dict[tuple[str, str], Delegation] = {}
    for one in sorted(given, key=lambda one: one.last):
        latest[(one.by, one.to)] = one
    return list(latest.values())


def _until(given: Delegation, today: Date) -> str:
    return " today" if given.last == today else f", until {formats.short_date(given.last)}"


@st.dialog("Hand decisions to somebody")
def _dialog(shared: Services) -> None:
    st.markdown(
        "Somebody else approves, rejects and revokes for you on these days. You go on deciding "
        "too, and the history shows both names."
    )
    today, by = shared.now().date(), session.actor()
    candidates = {
        account.id: account
        for account in find_accounts(shared.db)
        if account.active and account.role is not Role.PRINCIPAL and account.id != by.id
    }
    if candidates:
        to = st.selectbox(
            "Who decides",
            list(candidates),
            index=None,
            key="approvals.hand_on.to",
            format_func=lambda i: f"{candidates[i].name}, {candidates[i].role.value}",
            placeholder="Choose an account",
        )
        left, right = st.columns(2)
        first, last = (
            side.date_input(
                label,
                today,
                min_value=today,
                max_value=today + _MAX_AHEAD,
                key=f"approvals.hand_on.{name}",
                format=formats.date_field(),
            )
            for side, name, label in ((left, "first", "First day"), (right, "last", "Last day"))
        )
        failed = st.empty()
        with st.container(horizontal=True, horizontal_alignment="right"):
            pressed = st.button(
                "Hand over", key="approvals.hand_on.do", type="primary", disabled=to is None
            )
        if pressed and to is not None:
            try:
                with shared.change():
                    given = delegate(shared.db, to=to, first=first, last=last, by=session.actor())
            except BookingError as exc:
                failed.error(formats.literal(messages.error(exc)))
            else:
                st.toast(
                    formats.literal(f"{given.to_name} decides for you too{_until(given, today)}."),
                    icon=":material/check:",
                )
                st.rerun()
    else:
        st.info("Nobody else has an account yet. An admin adds one on the Admin screen.")
    fragment.keep(shared, "approvals.given", lambda: _list(shared))


def _list(shared: Services) -> None:
    """Draws the present and future delegations, each with a button that ends it."""
    today = shared.now().date()
    given = shared.cached(
        Scope.ACCOUNTS,
        ("delegations since", today),
        lambda: find_delegations(shared.db, since=today),
    )
    st.markdown("**Handed on**")
    if not given:
        st.caption("Nothing at present.")
    for one in given:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{one.by_name} to {one.to_name}, {_days(one)}", width="stretch")
            if st.button("End", key=f"approvals.end.{one.id}", help="Ends it at once"):
                try:
                    with shared.change():
                        end_delegation(shared.db, one.id, by=session.actor())
                except BookingError as exc:
                    st.error(formats.literal(messages.error(exc)))
                else:
                    st.rerun(scope="fragment")


def _days(given: Delegation) -> str:
    first, last = formats.short_date(given.first), formats.short_date(given.last)
    return first if given.first == given.last else f"{first} to {last}"
