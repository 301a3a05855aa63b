"""The calendars to subscribe to: of each ground and the school for everybody, of users in secret.

A calendar program has no session. The address of a user's calendar is the right to read it: no log
has it, and the same answer follows on every address that is none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from booking_core import InvalidRequest, StoreUnavailable, UnknownGround
from booking_core.calendars import (
    CALENDAR_TYPE,
    CalendarPlan,
    account_of_calendar,
    ground_calendar,
    own_calendar,
    school_calendar,
    write_calendar,
)
from booking_core.live import Scope
from pages.shared.live import etags, runtime
from pages.shared.live.address import CALENDARS, base
from pages.shared.live.runtime import Services

_AWAY = "The calendar cannot be read at the moment. Please try again later.\n"
_NONE = "There is no calendar at this address.\n"
# A program asks each time whether the calendar has changed.
_PUBLIC, _PRIVATE = "no-cache", "private, no-cache"


def routes() -> list[Route]:
    """The routes, below the base path of the app."""
    kinds = {
        "grounds/{ground_id}.ics": _of_ground,
        "school.ics": _of_school,
        "mine/{secret}.ics": _own,
    }
    return [
        Route(f"{base()}/{CALENDARS}/{path}", partial(_answer, plan=plan))
        for path, plan in kinds.items()
    ] + [Route(f"{base()}/{CALENDARS}/{{rest:path}}", _nothing)]


async def _answer(
    request: Request, plan: Callable[[Request, Services], CalendarPlan | None]
) -> Response:
    shared = runtime.start()
    if not shared.is_usable:
        return _said(503, _AWAY)
    try:
        return await anyio.to_thread.run_sync(_calendar, request, shared, plan)
    except StoreUnavailable:
        return _said(503, _AWAY)


async def _nothing(request: Request) -> Response:
    return _said(404, _NONE)


def _calendar(
    request: Request, shared: Services, plan: Callable[[Request, Services], CalendarPlan | None]
) -> Response:
    found = plan(request, shared)
    if found is None:
        return _said(404, _NONE)
    etag = f'"{found.tag}"'
    is_own = "secret" in request.path_params
    headers = {"etag": etag, "cache-control": _PRIVATE if is_own else _PUBLIC}
    if etags.is_known(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(write_calendar(shared.db, found), headers=headers, media_type=CALENDAR_TYPE)


def _of_ground(request: Request, shared: Services) -> CalendarPlan | None:
    ground_id, today = request.path_params["ground_id"], shared.now().date()
    if ground_id not in shared.reference().grounds:  # made-up ids would fill the cache
        return None
    try:
        return shared.cached(
            (Scope.BOOKINGS, Scope.SCHOOL),
            ("calendar of a ground", ground_id, today),
            lambda: ground_calendar(shared.db, ground_id),
        )
    except (InvalidRequest, UnknownGround):
        return None


def _of_school(request: Request, shared: Services) -> CalendarPlan | None:
    today = shared.now().date()
    return shared.cached(
        (Scope.BOOKINGS, Scope.SCHOOL),
        ("calendar of the school", today),
        lambda: school_calendar(shared.db),
    )


def _own(request: Request, shared: Services) -> CalendarPlan | None:
    account = account_of_calendar(shared.db, request.path_params["secret"])
    return None if account is None else own_calendar(shared.db, account.id)


def _said(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, {"cache-control": "no-store"})
