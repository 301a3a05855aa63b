"""What the dashboard uses of Streamlit beyond its documentation.

Each item says why it is needed. ``tests/integration/test_streamlit_internals.py`` checks each one,
so that an upgrade of Streamlit that changes one fails there, in words.
"""

from __future__ import annotations

from typing import Any

from streamlit.auth_util import get_secrets_auth_section
from streamlit.web.server.server_util import is_url_from_allowed_origins

__all__ = ["auth_section", "is_url_from_allowed_origins"]


def auth_section() -> dict[str, Any]:
    """The section ``[auth]`` of the secrets; empty without one, or without any secrets file.

    ``st.secrets`` raises an error, and draws it on the screen, if there is no secrets file.
    """
    return get_secrets_auth_section().to_dict()
