"""A value that is kept under a scope follows from that scope, and from its key, alone."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_files import tree_of

import booking_core

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
# Parts of a key that say as of which moment or day a value is.
MOMENTS = ("mark", "today", "date()")


def cached_calls() -> Iterator[tuple[str, str, str, set[str]]]:
    """Yields (place, scope, key, names that the load uses) for each call of ``cached``."""
    for path in PAGES:
        tree = tree_of(path)
        functions = {
            node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        assigned = {
            target.id: ast.unparse(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "cached":
                scope, key, load = node.args
                body = functions[load.id] if isinstance(load, ast.Name) else load
                names = {one.id for one in ast.walk(body) if isinstance(one, ast.Name)}
                text = ast.unparse(key)
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield place, ast.unparse(scope), assigned.get(text, text), names


CALLS = list(cached_calls())


def test_the_calls_are_found():
    assert len(CALLS) > 15


@pytest.mark.parametrize(("place", "scope", "key", "names"), CALLS, ids=[call[0] for call in CALLS])
def test_what_depends_on_the_moment_says_so_in_its_key(place, scope, key, names):
    for name in names & set(booking_core.__all__):
        function = getattr(booking_core, name)
        if inspect.isfunction(function) and "now" in inspect.signature(function).parameters:
            assert any(moment in key for moment in MOMENTS), (
                f"{place}: {name} depends on the moment"
            )


@pytest.mark.parametrize(("place", "scope", "key", "names"), CALLS, ids=[call[0] for call in CALLS])
def test_notices_have_their_own_scope(place, scope, key, names):
    assert ("notices_for" in names) == (scope == "Scope.NOTICES")
