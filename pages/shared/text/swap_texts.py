"""Texts of offers to swap two bookings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from booking_core import Booking, Reference, SwapOffer
from pages.shared.text import formats, payloads

TITLES = {
    "accept": "Accept this swap?",
    "decline": "Decline this swap?",
    "withdraw": "Withdraw this offer?",
}


def row(offer: SwapOffer, me: str, known: Reference, now: datetime) -> dict[str, Any]:
    """A row of the list on Bookings: what the user ``me`` gives, and what for."""
    mine, theirs = sides(offer, me)
    title = f"{place(mine, known)}, {formats.when(mine, now.date())}"
    if offer.to == me:
        with_whom = [offer.by_name, "waits for your answer", ""]
        actions = [
            {"name": "accept", "label": "Accept…", "about": f"Accept the swap of {title}"},
            {
                "name": "decline",
                "label": "Decline…",
                "tone": "no",
                "about": f"Decline the swap of {title}",
            },
        ]
    else:
        with_whom = [theirs.created_by_name, "has not answered yet", ""]
        actions = [
            {
                "name": "withdraw",
                "label": "Withdraw…",
                "tone": "no",
                "about": f"Withdraw the offer of {title}",
            }
        ]
    cells = []
    for booking in (mine, theirs):
        for_whom, _, _ = booking.whom.partition(", ")
        when = formats.day_heading(booking.date, now.date())
        cells.append([when, formats.span(booking.start, booking.end)])
        cells.append([place(booking, known), for_whom])
    return {
        "id": offer.id,
        "about": title,
        "selectable": False,
        "cells": [*cells, with_whom],
        "actions": actions,
    }


def sides(offer: SwapOffer, me: str) -> tuple[Booking, Booking]:
    """The booking of ``me``, and that of the other author."""
    assert offer.given is not None
    assert offer.wanted is not None
    both = (offer.given, offer.wanted)
    return both if offer.by == me else both[::-1]


def place(booking: Booking, known: Reference) -> str:
    return payloads.slot_title(booking.slot, known.grounds)


def in_brief(offer: SwapOffer, me: str, known: Reference, now: datetime) -> str:
    """Lines of plain text: who gets which slot, and the reason."""
    mine, theirs = sides(offer, me)
    lines = [
        f"{one.whom}: from {place(one, known)}, {formats.when(one, now.date())}, "
        f"to {place(other, known)}, {formats.when(other, now.date())}"
        for one, other in ((mine, theirs), (theirs, mine))
    ]
    return "\n".join([*lines, *filter(None, [offer.reason])])
