"""The layers of ``pages``: the allowed imports, and the names imported from ``booking_core``."""

from __future__ import annotations

from pathlib import Path

from source_files import imports_of

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
SHARED = ROOT / "pages" / "shared"
# From the lowest layer to the highest; packages of one layer do not import each other.
LAYERS = (
    {"components", "text"},
    {"live"},
    {"auth"},
    {"dialogs"},
    {"admin"},
)
LAYER_OF = {package: number for number, layer in enumerate(LAYERS) for package in layer}
# Names that are not public. This list only ever gets shorter.
INNER_NAMES = {
    "booking.steps.log_step",
    "domain.messages",
    "domain.messages.COMMAND",
    "domain.policy.MOST_DAYS",
    "domain.policy.MOST_QUOTA",
    "domain.rules.check_may",
    "domain.rules.has_begun",
    "domain.rules.is_over",
    "domain.timetable.DayPlan",
    "domain.timetable.at",
    "domain.timetable.fits",
    "domain.timetable.iso_week",
    "domain.timetable.periods_between",
    "domain.validation.MARK_MINUTES",
    "domain.validation.check_text",
    "domain.validation.minutes",
    "access.devices.KEPT",
    "access.passwords",
    "access.passwords.SHORTEST",
    "access.sessions.LONGEST",
    "access.sign_in.CHALLENGE",
    "insight.audit",
    "insight.exports",
    "insight.exports.check_report",
    "insight.usage",
    "operations.demo.DEMO_ACCOUNTS",
    "operations.demo.load_demo",
    "operations.health",
    "school.roster.COLUMNS",
    "tables.table.UPLOAD",
}


def layer(package: str) -> int:
    """Returns the number of a package's layer; screens are above all packages."""
    return LAYER_OF.get(package, len(LAYERS))


def package_of(path: Path) -> str:
    return path.relative_to(SHARED).parts[0] if path.is_relative_to(SHARED) else "screens"


def test_a_page_imports_only_from_its_own_package_or_a_lower_layer():
    for path in PAGES:
        package = package_of(path)
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] != "pages" or parts == ["pages"] or parts == ["pages", "shared"]:
                continue
            assert parts[1] == "shared", f"{path} imports {name}: screens do not import each other"
            is_allowed = parts[2] == package or layer(parts[2]) < layer(package)
            assert is_allowed, f"{path} imports {name}"


def test_pages_import_public_names_of_the_core_only():
    found = set()
    for path in [ROOT / "app.py", *PAGES]:
        names = imports_of(path)
        for name in names:
            if any(other.startswith(f"{name}.") for other in names):
                continue  # the module of a name
            inner = name.removeprefix("booking_core.")
            is_inner = "." in inner or (ROOT / "booking_core" / f"{inner}.py").exists()
            if inner != name and is_inner:
                found.add(inner)

    assert found == INNER_NAMES
