"""The Admin screen: grounds, timetables, closures, students, accounts, settings, health, audit."""

import streamlit as st

from pages.admin import grounds, health, policy
from pages.admin.accounts import section as accounts
from pages.admin.audit import section as audit
from pages.admin.closures import section as closures
from pages.admin.students import section as students
from pages.admin.timetables import section as timetables
from pages.shared.auth import session
from pages.shared.layout import first_steps
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
session.actor()

title, status = st.columns([2.4, 7], vertical_alignment="center")
title.title("Admin", anchor=False)
with status:
    fragment.line(shared)
session.demo_note(shared)
st.session_state.setdefault("admin.section", next(iter(SECTIONS)))
section = st.segmented_control(
    "Section",
    list(SECTIONS),
    required=True,
    key="admin.section",
    label_visibility="collapsed",
)
first_steps.note(first_steps.missing_sections(shared.reference()))
SECTIONS[section](shared)
