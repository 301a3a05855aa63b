"""The section for settings: rules of booking, what the wall may show, second factor, and logo."""

from __future__ import annotations

from datetime import time
from typing import Any

import streamlit as st

from booking_core import MARK_MINUTES, InvalidRequest, Policy, save_policy
from pages.admin import logo, widgets
from pages.shared.components import elements
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_WAS, _PROBLEM, _SAVED = "admin.policy.was", "admin.policy.problem", "admin.policy.saved"
_DAYS, _HOURS, _MINUTES = "admin.policy.days", "admin.policy.hours", "admin.policy.minutes"
_LIMITED, _QUOTA = "admin.policy.limited", "admin.policy.quota"
_ENDS, _CUT_OFF, _WALL = "admin.policy.ends", "admin.policy.cut_off", "admin.policy.wall"
_SECOND_FACTOR, _SERIES = "admin.policy.second_factor", "admin.policy.series"
_MEMBERS = "admin.policy.members"
_WAITING = "admin.policy.waiting"
_BY_MAIL = "admin.policy.mail_decisions"
_REMIND = "admin.policy.remind_hours"
_AGAIN, _SOON = "admin.policy.ask_again_hours", "admin.policy.ask_soon_hours"
_LISTS, _LIST_AT = "admin.policy.lists", "admin.policy.day_list_at"
# Of the parties that are no students: the field of the policy, the key of its field, and its label.
_QUOTAS = {
    "class_quota": ("admin.policy.class_quota", "Bookings of a class in a week"),
    "team_quota": ("admin.policy.team_quota", "Bookings of a team in a week"),
    "staff_quota": ("admin.policy.staff_quota", "Bookings for staff, by each member of staff"),
}
_FIELDS = (
    *(_DAYS, _SERIES, _HOURS, _MINUTES, _LIMITED, _QUOTA, _ENDS, _CUT_OFF, _WALL),
    *(_SECOND_FACTOR, _MEMBERS, _WAITING, _BY_MAIL, _REMIND, _AGAIN, _SOON),
    *(_LISTS, _LIST_AT),
    *(key for key, _ in _QUOTAS.values()),
)
_WALL_WORDS = {
    "none": "Only that a ground is booked",
    "class": "The game and the class",
    "student": "The game, the class and the student's name",
}
_BY_MAIL_WORDS = {
    "nobody": "Nobody",
    "without_second_factor": "Who signs in without a second factor",
    "everybody": "Everybody who decides",
}


def show(shared: Services) -> None:
    """Draws the section."""
    fragment.live(shared, "admin.policy", lambda: _form(shared))


def _fill(saved: Policy) -> None:
    """Fills the form from ``saved`` in its first run."""
    state = st.session_state
    if _DAYS in state:
        for key in (_CUT_OFF, _LIST_AT):  # drawn again, a time field has its default: now
            state[key] = state[key]
        return
    state[_WAS] = saved
    state[_DAYS], state[_SERIES] = saved.advance_days, saved.series_days
    state[_HOURS], state[_MINUTES] = divmod(saved.lead_minutes, 60)
    state[_LIMITED], state[_QUOTA] = saved.quota is not None, saved.quota or 2
    state[_ENDS], state[_CUT_OFF] = saved.cut_off is not None, saved.cut_off or time(16)
    state[_WALL], state[_SECOND_FACTOR] = saved.wall_shows, saved.second_factor
    state[_MEMBERS], state[_WAITING] = saved.claim_members, saved.waiting_places
    state[_BY_MAIL], state[_REMIND] = saved.mail_decisions, saved.remind_hours
    state[_AGAIN], state[_SOON] = saved.ask_again_hours, saved.ask_soon_hours
    state[_LISTS], state[_LIST_AT] = saved.day_list_at is not None, saved.day_list_at or time(7)
    for name, (key, _) in _QUOTAS.items():
        state[key] = getattr(saved, name)


def _form(shared: Services) -> None:
    state: Any = st.session_state
    saved: Policy = shared.reference().policy
    if state.pop(_SAVED, False):
        st.toast("Saved. It holds from now on.", icon=":material/check:")
    _fill(saved)
    if state[_WAS] != saved and _typed() == state[_WAS]:
        _reset()  # the user has changed nothing, so the form shows what another admin has saved
        _fill(saved)
    st.caption("A change holds from the moment it is saved, on every screen. What is booked stays.")
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, key="card_admin.policy.window"):
        st.markdown("##### When booking is open")
        today = shared.now().date()
        st.number_input(
            "How many days ahead",
            0,
            Policy.MOST_DAYS,
            key=_DAYS,
            persist_state="session",
            width=200,
        )
        wanted = _typed()
        if isinstance(wanted, Policy):
            last = wanted.last_date(shared.now(), shared.settings.zone)
            st.caption(f"Today bookings are open up to {formats.day_heading(last, today)}.")
        st.number_input(
            "Days ahead for a series",
            0,
            Policy.MOST_DAYS,
            key=_SERIES,
            persist_state="session",
            width=200,
        )
        st.caption("The dates of a repeated booking may lie so far ahead, if that is farther.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                "Ends before the start: hours",
                0,
                720,
                key=_HOURS,
                persist_state="session",
                width=220,
            )
            st.number_input(
                "and minutes", 0, 59, step=5, key=_MINUTES, persist_state="session", width=140
            )
        lead = state[_HOURS] * 60 + state[_MINUTES]
        st.caption(
            f"Booking ends {formats.duration(lead)} before a period begins."
            if lead
            else "A period can be booked until it begins."
        )
        st.toggle("End booking the day before", key=_ENDS, persist_state="session")
        if state[_ENDS]:
            st.time_input(
                "At",
                key=_CUT_OFF,
                persist_state="session",
                step=MARK_MINUTES * 60,
                format=formats.time_field(),
                width=200,
            )
        if state[_ENDS] and state[_CUT_OFF] is not None:
            st.caption(
                f"A day can be booked until {formats.clock(state[_CUT_OFF])} of the day before, "
                "and today not at all."
            )
    with right, st.container(border=True, key="card_admin.policy.quota"):
        st.markdown("##### How much one student may book")
        st.toggle(
            "Limit the bookings of a student in a week", key=_LIMITED, persist_state="session"
        )
        if state[_LIMITED]:
            st.number_input(
                "Bookings in a week",
                1,
                Policy.MOST_QUOTA,
                key=_QUOTA,
                persist_state="session",
                width=200,
            )
            st.caption(
                "From Monday to Sunday; requests and approved bookings count. Who holds more "
                "already keeps them."
            )
        else:
            st.caption("A student may hold any number of bookings.")
    with right, st.container(border=True, key="card_admin.policy.parties"):
        st.markdown("##### Classes, teams and staff")
        for key, label in _QUOTAS.values():
            st.number_input(
                label,
                1,
                Policy.MOST_QUOTA,
                value=None,
                key=key,
                persist_state="session",
                width=260,
                placeholder="Any number",
            )
        st.toggle("A booking for a team books its members", key=_MEMBERS, persist_state="session")
        st.caption(
            "Then no member can be on another ground at that time."
            if state[_MEMBERS]
            else "A member may be on another ground at that time."
        )
    with right, st.container(border=True, key="card_admin.policy.waiting"):
        st.markdown("##### Waiting list")
        st.number_input(
            "How many may wait for a slot",
            0,
            Policy.MOST_WAITING,
            key=_WAITING,
            persist_state="session",
            width=260,
        )
        st.caption(
            "The first in line has the slot as a request as soon as it is free."
            if state[_WAITING]
            else "Nobody can wait for a slot that is taken."
        )
    with right, st.container(border=True, key="card_admin.policy.wall"):
        st.markdown("##### What the wall may show")
        st.radio(
            "Of a booking",
            list(_WALL_WORDS),
            key=_WALL,
            persist_state="session",
            format_func=_WALL_WORDS.__getitem__,
            captions=["", "", "Everybody who passes by reads it."],
        )
        st.caption("A display may be set to show less, never more.")
    with left, st.container(border=True, key="card_admin.policy.second_factor"):
        st.markdown("##### How principals and admins sign in")
        st.toggle("With a second factor", key=_SECOND_FACTOR, persist_state="session")
        st.caption(
            "A code of an authenticator app is asked for after the password. Who has none sets it "
            "up before the next screen opens, you too. Where an identity provider signs people in, "
            "it does this."
        )
    with left, st.container(border=True, key="card_admin.policy.mail_decisions"):
        st.markdown("##### Who may decide from a mail")
        st.radio(
            "On a request that waits, by the link of a mail",
            list(_BY_MAIL_WORDS),
            key=_BY_MAIL,
            persist_state="session",
            format_func=_BY_MAIL_WORDS.__getitem__,
            captions=["", "", "The link then stands in for the second factor."],
        )
        st.caption(_by_mail_caption(shared))
    with left, st.container(border=True, key="card_admin.policy.reminders"):
        st.markdown("##### Reminders by mail")
        st.number_input(
            "Bookings: hours before the start",
            0,
            Policy.MOST_REMIND_HOURS,
            key=_REMIND,
            persist_state="session",
            width=320,
        )
        st.caption(_reminder_caption(shared))
        for key, label in (
            (_AGAIN, "Requests that wait: hours until another mail"),
            (_SOON, "Requests that wait: hours before the start"),
        ):
            st.number_input(
                label, 0, Policy.MOST_REMIND_HOURS, key=key, persist_state="session", width=320
            )
        if shared.settings.smtp_host is not None:
            st.caption(
                "Who decides, and gets mails at once, gets another mail then; with 0 there is none."
            )
    with right, st.container(border=True, key="card_admin.policy.day_list"):
        st.markdown("##### The day's list for caretakers")
        st.toggle(
            "Mail caretakers what is booked on their grounds", key=_LISTS, persist_state="session"
        )
        if state[_LISTS]:
            st.time_input(
                "Each school day at",
                key=_LIST_AT,
                persist_state="session",
                step=MARK_MINUTES * 60,
                format=formats.time_field(),
                width=200,
            )
        st.caption(_list_caption(shared))
    _buttons(shared, saved)
    logo.form(shared)


def _by_mail_caption(shared: Services) -> str:
    """When mails have such links, as far as the form and the configuration say."""
    settings, state = shared.settings, st.session_state
    if settings.smtp_host is None or settings.public_url is None:
        return "Now no mail has such links: that takes `SMTP_HOST` and `PUBLIC_URL`."
    if state[_BY_MAIL] == "nobody":
        return "Mails about requests lead to Approvals, behind the sign-in."
    if state[_BY_MAIL] == "without_second_factor" and state[_SECOND_FACTOR]:
        return "With a second factor for all principals and admins, delegates alone get such links."
    return (
        "The reader of the mail can decide the requests in it, each once, for seven days at most "
        "and until the slot begins."
    )


def _reminder_caption(shared: Services) -> str:
    """The sentence about reminders, by the form and the configuration."""
    settings, hours = shared.settings, st.session_state[_REMIND]
    if settings.smtp_host is None:
        return "Now nobody is reminded: that takes `SMTP_HOST`."
    if not hours:
        return "With 0 nobody is reminded."
    by_link = "; a link in the mail cancels that one date" if settings.public_url else ""
    return (
        f"Who booked gets one mail {formats.duration(hours * 60)} before an approved booking "
        f"begins{by_link}."
    )


def _list_caption(shared: Services) -> str:
    """Who gets the list, as far as the form, the grounds and the configuration say."""
    if shared.settings.smtp_host is None:
        return "Now nobody gets it: that takes `SMTP_HOST`."
    if not st.session_state[_LISTS]:
        return "Nobody gets it."
    grounds = shared.reference().open_grounds
    count = sum(bool(ground.caretaker_email) for ground in grounds)
    return (
        f"{count} of {widgets.counted(len(grounds), 'ground')} in use have an address (Admin, "
        "Grounds). The list names of each booking what the wall may show."
    )


def _buttons(shared: Services, saved: Policy) -> None:
    state = st.session_state
    wanted = _typed()
    widgets.problem(wanted if isinstance(wanted, str) else state.get(_PROBLEM))
    if state[_WAS] != saved and wanted != saved:
        st.warning(
            "Somebody else saved other settings meanwhile. Start again from theirs.",
            icon=":material/group:",
        )
    changed = wanted != saved
    elements.unsaved(changed, key="admin.policy.unsaved")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Save",
            key="admin.policy.save",
            type="primary",
            disabled=not changed or isinstance(wanted, str) or not shared.is_live,
            on_click=_save,
            args=(shared,),
        )
        st.button(
            "Start again",
            key="admin.policy.reset",
            disabled=not changed and state[_WAS] == saved,
            on_click=_reset,
            help="Back to what is saved",
        )
        if not changed:
            st.caption("This is what is saved.", width="content")


def _typed() -> Policy | str:
    """The form as a policy, or a sentence about its first error."""
    state = st.session_state
    if state[_ENDS] and state[_CUT_OFF] is None:
        return "Choose the time at which booking ends."
    if state[_LISTS] and state[_LIST_AT] is None:
        return "Choose the time at which caretakers get the day's list."
    mailed = (_REMIND, _AGAIN, _SOON)
    numbers = [state[key] for key in (_DAYS, _HOURS, _MINUTES, _SERIES, _WAITING, *mailed)]
    if None in numbers or (state[_LIMITED] and state[_QUOTA] is None):
        return "A number is missing."
    days, hours, minutes, series, waiting, remind, again, soon = numbers
    try:
        return Policy(
            advance_days=days,
            lead_minutes=hours * 60 + minutes,
            quota=state[_QUOTA] if state[_LIMITED] else None,
            cut_off=state[_CUT_OFF] if state[_ENDS] else None,
            wall_shows=state[_WALL],
            second_factor=state[_SECOND_FACTOR],
            series_days=series,
            claim_members=state[_MEMBERS],
            waiting_places=waiting,
            mail_decisions=state[_BY_MAIL],
            remind_hours=remind,
            ask_again_hours=again,
            ask_soon_hours=soon,
            day_list_at=state[_LIST_AT] if state[_LISTS] else None,
            **{name: state[key] for name, (key, _) in _QUOTAS.items()},
        )
    except InvalidRequest as exc:
        return messages.error(exc)


def _save(shared: Services) -> None:
    state = st.session_state
    wanted = _typed()
    if isinstance(wanted, str):  # the form shows the error
        return
    text = widgets.attempt(
        shared, lambda by: save_policy(shared.db, wanted, by=by, was=state[_WAS])
    )
    state[_PROBLEM] = text
    if text is None:
        state[_WAS], state[_SAVED] = wanted, True


def _reset() -> None:
    for key in (*_FIELDS, _WAS, _PROBLEM):
        st.session_state.pop(key, None)
