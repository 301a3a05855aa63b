"""Measures every ratio, prints the table, writes ``benchmarks/results.json``; exits 1 on a miss.

The benchmarks run on a real embedded server in a temporary directory; ``.data`` is not touched.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from booking_core.embedded import server as mongod

from . import backup, booking, mail, migration, reading, reports, school, screens, start, viewers
from .measure import Result, clock, say, table

RESULTS = Path(__file__).parent / "results.json"
PARTS = (
    "booking",
    "mail",
    "screens",
    "viewers",
    "reading",
    "reports",
    "migration",
    "backup",
    "start",
)


def measure(parts: Sequence[str], bookings: int) -> list[Result]:
    results: list[Result] = []
    with (
        tempfile.TemporaryDirectory(prefix="ground-booking-bench-") as directory,
        mongod.start(Path(directory)) as server,
    ):
        ours = school.create_school(server.uri, "ours")
        like = school.sample(ours)
        if "booking" in parts:
            bare = school.create_school(server.uri, "bare")
            results += map(reported, booking.measurements(booking.Rivals(ours, bare, like)))
        if "mail" in parts:
            results += map(reported, mail.measurements(server.uri))
        if "screens" in parts:
            for work in screens.measurements(server.uri):
                results.append(reported(work()))
        if "viewers" in parts:
            for work in viewers.measurements(server.uri):
                results.append(reported(work()))
        if "reading" in parts:
            few = school.create_school(server.uri, "few")
            many = school.create_school(server.uri, "many")
            school.seed(few, school.FEW, like)
            school.seed(many, bookings, like)
            years = school.create_school(server.uri, "years")
            school.seed(years, min(bookings, reading.YEARS), like)
            for work in reading.measurements(many, few, years):
                results.append(reported(work()))
        if "reports" in parts:
            year = school.create_school(server.uri, "year")
            reports.seed(year, like)
            results += map(reported, reports.measurements(year))
        if "migration" in parts:
            results.append(
                reported(migration.measure(school.create_school(server.uri, "old"), like))
            )
        if "backup" in parts:
            stored = school.create_school(server.uri, "stored")
            results += map(reported, backup.measurements(stored, like))
    if "start" in parts:
        results += map(reported, start.measure())
    return results


def reported(result: Result) -> Result:
    """Prints ``result`` at once and returns it: a later part may take minutes, or fail."""
    ratio = "" if result.ratio is None else f"ratio {result.ratio:.2f}, {result.bound}"
    say(f"  {result.ours:,.2f} {result.unit} {ratio}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--bookings", type=int, default=1_000_000, help="in the large collection")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}")
    begun = clock()
    results = measure(arguments.parts or PARTS, arguments.bookings)
    say(f"measured in {clock() - begun:.0f} s\n")
    print(table(results))
    rows = [asdict(r) | {"ratio": r.ratio, "holds": r.holds} for r in results]
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    missed = sum(not result.holds for result in results)
    print(f"\n{missed} of {len(results)} missed" if missed else "\nall hold")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
