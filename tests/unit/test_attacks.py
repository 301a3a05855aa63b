"""The table of attacks in docs/security.md names tests that exist."""

from __future__ import annotations

import ast

from source_files import tree_of

from scripts.attacks import ROOT, TABLE, attacks


def test_each_attack_of_the_table_has_a_test():
    for attack in attacks():
        tests = {
            node.name
            for node in ast.walk(tree_of(ROOT / attack.file))
            if isinstance(node, ast.FunctionDef)
        }
        assert attack.test in tests, attack.text


def test_each_line_of_the_table_is_read():
    lines = TABLE.read_text(encoding="utf-8").splitlines()

    assert len(attacks()) == sum(line.startswith("| ") for line in lines) - 1
    assert len(attacks()) > 10
