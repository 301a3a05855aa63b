"""Reading of HTML forms that pages of this app have sent. Stops reading a form at 8 kB."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import Request

BODY_BYTES = 8192
BODY_SECONDS = 10.0


class Refused(Exception):
    """A refused request: the HTTP status, and a sentence for the page."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(text)


def is_same_origin(request: Request, *, opaque: bool = False) -> bool:
    """Whether a page of this app sent the request; False without a header about its origin.

    ``opaque``: an origin ``null`` counts as this app. A page without a referrer sends it where the
    browser sends no Sec-Fetch-Site, as it does without TLS.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin, host = request.headers.get("origin"), request.headers.get("host")
    if opaque and origin == "null":
        return True
    return bool(origin and host) and (origin or "").partition("://")[2] == host


async def form_of(request: Request, *, by_link: bool = False) -> dict[str, str]:
    """The fields of a form that a page of this app has sent. Raises Refused.

    ``by_link``: its address has a secret, which no page of another origin knows.
    """
    if not is_same_origin(request, opaque=by_link):
        raise Refused(403, "This form was not sent by a page of this dashboard.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded"):
        raise Refused(415, "This is no form of this dashboard.")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        raise Refused(413, "This is more than a form can hold.")
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise Refused(413, "This is more than a form can hold.")
    except TimeoutError as exc:
        raise Refused(408, "The form took too long to arrive.") from exc
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    except ValueError as exc:
        raise Refused(400, "This form cannot be read.") from exc
    return dict(pairs)
