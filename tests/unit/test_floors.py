"""The layers of ``booking_core``: the allowed imports, and the modules that use MongoDB."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

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
    frozenset({"cli", "__init__", "__main__"}),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))
OPERATOR = re.compile(r"\$[a-z][A-Za-z]+")


def module_of(path: Path) -> str:
    """Returns the dotted name of a module below ``booking_core``; a package is its own name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


ALL = {module_of(path): path for path in MODULES}


def imports_of(path: Path) -> set[str]:
    """Returns every module named in an import statement, at any depth and under TYPE_CHECKING."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inner_imports(path: Path) -> set[str]:
    """Returns the modules of ``booking_core`` that a module imports."""
    names = {name.removeprefix("booking_core.") for name in imports_of(path)}
    return {name for name in names if name in ALL} - {module_of(path)}


def floor(module: str) -> int:
    return FLOOR_OF[module.split(".")[0]]


@pytest.mark.parametrize("module", sorted(ALL))
def test_a_module_imports_only_from_its_own_package_or_a_lower_layer(module):
    package = module.split(".")[0]

    for imported in inner_imports(ALL[module]):
        same_package = imported.split(".")[0] == package
        top = floor(module) == len(FLOORS) - 1 and floor(imported) == floor(module)
        assert same_package or top or floor(imported) < floor(module), imported


def test_imports_have_no_circle():
    graph = {module: inner_imports(path) for module, path in ALL.items()}

    while graph:
        leaves = {module for module, imported in graph.items() if not imported & graph.keys()}
        assert leaves, f"these import each other: {sorted(graph)}"
        graph = {module: found for module, found in graph.items() if module not in leaves}


@pytest.mark.parametrize("module", sorted(ALL))
def test_only_storage_and_the_embedded_server_import_the_driver(module):
    roots = {name.split(".")[0] for name in imports_of(ALL[module])}

    allowed = module.split(".")[0] in ("storage", "embedded")

    assert allowed or not roots & {"pymongo", "bson"}


@pytest.mark.parametrize("module", sorted(ALL))
def test_only_storage_and_the_embedded_server_write_operators_of_mongodb(module):
    if module.split(".")[0] in ("storage", "embedded"):
        return
    texts = [
        node.value
        for node in ast.walk(ast.parse(ALL[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]

    assert not [text for text in texts if OPERATOR.fullmatch(text)]


@pytest.mark.parametrize("module", sorted(name for name in ALL if name.startswith("storage")))
def test_storage_imports_no_rules(module):
    rules = {"domain.rules", "domain.availability"}

    assert not inner_imports(ALL[module]) & rules
