"""The layers of ``pages``: the allowed imports, and the names imported from ``booking_core``."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from public_modules import CORE, PUBLIC_MODULES, public_names
from source_files import imports_of, tree_of

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
PUBLIC = {"booking_core", *(f"booking_core.{module}" for module in PUBLIC_MODULES)}


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
    for path in [ROOT / "app.py", *PAGES]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                assert not [a.name for a in node.names if a.name.startswith("booking_core.")], path
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CORE):
                assert node.module in PUBLIC, f"{path} imports from {node.module}"
                names = public_names(node.module)
                for alias in node.names:
                    assert alias.name in names, f"{path} imports {node.module}.{alias.name}"


def test_a_key_of_the_session_that_one_module_names_is_used_in_no_other():
    """Two dialogs that are asked for under one key would take each other's press."""
    keys, users = set(), defaultdict(set)
    for path in PAGES:
        texts = [
            node.value
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        for text in filter(re.compile(r"[a-z_]+(\.[a-z_]+)+").fullmatch, texts):
            users[text].add(path)
        keys |= {
            node.value.value
            for node in tree_of(path).body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        }

    shared = {key: paths for key, paths in users.items() if key in keys and len(paths) > 1}
    assert len(keys & users.keys()) > 50
    assert not shared
