"""Limits of uploaded files: who may upload, and how much is kept for one account.

Streamlit keeps the files of an open screen in memory, under any file id that the client chooses,
and limits only the size of a single one.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_core import StoreUnavailable, may
from pages.shared.auth import routes
from pages.shared.live.streamlit_internals import UPLOAD_ROUTE, drop_upload, is_uploaded

# So many files of the largest size may be kept for one account, or arrive for it.
FILES = 4
# What a file costs at least: its record also holds a name and a type.
_LEAST_BYTES = 64 * 1024


@dataclass(slots=True, eq=False)
class _Upload:
    """A file that arrives, or is kept: the bytes of its request so far."""

    account_id: str
    session_id: str
    file_id: str
    size: int = _LEAST_BYTES
    is_complete: bool = False


class Uploads:
    """The uploaded files of this process. Lives on the server's event loop."""

    def __init__(self) -> None:
        self._uploads: list[_Upload] = []

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to Streamlit if its user may upload; counts the bytes as they arrive.

        The oldest files of the account are dropped when there is no room for a new one. Raises
        HTTPException.
        """
        account_id = await _account_id(Request(scope))
        if scope["method"] != "PUT":
            await app(scope, receive, send)
            return
        session_id, _, file_id = scope["path"].partition(f"{UPLOAD_ROUTE}/")[2].partition("/")
        upload = _Upload(account_id, session_id, file_id)
        self._make_room(upload)
        self._uploads.append(upload)

        async def receive_counted() -> Message:
            message = await receive()
            upload.size += len(message.get("body", b""))
            self._make_room(upload)
            return message

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                upload.is_complete = message["status"] < 300
            await send(message)

        try:
            await app(scope, receive_counted, send_noted)
        finally:
            if not upload.is_complete:
                self._uploads.remove(upload)

    def _make_room(self, newest: _Upload) -> None:
        """Drops the oldest files of the account of ``newest`` until all others fit.

        Raises HTTPException if what arrives at the same time does not fit.
        """
        room = FILES * int(st.get_option("server.maxUploadSize")) * 1024 * 1024
        self._uploads = [
            u for u in self._uploads if not u.is_complete or is_uploaded(u.session_id, u.file_id)
        ]
        own = [u for u in self._uploads if u.account_id == newest.account_id and u is not newest]
        excess = newest.size + sum(u.size for u in own) - room
        for upload in [u for u in own if u.is_complete]:
            if excess <= 0:
                return
            drop_upload(upload.session_id, upload.file_id)
            self._uploads.remove(upload)
            excess -= upload.size
        if excess > 0:
            raise HTTPException(413, "Too much is being uploaded at the same time.")


async def _account_id(request: Request) -> str:
    """The account of the request. Raises HTTPException if it has no screen that takes a file."""
    try:
        person = await routes.person_of(request)
    except StoreUnavailable as exc:
        raise HTTPException(503, "The database cannot be reached. Please try again.") from exc
    if person is None or not may("administer", person.account.actor):
        raise HTTPException(403, "Files are taken from signed-in administrators only.")
    return person.account.id
