"""The texts of a series: its days and times, its dates, its places, and its row on Approvals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking_core import Booking, Decision, Ground, Occurrence, Party, Policy, Status
from pages.shared.text import formats, series_texts

ZONE = ZoneInfo("Asia/Kolkata")
AT = datetime(2026, 11, 23, 6, tzinfo=UTC)  # Monday, 11:30 AM
GROUNDS = {f"g{n}": Ground(f"g{n}", f"Ground {n}", ("Volleyball",)) for n in range(1, 5)}
TUESDAY = date(2026, 12, 1)


def one(
    on: date = TUESDAY,
    start: int = 16,
    *actions: str,
    ground: str = "g1",
    status: Status = Status.PENDING,
    party: Party = Party.STUDENTS,
    by: str = "Dr. Anand Rao",
) -> Booking:
    history = [Decision(AT, "meera", "Meera Nair", "requested")]
    history += [Decision(AT, "head", by, action) for action in actions]
    return Booking(
        id=f"{ground}-{on}-{start}",
        ground_id=ground,
        date=on,
        start=time(start),
        end=time(start + 1),
        status=status,
        student_id="S001",
        student_name="Asha Rao",
        class_name="10-B",
        game="Volleyball",
        purpose="",
        created_by="meera",
        created_by_name="Meera Nair",
        created_at=AT,
        updated_at=AT,
        history=tuple(history),
        series="s1",
        party=party,
    )


def days(*numbers: int, **options: Any) -> list[Booking]:
    return [one(TUESDAY + timedelta(number), **options) for number in numbers]


def row(
    dates: list[Booking], weeks: dict[str, list[Booking]] | None = None, now: datetime = AT
) -> dict[str, Any]:
    weeks = {booking.id: [] for booking in dates} if weeks is None else weeks
    local = now.astimezone(ZONE)
    return series_texts.decision_row(dates, weeks, GROUNDS, local, ZONE, Policy(quota=2), "Term 2")


@pytest.mark.parametrize(
    ("dates", "text"),
    [
        (days(0, 7, 14), "Tuesdays 4–5 PM"),
        (days(0, 2, 7), "Tue and Thu 4–5 PM"),
        (days(0, 1, 2), "Tue, Wed and Thu 4–5 PM"),
        (days(0, 1, 2, 3), "4 weekdays 4–5 PM"),
        ([*days(0, 7), *days(14, start=9)], "Tuesdays, mostly 4–5 PM"),
        ([*days(0), *days(7, start=9)], "Tuesdays, different times"),
    ],
)
def test_the_days_and_times_of_a_series(dates: list[Booking], text: str) -> None:
    assert series_texts.rhythm(dates) == text


def test_the_first_and_the_last_date_and_how_many_there_are() -> None:
    assert series_texts.dates_of(days(0, 7, 14)) == "1 Dec – 15 Dec, 3\u00a0dates"
    assert series_texts.dates_of(days(0)) == "1 Dec, 1\u00a0date"


def test_the_most_frequent_ground_is_named_first() -> None:
    dates = [*days(0, ground="g2"), *days(7, 14, ground="g1")]
    assert series_texts.places(dates, GROUNDS) == "Ground 1 and Ground 2"

    dates = [one(ground=ground) for ground in GROUNDS]
    assert series_texts.places(dates, GROUNDS) == "4 grounds"


def test_a_row_counts_its_dates_and_those_that_were_moved() -> None:
    found = row([one(), one(TUESDAY + timedelta(7), 16, "moved")])

    assert (found["id"], found["count"], found["selectable"]) == ("series:s1", 2, True)
    assert found["cells"][0] == ["Tuesdays 4–5 PM", "1 Dec – 8 Dec, 2\u00a0dates", "", "Term 2"]
    assert found["cells"][3][1] == "11:30 AM\n1\u00a0date moved since"
    assert [action["name"] for action in found["actions"]] == ["reject", "approve", "details"]


@pytest.mark.parametrize(
    ("before", "text", "tone"),
    [
        (timedelta(hours=25), "", ""),
        (timedelta(hours=5), "\nfirst in 5 h", ""),
        (timedelta(hours=3), "\nfirst in 3 h", "urgent"),
        (timedelta(0), "\nthe first has begun", "urgent"),
    ],
)
def test_a_row_says_how_soon_its_first_date_is(before: timedelta, text: str, tone: str) -> None:
    begins = datetime(2026, 12, 1, 16, tzinfo=ZONE)
    cell = row(days(0, 7), now=begins - before)["cells"][0]

    assert cell[1:] == [f"1 Dec – 8 Dec, 2\u00a0dates{text}", tone, "Term 2"]


def test_a_row_says_how_full_the_fullest_week_is() -> None:
    dates = days(0, 7)
    other = one(TUESDAY + timedelta(8), 9)
    counted = Booking.seated(other, "2026-W50", [0])

    def chip(weeks: dict[str, list[Booking]], of: list[Booking] = dates) -> list[str]:
        return row(of, weeks)["cells"][4]

    assert chip({booking.id: [] for booking in dates})[0] == "first each week"
    full = {dates[0].id: [], dates[1].id: [counted, counted]}
    assert chip(full) == ["up to 3 of 2 a week", "", "chip full"]
    assert chip({dates[0].id: [], dates[1].id: [other]})[0] == "up to 1 other a week"
    assert chip({dates[0].id: []}) == ["", "", ""], "of the second week nothing is known"
    staff = days(0, 7, party=Party.STAFF)
    assert chip({booking.id: [] for booking in staff}, staff) == ["", "", ""]


def test_a_decided_row_says_what_was_decided_and_by_whom() -> None:
    approved = days(0, 7, status=Status.APPROVED)
    approved = [one(b.date, 16, "approved", status=Status.APPROVED) for b in approved]
    rejected = one(TUESDAY + timedelta(14), 16, "rejected", status=Status.REJECTED)
    found = row(approved)

    assert found["cells"][4] == ["Approved", "by Dr. Anand Rao", "chip booked"]
    assert ([a["name"] for a in found["actions"]], found["selectable"]) == (["details"], False)
    mixed = row([*approved, rejected])["cells"][4]
    assert mixed == ["Decided", "2 approved\n1 rejected\nby Dr. Anand Rao", "chip closed"]
    other = one(TUESDAY, 16, "approved", status=Status.APPROVED, by="Joseph Mathew")
    assert row([other, approved[1]])["cells"][4][1] == ""


def test_a_date_for_other_people_is_named_wherever_the_series_is() -> None:
    first, changed = one(), one(TUESDAY + timedelta(7), 16, "party changed")
    dates = [first, replace(changed, student_id="S2", student_name="Ravi Kumar")]

    found, rows = row(dates), series_texts.date_rows(dates, GROUNDS, AT.astimezone(ZONE))

    assert found["cells"][2] == ["Asha Rao", "10-B\n1\u00a0date for others"]
    assert found["cells"][3][1] == "11:30 AM\n1\u00a0date for other people since"
    assert [line["cells"][1][1] for line in rows] == ["", "for Ravi Kumar, 10-B"]
    assert series_texts.whom_of(dates) == "Asha Rao, 10-B, and others"
    assert series_texts.in_brief(dates, GROUNDS).endswith("Volleyball, Asha Rao, 10-B, and others")
    assert series_texts.whom_of(dates[:1]) == "Asha Rao, 10-B"


def test_all_dates_for_other_people_than_at_first_are_marked() -> None:
    rows = series_texts.date_rows([one(TUESDAY, 16, "party changed")], GROUNDS, AT.astimezone(ZONE))

    assert rows[0]["cells"][1] == ["Ground 1", "for other people since"]


def test_the_dates_of_a_series_have_buttons_while_they_wait() -> None:
    dates = [one(TUESDAY, 16, "approved", status=Status.APPROVED), one(TUESDAY, 9, "moved")]
    decided, waiting = series_texts.date_rows(dates, GROUNDS, AT.astimezone(ZONE))

    assert decided["cells"] == [
        ["Tue 1 Dec", "4–5 PM"],
        ["Ground 1", ""],
        ["Approved", "", "chip booked"],
    ]
    assert decided["actions"] == []
    assert waiting["cells"][1] == ["Ground 1", "moved"]
    assert [action["name"] for action in waiting["actions"]] == ["reject", "approve", "ask"]


def test_several_grounds_at_once_are_named_as_such():
    grounds = [replace(one(), set_place=place, ground_id=f"g{place}") for place in range(3)]
    assert series_texts.rhythm(grounds).startswith(f"{formats.short_date(grounds[0].date)}, ")
    assert series_texts.dates_of(grounds) == "3\u00a0grounds"
    assert series_texts.part_of(grounds) == "One of 3\u00a0grounds at once"


def test_a_date_that_the_user_has_booked_already_is_said_to_be_theirs() -> None:
    day = date(2026, 12, 1)

    line = series_texts.date_lines([Occurrence(day, None, ())], {}, own=(day,))

    assert line == ":green[:material/check:] Tue 1 Dec · booked by you"
