"""No field of a page has a value of the program from the session alone: a press can lose it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from source_files import tree_of

PAGES = sorted((Path(__file__).parents[2] / "pages").rglob("*.py"))
FIELDS = {
    "checkbox",
    "date_input",
    "multiselect",
    "number_input",
    "pills",
    "radio",
    "segmented_control",
    "selectbox",
    "text_area",
    "text_input",
    "time_input",
    "toggle",
}
# What gives a field its value in each run, so that no run can lose it.
KEEPING = {"persist_state", "value", "default"}


def name_of(key: ast.expr) -> str:
    """The constant that names a value of the session, without its module."""
    return ast.unparse(key).rpartition(".")[2]


def names_set() -> Iterator[str]:
    for path in PAGES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    parts = [one for one in ast.walk(target) if isinstance(one, ast.Subscript)]
                    yield from (name_of(one.slice) for one in parts)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setdefault"):
                yield name_of(node.args[0])


def test_a_field_whose_value_the_program_sets_has_it_in_each_run():
    names, seen = set(names_set()), 0
    for path in PAGES:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            given = {word.arg: word.value for word in node.keywords if word.arg is not None}
            if node.func.attr not in FIELDS or "key" not in given:
                continue
            if name_of(given["key"]) in names:
                seen += 1
                index = given.get("index")
                is_kept = isinstance(index, ast.expr) and ast.unparse(index) != "None"
                where = f"{path}, line {node.lineno}: {ast.unparse(given['key'])}"
                assert is_kept or KEEPING & given.keys(), where

    assert seen > 40
