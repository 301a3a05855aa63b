"""The report of a month to print, for those who see everybody's figures."""

from __future__ import annotations

from datetime import date as Date

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from booking_core import Actor, BookingError, InvalidRequest, StoreUnavailable
from booking_core.reports import MONTH_STYLE_DIGEST, Writing, month_report, month_report_html
from pages.shared.auth import routes as sign_in
from pages.shared.auth.responses import message, unavailable
from pages.shared.live import runtime
from pages.shared.live.address import MONTH_REPORT, base
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_POLICY = (
    f"default-src 'none'; style-src 'sha256-{MONTH_STYLE_DIGEST}'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_WRITING = Writing(
    period=payloads.named,
    span=formats.span,
    date=formats.long_date_and_year,
    day=formats.short_date,
    clock=lambda moment: formats.clock(moment.time()),
)


async def _answer(request: Request) -> Response:
    shared = runtime.start()
    if not shared.is_usable:
        return unavailable(shared)
    try:
        if (instead := await sign_in.before_screens(request, shared)) is not None:
            return instead
        person = await sign_in.person_of(request)
        if person is None:  # signed out meanwhile
            return unavailable(shared)
        return await anyio.to_thread.run_sync(_page, request, shared, person.account.actor)
    except StoreUnavailable as exc:
        return unavailable(shared, exc)
    except BookingError as exc:
        back = (f"{base()}/reports", "Back to Reports")
        return message(shared, 404, "There is no such report", messages.error(exc), back)


def _page(request: Request, shared: Services, by: Actor) -> Response:
    month = _month(request.query_params.get("month"), shared.now().date())
    report = month_report(shared.db, month, by=by)
    links = [(f"{base()}/reports", "Back to Reports")]
    text = month_report_html(report, shared.settings.school_name, _WRITING, links=links)
    headers = {"content-security-policy": _POLICY, "cache-control": "no-store"}
    return HTMLResponse(text, headers=headers)


def _month(text: str | None, today: Date) -> Date:
    """The first day of a month such as ``2026-11``; without one, of this month."""
    if text is None:
        return today
    try:
        month = Date.fromisoformat(f"{text[:7]}-01")
    except ValueError as exc:
        raise InvalidRequest("month", "must be like 2026-12") from exc
    if not 2000 <= month.year <= 2200 or len(text) > 7:
        raise InvalidRequest("month", "must be like 2026-12")
    return month


def routes() -> list[Route]:
    """The route, below the base path of the app."""
    return [Route(f"{base()}/{MONTH_REPORT}", _answer, name=MONTH_REPORT)]
