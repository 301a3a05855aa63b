"""A tour through the screens of a school where all that was typed is markup: stop by stop."""

from __future__ import annotations

import re
from contextlib import suppress

from looking import read, settled, shut_out
from playwright.sync_api import Page, expect
from support import eventually
from typed_school import text

_WORD = re.compile(r"\bzq[a-z]+\b")


class Tour:
    """A window, and the stops that it has not been at: what stands there, by its last word."""

    def __init__(self, page: Page, stops: dict[str, str]) -> None:
        self.page, self.left = page, {name: set(words.split()) for name, words in stops.items()}

    def stop(self, name: str, where: str = "") -> None:
        """What belongs here stands here as it was typed, and nothing was made of anything."""
        words = self.left.pop(name)
        if where:  # a dialog may have no words of anybody's, and is waited for all the same
            expect(self.page.locator(where).locator("visible=true").first).to_be_visible()
        with suppress(AssertionError):
            eventually(lambda: words <= _shown(read(self.page, where)[0]), within=10)
        missing = words - _shown(read(self.page, where)[0])
        texts, faults = read(self.page)
        broken = [found for found in texts if _is_broken(found)]
        wrong = {"not there as it was typed": missing, "otherwise": broken, "made": faults}
        assert not any(wrong.values()), f"{name}: {wrong}"

    def opened(self, name: str, where: str = "[role=dialog]") -> None:
        """The same in what opened; nobody is shut out of it."""
        self.stop(name, where)
        self.look(name, where)

    def look(self, name: str, where: str) -> None:
        """What opened is open to everybody, by light and in the dark."""
        settled(self.page)
        found = shut_out(self.page, where)
        assert found == [], f"{name}: {found}"


def _shown(texts: list[str]) -> set[str]:
    return {word for found in texts for word in _WORD.findall(found) if text(word) in found}


def _is_broken(found: str) -> bool:
    """Whether something typed is there without all that stood before its last word."""
    return any(not found[: at.end()].endswith(text(at[0])) for at in _WORD.finditer(found))
