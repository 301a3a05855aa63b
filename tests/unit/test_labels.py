"""The key that all spellings of a class or game have in common, and the spelling to show. Pure."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking_core import Ground, Student
from booking_core.domain.labels import (
    class_spellings,
    find_label,
    game_spellings,
    games_to_choose,
    label_key,
    most_frequent,
)
from booking_core.domain.names import key_of, normal_form

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NUMBERS = st.integers(1, 13)
SECTIONS = st.sampled_from([*"ABCDEFGH", "अ", "Б", "Γ", "١"])
DASHES = st.sampled_from(["-", "‐", "\u2011", "–", "—", "−", "－", "﹣"])
SPACES = st.sampled_from(["", " ", "\u00a0", "\u3000", "  "])
GAMES = ("Football", "Kho-kho", "Table Tennis", "Volleyball", "क्रिकेट", "サッカー")


def wide(text: str) -> str:
    """ASCII letters and digits in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)


@given(TEXT)
@example("ϓ\u0345")
@example(" - ´-")
def test_the_key_of_a_label_is_a_fixed_point(text):
    key = label_key(text)

    assert label_key(key) == key
    assert label_key(normal_form(text)) == key
    assert label_key(key_of(text)) == key


def test_every_dash_of_unicode_is_one():
    dashes = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == "Pd"]

    assert {label_key(f"8 {dash} A") for dash in dashes} == {"8-a"}


@pytest.mark.parametrize(
    "text", ["8-A", "8-a", "8 - A", "8–A", "8\u2011A", "８-A", "８－Ａ", "8− a"]
)
def test_the_usual_spellings_of_a_class_have_one_key(text):
    assert label_key(text) == "8-a"


@given(NUMBERS, SECTIONS, DASHES, SPACES, SPACES)
def test_all_spellings_of_a_class_have_one_key(number, section, dash, before, after):
    plain = label_key(f"{number}-{section}")

    for text in (f"{number}{before}{dash}{after}{section}", f" {number}{dash}{section} "):
        for spelling in (text, text.lower(), wide(text), unicodedata.normalize("NFD", text)):
            assert label_key(spelling) == plain


@given(st.tuples(NUMBERS, SECTIONS), st.tuples(NUMBERS, SECTIONS), DASHES)
def test_different_classes_have_different_keys(one, other, dash):
    keys = [label_key(f"{number} {dash} {section}") for number, section in (one, other)]

    assert (keys[0] == keys[1]) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("8-A", "8 A"), ("8-A", "8A"), ("8-A", "9-A"), ("8-A", "8-Ä"), ("कक्षा ८", "कक्षा 8")],
)
def test_labels_that_say_different_things_have_different_keys(one, other):
    assert label_key(one) != label_key(other)


@given(st.sampled_from(GAMES), st.sampled_from(GAMES), SPACES, DASHES)
def test_all_spellings_of_a_game_have_one_key_and_no_other_game_has_it(game, other, space, dash):
    typed = game.replace("-", f" {dash} ").replace(" ", space or " ")

    for spelling in (typed, typed.upper(), typed.lower(), wide(typed)):
        assert label_key(spelling) == label_key(game)
    assert (label_key(typed) == label_key(other)) == (game == other)


def test_a_label_is_found_in_its_own_spelling_first():
    games = ("Kho-kho", "FOOTBALL", "Football")

    assert find_label("Football", games) == "Football"
    assert find_label("football", games) == "FOOTBALL"
    assert find_label("Kho – Kho", games) == "Kho-kho"
    assert find_label("Cricket", games) is None


def test_the_most_frequent_spelling_is_shown_and_of_equal_ones_the_first():
    assert most_frequent({"8-a": 2, "8-A": 3, "9 B": 1, "9 b": 1}) == {"8-a": "8-A", "9 b": "9 B"}


def test_a_class_is_shown_as_most_active_students_have_it():
    students = [
        *(Student(f"A{n}", "A", "8-A") for n in range(2)),
        *(Student(f"B{n}", "B", "8-a", active=False) for n in range(3)),
        Student("C", "C", "8 - A"),
        Student("D", "D", "LKG", active=False),
    ]

    assert class_spellings(iter(students)) == {"8-a": "8-A", "lkg": "LKG"}


def test_a_game_is_shown_as_most_grounds_in_use_have_it():
    grounds = [
        Ground("g1", "1", ("FOOTBALL", "Chess"), retired=True),
        Ground("g2", "2", ("FOOTBALL",), retired=True),
        Ground("g3", "3", ("Football",)),
    ]

    assert game_spellings(iter(grounds)) == {"football": "Football", "chess": "Chess"}


def test_each_game_can_be_chosen_in_one_spelling_and_those_of_the_ground_in_its_own():
    grounds = [Ground("g1", "1", ("FOOTBALL", "Chess")), Ground("g2", "2", ("Football", "Cricket"))]

    assert games_to_choose(grounds) == ["Chess", "Cricket", "FOOTBALL"]
    assert games_to_choose(grounds, ["Football"]) == ["Chess", "Cricket", "Football"]
    assert games_to_choose([], ["Polo"]) == ["Polo"]
