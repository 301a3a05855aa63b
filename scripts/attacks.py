"""``make attacks``: runs the test of each attack in docs/security.md, and prints the table."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "security.md"
_ROW = re.compile(r"\| (?P<attack>[^|]+) \| [^|]+ \| `(?P<file>tests/[^:`|]+)::(?P<test>\w+)` \|")


class Attack(NamedTuple):
    """A line of the table: what is tried, and the test that tries it."""

    text: str
    file: str
    test: str


def attacks() -> list[Attack]:
    """The attacks of docs/security.md."""
    return [Attack(*match.groups()) for match in _ROW.finditer(TABLE.read_text(encoding="utf-8"))]


def main() -> int:
    wanted = attacks()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        tests = list(dict.fromkeys(f"{attack.file}::{attack.test}" for attack in wanted))
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={report}", *tests]
        subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        took, failed = _outcomes(report)
    fails = 0
    for attack in wanted:
        key = Path(attack.file).stem, attack.test
        is_held = key in took and key not in failed
        fails += not is_held
        word = "held" if is_held else "NOT HELD"
        print(f"{word:<9} {took.get(key, 0.0):5.1f} s  {attack.text}")
    print(f"\n{len(wanted) - fails} of {len(wanted)} attacks held")
    return 1 if fails else 0


def _outcomes(report: Path) -> tuple[dict[tuple[str, str], float], set[tuple[str, str]]]:
    """Seconds of each (module, test), and those that failed in any of their cases."""
    took: defaultdict[tuple[str, str], float] = defaultdict(float)
    failed: set[tuple[str, str]] = set()
    if not report.exists():
        return took, failed
    for case in ElementTree.parse(report).iter("testcase"):
        module = case.get("classname", "").rpartition(".")[2]
        key = module, case.get("name", "").partition("[")[0]
        took[key] += float(case.get("time", "0"))
        if any(case.find(kind) is not None for kind in ("failure", "error", "skipped")):
            failed.add(key)
    return took, failed


if __name__ == "__main__":
    sys.exit(main())
