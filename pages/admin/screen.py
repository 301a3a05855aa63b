"""The Admin screen: the school, its people, settings, health and the audit log."""

from collections.abc import Mapping

import streamlit as st

from pages.admin import grounds, health, policy
from pages.admin.accounts import section as accounts
from pages.admin.audit import section as audit
from pages.admin.closures import section as closures
from pages.admin.students import section as students
from pages.admin.timetables import section as timetables
from pages.admin.year import section as year
from pages.shared.auth import session
from pages.shared.components import choices, fields
from pages.shared.layout import first_steps, header
from pages.shared.live import runtime, url_state

SECTIONS = {
    "Grounds": grounds.show,
    "Timetables": timetables.show,
    "Year": year.show,
    "Closures": closures.show,
    "Students": students.show,
    "Accounts": accounts.show,
    "Settings": policy.show,
    "Health": health.show,
    "Audit": audit.show,
}
FIRST = next(iter(SECTIONS))
# Sections with more in the address than their name, which they write themselves.
ADDRESSED = {"Students": students, "Accounts": accounts, "Audit": audit}
PARAMETERS = ("section", *(name for one in ADDRESSED.values() for name in one.PARAMETERS))


def adopt(values: Mapping[str, str]) -> None:
    """Shows the section of the address, in any case; the first one if there is no such section."""
    section = values.get("section", "").capitalize()
    st.session_state["admin.section"] = section if section in SECTIONS else FIRST
    if section in ADDRESSED:
        ADDRESSED[section].adopt(values)


shared = runtime.start()
session.actor()

header.show(shared, "Admin")
url_state.read(PARAMETERS, adopt)
st.session_state.setdefault("admin.section", FIRST)
st.segmented_control(
    "Section",
    required=True,
    label_visibility="collapsed",
    **fields.pressed("admin.section", list(SECTIONS)),
)
section = choices.option("admin.section", list(SECTIONS))
if section not in ADDRESSED:
    url_state.write({"section": "" if section == FIRST else section.lower()})
first_steps.note(first_steps.missing_sections(shared.reference()))
SECTIONS[section](shared)
