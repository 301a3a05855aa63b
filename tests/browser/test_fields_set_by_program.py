"""Fields of a dialog whose values the program sets: a press before they are drawn loses none.

The press ends the run that opens the dialog, and with it the values that this run has taken from
the session and has not sent.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from app_server import ROOT
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from support import HTTP_SECONDS, eventually

SCREEN = """
from datetime import date, time
from time import sleep

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared.components import fields

state, options = st.session_state, ["a", "b", "c"]


@st.dialog("Fields")
def dialog():
    state.runs += 1
    st.radio("Above", options)
    requests = get_script_run_ctx().script_requests
    while state.runs == 1 and requests._state.name == "CONTINUE":
        sleep(0.01)  # until the press: the next element ends this run, and has its value by then
    first, last = date(2026, 11, 2), date(2026, 12, 31)
    st.selectbox("Kept", options, index=None, key="kept", persist_state="session")
    st.text_input("Kept text", key="kept_text", persist_state="session")
    st.selectbox("Chosen", **fields.chosen("chosen", options))
    st.text_input("Text", **fields.typed("text"))
    st.multiselect("Several", **fields.pressed("several", options))
    st.time_input("At", **fields.typed("at"))
    st.date_input("Day", **fields.dated("day", first, last))
    st.button("Again")
    names = ["kept", "kept_text", "chosen", "text", "several", "at", "day"]
    st.text(" | ".join(f"{name} {state[name]}" for name in names))


if st.button("Open"):
    state.runs = 0
    state.kept = state.chosen = "b"
    state.kept_text = state.text = "typed"
    state.several, state.at, state.day = ["b", "a"], time(9, 30), date(2026, 11, 26)
    dialog()
"""
VALUES = (
    "kept b | kept_text typed | chosen b | text typed | several ['b', 'a'] | at 09:30:00 | "
    "day 2026-11-26"
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A screen of its own with such fields."""
    (tmp_path / "fields.py").write_text(SCREEN, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "fields.py", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with suppress(OSError):
            health = f"http://127.0.0.1:{port}/_stcore/health"
            return urllib.request.urlopen(health, timeout=HTTP_SECONDS).status == 200
        return False

    try:
        eventually(answers, within=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.kill()
        app.wait()


@pytest.fixture
def drawn(url: str, open_window: OpenPage) -> Page:
    """The dialog, after a press that came before its fields."""
    page = open_window(url, None)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("dialog").get_by_text("c", exact=True).click()
    page.get_by_role("button", name="Again").click()
    return page


def test_a_press_before_the_fields_are_drawn_loses_no_value_of_the_program(drawn: Page) -> None:
    expect(drawn.get_by_text(VALUES, exact=True)).to_be_visible()
    for name in ("Text", "Kept text"):
        expect(drawn.get_by_label(name, exact=True)).to_have_value("typed")
    for name in ("Kept", "Chosen"):
        expect(drawn.get_by_role("combobox", name=name, exact=True)).to_have_value("b")
