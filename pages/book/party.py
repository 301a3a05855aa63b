"""The fields that say for whom a booking is, and the hint about these people's week."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from booking_core import (
    Actor,
    Board,
    Booking,
    BookingRequest,
    InvalidRequest,
    Quota,
    Reference,
    Slot,
    party_of,
    quotas_of,
)
from booking_core.live import Scope
from pages.book import draft
from pages.shared.components.party_box import party_box
from pages.shared.layout import people_fields
from pages.shared.live.runtime import Services
from pages.shared.text import formats, payloads

GONE = "This student, class or team is not on the list any more. Close this and choose again."
_OPEN = "book.party.shown"  # the fields that few bookings need


def fields(shared: Services, known: Reference) -> None:
    """Draws the choice of the party, of more students, and of a supervisor."""
    state = st.session_state
    chosen = party_box(known, key=draft.STUDENT)
    is_student = chosen is not None and chosen in known.students
    if state.get(draft.MORE) or state.get(draft.SUPERVISOR) or state.get(_OPEN):
        if is_student:
            people_fields.more_students(known, str(chosen), draft.MORE)
        people_fields.supervisor(shared, draft.SUPERVISOR)
    else:
        st.button(
            "Add students or a supervisor",
            key="book.party.open",
            icon=":material/group_add:",
            type="tertiary",
            on_click=_open,
        )


def _open() -> None:
    st.session_state[_OPEN] = True


def named(known: Reference, request: BookingRequest) -> str | None:
    """For whom ``request`` is, of one student with the roll number; None where that is not on the
    list any more.
    """
    try:
        whom = party_of(known, request).whom
    except InvalidRequest:
        return None
    return whom if request.student_id is None else f"{whom}, {request.student_id}"


def missing() -> str:
    """What the form lacks by now, while a dialog about it is open."""
    if draft.picked() is None:
        return "The slot was given back. Close this and choose another."
    return GONE


def supervisor(shared: Services) -> str:
    """The name of the chosen supervisor; the sign-in name where the account is disabled."""
    id = str(st.session_state.get(draft.SUPERVISOR))
    return next((one.name for one in people_fields.accounts(shared) if one.id == id), id)


def hint(
    shared: Services, known: Reference, board: Board, slot: Slot, by: Actor
) -> tuple[bool, str]:
    """Whether the chosen people keep ``slot`` from being booked, and a sentence about them.

    Raises StoreUnavailable.
    """
    request = draft.people_request(slot)
    if request is None:
        return False, "Choose a student, a class or a team to go on."
    try:
        party = party_of(known, request)
    except InvalidRequest:
        return True, f":red[{GONE}]"
    busy = board.busy(party.people(request.supervisor_id), slot)
    if busy is not None:
        place = formats.literal(payloads.slot_title(busy.slot, known.grounds))
        who = formats.literal(_who(known, request, busy))
        return True, f":red[{who} is on {place} then, {formats.span(busy.start, busy.end)}.]"
    quotas = shared.cached(
        (Scope.BOOKINGS, Scope.SCHOOL),
        ("quotas", by.id, slot.date.isocalendar()[:2], *_key(request)),
        lambda: quotas_of(shared.db, request, by=by),
    )
    for name, quota in quotas:
        if not quota.has_room:
            full = f"{quota.held} of {quota.limit}"
            first = formats.literal(name)
            return True, f":red[{first} has {full} bookings that week, as many as allowed.]"
    return False, f"{_weeks(quotas)}{_decision()}"


def _key(request: BookingRequest) -> tuple[object, ...]:
    return (request.students, request.class_name, request.team_id, request.for_staff)


def _who(known: Reference, request: BookingRequest, busy: Booking) -> str:
    """Which of the chosen people has the booking ``busy``."""
    party = party_of(known, request)
    chosen = [*request.students, *party.members]
    ids = [id for id in chosen if id in busy.student_ids and id in known.students]
    return _first_name(known, ids[0]) if ids else busy.supervisor_name


def _first_name(known: Reference, student_id: str) -> str:
    return known.student(student_id).name.split()[0]


def _weeks(quotas: Sequence[tuple[str, Quota]]) -> str:
    if len(quotas) != 1:
        return ""
    [(name, quota)] = quotas
    used = f"{quota.held}" if quota.limit is None else f"{quota.held} of {quota.limit}"
    return f"{formats.literal(name)} has {used} bookings that week. "


def _decision() -> str:
    if draft.as_approved():
        return "This one is approved at once."
    return "The principal decides on this one."
