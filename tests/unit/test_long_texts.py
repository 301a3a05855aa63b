"""A text of any length is refused or cut before it is composed, which takes quadratic time."""

from __future__ import annotations

import contextlib
import time as clock
from functools import partial

import pytest

from booking_core import (
    Ground,
    InvalidRequest,
    Student,
    find_students,
    read_table,
)
from booking_core.domain import labels, messages, names, validation
from booking_core.school.roster import compare
from booking_core.school.search_words import query

# 240 kB each. The first takes 15 s to compose.
MARKS = "e" + "\u0301\u0323" * 60_000
LONG = [MARKS, "\u0315\u0308" * 60_000, "\u00e9 " * 80_000, "x " * 120_000, "\u0130" * 120_000]
SECONDS = 0.2  # of this thread

STUDENTS = [Student(f"S{n:03d}", f"Asha Rao {n}", "8-A") for n in range(50)]

CUT = {
    "normal_form": names.normal_form,
    "key_of": names.key_of,
    "sign_in_name": names.sign_in_name,
    "sign_in_key": names.sign_in_key,
    "new_id": lambda text: names.new_id(text, ["a"], "ground"),
    "label_key": labels.label_key,
    "find_label": lambda text: labels.find_label(text, ["Football", "8-A"]),
    "shown_id": messages.shown_id,
    "query": query,
}
REFUSED = {
    "check_text": ("purpose", partial(validation.check_text, name="purpose")),
    "check_name": ("name", partial(validation.check_name, name="name")),
    "check_id": ("id", partial(validation.check_id, name="id")),
    "check_sign_in_name": ("id", partial(validation.check_sign_in_name, name="id")),
    "check_email": ("email", validation.check_email),
    "check_booking_id": ("booking_id", validation.check_booking_id),
    "student's class": ("class_name", lambda text: Student("S1", "Asha", text)),
    "ground's game": ("games", lambda text: Ground("g", "G", (text,))),
    "search": ("text", lambda text: find_students(STUDENTS, text)),
    "search in a class": (
        "class_name",
        lambda text: find_students(STUDENTS, class_name=text),
    ),
}


def seconds_of(action, text):
    began = clock.thread_time()
    with contextlib.suppress(InvalidRequest):
        action(text)
    return clock.thread_time() - began


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:2]))
@pytest.mark.parametrize("name", [*CUT, *REFUSED])
def test_a_text_of_240_kB_takes_no_time(name, text):
    action = CUT.get(name) or REFUSED[name][1]
    seconds_of(action, "Asha")  # what is made once

    assert seconds_of(action, text) < SECONDS


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:2]))
@pytest.mark.parametrize("name", REFUSED)
def test_a_text_of_240_kB_is_refused_by_the_name_of_its_field(name, text):
    field, action = REFUSED[name]

    with pytest.raises(InvalidRequest) as refused:
        action(text)

    assert refused.value.field == field
    assert refused.value.problem.startswith("is longer than ") or field == "games"


@pytest.mark.parametrize("column", ["id", "name", "class", "email", "active"])
def test_a_file_with_a_long_cell_names_the_field(column):
    row = {"id": "S1", "name": "Asha", "class": "8-A", "email": "a@b.example", "active": "yes"}
    row[column] = MARKS[:60_000]  # the longest cell that the CSV reader takes is 131,072
    data = "\n".join([",".join(row), ",".join(row.values())]).encode()
    began = clock.thread_time()

    table = read_table(data, "students.csv", ("id", "name", "class"))
    (wrong,) = compare(table.rows, {}, 1).wrong

    assert clock.thread_time() - began < SECONDS
    assert wrong.field == column


def test_a_file_full_of_long_cells_takes_little_time():
    cell = MARKS[:1900]
    data = "\n".join(["id,name,class", *[f"{cell},Asha,8-A"] * 1300]).encode()
    assert len(data) > 4_900_000  # bytes, of 5 MB
    began = clock.thread_time()

    plan = compare(read_table(data, "students.csv", ("id", "name", "class")).rows, {}, 1)

    assert clock.thread_time() - began < 2
    assert len(plan.wrong) == 1300


def test_spaces_around_a_text_do_not_count_up_to_four_times_its_length():
    assert validation.check_name(f"{' ' * 200}Asha{' ' * 200}", "name") == "Asha"
    assert validation.check_name("e\u0301" * 120, "name") == "\u00e9" * 120


def test_an_error_does_not_quote_a_long_text_whole():
    assert len(str(InvalidRequest("class_name", f"{MARKS!r} has no students"))) < 600
