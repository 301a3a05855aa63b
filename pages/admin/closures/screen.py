"""The Closures screen of a principal; an admin closes grounds on Admin."""

import streamlit as st

from pages.admin.closures import section
from pages.shared.auth import session
from pages.shared.live import fragment, runtime

shared = runtime.start()
session.actor()

title, status = st.columns([2.4, 7], vertical_alignment="center")
title.title("Closures", anchor=False)
with status:
    fragment.line(shared)
session.demo_note(shared)
section.show(shared)
