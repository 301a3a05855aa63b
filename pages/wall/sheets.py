"""The sheets to print, a day or the week of a ground, and the page that their QR code leads to.

All three are for signed-in users: a sheet names students.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import date as Date
from functools import partial
from urllib.parse import urlencode

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from booking_core import BookingError, InvalidRequest, StoreUnavailable
from booking_core.reports import (
    SHEET_CHANGES,
    SHEET_STYLE_DIGEST,
    Sheet,
    Writing,
    changes_since,
    day_sheet,
    qr_code,
    sheet_html,
    week_sheet,
)
from pages.shared.auth import routes as sign_in
from pages.shared.auth.responses import message, page, unavailable
from pages.shared.live import logo, runtime
from pages.shared.live.address import DAY_SHEET, WEEK_SHEET, base
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads
from pages.wall import cards, sheet_texts

_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{SHEET_STYLE_DIGEST}'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_WRITING = Writing(
    period=payloads.named,
    span=formats.span,
    date=formats.long_date_and_year,
    day=formats.short_date,
    clock=lambda moment: formats.clock(moment.time()),
)
_MARK = 16  # characters of a sheet's mark


async def _answer(request: Request, draw: Callable[[Request, Services], Response]) -> Response:
    """What ``draw`` returns for a signed-in user; it runs in a thread, and reads the database."""
    shared = runtime.start()
    if not shared.is_usable:
        return unavailable(shared)
    try:
        if (instead := await sign_in.before_screens(request, shared)) is not None:
            return instead
        return await anyio.to_thread.run_sync(draw, request, shared)
    except StoreUnavailable as exc:
        return unavailable(shared, exc)
    except BookingError as exc:
        back = (f"{base()}/book", "Back to Book")
        return message(shared, 404, "There is no such sheet", messages.error(exc), back)


def _sheet(request: Request, shared: Services) -> Response:
    """The sheet of a day, or of the week of the ``ground`` of the address."""
    shows = request.query_params.get("show") or "student"
    sheet = _asked(request, shared, shows, is_first=False)
    asked = sheet.parameters
    book = f"{base()}/book?{urlencode(asked)}"
    links = [(book, "Back to Book")]
    others = [
        ("student", "With names"),
        ("class", "With classes only"),
        ("none", "Without details"),
    ]
    here = f"{base()}/{WEEK_SHEET if sheet.ground else DAY_SHEET}"
    links += [
        (f"{here}?{urlencode(asked | {'show': shows})}", label)
        for shows, label in others
        if shows != sheet.shows
    ]
    opened = str(request.url_for(DAY_SHEET))
    address = cards.address_of_book(shared.settings.public_url, opened)
    code = None
    if address is not None:
        code = qr_code(sheet.changes_address(address.removesuffix("book")))
    text = sheet_html(sheet, shared.settings.school_name, _WRITING, code=code, links=links)
    headers = {"content-security-policy": _POLICY, "cache-control": "no-store"}
    return HTMLResponse(text, headers=headers)


def _changes(request: Request, shared: Services) -> Response:
    """What has changed since the moment ``at`` of the address, when a sheet was made."""
    since = _moment(request.query_params.get("at") or "")
    if since > shared.now():
        raise InvalidRequest("at", "is not over yet")
    sheet = _asked(request, shared, "student", is_first=True)
    ground_id = sheet.ground.id if sheet.ground else None
    is_same = sheet.mark == (request.query_params.get("of") or "")[:_MARK]
    changes = [] if is_same else changes_since(shared.db, sheet.dates, since, ground_id=ground_id)
    now, zone = shared.now(), shared.settings.zone
    what = formats.long_date(sheet.dates[0])
    if sheet.ground is not None:
        what = f"{sheet.ground.name}, {formats.days(sheet.dates[0], sheet.dates[-1])}"
    grounds = shared.reference().grounds
    asked = urlencode(sheet.parameters)
    logo.shown(shared)  # read now, for the page
    return page(
        shared,
        "sheet_changes.html",
        title=sheet_texts.title(is_same, since.astimezone(zone), now),
        lead=sheet_texts.lead(is_same, changes, what),
        changes=[sheet_texts.line(change, grounds, sheet.dates, now) for change in changes],
        live=f"{base()}/book?{asked}",
        again=f"{base()}/{WEEK_SHEET if sheet.ground else DAY_SHEET}?{asked}",
    )


def _asked(request: Request, shared: Services, shows: str, *, is_first: bool) -> Sheet:
    """The sheet of the ``ground`` and ``date`` of the address; without a date, of today.

    ``is_first``: the date is the first of the week, as a sheet has it that may begin on another day
    of the week than the screens; else it is any of it.
    """
    date = shared.now().date()
    if (text := request.query_params.get("date")) is not None:
        try:
            date = Date.fromisoformat(text[:20])
        except ValueError as exc:
            raise InvalidRequest("date", "must be like 2026-12-31") from exc
        if not 2000 <= date.year <= 2200:
            raise InvalidRequest("date", "must be between the years 2000 and 2200")
    ground_id = request.query_params.get("ground")
    if ground_id is None:
        return day_sheet(shared.db, date, shows=shows)
    first = date if is_first else formats.start_of_week(date)
    return week_sheet(shared.db, ground_id, first, shows=shows)


def _moment(text: str) -> datetime:
    try:
        if not text.isascii() or not text.isdecimal() or len(text) > 14:
            raise ValueError(text)
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
    except (ValueError, OverflowError) as exc:
        raise InvalidRequest("at", "must be a moment in milliseconds") from exc


def routes() -> list[Route]:
    """The routes, below the base path of the app."""
    draws = {DAY_SHEET: _sheet, WEEK_SHEET: _sheet, SHEET_CHANGES: _changes}
    return [
        Route(f"{base()}/{name}", partial(_answer, draw=draw), name=name)
        for name, draw in draws.items()
    ]
