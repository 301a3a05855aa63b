"""Finding classes and teams beside students."""

from __future__ import annotations

import pytest

from booking_core import InvalidRequest, Reference, Student, Team, find_groups

KNOWN = Reference(
    students={
        "S1": Student("S1", "Asha Nair", "9-B"),
        "S2": Student("S2", "Ravi Kumar", "10-A"),
        "S3": Student("S3", "Left Long Ago", "12-C", active=False),
    },
    teams={"u14": Team("u14", "U14 girls"), "first": Team("first", "First eleven")},
)


@pytest.mark.parametrize(
    ("text", "classes", "teams"),
    [
        ("", ["9-B", "10-A"], ["u14", "first"]),
        ("9b", ["9-B"], []),
        ("9 - b", ["9-B"], []),
        ("girls u14", [], ["u14"]),
        ("ELEVEN", [], ["first"]),
        ("12-C", [], []),
        ("as\u00adha", [], []),
        ("gir\u200bls", [], ["u14"]),
    ],
)
def test_classes_and_teams_are_found_by_their_words(text, classes, teams):
    found = find_groups(KNOWN, text)
    assert (found[0], [team.id for team in found[1]]) == (classes, teams)


@pytest.mark.parametrize("text", [7, None, "x" * 501])
def test_a_text_that_cannot_be_searched_names_its_field(text):
    with pytest.raises(InvalidRequest) as error:
        find_groups(KNOWN, text)
    assert error.value.field == "text"
