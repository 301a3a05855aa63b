"""The normal form of typed text, and the key of names that users cannot tell apart. Pure."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking_core import Account, Ground, InvalidRequest, Role, Student
from booking_core.domain.names import (
    find_unusable,
    key_of,
    new_id,
    normal_form,
    sign_in_key,
    sign_in_name,
)
from booking_core.domain.validation import check_id, check_name, check_text

NO_BREAK, THIN, IDEOGRAPHIC = "\u00a0", "\u2009", "\u3000"
ZWNJ, ZWJ = "\u200c", "\u200d"
# Characters in use: letters of living scripts, marks, digits, punctuation, symbols, spaces.
TYPED = st.text(
    st.characters(
        categories=("L", "M", "N", "P", "S", "Zs"),
        exclude_characters="\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0",
        max_codepoint=0xFFEF,
    ).filter(lambda c: not ("\ufe00" <= c <= "\ufe0f" or "\u180b" <= c <= "\u180f"))
)


@given(TYPED)
@example("e\u0301")
@example(" \u1112\u1161\u11ab ")
def test_a_name_has_one_form_however_its_accents_and_spaces_are_typed(text):
    form = normal_form(text)

    assert normal_form(form) == form
    for spelling in ("NFC", "NFD"):
        assert normal_form(unicodedata.normalize(spelling, text)) == form
    for space in (NO_BREAK, THIN, IDEOGRAPHIC, "\t", "  "):
        assert normal_form(space + text.replace(" ", space) + space) == form


@given(TYPED)
def test_the_key_of_a_name_ignores_case_and_is_a_fixed_point(text):
    key = key_of(text)

    assert key_of(key) == key
    # In normal form: the capital of a mark such as U+0345 stands elsewhere among other marks.
    assert key_of(unicodedata.normalize("NFC", text).casefold()) == key
    assert key_of(unicodedata.normalize("NFD", text)) == key


# Letters whose other case is another letter in Turkish, two letters in German, or depends in Greek
# on the place in the word; and other ones of several code points.
CASED = st.text(
    "iI\u0130\u0131\u0307sS\u00df\u1e9e\u017f\u03c3\u03c2\u03a3\u0390\u03b0\u03ca\u0149\u01f0\ufb03\u01c5a",
    min_size=1,
)
LETTERS = st.text(st.characters(categories=("L", "Nd")), min_size=1)
CASES = (str.upper, str.lower, str.casefold, str.title, str.swapcase)


@given(st.one_of(CASED, LETTERS, TYPED))
def test_the_normal_form_of_a_sign_in_name_is_a_fixed_point(text):
    form, key = sign_in_name(text), sign_in_key(text)

    assert sign_in_name(form) == form
    assert sign_in_key(key) == sign_in_key(form) == key
    assert sign_in_name(unicodedata.normalize("NFD", text)) == form


@given(st.one_of(CASED, LETTERS))
def test_a_sign_in_name_has_one_key_in_any_letter_case(text):
    assert {sign_in_key(case(text)) for case in CASES} == {sign_in_key(text)}


@given(st.one_of(CASED, LETTERS))
@example("\u0130lker")
@example("i\u0307lker")
def test_an_account_can_be_made_again_of_its_own_sign_in_name(text):
    try:
        account = Account(text, "A name", Role.STAFF)
    except InvalidRequest:
        return

    assert Account(account.id, "A name", Role.STAFF) == account
    assert account.actor.id == account.id


def test_a_dotted_capital_becomes_one_letter_and_a_dotless_one_is_kept():
    assert sign_in_name("\u0130lker") == sign_in_name("ilker") == "ilker"
    assert sign_in_name("I\u015f\u0131k") == "i\u015f\u0131k"
    assert sign_in_key("I\u015eIK") == sign_in_key("\u0131\u015f\u0131k") == "i\u015fik"


@given(TYPED)
def test_usual_text_is_accepted(text):
    assert find_unusable(normal_form(text)) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ground 1", "ground 1"),
        ("Ground 1", f"Ground{NO_BREAK}{NO_BREAK}1"),
        ("Ground 1", f"\tGROUND{THIN}1 "),
        ("Ground 1", f"Ground{IDEOGRAPHIC}1"),
        ("Straße", "STRASSE"),
        ("Café", "Cafe\u0301"),
        ("Σταδίους", "ΣΤΑΔΊΟΥΣ"),
        ("⚽", "⚽\ufe0f"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_names_that_look_alike_have_one_key(one, other):
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Ground 1", "Ground 2"), ("Müller", "Muller"), ("8-A", "8 A"), ("Ł", "L")]
)
def test_distinguishable_names_have_different_keys(one, other):
    assert key_of(one) != key_of(other)


@pytest.mark.parametrize(
    "text",
    [
        "Grou\u200bnd",  # zero-width space
        "Grou\u2060nd",  # word joiner
        "\ufeffGround",  # byte order mark
        "Gro\u00adund",  # soft hyphen
        f"Gro{ZWJ}und",
        f"Gro{ZWNJ}und",
        f"Ground{ZWJ}",
        "a\u202eb",
        "a\u2066b",
        "a\u200fb",  # right-to-left mark
        "a\u061cb",
        "a\ufe0fb",  # an emoji style of a letter
        "\ufe0fa",
        "\U000e0061a",  # a tag
        "a\U000e0101",
        "a\u3164b",  # Hangul filler
        "a\u115fb",
        "a\u2800b",  # blank Braille
        "a\u034fb",
        "a\x00b",
        "a\x1bb",
        "a\u0085b",
        "\ud800",
    ],
    ids=ascii,
)
def test_an_invisible_character_is_refused_by_the_name_of_the_field(text):
    with pytest.raises(InvalidRequest) as name:
        check_name(text, "name")
    with pytest.raises(InvalidRequest) as purpose:
        check_text(text, "purpose")
    with pytest.raises(InvalidRequest) as id:
        check_id(text, "id")

    assert [error.value.field for error in (name, purpose, id)] == ["name", "purpose", "id"]


@pytest.mark.parametrize(
    "text",
    [
        f"می{ZWNJ}خواهم",  # Persian: the letters before and after do not join
        f"नमस्{ZWJ}ते",  # Hindi: a half form
        f"क्{ZWNJ}ष",  # Hindi: two letters in place of the ligature
        f"രാജന്{ZWJ}",  # Malayalam: a letter without vowel at the end of a word
        f"ශ්{ZWJ}රී ලංකා",  # Sinhala
        f"র{ZWJ}্যাচেল",  # Bengali
        f"⛹\ufe0f{ZWJ}♀\ufe0f",  # a woman with a ball
        "⚽\ufe0f and 🏏",
        "1\ufe0f\u20e3",
        "葛\U000e0100城",
        "José O’Brien-Müller, Łukasz & İlker",
        "Nguyễn Văn Đức",
    ],
    ids=ascii,
)
def test_a_joiner_or_selector_that_changes_the_display_is_kept(text):
    assert check_name(text, "name") == unicodedata.normalize("NFC", text)


def test_a_purpose_keeps_its_lines_and_a_name_has_one():
    typed = f" First{NO_BREAK} line \r\n second\tline\n\n third "

    assert check_text(typed, "purpose") == "First line\nsecond line\n\nthird"
    assert check_name(typed, "name") == "First line second line third"
    with pytest.raises(InvalidRequest):
        check_id("S0\n01", "id")


def test_the_length_is_that_of_the_normal_form():
    decomposed = "e\u0301" * 120

    assert check_name(decomposed, "name") == "é" * 120
    with pytest.raises(InvalidRequest):
        check_name("é" * 121, "name")


def test_values_hold_the_normal_form():
    ground = Ground("gro\u0302und", f"Ground{NO_BREAK} 1", (f"Foot{THIN}ball",))
    student = Student(f" S{NO_BREAK}1", "Jose\u0301", f"8{THIN}A")

    assert (ground.id, ground.name, ground.games) == ("grôund", "Ground 1", ("Foot ball",))
    assert (student.id, student.name, student.class_name) == ("S 1", "José", "8 A")
    with pytest.raises(InvalidRequest) as twice:
        Ground("g", "G", ("Polo", f"polo{NO_BREAK}"))
    assert twice.value.field == "games"


def test_a_new_id_cannot_be_mistaken_for_another():
    assert new_id("Tennis court", [], "ground") == "tennis-court"
    assert new_id("Tennis  Court", ["Tennis-Court", "tennis-court-2"], "ground") == "tennis-court-3"
    assert new_id("⚽", [], "ground") == "ground"
