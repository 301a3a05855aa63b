"""The layers of ``booking_core``: the allowed imports, and the modules that use MongoDB."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from public_modules import PUBLIC_MODULES
from source_files import imports_of, tree_of

import booking_core

PACKAGE = Path(booking_core.__file__).parent
# From the lowest layer to the highest. Packages of one layer do not import each other.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"domain", "version"}),
    frozenset({"tables", "embedded", "settings"}),
    frozenset({"storage"}),
    frozenset({"school", "access"}),
    frozenset({"booking"}),
    frozenset({"insight", "operations"}),
    frozenset({"mail"}),
    frozenset({"cli", "__init__", "__main__", *PUBLIC_MODULES}),
)
# The same within ``storage``; a module that is in no package is named itself.
STORAGE: tuple[frozenset[str], ...] = (
    frozenset({"readable", "documents", "extended_json", "schema", "client"}),
    frozenset({"live", "audit_log", "erasures", "notices", "mail_links"} | {"time_zone"}),
    frozenset({"transaction"}),
    frozenset({"bookings", "access", "legacy", "mails"}),
    frozenset({"school"}),
    frozenset({"unreadable", "connection"}),
    frozenset({"backups"}),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))
OPERATOR = re.compile(r"\$[a-z][A-Za-z]+")


def module_of(path: Path) -> str:
    """Returns the dotted name of a module below ``booking_core``; a package is its own name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


ALL = {module_of(path): path for path in MODULES}


def inner_imports(path: Path) -> set[str]:
    """Returns the modules of ``booking_core`` that a module imports."""
    names = {name.removeprefix("booking_core.") for name in imports_of(path)}
    return {name for name in names if name in ALL} - {module_of(path)}


def floor(module: str) -> int:
    return FLOOR_OF[module.split(".")[0]]


def test_a_module_imports_only_from_its_own_package_or_a_lower_layer():
    for module, path in ALL.items():
        for imported in inner_imports(path):
            same_package = imported.split(".")[0] == module.split(".")[0]
            top = floor(module) == len(FLOORS) - 1 and floor(imported) == floor(module)
            is_allowed = same_package or top or floor(imported) < floor(module)
            assert is_allowed, f"{module} imports {imported}"


def test_storage_imports_only_from_its_own_package_or_a_lower_layer():
    floor_of = {name: number for number, names in enumerate(STORAGE) for name in names}

    for module, path in ALL.items():
        if not module.startswith("storage."):
            continue
        package = module.split(".")[1]
        for imported in inner_imports(path):
            if imported.startswith("storage."):
                other = imported.split(".")[1]
                is_allowed = other == package or floor_of[other] < floor_of[package]
                is_allowed |= floor_of[other] == floor_of[package] == 0
                assert is_allowed, f"{module} imports {imported}"


def test_imports_have_no_circle():
    graph = {module: inner_imports(path) for module, path in ALL.items()}

    while graph:
        leaves = {module for module, imported in graph.items() if not imported & graph.keys()}
        assert leaves, f"these import each other: {sorted(graph)}"
        graph = {module: found for module, found in graph.items() if module not in leaves}


ABOVE_STORAGE = {
    module: path
    for module, path in ALL.items()
    if module.split(".")[0] not in ("storage", "embedded")
}


def test_only_storage_and_the_embedded_server_import_the_driver():
    for module, path in ABOVE_STORAGE.items():
        roots = {name.split(".")[0] for name in imports_of(path)}
        assert not roots & {"pymongo", "bson"}, module


def test_no_document_leaves_storage():
    for module, path in ABOVE_STORAGE.items():
        assert "booking_core.storage.documents" not in imports_of(path), module


def test_only_storage_and_the_embedded_server_write_operators_of_mongodb():
    for module, path in ABOVE_STORAGE.items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not OPERATOR.fullmatch(node.value), f"{module} writes {node.value}"


def test_storage_imports_no_rules():
    for module, path in ALL.items():
        if module.startswith("storage"):
            assert not inner_imports(path) & {"domain.rules", "domain.availability"}, module
