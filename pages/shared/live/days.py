"""The days that a screen follows: those whose changes it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta

MOST = 7


@dataclass(frozen=True, slots=True)
class Days:
    """The days from ``first`` to ``last`` (inclusive). Raises ValueError for none, or for more
    than ``MOST``: a client names them, and each costs a look at a version."""

    first: Date
    last: Date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < MOST:
            raise ValueError(f"not 1 to {MOST} days")

    @classmethod
    def parse(cls, text: str) -> Days:
        """The days of ``2026-11-23`` or ``2026-11-23/2026-11-29``. Raises ValueError."""
        first, slash, last = text.partition("/")
        return cls(Date.fromisoformat(first), Date.fromisoformat(last if slash else first))

    def isoformat(self) -> str:
        """``2026-11-23/2026-11-29``, an interval of ISO 8601; ``parse`` reads it."""
        return f"{self.first.isoformat()}/{self.last.isoformat()}"

    def __contains__(self, date: object) -> bool:
        return isinstance(date, Date) and self.first <= date <= self.last

    def __iter__(self) -> Iterator[Date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
