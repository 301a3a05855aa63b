"""Filling in a timetable with equal periods."""

from __future__ import annotations

from datetime import time

import pytest
from streamlit.testing.v1 import AppTest


def _screen():  # run as a separate script, without the names of this module
    from pages.admin.timetables import editor

    if not editor.is_open():
        editor.open_editor(None)
    editor._equal_periods()


def filled(first: time, each: int, between: int, count: int) -> AppTest:
    screen = AppTest.from_function(_screen).run()
    screen.time_input(key="admin.editor.first").set_value(first)
    screen.number_input(key="admin.editor.length").set_value(each)
    screen.number_input(key="admin.editor.pause").set_value(between)
    screen.number_input(key="admin.editor.count").set_value(count)
    screen.run()
    return screen.button(key="admin.editor.fill").click().run()


def periods(screen: AppTest) -> list[tuple[time, time]]:
    state = screen.session_state
    return [
        (state[f"admin.editor.begins.{line}"], state[f"admin.editor.ends.{line}"])
        for line in state["admin.editor.lines"]
    ]


@pytest.mark.parametrize("each", [35, 40, 45, 50])
def test_periods_of_a_school_are_filled_in_as_long_as_they_are(each):
    screen = filled(time(8, 40), each, 5, 3)

    found = periods(screen)
    lengths = {(e.hour - b.hour) * 60 + e.minute - b.minute for b, e in found}
    assert (found[0][0], len(found), lengths) == (time(8, 40), 3, {each})


def test_a_length_between_two_marks_is_refused_with_a_sentence_and_changes_nothing():
    screen = filled(time(8), 42, 0, 3)

    assert [error.value for error in screen.error] == [
        "Periods and breaks last a multiple of 5 minutes."
    ]
    assert periods(screen) == []
