"""The days that a screen follows: those whose changes it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date as Date
from datetime import timedelta

MOST = 42


class Days:
    """One to ``MOST`` days in their order. Raises ValueError for none, or for more: a client names
    them, and each is one read of a version."""

    def __init__(self, dates: Iterable[Date]) -> None:
        self._dates = tuple(sorted(set(dates)))
        if not 0 < len(self._dates) <= MOST:
            raise ValueError(f"not 1 to {MOST} days")

    @classmethod
    def between(cls, first: Date, last: Date) -> Days:
        """The days from ``first`` to ``last`` (inclusive). Raises ValueError."""
        count = (last - first).days + 1
        if not 0 < count <= MOST:  # before they are made: a client may name thousands of years
            raise ValueError(f"not 1 to {MOST} days")
        return cls(first + timedelta(days=n) for n in range(count))

    @classmethod
    def parse(cls, text: str) -> Days:
        """The days of ``2026-11-23``, ``2026-11-23/2026-11-29`` or ``2026-11-23,2026-11-25``.

        Raises ValueError.
        """
        first, slash, last = text.partition("/")
        if slash:
            return cls.between(Date.fromisoformat(first), Date.fromisoformat(last))
        return cls(map(Date.fromisoformat, text.split(",", MOST)))

    @property
    def first(self) -> Date:
        return self._dates[0]

    @property
    def last(self) -> Date:
        return self._dates[-1]

    def isoformat(self) -> str:
        """``2026-11-23/2026-11-29`` (ISO 8601), or a list with gaps; ``parse`` reads it."""
        if (self.last - self.first).days == len(self._dates) - 1:
            return f"{self.first.isoformat()}/{self.last.isoformat()}"
        return ",".join(date.isoformat() for date in self._dates)

    def __contains__(self, date: object) -> bool:
        return date in self._dates

    def __iter__(self) -> Iterator[Date]:
        return iter(self._dates)
