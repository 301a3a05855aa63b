"""A tour through the screens of a school in which every typed text is markup."""

from __future__ import annotations

import re
from contextlib import suppress

from page_checks import read, violations_in_both_schemes, wait_until_settled
from playwright.sync_api import Page, expect
from support import eventually
from typed_school import text

_WORD = re.compile(r"\bzq[a-z]+\b")


class Tour:
    """A window, and the steps of the tour that are still to come, each with its expected texts."""

    def __init__(self, page: Page, expected: dict[str, str]) -> None:
        self.page, self.left = page, {name: set(words.split()) for name, words in expected.items()}

    def check(self, name: str, where: str = "") -> None:
        """Asserts that the expected texts are shown as typed, and that no element is created."""
        words = self.left.pop(name)
        if where:  # a dialog may show no typed text, and still has to be open
            expect(self.page.locator(where).locator("visible=true").first).to_be_visible()
        with suppress(AssertionError):
            eventually(lambda: words <= _shown(read(self.page, where)[0]), within=10)
        missing = words - _shown(read(self.page, where)[0])
        texts, faults = read(self.page)
        broken = [found for found in texts if _is_broken(found)]
        wrong = {"missing": missing, "broken": broken, "created": faults}
        assert not any(wrong.values()), f"{name}: {wrong}"

    def check_opened(self, name: str, where: str = "[role=dialog]") -> None:
        """Does the same in an opened part, and asserts that the part is accessible."""
        self.check(name, where)
        self.check_accessible(name, where)

    def check_accessible(self, name: str, where: str) -> None:
        """Asserts that an opened part is accessible, light and dark."""
        wait_until_settled(self.page)
        found = violations_in_both_schemes(self.page, where)
        assert found == [], f"{name}: {found}"


def _shown(texts: list[str]) -> set[str]:
    return {word for found in texts for word in _WORD.findall(found) if text(word) in found}


def _is_broken(found: str) -> bool:
    """Whether a typed text is shown without the markup before its last word."""
    return any(not found[: at.end()].endswith(text(at[0])) for at in _WORD.finditer(found))
