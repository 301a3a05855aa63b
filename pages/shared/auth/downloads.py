"""Downloads open for the session that made them only.

The address of a file is a hash of its content, and Streamlit serves it to everybody who knows it. A
file that two sessions have made, with the same content, opens for both.
"""

from __future__ import annotations

import hashlib
import os.path
import threading
from collections.abc import Mapping

from starlette.requests import Request

from pages.shared.live import cookies, runtime
from pages.shared.live.address import COOKIE
from pages.shared.live.client import is_screen_https
from pages.shared.live.streamlit_internals import is_download_kept

_makers: dict[str, set[str]] = {}  # file id -> hashes of the tokens of sessions
_lock = threading.Lock()


def made(file_id: str, headers: Mapping[str, str]) -> None:
    """Notes that the screen whose WebSocket has these headers has made the file."""
    is_tls = is_screen_https(headers, runtime.start())
    token = cookies.value_of(COOKIE, headers, is_tls=is_tls)
    with _lock:
        for old in [known for known in _makers if not is_download_kept(known)]:
            del _makers[old]
        makers = _makers.setdefault(file_id, set())  # of a screen without a session: for nobody
        if token is not None:
            makers.add(_key(token))


def may_open(request: Request, name: str) -> bool:
    """Whether the request's session has made the file, or no session has, as of a photo.

    ``name``: the path of the file below that of all files, without escapes.
    """
    file_id = os.path.splitext(name)[0]
    with _lock:
        makers = _makers.get(file_id)
        if makers is None:
            return True
        token = cookies.read(COOKIE, request, runtime.start())
        return token is not None and _key(token) in makers


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
