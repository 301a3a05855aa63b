"""Clocks, percentiles, and the results of measurements."""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

clock = time.perf_counter


@dataclass(frozen=True)
class Result:
    """``ours`` and ``yardstick`` in ``unit``; ``ratio`` is ours divided by the yardstick.

    ``at_least`` or ``at_most`` is the bound; without either the result is for information.
    """

    name: str
    ours: float
    yardstick: float | None
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.yardstick if self.yardstick else None

    @property
    def holds(self) -> bool:
        ratio = self.ratio
        if ratio is None:
            return self.at_least is None and self.at_most is None
        return (self.at_least is None or ratio >= self.at_least) and (
            self.at_most is None or ratio <= self.at_most
        )

    @property
    def bound(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}" if self.at_most is not None else "-"


def say(text: str) -> None:
    """Prints progress on stderr, because stdout is for the table."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of ``values`` that at least ``percent`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def milliseconds(work: Callable[[], object]) -> float:
    """The duration of one call, in milliseconds."""
    begun = clock()
    work()
    return (clock() - begun) * 1000


def in_turn(
    ours: Callable[[], object], yardstick: Callable[[], object], times: int, warm: int
) -> tuple[list[float], list[float]]:
    """Measures both calls alternately (ms), so that other load slows both.

    The order within a pair alternates too.
    """
    for _ in range(warm):
        ours()
        yardstick()
    mine: list[float] = []
    theirs: list[float] = []
    for turn in range(times):
        pair = ((ours, mine), (yardstick, theirs))
        for work, found in pair if turn % 2 else pair[::-1]:
            found.append(milliseconds(work))
    return mine, theirs


def table(results: Sequence[Result]) -> str:
    head = ("what", "ours", "yardstick", "ratio", "must be", "")
    rows = [head] + [
        (
            result.name,
            f"{result.ours:,.2f} {result.unit}",
            "-" if result.yardstick is None else f"{result.yardstick:,.2f} {result.unit}",
            "-" if result.ratio is None else f"{result.ratio:.2f}",
            result.bound,
            "-" if result.bound == "-" else "holds" if result.holds else "MISSED",
        )
        for result in results
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    for result in results:
        if result.parts:
            parts = ", ".join(f"{name} {value:,.2f}" for name, value in result.parts.items())
            lines.append(f"{result.name}, in its parts ({result.unit}): {parts}")
    return "\n".join(lines)
