"""The addresses of the screens, the base path of the app and the name of its cookie."""

from __future__ import annotations

import streamlit as st

COOKIE = "ground_booking_session"
# First path segments of the screens, in the order of the navigation.
SCREENS = ("book", "bookings", "approvals", "reports", "wall", "closures", "admin")
CODES = "codes"  # the page with the QR codes of the grounds
DAY_SHEET = "day-sheet"  # a day to print
WEEK_SHEET = "week-sheet"  # the week of a ground to print; SHEET_CHANGES is beside both
MONTH_REPORT = "month-report"  # a month to print
CALENDARS = "calendars"  # to subscribe to; without a session
CANCEL = "cancel"  # the link of a mail that cancels a booking; without a session
DECIDE = "decide"  # the link of a mail that decides a request; without a session
FORGOTTEN = "forgotten"  # asks for the link to a new password
NEW_PASSWORD = "newpassword"  # that link
LINKS = (CANCEL, DECIDE, NEW_PASSWORD)  # whose addresses have a secret
LOGO = "logo"  # the school's logo, for everybody
MISSING = "missing"  # the page to which every other address leads


def base() -> str:
    """The path below which the app is served: "", or for example "/grounds"."""
    text = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{text}" if text else ""
