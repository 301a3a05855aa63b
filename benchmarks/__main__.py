"""Measures every ratio, prints the table, writes ``benchmarks/results.json``; 1 if one is missed.

On a real embedded server in a directory of its own: the data in ``.data`` is not touched.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from booking_core import book
from booking_core.embedded import server as mongod
from booking_core.storage import schema
from booking_core.storage.database import collection

from . import booking, reading, school, screens, viewers
from .measure import Result, clock, say, table

RESULTS = Path(__file__).parent / "results.json"
PARTS = ("booking", "screens", "viewers", "reading")


def measure(parts: Sequence[str], bookings: int) -> list[Result]:
    results: list[Result] = []
    with (
        tempfile.TemporaryDirectory(prefix="ground-booking-bench-") as directory,
        mongod.start(Path(directory)) as server,
    ):
        ours = school.found_school(server.uri, "ours")
        # One real booking shows what a document looks like; a day that is not used again.
        sample = next(school.requests())
        made = book(ours, sample, by=school.STAFF_MEMBER, submission_id=uuid4(), now=school.NOW)
        target = collection(ours, schema.BOOKINGS)
        like = target.find_one_and_delete({"_id": made.id})
        if "booking" in parts:
            bare = school.found_school(server.uri, "bare")
            for work in booking.measurements(booking.Rivals(ours, bare, like)):
                results.append(told(work()))
        if "screens" in parts:
            for work in screens.measurements(server.uri):
                results.append(told(work()))
        if "viewers" in parts:
            for work in viewers.measurements(server.uri):
                results.append(told(work()))
        if "reading" in parts:
            few = school.found_school(server.uri, "few")
            many = school.found_school(server.uri, "many")
            school.seed(few, school.FEW, like)
            school.seed(many, bookings, like)
            for work in reading.measurements(many, few):
                results.append(told(work()))
    return results


def told(result: Result) -> Result:
    """``result``, said at once: a later part may take minutes, or fail."""
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
