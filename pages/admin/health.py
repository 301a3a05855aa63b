"""The section for health: the findings of all checks, with those that failed first."""

from __future__ import annotations

import streamlit as st

from booking_core import (
    BookingError,
    InvalidRequest,
    MailRefused,
    get_account,
    send_test_mail,
)
from booking_core.live import background_threads
from booking_core.reports import Finding, health_findings
from pages.shared.auth import forwarding, session
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_FOUND = "admin.health.found"
_ADDRESS, _FORM = "admin.health.address", "admin.health.test_mail"
_FRESH_SECONDS = 60.0
_NAMES = {
    "connection": "Database",
    "server": "Server",
    "replica set": "Replica set",
    "clock": "Clock",
    "transactions": "Transactions",
    "claims": "Claims",
    "validators": "Validators",
    "indexes": "Indexes",
    "duplicates": "Double bookings",
    "names": "Names and ids",
    "documents": "Documents",
    "bookings": "Bookings ahead",
    "feed": "Live updates",
    "size": "Size",
    "disk": "Disk",
    "last backup": "Last backup",
    "automatic backups": "Automatic backups",
    "last mail": "Last mail",
    "version": "Version",
    "background threads": "Background threads",
    "proxy": "Proxy",
}


def show(shared: Services) -> None:
    """Draws the section."""
    # Not in a live fragment: the checks take seconds, and run on request only.
    fragment.heartbeat(shared, "admin.health.heartbeat")
    with st.container(horizontal=True, vertical_alignment="center"):
        again = st.button("Look again", key="admin.health.again", icon=":material/refresh:")
        summary = st.empty()
    kept = st.session_state.get(_FOUND)
    if again or kept is None or shared.now().timestamp() - kept[0].timestamp() > _FRESH_SECONDS:
        try:
            with st.spinner("Looking at everything…"):
                found = list(
                    health_findings(
                        shared.db,
                        by=session.actor(),
                        threads=background_threads(),
                        proxy_untrusted=forwarding.is_untrusted(),
                    )
                )
        except BookingError as exc:
            st.error(formats.literal(messages.error(exc)))
            return
        kept = st.session_state[_FOUND] = (shared.now(), found)
    at, found = kept
    wrong = sum(not finding.ok for finding in found)
    if wrong:
        sentence = f":red[:material/error: **{wrong} {'thing is' if wrong == 1 else 'things are'} "
        sentence += "wrong**]"
    else:
        sentence = ":green[:material/check_circle:] **All is well**"
    summary.markdown(f"{sentence}, as of {formats.to_the_second(at)}", width="content")
    with st.container(border=True, key="card_health", gap="small"):
        for finding in sorted(found, key=lambda finding: finding.ok):
            _line(finding)
    if shared.settings.smtp_host is not None:
        _test_mail(shared)


def _test_mail(shared: Services) -> None:
    """A field for the address, the button, and what the mail server answered."""
    state = st.session_state
    if _ADDRESS not in state:
        try:
            state[_ADDRESS] = get_account(shared.db, session.actor().id).email or ""
        except BookingError:  # the field is for typing then
            state[_ADDRESS] = ""
    with st.container(border=True, key="card_test_mail", gap="small"), st.form(_FORM, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            address = st.text_input(
                "Address for a test mail",
                key=_ADDRESS,
                persist_state="session",
                max_chars=254,
                width=320,
            )
            pressed = st.form_submit_button("Send a test mail", icon=":material/mail:")
        if not pressed:
            return
        try:
            with st.spinner("Waiting for the mail server…"):
                answer = send_test_mail(shared.db, address, by=session.actor())
        except (InvalidRequest, MailRefused) as exc:  # right below the field
            st.error(formats.literal(messages.error(exc)), icon=":material/error:")
        except BookingError as exc:
            st.error(formats.literal(messages.error(exc)), icon=":material/cloud_off:")
        else:
            st.success(formats.literal(answer), icon=":material/check:")


def _line(finding: Finding) -> None:
    title = formats.literal(_NAMES.get(finding.name, finding.name.capitalize()))
    if not finding.ok:
        mark, word = ":red[:material/error:]", ":red[wrong]"
    elif finding.missing:
        mark, word = ":gray[:material/remove:]", "none"
    else:
        mark, word = ":green[:material/check:]", "fine"
    name, detail = st.columns([1.6, 5], gap="xxsmall", vertical_alignment="center")
    name.markdown(f"{mark} **{title}**: {word}")
    detail.markdown(formats.literal(_sentence(finding.detail)))
    if not finding.ok:
        detail.markdown(f":red[{formats.literal(_sentence(finding.remedy))}.]")


def _sentence(text: str) -> str:
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text
