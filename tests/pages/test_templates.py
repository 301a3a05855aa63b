"""The Jinja2 templates: what they are given comes out as text, whatever it holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from booking_core import Actor, Role
from pages.shared.auth import templates
from pages.shared.auth.own_sessions import SessionRow
from pages.shared.live.logo import ShownLogo
from pages.wall import codes

PAGES = Path(__file__).parents[2] / "pages"
PARTS = {"layout.html", "parts.html"}  # included by every page


def typed(name: str) -> str:
    """Markup as a user may type it, different for each ``name``."""
    return f"{name} <b class=x>\"'&amp;</b><script>1</script>{{{{7*7}}}}"


SCHOOL, NEXT, PROBLEM, CONTACT = typed("school"), typed("/next"), typed("problem"), typed("contact")
LOGO = ShownLogo(typed("/logo"), 3, 2)
# Template -> values, in each of which every text is typed.
VALUES: dict[str, list[dict]] = {
    "sign_in.html": [
        {
            "contact": CONTACT,
            "next_path": NEXT,
            "name": typed("name"),
            "problem": PROBLEM,
            "ended": True,
            "has_admin": False,
            "first_admin": f"{typed('command')} --{typed('option')}",
            "demo": demo,
            "is_demo": True,
            "by_mail": by_mail,
        }
        for demo, by_mail in (([], True), ([Actor("p1", Role.STAFF, typed("person"))], False))
    ],
    "forgotten.html": [
        {"problem": PROBLEM, "is_sent": False, "contact": ""},
        {"problem": "", "is_sent": True, "contact": CONTACT},
    ],
    "forgotten_password.html": [
        {"account_id": typed("id"), "problem": PROBLEM, "shortest": 10},
    ],
    "sign_in_elsewhere.html": [
        {
            "contact": CONTACT,
            "ways": [(typed("label"), typed("address"))],
            "problem": problem,
            "ended": ended,
        }
        for problem, ended in ((PROBLEM, False), ("", True), ("", False))
    ],
    "new_password.html": [
        {
            "account_id": typed("id"),
            "next_path": NEXT,
            "problem": PROBLEM,
            "forced": forced,
            "shortest": 10,
        }
        for forced in (True, False)
    ],
    "own_sessions.html": [
        {
            "sessions": [
                SessionRow(typed("one"), typed("browser"), typed("begun"), typed("used"), False),
                SessionRow("", typed("mine"), "", "", True),
            ],
            "next_path": NEXT,
        }
    ],
    "own_mail.html": [
        {
            "email": email,
            "wishes": [(typed("wish"), typed("label"), typed("meaning"), True)] if email else [],
            "next_path": NEXT,
        }
        for email in (typed("email"), None)
    ],
    "decide.html": [
        {
            "who": typed("who"),
            "problem": PROBLEM,
            "changes": changes,
            "facts": [(typed("name"), typed("value"))],
            "revision": 3,
            "typed": {"reason": typed("reason"), "question": typed("question")},
            "author": typed("author"),
            "may_ask": True,
            "waiting": waiting,
            "longest": 500,
        }
        for changes, waiting in (([typed("change")], []), ([], [typed("asked"), typed("again")]))
    ],
    "cancel.html": [
        {
            "who": typed("who"),
            "problem": PROBLEM,
            "changes": changes,
            "facts": [(typed("name"), typed("value"))],
            "revision": 3,
        }
        for changes in ([typed("change")], [])
    ],
    "code.html": [{"next_path": NEXT, "problem": PROBLEM}],
    "set_up_second_factor.html": [
        {
            "key": "ABCDEFGH",
            "uri": typed("uri"),
            "picture": typed("picture"),
            "next_path": NEXT,
            "problem": PROBLEM,
            "forced": forced,
        }
        for forced in (True, False)
    ],
    "recovery_codes.html": [{"codes": [typed("code")], "next_path": NEXT}],
    "second_factor.html": [
        {"left": left, "next_path": NEXT, "problem": PROBLEM, "is_required": required}
        for left, required in ((0, True), (1, False), (2, False))
    ],
    "message.html": [
        {"title": typed("title"), "text": typed("text"), "link": link}
        for link in (None, (typed("address"), typed("label")))
    ],
    "sheet_changes.html": [
        {
            "title": typed("title"),
            "lead": typed("lead"),
            "changes": [(typed("what"), typed("who"))],
            "live": typed("live"),
            "again": typed("again"),
        }
    ],
    "codes.html": [
        {
            "address": typed("address"),
            "back": typed("back"),
            "codes": [(typed("ground"), SimpleNamespace(size=1, address=typed("to"), path="M0"))],
        }
    ],
}
CASES = [(name, values) for name, cases in VALUES.items() for values in cases]


class Read(HTMLParser):
    """The texts and attributes of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = [""]
        self.elements: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(f"{tag}.x" if ("class", "x") in attrs else tag)
        self.texts += [*(value or "" for _, value in attrs), ""]

    def handle_endtag(self, tag: str) -> None:
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


def page_of(name: str, values: dict) -> str:
    if name == "codes.html":
        return codes.page(SCHOOL, **values)
    return templates.render(name, SCHOOL, logo=LOGO, **values)


def texts_in(value: object) -> set[str]:
    """Returns the texts of ``typed`` in a value."""
    if isinstance(value, str):
        return {value} if "<b" in value and " --" not in value else set()
    if isinstance(value, SimpleNamespace | Actor):
        fields = vars(value) if isinstance(value, SimpleNamespace) else {"": value.name}
        return texts_in(list(fields.values()))
    if isinstance(value, list | tuple):
        return {text for one in value for text in texts_in(one)}
    return set()


@pytest.mark.parametrize(("name", "values"), CASES, ids=[name for name, _ in CASES])
def test_what_was_typed_is_shown_as_text(name, values):
    page = page_of(name, values)

    read = Read(page)
    shown = "\n".join(read.texts)
    assert SCHOOL in shown
    assert name == "codes.html" or LOGO.address in read.texts
    for text in texts_in(list(values.values())):
        assert text in shown
    assert not {"b.x", "script"} & read.elements


def test_every_template_is_rendered_by_these_tests():
    assert {path.name for path in PAGES.rglob("*.html")} == {*VALUES, *PARTS}


def test_a_text_is_left_unescaped_only_where_the_line_before_says_why():
    for path in PAGES.rglob("*.html"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for before, line in zip(["", *lines], lines, strict=False):
            if re.search(r"\|\s*safe\b|autoescape", line):
                assert before.startswith("{# safe: "), f"{path}: {line}"


def test_no_code_makes_markup_of_a_text_or_an_environment_of_its_own():
    for path in PAGES.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "Markup" not in source, path
        assert "Environment(" not in source or path.name == "templates.py", path


@pytest.mark.parametrize("name", [name for name in VALUES if name != "codes.html"])
def test_a_value_that_is_missing_is_an_error(name):
    with pytest.raises(UndefinedError):
        templates.render(name, SCHOOL)
