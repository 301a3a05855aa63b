"""The Admin screen: grounds, timetables, closures, students, accounts, settings, health, audit."""

import streamlit as st

from booking_core import may
from pages.shared.admin import (
    accounts,
    audit,
    closures,
    grounds,
    health,
    policy,
    students,
    timetables,
)
from pages.shared.auth import session
from pages.shared.dialogs import onboarding
from pages.shared.live import fragment, runtime

SECTIONS = {
    "Grounds": grounds.show,
    "Timetables": timetables.show,
    "Closures": closures.show,
    "Students": students.show,
    "Accounts": accounts.show,
    "Settings": policy.show,
    "Health": health.show,
    "Audit": audit.show,
}
shared = runtime.start()
by = session.actor()
# A principal sees only the section for closures.
administers = may("administer", by)
names = list(SECTIONS) if administers else ["Closures"]

title, status = st.columns([2.4, 7], vertical_alignment="center")
title.title("Admin" if administers else "Closures", anchor=False)
with status:
    fragment.line(shared)
session.demo_note(shared)
if len(names) > 1:
    st.session_state.setdefault("admin.section", names[0])
    section = st.segmented_control(
        "Section",
        names,
        required=True,
        key="admin.section",
        label_visibility="collapsed",
    )
    onboarding.note(onboarding.missing_sections(shared.reference()))
else:
    section = names[0]
SECTIONS[section](shared)
