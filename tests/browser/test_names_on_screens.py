"""Names are shown as typed, and never as a link."""

from __future__ import annotations

import re

from app_server import today
from playwright.sync_api import Page, expect
from screens import cell, place
from support import GROUNDS

from booking_core import Actor, Ground, Role, save_ground

TYPED = "*Asha* www.example.com asha@school.example https://example.com"


def _shown(text: str) -> re.Pattern[str]:
    """Returns ``text`` with every word joiner that the screens insert."""
    return re.compile("\u2060?".join(map(re.escape, text)))


def _links(page: Page) -> list[str]:
    """Returns the targets of links out of the app; a heading's own anchor is not one."""
    targets = [link.get_attribute("href") or "" for link in page.locator("a").all()]
    return [href for href in targets if "example" in href and not href.startswith("#")]


def test_an_address_in_a_name_is_text_and_no_link(open_page, school):
    save_ground(school.db, Ground("ground-2", TYPED, GROUNDS[1].games, order=2))
    page = open_page("/book", "Meera Nair")
    place(page, 14, ground=2).click()

    expect(page.get_by_role("heading").filter(has_text=_shown(TYPED))).to_be_visible()
    assert _links(page) == []

    cell(page, 15).click()
    expect(cell(page, 15, state="Picked")).to_be_visible()
    school.book(by=Actor("other", Role.STAFF, TYPED), on=today(), start=15)

    expect(page.get_by_role("alert").filter(has_text=_shown(TYPED))).to_be_visible()
    assert _links(page) == []
