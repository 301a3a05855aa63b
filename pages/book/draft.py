"""The draft of a booking in the session state, and the steps that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

import streamlit as st

from booking_core import (
    Actor,
    Board,
    Booking,
    BookingError,
    BookingRequest,
    GroundFilter,
    InvalidRequest,
    Party,
    Reference,
    Slot,
    SlotTaken,
    book,
    people_of,
)
from booking_core.live import log_refusal
from pages.shared.components import choices, elements
from pages.shared.components.party_box import APART, request_fields, values_of
from pages.shared.layout.book_again import AGAIN
from pages.shared.live import url_state
from pages.shared.live.runtime import Services
from pages.shared.text import messages

DATE, STUDENT, PURPOSE = "book.date", "book.student", "book.purpose"
MORE, SUPERVISOR = "book.more", "book.supervisor"  # other students; the sign-in name of staff
APPROVED = "book.approved"  # a principal's booking that is approved at once
_PICKED, _REVIEW, _LOST, _PROBLEM = "book.picked", "book.review", "book.lost", "book.problem"
_NOT_FREE = "That time is not free on any day ahead. Pick a slot."
_DONE, _RESET = "book.done", "book.reset"
_TYPED = "draft.book"  # this session has had a draft; "clear" does not remove it
SERIES_ID = "book.series.id"  # of the series that the open dialog books, a UUID
SET_ID = "book.set.id"  # of the set of grounds that the open dialog books, a UUID
SERIES_DONE, SET_DONE = "book.series.done", "book.set.done"
# Keys of the dialogs that repeat the booking, and that book several grounds.
_DIALOGS = ("book.series.", "book.set.")
MAX_PURPOSE = 500  # characters
GAME_SHOWN = "book.game_shown"  # the grid shows the grounds of this game; None: all
FREE_AT = "book.free_at"  # the grid shows the grounds free at this time, "HH:MM"; "": all
GROUND_SHOWN = "book.ground_shown"  # the ground that a phone shows first
VIEW = "book.view"
DAY, WEEK, SCHOOL = "Day", "Week", "School"
_VIEWS = {"week": WEEK, "school": SCHOOL}  # in the address; absent: DAY
# Date, view and "free at" to show from the next run on; the fields of this run are drawn.
_GO = "book.go"
PARAMETERS = ("view", "date", "ground", "from", "to", "game", "free", "wait")
_WAITS = "book.waits"  # the slot that the user wants to wait for
_ENTRY = "book.entry"  # the content of an entry of the waiting list, and its id
_JOINED = "joined.book"  # a sentence for the next run; "clear" does not remove it


def open_form(first: Date, today: Date, last: Date) -> None:
    """Prepares the session state; to be called before any widget is drawn.

    ``first``: the date to show if neither the session nor the address has one.
    """
    state = st.session_state
    if state.pop(_RESET, False):
        clear()
    if (go := state.pop(_GO, None)) is not None:
        state[DATE], state[VIEW], state[FREE_AT] = go
    url_state.read(PARAMETERS, _adopt)
    state.setdefault(VIEW, DAY)
    # Board, panel and review speak of one day: in a week, a press on another day changes the date.
    if (slot := picked()) is not None:
        state[DATE] = slot.date
    state.setdefault(DATE, min(max(first, today), last))
    # The page was open over midnight, or an admin has shortened the booking window.
    if gone := choices.keep_date(DATE, today, last):
        drop_pick()
        st.toast(messages.date_gone(gone, state[DATE]), icon=":material/event_busy:")
    state.setdefault(_PICKED, None)


def fill_again(known: Reference) -> None:
    """Fills the form as a booking that is booked again; to be called before any widget is drawn."""
    state = st.session_state
    if (given := state.pop(AGAIN, None)) is None:
        return
    booking, is_free = given
    first, *more = [id for id in values_of(booking) if _is_on_list(known, id)] or [""]
    state[STUDENT], state[MORE] = first or None, more
    state[SUPERVISOR], state[PURPOSE] = booking.supervisor_id, booking.purpose[:MAX_PURPOSE]
    ground = known.grounds.get(booking.ground_id)
    if ground is not None and booking.game in ground.games:
        state[game_key(ground.id)] = booking.game
    if not is_free:
        st.toast(_NOT_FREE, icon=":material/event_busy:")


def write_address(first: Date) -> None:
    """Puts the shown date, and the picked slot until it is booked, into the address."""
    slot, date = None if is_finished() else picked(), st.session_state[DATE]
    shown = st.session_state[VIEW]
    url_state.write(
        {
            "view": next((name for name, view in _VIEWS.items() if view == shown), ""),
            "date": date.isoformat() if slot is not None or date != first else "",
            "ground": slot.ground_id if slot else st.session_state.get(GROUND_SHOWN) or "",
            "from": f"{slot.start:%H:%M}" if slot else "",
            "to": f"{slot.end:%H:%M}" if slot else "",
            "game": st.session_state.get(GAME_SHOWN) or "",
            "free": st.session_state.get(FREE_AT) or "",
            "wait": "yes" if slot is not None and waits() else "",
        }
    )


def _adopt(values: Mapping[str, str]) -> None:
    """Shows the date and the slot of the address; an invalid one counts as absent.

    ``drop_invalid_pick`` drops a slot that is none of the timetable.
    """
    state = st.session_state
    before = picked()
    date = slot = None
    with suppress(KeyError, ValueError):
        date = Date.fromisoformat(values["date"])
        start, end = (time.fromisoformat(values[name]) for name in ("from", "to"))
        slot = Slot(values["ground"], date, start.replace(tzinfo=None), end.replace(tzinfo=None))
    if date is None:
        state.pop(DATE, None)
    else:
        state[DATE] = date
    state[VIEW] = _VIEWS.get(values.get("view", ""), DAY)
    state[GAME_SHOWN] = values.get("game")
    state[FREE_AT] = values.get("free", "")
    state[GROUND_SHOWN] = None if "from" in values else values.get("ground")
    if slot != before:
        drop_pick()
        end_review()
        state[_PICKED] = slot
    state[_WAITS] = slot if values.get("wait") == "yes" else None


def keep_in_browser(known: Reference, by: Actor) -> None:
    """Keeps the typed fields in the browser's tab, and fills a new session's form with them."""
    state, slot = st.session_state, picked()
    values = {
        "student": state.get(STUDENT) or "",
        "more": ",".join(state.get(MORE) or ()),
        "supervisor": state.get(SUPERVISOR) or "",
        "game": (state.get(game_key(slot.ground_id)) or "") if slot else "",
        "purpose": state.get(PURPOSE) or "",
    }
    # The game alone is no draft: the form chooses one by itself.
    typed = [values[name] for name in values if name != "game"]
    is_empty = is_finished() or not any(typed)

    def restore(given: dict[str, str]) -> None:
        if _is_on_list(known, given.get("student", "")):
            state[STUDENT] = given["student"]
        state[MORE] = [id for id in given.get("more", "").split(",") if _is_on_list(known, id)]
        state[SUPERVISOR] = given.get("supervisor") or None  # the form drops an unknown one
        state[PURPOSE] = given.get("purpose", "")[:MAX_PURPOSE]
        if slot is not None and given.get("game") in known.ground(slot.ground_id).games:
            state[game_key(slot.ground_id)] = given["game"]

    elements.draft(
        by.id,
        dict.fromkeys(values, "") if is_empty else values,
        key="book.typed",
        is_new=is_empty and not state.get(_TYPED, False),
        on_restored=restore,
    )
    if not is_empty:
        state[_TYPED] = True


def _is_on_list(known: Reference, value: str) -> bool:
    kind, _, name = value.partition(APART)
    if APART not in value:
        return value in known.students and known.students[value].active
    return kind != Party.TEAM or name in known.teams


def leave() -> None:
    """Ends a review and the success dialog where another screen is shown; the draft stays."""
    is_over = is_finished()
    end_review()
    close_dialogs()
    if is_over:
        finish()


def clear() -> None:
    for key in list(st.session_state):
        is_shown = str(key).startswith((DATE, GAME_SHOWN, FREE_AT, GROUND_SHOWN, VIEW))
        if str(key).startswith("book.") and not is_shown:
            del st.session_state[key]


def picked() -> Slot | None:
    slot: Slot | None = st.session_state.get(_PICKED)
    return slot


def game_key(ground_id: str) -> str:
    return f"book.game.{ground_id}"


def wanted() -> GroundFilter:
    """The grounds that the filters of the screen leave."""
    game, free_at = st.session_state.get(GAME_SHOWN), st.session_state.get(FREE_AT)
    return GroundFilter(game, time.fromisoformat(free_at) if free_at else None)


def is_week() -> bool:
    return bool(st.session_state.get(VIEW) == WEEK)


def is_school() -> bool:
    return bool(st.session_state.get(VIEW) == SCHOOL)


def move_date(by: timedelta, first: Date, last: Date) -> None:
    """Shows a day before or after, between ``first`` and ``last``."""
    st.session_state[DATE] = min(max(st.session_state[DATE] + by, first), last)
    drop_pick()


def set_date(date: Date) -> None:
    """Shows ``date``; to be called before the date field is drawn."""
    st.session_state[DATE] = date
    drop_pick()


def show(
    date: Date, ground_id: str | None, *, at_any_time: bool = False, same_view: bool = False
) -> None:
    """Shows ``date`` and the ground (None: the same one) from the next run on, without a pick.

    It leads from all grounds of the school to the day of one, unless with ``same_view``.
    ``at_any_time``: without the filter of a time.
    """
    drop_pick()
    state = st.session_state
    free_at = "" if at_any_time else state.get(FREE_AT, "")
    state[_GO] = date, DAY if is_school() and not same_view else state[VIEW], free_at
    if ground_id is not None:
        st.session_state[GROUND_SHOWN] = ground_id


def show_any_time() -> None:
    """Removes the filter of a time; to be called before its field is drawn."""
    st.session_state[FREE_AT] = ""


def drop_pick() -> None:
    st.session_state[_PICKED] = None
    st.session_state.pop(_LOST, None)
    st.session_state.pop(_GO, None)


def drop_invalid_pick(board: Board) -> None:
    """Drops a pick that does not fit the timetable or the grounds of its day any more."""
    slot = picked()
    if slot is None or slot.date != board.date:
        return
    on_board = any(ground.id == slot.ground_id for ground in board.grounds)
    if not on_board or not board.plan.of(slot.ground_id).fits(slot.start, slot.end):
        drop_pick()
        st.toast("The timetable or the grounds changed. Choose a slot again.")


def slot_at(board: Board, ground_id: str, start_text: str) -> Slot | None:
    """The slot of a pressed cell; None if ``board`` has no such cell."""
    if all(ground.id != ground_id for ground in board.grounds):
        return None
    return next(
        (
            Slot(ground_id, board.date, period.start, period.end)
            for period in board.plan.of(ground_id).periods
            if f"{period.start:%H:%M}" == start_text
        ),
        None,
    )


def pick(board: Board, slot: Slot) -> None:
    """Picks a free period of ``board``.

    A cell next to the picked ones extends the pick; any other cell starts a new one. The first or
    the last of the picked cells is removed from the pick.
    """
    ground_id = slot.ground_id
    periods = board.plan.of(ground_id).periods
    index = next(i for i, period in enumerate(periods) if period.start == slot.start)
    st.session_state.pop(_LOST, None)
    if not is_week():
        st.session_state[GROUND_SHOWN] = None
    before = picked()
    if before is None or before.ground_id != ground_id or before.date != board.date:
        st.session_state[_PICKED] = slot
        return
    first = next((i for i, p in enumerate(periods) if p.start == before.start), index)
    last = next((i for i, p in enumerate(periods) if p.end == before.end), index)
    if index == last + 1:
        slot = replace(before, end=periods[index].end)
    elif index == first - 1:
        slot = replace(before, start=periods[index].start)
    elif first < last and index == last:
        slot = replace(before, end=periods[last - 1].end)
    elif first < last and index == first:
        slot = replace(before, start=periods[first + 1].start)
    elif first == last == index:
        drop_pick()
        return
    st.session_state[_PICKED] = slot


def wait_for(slot: Slot) -> None:
    """Picks a slot that is taken, to join its waiting list, from the next run on."""
    state = st.session_state
    drop_pick()
    state.pop(_PROBLEM, None)
    state[_PICKED] = state[_WAITS] = slot
    if not is_week():
        state[GROUND_SHOWN] = None


def waits() -> bool:
    """Whether the picked slot was picked to wait for it."""
    slot = picked()
    return slot is not None and st.session_state.get(_WAITS) == slot


def entry_id(asked: BookingRequest, any_ground: bool, not_after: datetime | None) -> UUID:
    """The id of an entry of the waiting list with this content: sent twice, it is one entry."""
    content = (asked, any_ground, not_after)
    known: tuple[object, UUID] | None = st.session_state.get(_ENTRY)
    if known is None or known[0] != content:
        known = st.session_state[_ENTRY] = (content, uuid4())
    return known[1]


def finish_joining(said: str) -> None:
    """Empties the form in the next run, which says ``said``."""
    drop_pick()
    end_review()
    st.session_state[_JOINED] = said
    finish()


def is_joined() -> bool:
    """Whether the user has joined a waiting list, and the next run says it."""
    return _JOINED in st.session_state


def take_joined() -> str | None:
    said: str | None = st.session_state.pop(_JOINED, None)
    return said


def refuse(text: str) -> None:
    """Shows ``text`` as the problem of the form."""
    st.session_state[_PROBLEM] = text


def choose(option: Slot) -> None:
    """Picks an alternative; an open review continues with a new submission id."""
    lost_slot = picked()
    game = st.session_state.get(game_key(lost_slot.ground_id)) if lost_slot else None
    if game is not None:  # every alternative allows the game
        st.session_state[game_key(option.ground_id)] = game
    st.session_state[_PICKED] = option
    st.session_state.pop(_LOST, None)
    st.session_state.pop(_PROBLEM, None)
    if reviewing() is not None:
        st.session_state[_REVIEW] = uuid4()


def begin_review() -> None:
    """Opens the review under a new submission id: sent several times, it is one booking."""
    st.session_state.pop(_LOST, None)
    if can_be_asked():
        st.session_state[_REVIEW] = uuid4()


def end_review() -> None:
    st.session_state.pop(_REVIEW, None)
    st.session_state.pop(_PROBLEM, None)


def close_dialogs() -> None:
    """Ends the dialog that repeats the booking, and the one for several grounds."""
    for key in list(st.session_state):
        if str(key).startswith(_DIALOGS):
            del st.session_state[key]


def reviewing() -> UUID | None:
    """The submission id of the open review; None if no review is open."""
    submission: UUID | None = st.session_state.get(_REVIEW)
    return submission


def as_approved() -> bool:
    return bool(st.session_state.get(APPROVED))


def request() -> BookingRequest | None:
    """The form as a request; None while slot, party or game is missing. Raises InvalidRequest."""
    slot = picked()
    asked = None if slot is None else people_request(slot)
    return asked and replace(asked, purpose=st.session_state.get(PURPOSE) or "")


def people_request(slot: Slot) -> BookingRequest | None:
    """A request for ``slot`` without its purpose; None while party or game is missing."""
    state = st.session_state
    value, game = state.get(STUDENT), state.get(game_key(slot.ground_id))
    if not value or not game:
        return None
    # The first student may be one of the others, until the panel is drawn again.
    more = [id for id in state.get(MORE) or () if id != value]
    return BookingRequest(
        slot.ground_id,
        slot.date,
        slot.start,
        slot.end,
        game=game,
        **request_fields(value, more, state.get(SUPERVISOR)),
    )


def lost(board: Board) -> tuple[Booking | None, list[Slot]] | None:
    """The holder of the picked slot (None: unknown) and alternatives; None while it is free."""
    slot = picked()
    if slot is None:
        return None
    known: tuple[Booking | None, list[Slot]] | None = st.session_state.get(_LOST)
    if known is not None:
        return known
    holder = board.holder(slot)
    if (holder is None and board.is_free(slot)) or _is_own(holder):
        return None
    game = st.session_state.get(game_key(slot.ground_id)) or ""
    asked = people_request(slot)
    people = () if asked is None else people_of(asked)
    return holder, board.alternatives(slot, game, busy=board.cells_of(people))


def is_busy(board: Board) -> bool:
    """Whether one of the chosen people has another booking at the time of the picked slot."""
    slot = picked()
    asked = None if slot is None else people_request(slot)
    if slot is None or asked is None:
        return False
    return board.busy(people_of(asked), slot) is not None


def _is_own(holder: Booking | None) -> bool:
    """Whether ``holder`` is the booking of this session, even if its answer never arrived."""
    if holder is None:
        return False
    booked = done()
    ids = {str(st.session_state.get(key)) for key in (SERIES_ID, SET_ID)}
    if holder.series is not None and holder.series in ids:
        return True
    return holder.id == str(reviewing()) or (booked is not None and holder.id == booked.id)


def adopt_own_booking(board: Board) -> None:
    """Ends the review if the board shows its booking, although the answer never arrived."""
    slot = picked()
    holder = board.holder(slot) if slot else None
    if _is_own(holder):
        st.session_state[_DONE] = holder


def problem() -> str | None:
    text: str | None = st.session_state.get(_PROBLEM)
    return text


def done() -> Booking | None:
    booking: Booking | None = st.session_state.get(_DONE)
    return booking


def is_finished() -> bool:
    """Whether the form is booked: once, as a series or on several grounds."""
    return any(st.session_state.get(key) is not None for key in (_DONE, SERIES_DONE, SET_DONE))


def can_be_asked() -> bool:
    """Whether the form makes a request; otherwise ``problem`` has a sentence."""
    st.session_state.pop(_PROBLEM, None)
    try:
        request()
    except InvalidRequest as exc:  # a purpose with a character that cannot be used
        st.session_state[_PROBLEM] = messages.error(exc)
        return False
    return True


def finish() -> None:
    """Empties the form in the next run."""
    st.session_state[_RESET] = True


def confirm(shared: Services, actor: Callable[[], Actor]) -> None:
    """Books the reviewed slot once, as ``actor()``; sets ``done``, ``lost`` or ``problem``.

    Sends nothing if the live board shows that the slot is taken.
    """
    submission, wanted = reviewing(), request()
    if submission is None or wanted is None or done() is not None:
        return
    st.session_state.pop(_PROBLEM, None)
    if not shared.is_live:
        st.session_state[_PROBLEM] = messages.BUTTON_COMES_BACK
        return
    now = shared.now()
    try:
        board = shared.boards.get(wanted.date, now)
        slot = Slot(wanted.ground_id, wanted.date, wanted.start, wanted.end)
        holder = board.holder(slot)
        if holder is not None and not _is_own(holder):
            log_refusal(submission, holder)
            st.session_state[_LOST] = lost(board)
            return
        with shared.change():
            st.session_state[_DONE] = book(
                shared.db, wanted, by=actor(), submission_id=submission, as_approved=as_approved()
            )
    except SlotTaken as exc:
        st.session_state[_LOST] = (exc.held_by, list(exc.alternatives))
    except BookingError as exc:
        st.session_state[_PROBLEM] = messages.error(exc)
