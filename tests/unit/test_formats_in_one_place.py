"""Only ``formats`` writes dates, times and numbers of the screens; the core writes neutral ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from source_files import tree_of

ROOT = Path(__file__).parents[2]
FORMATS = ROOT / "pages" / "shared" / "text" / "formats.py"
# The terminal's heading of a day, in English for every locale.
TERMINAL = ROOT / "booking_core" / "cli" / "printing.py"
# ISO dates and 24 hours are for payloads, file names, logs and the command line.
LOCAL = re.compile(r"%[^YmdHMS:-]|,")
METHODS = {"strftime", "strptime"}


def local_forms(path: Path) -> list[str]:
    """Returns the formats in ``path`` that depend on a locale: separators, names, 12 hours."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = ast.unparse(node.format_spec)
            if LOCAL.search(spec):
                found.append(spec)
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            found.append(node.attr)
    return found


def test_the_search_finds_what_it_is_for(tmp_path):
    sample = tmp_path / "sample.py"
    sample.write_text('f"{a:,}{b:%a}{c:%I %p}{d:%Y-%m-%d %H:%M}{e:.0f}"; d.strftime("%A")')

    assert len(local_forms(sample)) == 4


def test_screens_take_every_date_time_and_number_from_one_module():
    for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]:
        if path != FORMATS:
            assert local_forms(path) == [], path


def test_the_core_writes_nothing_that_depends_on_a_locale():
    for path in (ROOT / "booking_core").rglob("*.py"):
        if path != TERMINAL:
            assert local_forms(path) == [], path


def test_no_script_of_a_screen_has_a_locale_of_its_own():
    for path in (ROOT / "pages").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"toLocale|en-[A-Z]{2}|hour12", text), path
