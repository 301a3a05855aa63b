"""The Admin screen: the school, its people, settings, health and the audit log."""

from collections.abc import Mapping

import streamlit as st

from pages.admin import grounds, health, policy
from pages.admin.accounts import section as accounts
from pages.admin.audit import section as audit
from pages.admin.closures import section as closures
from pages.admin.imports import section as imports
from pages.admin.students import section as students
from pages.admin.timetables import section as timetables
from pages.admin.year import section as year
from pages.shared.auth import session
from pages.shared.components import choices
from pages.shared.layout import first_steps, header
from pages.shared.live import fields, runtime, url_state

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


def adopt(values: Mapping[str, str]) -> None:
    """Shows the section of the address, in any case; the first one if there is no such section."""
    section = values.get("section", "").capitalize()
    st.session_state["admin.section"] = section if section in SECTIONS else FIRST
    students.adopt(values.get("import", "") if section == "Students" else "")


shared = runtime.start()
session.actor()

header.show(shared, "Admin")
url_state.read(("section", "import"), adopt)
st.session_state.setdefault("admin.section", FIRST)
st.segmented_control(
    "Section",
    list(SECTIONS),
    required=True,
    label_visibility="collapsed",
    **fields.arguments("admin.section"),
)
section = choices.option("admin.section", list(SECTIONS))
url_state.write(
    {
        "section": "" if section == FIRST else section.lower(),
        "import": imports.address() if section == "Students" else "",
    }
)
first_steps.note(first_steps.missing_sections(shared.reference()))
SECTIONS[section](shared)
