"""Where the app is served, and the name of its cookie: known before any screen is."""

from __future__ import annotations

import streamlit as st

COOKIE = "ground_booking_session"


def base() -> str:
    """The path that the app is served under: "" or such as "/grounds"."""
    text = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{text}" if text else ""
