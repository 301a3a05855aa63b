"""The public surface of the package: its names, its errors, and its independence of the screens."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

from source_files import imports_of, tree_of

import booking_core
from booking_core.domain import errors

PACKAGE = Path(booking_core.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_all_is_sorted_and_every_name_in_it_exists():
    assert booking_core.__all__ == sorted(set(booking_core.__all__))
    for name in booking_core.__all__:
        assert hasattr(booking_core, name)


def test_every_public_name_imported_by_the_package_is_in_all():
    tree = tree_of(PACKAGE / "__init__.py")

    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert imported - {"*"} == set(booking_core.__all__)


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
