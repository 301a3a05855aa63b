"""Names and reasons are shown as typed: no text is markup, and no address becomes a link."""

from __future__ import annotations

import re

import pytest

from pages.shared.text.formats import literal

JOINER = "\u2060"


@pytest.mark.parametrize(
    ("typed", "joined"),
    [
        ("www.example.com", "www|.example.com"),
        ("See WWW.Example.com", "See WWW|.Example.com"),
        ("asha@school.example", "asha|@school.example"),
        ("https://example.com", r"https\:|//example.com"),
        ("mailto:asha@school.example", r"mailto\:|asha|@school.example"),
    ],
)
def test_an_address_is_broken_by_invisible_characters(typed, joined):
    shown = literal(typed)

    assert shown == joined.replace("|", JOINER)
    assert shown.replace(JOINER, "").replace("\\", "") == typed


@pytest.mark.parametrize("typed", ["Tom @ school", "@home", "wwww", "www.", "a.b", "St. Mary"])
def test_text_without_an_address_is_unchanged(typed):
    assert literal(typed) == typed


@pytest.mark.parametrize(
    ("typed", "joined"),
    [
        ("Rain -> hall", r"Rain -|\> hall"),
        ("9-A -- boys", "9-A -|- boys"),
        ("a <-> b", r"a \<|-|\> b"),
        ("x >= 3", r"x \>|= 3"),
    ],
)
def test_symbols_stay_symbols_and_become_no_arrows(typed, joined):
    shown = literal(typed)

    assert shown == joined.replace("|", JOINER)
    assert shown.replace(JOINER, "").replace("\\", "") == typed


@pytest.mark.parametrize("typed", ["1. B", "12. B", "3) Cricket", "- Chess", "+ Chess"])
def test_no_name_starts_a_list(typed):
    shown = literal(typed)

    assert shown.replace("\\", "") == typed
    assert re.match(r"\d*\\", shown)
