"""The payload of the wall display, from values of the core. No queries.

Moments are epoch milliseconds, because the display uses the server's clock and not its own. Names
that the wall may not show are left out here, so that they never leave the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, time
from hashlib import blake2s
from typing import Any
from urllib.parse import urlsplit

from booking_core import (
    Board,
    Booking,
    Card,
    CellState,
    DayPlan,
    Ground,
    Party,
    Status,
    wall_cards,
)
from booking_core.reports import qr_code
from pages.shared.text import formats

PAGE = 12
PAGE_SECONDS = 10
SERVED_SECONDS = 10
_KINDS = {CellState.PENDING: "Requested", CellState.BOOKED: "Booked"}
_LONGEST_ADDRESS = 300


def frame(
    now: datetime,
    alive_at: datetime | None,
    school: str,
    *,
    theme: str | None,
    address: str | None,
    grounds: Sequence[Ground] = (),
    only: str | None = None,
    book: str | None = None,
) -> dict[str, Any]:
    """The payload around the cards. ``now`` is in the school's time.

    The display shows "Not live" after ``stale_ms`` without a message through Streamlit. ``book``:
    the path of Book for a signed-in user, who also gets the choice among ``grounds``.
    """
    return {
        "title": "Grounds today",
        "date": formats.long_date(now.date()),
        "term": "",
        "day": now.date().isoformat(),
        "zone": str(now.tzinfo),
        "clock": formats.clock_pattern(),
        "now": _ms(now),
        "at": _ms(alive_at),
        "stale_ms": (3 * SERVED_SECONDS + 5) * 1000,
        "theme": "light" if theme == "light" else "dark",
        "note": school,
        "book": book,
        "choices": [[ground.id, ground.name] for ground in grounds] if book else [],
        "only": only,
        "code": qr_code(address) if address else None,
        "per_page": PAGE,
        "page_seconds": PAGE_SECONDS,
        "later": [],
        "cards": [],
        "empty": ["", ""],
    }


def day(board: Board, shows: str, only: str | None, ahead: Iterable[DayPlan]) -> dict[str, Any]:
    """The part of the payload with the cards of ``board``, or with a title and text instead.

    ``shows``: one of WALL_SHOWS; ``only``: the id of the one ground to show; ``ahead``: the plans
    of the next days, which are iterated only if this day has no more periods.
    """
    cards = wall_cards(board, only)
    if not cards and board.grounds:
        return {"empty": _unknown_ground(only or "", board.grounds)}
    if not cards:
        return {"empty": ["No grounds yet", "They appear here as soon as an admin adds them."]}
    if not board.periods:
        note = board.plan.note or _closed(board) or _opens(board.date, ahead)
        return {"empty": ["No school today", note]}
    # After the last period a closure counts as past too, although it may last to midnight.
    past = {CellState.PAST}
    if all(board.ends_at(period) <= board.now for period in board.periods):
        past.add(CellState.CLOSED)
    if all(card.state in past for card in cards):
        return {"empty": ["The school day is over", _opens(board.date, ahead)]}
    return {
        "later": _later(cards[0], shows) if only is not None else [],
        "cards": [_card(card, shows) | {"periods": _moments(board, card.ground)} for card in cards],
    }


def _moments(board: Board, ground: Ground) -> list[list[int]]:
    """Begin and end of each period of ``ground``, as milliseconds."""
    periods = board.plan.of(ground.id).periods
    return [[_ms(board.starts_at(period)), _ms(board.ends_at(period))] for period in periods]


def _unknown_ground(asked: str, grounds: Sequence[Ground]) -> list[str]:
    known = ", ".join(ground.id for ground in grounds[:6]) + (", …" if len(grounds) > 6 else "")
    return [f"There is no ground “{asked[:40]}”", f"The address of this display may name: {known}"]


def open_plan(board: Board) -> DayPlan:
    """The day's plan without the periods in which all grounds are closed."""
    return replace(
        board.plan,
        own={},
        periods=tuple(
            period
            for period in board.periods
            if any(c.booking is None or c.booking.kind != "closure" for c in board.row(period))
        ),
    )


def _closed(board: Board) -> str:
    """The sentence for a day on which all grounds are closed for one reason, else ""."""
    reasons = {b.purpose for b in board.bookings if b.kind == "closure"}
    closed = {s for b in board.bookings if b.kind == "closure" for s in b.held_surfaces}
    if len(reasons) != 1 or not all(closed.issuperset(g.surfaces) for g in board.grounds):
        return ""
    return f"The grounds are closed: {reasons.pop()}"


def _closed_until(closure: Booking) -> str:
    if closure.end != time():
        return _until(closure.end)
    return "all day" if closure.start == time() else "for the rest of the day"


def _until(end: time) -> str:
    return "until midnight" if end == time() else f"until {formats.clock(end)}"


def _opens(today: Date, ahead: Iterable[DayPlan]) -> str:
    plan = next((plan for plan in ahead if plan.is_school), None)
    if plan is None:
        return "The grounds are closed."
    first = formats.clock(min(period.start for period in plan.all_periods))
    when = "tomorrow" if (plan.date - today).days == 1 else f"on {formats.long_date(plan.date)}"
    return f"The grounds open again {when} at {first}."


def _card(card: Card, shows: str) -> dict[str, Any]:
    booking = card.now
    what, who, until, tag = "Free", "", "", ""
    if card.state is CellState.PAST:
        what, who = "Closed", "The school day is over" if card.strip else "No periods today"
    elif card.opens is not None:
        what = f"Opens {formats.clock(card.opens)}"
    elif booking is None:
        until = _until(card.until) if card.until else "for the rest of the day"
    elif card.state is CellState.CLOSED:
        what, who, until = "Closed", booking.purpose, _closed_until(booking)
    else:
        what, who = _shown(booking, shows)
        what = what or _KINDS[card.state]
        tag = "Requested" if card.state is CellState.PENDING and what != "Requested" else ""
        until = _until(booking.end)
    return {
        "id": card.ground.id,
        "name": card.ground.name,
        "state": str(card.state if card.opens is None else CellState.PAST),
        "what": what,
        "tag": tag,
        "who": who,
        "until": until,
        "ends": _ms(card.ends_at) if booking and booking.kind == "booking" else 0,
        "next": _next(card, shows),
        "parts": [_part(_card(part, shows)) for part in card.parts],
        "strip": [str(state) for state in card.strip],
        "about": _about(card.strip),
        "mark": _mark(card.held),
    }


def _part(card: dict[str, Any]) -> list[str]:
    """A line for one of several layouts that are in use: name, state, what, until when."""
    what = " · ".join(filter(None, (card["what"], card["who"])))
    return [card["name"], card["state"], what, card["until"]]


def _shown(booking: Booking, shows: str) -> tuple[str, str]:
    """The game and the party or class, as far as the wall may show them."""
    if shows == "none":
        return "", ""
    if shows == "student":
        return booking.game, booking.whom
    name = booking.party_group
    is_class = booking.party in (Party.STUDENTS, Party.CLASS)
    if is_class and not name.lower().startswith("class"):
        name = f"{'Classes' if ', ' in name else 'Class'} {name}"
    return booking.game, name


def _next(card: Card, shows: str) -> dict[str, str]:
    """The line about the next booking; a narrow card does not show ``word`` and ``who``."""
    following = card.next
    if following is None:
        return _line("Then", text="free all day") if card.free_after else _line()
    if card.now is not None and following.start != card.now.end:
        return _line("Then", text=f"free until {formats.clock(following.start)}")
    if following.kind == "closure":
        return _line("Next", formats.clock(following.start), f"Closed: {following.purpose}")
    pending = following.status is Status.PENDING
    game, who = _shown(following, shows)
    if not game:
        return _line("Next", formats.clock(following.start), "Requested" if pending else "Booked")
    line = _line("Next", formats.clock(following.start), game, "requested" if pending else "")
    return line | {"who": f"{who.removeprefix('Class ')} ·"}


def _later(card: Card, shows: str) -> list[dict[str, str]]:
    """The lines about the bookings from the next one on, for a display with one ground."""
    return [_entry(b, shows) for b in card.held if card.next and b.start >= card.next.start]


def _entry(booking: Booking, shows: str) -> dict[str, str]:
    time = formats.span(booking.start, booking.end)
    if booking.kind == "closure":
        return _line("", time, f"Closed: {booking.purpose}") | {"state": "closed"}
    pending = booking.status is Status.PENDING
    game, who = _shown(booking, shows)
    line = _line("", time, game or "Booked", "requested" if pending else "")
    return line | {"who": who, "state": "pending" if pending else "booked"}


def _line(word: str = "", time: str = "", text: str = "", tag: str = "") -> dict[str, str]:
    return {"word": word, "time": time, "who": "", "text": text, "tag": tag}


def _about(strip: Sequence[CellState]) -> str:
    """The sentence about the strip for screen readers."""
    counted = {
        "booked": strip.count(CellState.BOOKED),
        "requested": strip.count(CellState.PENDING),
        "closed": strip.count(CellState.CLOSED),
    }
    text = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
    return f"Of {len(strip)} periods today: {text or 'all free'}" if strip else "No periods today"


def _mark(held: Sequence[Booking]) -> str:
    """A text that changes with the ground's bookings of this day and their states.

    It is a digest, so that it reveals no names. The present time is not part of it, so that only
    changes of bookings highlight a card.
    """
    text = "\n".join(f"{b.id} {b.status} {b.start} {b.end}" for b in held)
    return blake2s(text.encode(), digest_size=6).hexdigest()


def address_of_book(public: str | None, opened: str | None) -> str | None:
    """The URL of the Book screen, from the public URL or that of another screen.

    None without both, and for an address too long to scan.
    """
    if public:
        address = f"{public.rstrip('/')}/book"
    else:
        # The browser reports the address, so anybody can send any text. ``urlsplit`` and
        # ``qr_code`` keep their arguments: the length is checked first.
        parts = urlsplit(opened if opened and len(opened) <= _LONGEST_ADDRESS else "")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return None
        above = parts.path.rstrip("/").rpartition("/")[0]
        address = f"{parts.scheme}://{parts.netloc}{above}/book"
    return address if len(address) <= _LONGEST_ADDRESS else None


def _ms(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1000)
