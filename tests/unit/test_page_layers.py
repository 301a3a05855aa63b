"""The layers of ``pages``: the allowed imports, and the names imported from ``booking_core``."""

from __future__ import annotations

from pathlib import Path

from source_files import imports_of

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
# From the lowest layer to the highest; packages of one layer do not import each other. Above them
# are the screens, each with a package of its own, and above these the navigation.
LAYERS = (
    {"components", "text"},
    {"live"},
    {"auth"},
    {"layout"},
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
    "operations.demo_school.DEMO_ACCOUNTS",
    "operations.demo.load_demo",
    "operations.finding.Finding",
    "operations.health",
    "school.roster.COLUMNS",
    "tables.table.UPLOAD",
}


def layer(package: str) -> int:
    """Returns the number of a package's layer; screens are above all packages of ``shared``."""
    if package == "main.py":
        return len(LAYERS) + 1
    return LAYER_OF.get(package, len(LAYERS))


def package_of(parts: tuple[str, ...]) -> str:
    """The package below ``pages/shared``, the screen, or ``main.py`` of a path below ``pages``."""
    return parts[1] if parts[0] == "shared" else parts[0]


def test_a_page_imports_only_from_its_own_package_or_a_lower_layer():
    for path in PAGES:
        package = package_of(path.relative_to(ROOT / "pages").parts)
        for name in imports_of(path):
            parts = tuple(name.split("."))
            if parts[0] != "pages" or parts in (("pages",), ("pages", "shared")):
                continue
            imported = package_of(parts[1:])
            is_allowed = imported == package or layer(imported) < layer(package)
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
