"""What the dashboard uses of Streamlit, and of its server uvicorn, beyond their documentation.

Each item says why it is needed. ``tests/integration/test_streamlit_internals.py`` checks each one,
so that an upgrade that changes one fails there, in words.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from streamlit.auth_util import get_secrets_auth_section
from streamlit.file_util import get_static_dir
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import get_instance
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.state.query_params import sanitize_query_string
from streamlit.web.server.server_util import is_url_from_allowed_origins
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

__all__ = [
    "MOST_FRAGMENTS",
    "STREAM_ROUTE",
    "UPLOAD_ROUTE",
    "auth_section",
    "drop_upload",
    "inline_script_hashes",
    "is_download_kept",
    "is_uploaded",
    "is_url_from_allowed_origins",
    "keep_finished_runs",
    "keep_history_navigations",
    "limit_fragments",
    "report_downloads",
    "take_history_navigation",
]

# Each open screen has one WebSocket at this route, and the server a session in memory for it.
STREAM_ROUTE = "/_stcore/stream"
# ``st.file_uploader`` sends files to this route, followed by ``/session id/file id``.
UPLOAD_ROUTE = "/_stcore/upload_file"
# Of one WebSocket message. A browser sends the largest message that a screen takes in fewer.
MOST_FRAGMENTS = 1000

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_make_download = MediaFileManager.execute_deferred
_keep_fragment = WebSocketsSansIOProtocol.handle_cont
_rerun = AppSession.request_rerun
_clear = ForwardMsgQueue.clear
_HISTORY = "history_navigation"  # attribute of a session's query_params: screen and query
_NONE: tuple[str | None, str | None] = (None, None)


def inline_script_hashes() -> list[str]:
    """The hashes of the scripts in Streamlit's page, as sources of a Content-Security-Policy.

    Every screen begins with this page, and has no other script within its text.
    """
    page = Path(get_static_dir(), "index.html").read_text(encoding="utf-8")
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(page)]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def auth_section() -> dict[str, Any]:
    """The section ``[auth]`` of the secrets; empty without one, or without any secrets file.

    ``st.secrets`` raises an error, and draws it on the screen, if there is no secrets file.
    """
    return get_secrets_auth_section().to_dict()


def is_uploaded(session_id: str, file_id: str) -> bool:
    """Whether Streamlit keeps this uploaded file.

    It drops the files of a closed screen by itself, and tells nobody.
    """
    return bool(_uploads().get_files(session_id, [file_id]))


def drop_upload(session_id: str, file_id: str) -> None:
    """Ends the keeping of an uploaded file. Its field then shows that there is no file."""
    _uploads().remove_file(session_id, file_id)


def _uploads() -> MemoryUploadedFileManager:
    files = get_instance().uploaded_file_mgr
    if not isinstance(files, MemoryUploadedFileManager):
        raise TypeError(f"Streamlit keeps uploaded files in {type(files).__name__}")
    return files


def keep_history_navigations() -> None:
    """Keeps the last Back or Forward of each screen until ``take_history_navigation``.

    The address alone does not say it: a request that the browser sent before it received a new
    address has an old one too. Streamlit itself forgets it when a live update joins the same run,
    and when another request ends that run before it has begun.
    """
    # Streamlit has no hook before a rerun is queued; a contract test checks this method.
    AppSession.request_rerun = _note_and_rerun  # type: ignore[assignment, method-assign]


def take_history_navigation() -> dict[str, str] | None:
    """The parameters of the address to which Back or Forward led, at the first call after it.

    None without any, and on another screen than the one to which it led.
    """
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return None
    with context.session_state.query_params() as kept:
        screen, query = getattr(kept, _HISTORY, _NONE)
        # A run that began before is still ending, and its successor is to read the address.
        if query is None or context.script_requests._state is ScriptRequestType.STOP:
            return None
        setattr(kept, _HISTORY, _NONE)
    if screen != context.page_script_hash:
        return None
    return {name: texts[-1] for name, texts in parse_qs(query).items()}


def _note_and_rerun(session: AppSession, asked: ClientState | None) -> None:
    if asked is not None and asked.is_history_navigation:
        if session._scriptrunner is not None:
            session._scriptrunner.request_stop()  # as Streamlit does, but before the note is there
        noted = asked.page_script_hash, sanitize_query_string(asked.query_string)
        setattr(session.session_state.query_params, _HISTORY, noted)
    _rerun(session, asked)


def keep_finished_runs() -> None:
    """Has a browser hear that the run of a fragment has finished, also if another one begins then.

    It removes what the fragment shows no more when it hears that. Where the run of another fragment
    begins before the message is sent, Streamlit changes it to one of an interrupted run: what has
    gone stays on the screen beside what is new.
    """
    ForwardMsgQueue.clear = _clear_interrupted  # type: ignore[assignment, method-assign]


def _clear_interrupted(
    queue: ForwardMsgQueue,
    retain_lifecycle_msgs: bool = False,
    fragment_ids_this_run: list[str] | None = None,
) -> None:
    messages = list(queue._queue)
    said = {
        id(message): message.script_finished
        for message in messages
        if message.WhichOneof("type") == "script_finished"
    }
    _clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
    kept = {id(message) for message in queue._queue}
    if fragment_ids_this_run is None:
        return
    is_whole = True  # nothing of the run was dropped
    for message in messages:
        if id(message) not in said:
            is_whole = is_whole and id(message) in kept
            continue
        if is_whole:
            message.script_finished = said[id(message)]
        is_whole = True


def report_downloads(made: Callable[[str, Mapping[str, str]], None]) -> None:
    """Calls ``made(file id, headers)`` for each file that the press of a download button makes.

    The headers are those of the screen's WebSocket, with names in lower case; none if the screen is
    closed. Streamlit records no screen for such a file: it is there for every screen. The call
    comes before the browser learns the address.
    """

    def make(files: MediaFileManager, placeholder: str) -> str:
        entry = files._deferred_callables.get(placeholder)
        address = _make_download(files, placeholder)
        client = get_instance().get_client(entry["session_id"]) if entry else None
        context = None if client is None else client.client_context
        headers = {} if context is None else dict(context.headers)
        made(address.rpartition("/")[2].partition(".")[0], headers)
        return address

    MediaFileManager.execute_deferred = make  # type: ignore[assignment]


def is_download_kept(file_id: str) -> bool:
    """Whether the file can still be opened. Streamlit drops it some runs later."""
    return get_instance().media_file_mgr.read_file(file_id) is not None


def limit_fragments() -> None:
    """Has the server close a WebSocket that sends a message of more than MOST_FRAGMENTS fragments.

    uvicorn keeps each fragment as an object until the last one arrives, and limits their bytes
    only: one byte in a fragment takes 56, and fragments without a byte have no limit at all.
    """
    WebSocketsSansIOProtocol.handle_cont = _keep_or_close  # type: ignore[assignment]


def _keep_or_close(protocol: WebSocketsSansIOProtocol, fragment: Frame) -> None:
    if protocol.close_sent:
        return
    if len(protocol.frames) < MOST_FRAGMENTS:
        _keep_fragment(protocol, fragment)
        return
    protocol.frames = []
    protocol.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
    protocol.handle_parser_exception()  # sends what ``fail`` has prepared, and hangs up
