"""What the dashboard uses of Streamlit beyond its documentation.

Each item says why it is needed. ``tests/integration/test_streamlit_internals.py`` checks each one,
so that an upgrade of Streamlit that changes one fails there, in words.
"""

from __future__ import annotations

from typing import Any

from streamlit.auth_util import get_secrets_auth_section
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.server_util import is_url_from_allowed_origins

__all__ = [
    "UPLOAD_ROUTE",
    "auth_section",
    "drop_upload",
    "is_history_navigation",
    "is_uploaded",
    "is_url_from_allowed_origins",
]

# ``st.file_uploader`` sends files to this route, followed by ``/session id/file id``.
UPLOAD_ROUTE = "/_stcore/upload_file"


def auth_section() -> dict[str, Any]:
    """The section ``[auth]`` of the secrets; empty without one, or without any secrets file.

    ``st.secrets`` raises an error, and draws it on the screen, if there is no secrets file.
    """
    return get_secrets_auth_section().to_dict()


def is_uploaded(session_id: str, file_id: str) -> bool:
    """Whether Streamlit keeps this uploaded file.

    It drops the files of a closed screen by itself, and tells nobody.
    """
    return bool(get_instance().uploaded_file_mgr.get_files(session_id, [file_id]))


def drop_upload(session_id: str, file_id: str) -> None:
    """Ends the keeping of an uploaded file. Its field then shows that there is no file."""
    get_instance().uploaded_file_mgr.remove_file(session_id, file_id)


def is_history_navigation() -> bool:
    """Whether Back or Forward of the browser caused this run.

    The address alone does not say it: a request that the browser sent before it received a new
    address has an old one too.
    """
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
