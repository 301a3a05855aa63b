"""Offers of a swap by the user and to the user, above the list of bookings, and their answers."""

from __future__ import annotations

import streamlit as st

from booking_core import (
    Actor,
    BookingError,
    StoreUnavailable,
    SwapOffer,
    accept_swap,
    decline_swap,
    plan_swap_offer,
    swap_offers,
    withdraw_swap,
)
from booking_core.live import Scope
from pages.shared.components import elements
from pages.shared.layout import confirmation
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, swap_texts

_LIST = "bookings.swaps"
_ASKED = "bookings.swap"  # (action, id of the offer) whose dialog opens in the next run
_HEADING = "Offers of a swap"


def listing(shared: Services, by: Actor) -> None:
    """Draws the offers that wait for an answer; nothing without one."""
    offers = _offers(shared, by)
    acted = elements.take_press(_LIST)
    if offers:
        now, known = shared.now(), shared.reference()
        st.caption(_HEADING)
        acted = acted or elements.action_list(
            {
                "caption": _HEADING,
                "columns": ["You give", "", "You get", "", "With"],
                "rows": [swap_texts.row(offer, by.id, known, now) for offer in offers],
                "bulk": [],
                "kind": "wide",
                "live": shared.is_live,
            },
            key=_LIST,
        )
    if acted is not None:
        st.session_state[_ASKED] = (acted["action"], acted["ids"][0])
        st.rerun()


def show_dialog(shared: Services, by: Actor) -> bool:
    """Draws the dialog that was asked for; False for none."""
    asked = st.session_state.pop(_ASKED, None)
    if asked is not None:
        action, offer_id = asked
        st.dialog(swap_texts.TITLES[action])(_answer)(shared, by, action, offer_id)
    return asked is not None


def _offers(shared: Services, by: Actor) -> list[SwapOffer]:
    mark = shared.mark()
    try:
        return shared.cached(
            (Scope.BOOKINGS, Scope.NOTICES),
            ("offers of a swap", by.id, mark),
            lambda: swap_offers(shared.db, by=by, now=mark),
        )
    except StoreUnavailable:
        return []


def _answer(shared: Services, by: Actor, action: str, offer_id: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    offer = next((one for one in _offers(shared, by) if one.id == offer_id), None)
    if offer is None:
        st.markdown("This offer is over: it was answered or withdrawn, or a booking has changed.")
        return
    _, theirs = swap_texts.sides(offer, by.id)
    st.text(swap_texts.in_brief(offer, by.id, shared.reference(), shared.now()))
    possible = True
    match action:
        case "accept":
            possible = _show_effect(shared, offer)
            buttons = ("Not yet", "bookings.swap_keep"), ("Accept swap", "bookings.swap_accept")
            done = "Swapped."
        case "decline":
            st.caption(f"Both stay where they are. {offer.by_name} is told.")
            buttons = ("Not yet", "bookings.swap_keep"), ("Decline", "danger_bookings.swap_no")
            done = "Declined."
        case _:
            st.caption(f"{theirs.created_by_name} cannot accept it any more.")
            buttons = (
                ("Keep it open", "bookings.swap_keep"),
                ("Withdraw", "danger_bookings.swap_no"),
            )
            done = "Withdrawn."

    def write(actor: Actor) -> None:
        match action:
            case "accept":
                accept_swap(shared.db, offer_id, by=actor)
            case "decline":
                decline_swap(shared.db, offer_id, by=actor)
            case _:
                withdraw_swap(shared.db, offer_id, by=actor)
        st.toast(done, icon=":material/check:")

    if confirmation.show(shared, *buttons, write, disabled=not possible):
        st.rerun()


def _show_effect(shared: Services, offer: SwapOffer) -> bool:
    """Says which status both bookings have after the swap, or why it is not possible now."""
    by = screen_user.actor()
    try:
        plan = plan_swap_offer(shared.db, offer.given_id, offer.wanted_id, by=by)
    except BookingError as exc:
        st.info(formats.literal(messages.error(exc)), icon=":material/block:")
        return False
    for before, after in zip((offer.given, offer.wanted), plan, strict=True):
        if before is not None:
            status = messages.SWAPS[before.status is after.status]
            st.caption(formats.literal(f"{before.whom}: {status}"))
    return True
