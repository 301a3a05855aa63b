"""The public surface of the package: its names, its errors, and its independence of the screens."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from public_modules import CORE, PUBLIC_MODULES
from source_files import imports_of, tree_of

import booking_core
from booking_core.domain import errors

PACKAGE = Path(booking_core.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_the_public_modules_are_those_beside_the_package_that_have_public_names_only():
    found = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")}

    assert found == {*PUBLIC_MODULES, "settings", "version"}
    for module in (CORE, *(f"{CORE}.{name}" for name in PUBLIC_MODULES)):
        assert import_module(module).__doc__


@pytest.mark.parametrize("module", [CORE, *(f"{CORE}.{name}" for name in PUBLIC_MODULES)])
def test_all_of_a_public_module_has_every_name_that_it_imports_once(module):
    public = import_module(module)
    tree = tree_of(Path(str(public.__file__)))

    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert len(public.__all__) == len(set(public.__all__))
    assert imported - {"*"} == set(public.__all__)


def test_a_public_name_has_one_address():
    addresses = Counter(
        name
        for module in (CORE, *(f"{CORE}.{name}" for name in PUBLIC_MODULES))
        for name in import_module(module).__all__
    )

    assert [name for name, count in addresses.items() if count > 1] == []


def test_every_error_is_public_a_booking_error_and_drawn_in_the_tree():
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    ours = [value for value in classes if issubclass(value, Exception)]

    assert ours
    public = {value for value in vars(booking_core.errors).values() if inspect.isclass(value)}
    assert public == set(ours)
    for error in ours:
        assert issubclass(error, errors.BookingError)
        assert getattr(booking_core, error.__name__) is error
        assert error.__name__ in errors.__doc__


def test_importing_the_package_imports_no_streamlit():
    check = "import booking_core, sys; assert 'streamlit' not in sys.modules"

    outcome = subprocess.run(
        [sys.executable, "-c", check], cwd=PACKAGE.parent, capture_output=True, text=True
    )

    assert outcome.returncode == 0, outcome.stderr


def test_no_module_of_the_core_imports_a_screen():
    for path in MODULES:
        roots = {name.split(".")[0] for name in imports_of(path)}
        assert not roots & {"streamlit", "pages", "app", "pandas"}, path


def test_the_core_imports_itself_by_absolute_names():
    for path in MODULES:
        nodes = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)]
        assert not [node.lineno for node in nodes if node.level], path
