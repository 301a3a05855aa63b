"""Whether a client has a content already, by its tag (RFC 9110, If-None-Match)."""

from __future__ import annotations

from starlette.requests import Request


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has the content with ``etag``, which is quoted."""
    tags = request.headers.get("if-none-match", "").split(",")
    return etag in (tag.strip().removeprefix("W/") for tag in tags)
