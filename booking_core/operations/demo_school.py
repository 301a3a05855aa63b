"""The people, grounds, timetables and students of the demo school, and the reasons they give."""

from __future__ import annotations

import random
from datetime import date as Date
from datetime import time, timedelta

from booking_core.domain.model import Actor, Ground, Period, Role, Student, Team, Timetable
from booking_core.domain.school_year import Holiday, Term

DEMO_ACCOUNTS = (
    Actor("meera", Role.STAFF, "Meera Nair"),
    Actor("joseph", Role.STAFF, "Joseph Mathew"),
    Actor("head", Role.PRINCIPAL, "Dr. Anand Rao"),
    Actor("admin", Role.ADMIN, "Farah Sheikh"),
)
MEERA, JOSEPH, HEAD, ADMIN = DEMO_ACCOUNTS

_NORTH, _SOUTH = "main-north", "main-south"
_MAIN_GAMES = ("Football", "Cricket", "Athletics", "Throwball")
DEMO_GROUNDS = (
    Ground("main-ground", "Main ground", _MAIN_GAMES, 1, surfaces=(_NORTH, _SOUTH)),
    Ground(_NORTH, "North half", ("Football", "Throwball"), 2),
    Ground(_SOUTH, "South half", ("Football", "Athletics"), 3),
    Ground("ground-2", "Ground 2", ("Football", "Throwball", "Athletics"), 4),
    Ground("volleyball-court", "Volleyball court", ("Volleyball", "Throwball"), 5),
    Ground("basketball-court", "Basketball court", ("Basketball",), 6),
    Ground("tennis-court", "Tennis court", ("Tennis", "Badminton"), 7),
    Ground("cricket-nets", "Cricket nets", ("Cricket",), 8),
)
RAINED_OFF = DEMO_GROUNDS[-1]
RAIN = "Rain: pitch under water"

_CLASSES = ("8-A", "8-B", "9-A", "9-B", "10-A", "10-B", "11-A", "11-B")
_PER_CLASS = 15
_FIRST_NAMES = (
    "Aarav Aditi Aisha Akash Amit Ananya Anika Arjun Arya Asha Bhavna Chetan Deepa Dev Diya Esha "
    "Farhan Gauri Harsh Imran Isha Ishaan Jaya Kabir Karthik Kavya Kiran Lakshmi Manav Maya Megha "
    "Mohan Naina Neha Nikhil Nisha Ojas Pooja Pranav Priya Rahul Riya Rohan Sahil Sana Sanjay Sara "
    "Shreya Siddharth Sneha Tanvi Tara Uday Varun Vidya Vikram Yash Zoya"
)
_LAST_NAMES = (
    "Agarwal Banerjee Bose Chatterjee Das Desai D'Souza Fernandes Ghosh Gupta Iyer Jain Joshi Kaur "
    "Khan Kulkarni Kumar Mehta Menon Mishra Nair Patel Pillai Rao Reddy Sen Shah Sharma Shetty "
    "Singh Thomas Varma Yadav"
)
PURPOSES = (
    "",
    "",
    "",
    "Inter-house practice",
    "Zonal trials",
    "Team practice",
    "Warm-up for the district meet",
    "Friendly match",
    "Sports day rehearsal",
)
REJECTIONS = ("Clashes with the unit test", "Reserved for the zonal trials", "Too many this week")
REVOCATIONS = ("Staff meeting, nobody to supervise", "Needed for the inspection")
CANCELLATIONS = ("Student is unwell", "Moved to another week", "")


def demo_timetables() -> tuple[Timetable, ...]:
    """A regular day and, at the weekend, half a day: a demo opened on a Sunday shows bookings."""
    return (
        Timetable("regular", _periods(8, 18), (0, 1, 2, 3, 4), "Regular day"),
        Timetable("half-day", _periods(8, 13), (5, 6), "Half day"),
    )


def demo_terms(today: Date) -> tuple[Term, ...]:
    """Three terms around the week of ``today``, which is in the second and has no holiday."""
    monday = today - timedelta(days=today.weekday())

    def term(number: int, weeks_ahead: int, *holidays: tuple[str, int, int]) -> Term:
        first = monday + timedelta(weeks=weeks_ahead)
        return Term(
            f"term-{number}",
            f"Term {number}",
            first,
            first + timedelta(days=82),  # the Saturday of the twelfth week
            tuple(
                Holiday(name, first + timedelta(days=begin), first + timedelta(days=end))
                for name, begin, end in holidays
            ),
        )

    return (
        term(1, -20, ("Founders’ day", 32, 32)),
        term(2, -6, ("Mid-term break", 14, 18), ("Staff days", 63, 64)),
        term(3, 8, ("Spring break", 35, 39)),
    )


def _periods(first: int, last: int) -> tuple[Period, ...]:
    return tuple(
        Period(f"{hour:02d}:00-{hour + 1:02d}:00", time(hour), time(hour + 1))
        for hour in range(first, last)
    )


def demo_teams() -> tuple[Team, ...]:
    """A team with members, and one of a class without."""
    members = tuple(student.id for student in demo_students()[32:44:2])
    return (
        Team("u14-throwball", "U14 throwball", members, staff=(MEERA.id,)),
        Team("football-10a", "10-A football", class_name="10-A", staff=(JOSEPH.id,)),
    )


def demo_students() -> list[Student]:
    """The students of the demo school, class by class: always the same ones."""
    rng = random.Random(120)
    names = [f"{first} {last}" for first in _FIRST_NAMES.split() for last in _LAST_NAMES.split()]
    chosen = iter(rng.sample(names, len(_CLASSES) * _PER_CLASS))
    return [
        Student(f"S{1 + number:03d}", next(chosen), _CLASSES[number // _PER_CLASS])
        for number in range(len(_CLASSES) * _PER_CLASS)
    ]
