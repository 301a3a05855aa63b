"""The base path of the app and the name of its cookie."""

from __future__ import annotations

import streamlit as st

COOKIE = "ground_booking_session"


def base() -> str:
    """The path below which the app is served: "", or for example "/grounds"."""
    text = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{text}" if text else ""
