"""Whether a proxy that is not trusted seems to stand before this app.

All of its clients then have one address, so the failed sign-ins of all are counted together.
"""

from __future__ import annotations

import logging
import threading

from starlette.requests import Request

log = logging.getLogger(__name__)

_HEADERS = ("x-forwarded-for", "forwarded", "x-real-ip")
_seen = threading.Event()


def note(request: Request, trust_proxy: bool) -> None:
    """Looks at the headers of a request; the first one with such a header is logged."""
    if trust_proxy or _seen.is_set():
        return
    if (header := next((h for h in _HEADERS if h in request.headers), None)) is not None:
        _seen.set()
        log.warning(
            "a request came with %s while TRUST_PROXY is off: if a proxy stands before this app, "
            "failed sign-ins of all its users are counted as of one address. Have the proxy set "
            "X-Forwarded-For, and set TRUST_PROXY=on",
            header,
        )


def is_untrusted() -> bool:
    """Whether this process has had such a request."""
    return _seen.is_set()
