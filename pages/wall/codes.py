"""The page to print with a QR code for each ground, which leads to the ground's day on Book."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from booking_core import StoreUnavailable
from booking_core.reports import qr_code
from pages.shared.auth import routes as sign_in
from pages.shared.auth import templates
from pages.shared.auth.responses import unavailable
from pages.shared.live import runtime
from pages.shared.live.address import CODES, base
from pages.wall import cards

_HERE = Path(__file__).parent
_templates = templates.environment(_HERE)
_style = (_HERE / "codes.css").read_text(encoding="utf-8")
_POLICY = templates.policy_of(_style)


async def _show(request: Request) -> Response:
    shared = runtime.start()
    if not shared.is_usable:
        return unavailable(shared)
    try:
        if (instead := await sign_in.before_screens(request, shared)) is not None:
            return instead
        known = await anyio.to_thread.run_sync(shared.reference)
    except StoreUnavailable as exc:
        return unavailable(shared, exc)
    address = cards.address_of_book(shared.settings.public_url, str(request.url_for("codes")))
    text = page(
        shared.settings.school_name,
        address=address,
        back=f"{base()}/book",
        codes=[
            (ground.name, qr_code(f"{address}?ground={quote(ground.id)}"))
            for ground in known.open_grounds
            if address is not None
        ],
    )
    return HTMLResponse(
        text, headers={"content-security-policy": _POLICY, "cache-control": "no-store"}
    )


def page(school: str, **values: object) -> str:
    """The page; ``codes`` of ``values`` are the name and the QR code of each ground."""
    return _templates.get_template("codes.html").render(style=_style, school=school, **values)


def routes() -> list[Route]:
    """The route, below the base path of the app."""
    return [Route(f"{base()}/{CODES}", _show, name="codes")]
