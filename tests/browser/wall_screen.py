"""Shared by the tests of the wall display: screen sizes, and a school with many bookings today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app_server import HEAD, ZONE, School, today
from support import booked

from booking_core import Booking, Ground, Student, approve, save_ground, save_students

SIZES = {
    "1920x1080": (1920, 1080),
    "1080x1920": (1080, 1920),
    "1280x720": (1280, 720),
    "3840x2160": (3840, 2160),
}
LONG_GROUND = "Sri Ramakrishna Memorial synthetic athletics and cricket no."
LONG_GAME = "Inter-house athletics and gymnastics for girls under fourteen"[:60]
LONG_CLASS = "Senior secondary combined science and commerce stream 11-ABCD"[:60]
# The root of the wall, for scripts that run in its page.
ROOT = """const root = [...document.querySelectorAll("*")]
    .map(node => node.shadowRoot).find(shadow => shadow?.querySelector(".wall"));"""


def hour() -> int:
    return datetime.now(ZoneInfo(ZONE)).hour


def before_school() -> datetime:
    return datetime.now(UTC) - timedelta(hours=5)


def fill(school: School, grounds: int, *, name: str = "Ground", game: str = "Football") -> None:
    """Makes a booking or a request for every ground now, and a next booking for each."""
    save_students(
        school.db, [Student(f"W{n}", f"Secret Name {n}", LONG_CLASS) for n in range(grounds)]
    )
    for number in range(1, grounds + 1):
        ground = f"ground-{number}"
        save_ground(school.db, Ground(ground, f"{name} {number}", (game,), number))
        for offset, student in ((0, f"W{number - 1}"), (1, f"S{number:03d}")):
            held = book(school, offset, ground=ground, student=student, game=game)
            if (number + offset) % 3:
                approve(school.db, held.id, by=HEAD)


def sized(size: str) -> dict[str, Any]:
    width, height = SIZES[size]
    return {"viewport": {"width": width, "height": height}}


def book(school: School, offset: int = 0, **request: Any) -> Booking:
    """Books the present period, or one ``offset`` hours later, or as ``request`` says."""
    request = {"on": today(), "start": hour() + offset, "now": before_school()} | request
    return booked(school.db, **request)
