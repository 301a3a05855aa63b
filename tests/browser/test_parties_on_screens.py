"""Bookings for a class, a team and several students, from Admin to Book, Approvals and the wall."""

from __future__ import annotations

import re
from typing import Any

import pytest
from app_server import HEAD, JOSEPH, MEERA, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import cell, confirm, open_review, place, student_box

from booking_core import Policy, Team, find_bookings, load_reference, save_policy, save_team

WINDOWS = [(1440, 900), (820, 1180), (390, 844)]
TEAM = Team("u14", "U14 girls", ("S001", "S002"))


@pytest.fixture
def teams(school: School) -> School:
    save_team(school.db, TEAM)
    return school


def choose(page: Page, typed: str, option: str) -> None:
    box = student_box(page)
    box.click()
    box.press_sequentially(typed)
    found = page.get_by_role("option", name=option)
    found.click()
    expect(found).to_have_count(0)


def window(width: int, height: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": height}}


def more(page: Page) -> Locator:
    """Opens the fields for more students and the supervisor."""
    page.get_by_role("button", name="Add students or a supervisor").click()
    return page.get_by_role("combobox", name="Supervisor")


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_a_class_is_booked_and_shown_as_such(
    open_page: OpenPage, teams: School, width: int, height: int
) -> None:
    page = open_page(f"/book?date={tomorrow()}", **window(width, height))
    cell(page, 14).click()
    choose(page, "2-a", "2-A · whole class")
    expect(page.get_by_text("The principal decides on this one.")).to_be_visible()
    open_review(page)
    expect(page.get_by_role("dialog")).to_contain_text("2-A, whole class")
    confirm(page)

    [made] = find_bookings(teams.db)
    assert (made.whom, made.student_ids) == ("2-A, whole class", ())
    expect(place(page, 14)).to_contain_text("2-A")
    principal = open_page("/approvals", HEAD.name)
    expect(principal.get_by_role("row").filter(has_text="whole class")).to_contain_text("2-A")


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_a_team_and_a_supervisor_are_booked(
    open_page: OpenPage, teams: School, width: int, height: int
) -> None:
    save_policy(teams.db, Policy(claim_members=True))
    size = {"width": width, "height": height}
    page = open_page(f"/book?date={tomorrow()}", viewport=size)
    cell(page, 14).click()
    choose(page, "u14", "U14 girls · team")
    expect(page.get_by_text("The principal decides on this one.")).to_be_visible()
    supervisor = more(page)
    supervisor.click()
    page.get_by_role("option", name=f"{JOSEPH.name} · {JOSEPH.id}").click()
    open_review(page)
    review = page.get_by_role("dialog")
    expect(review).to_contain_text("U14 girls")
    expect(review).to_contain_text(JOSEPH.name)
    confirm(page)

    [made] = find_bookings(teams.db)
    assert (made.team_id, made.members, made.supervisor_id) == ("u14", TEAM.members, JOSEPH.id)
    bookings = open_page("/bookings")
    row = bookings.get_by_role("row").filter(has_text="U14 girls")
    expect(row).to_contain_text(f"with {JOSEPH.name}")


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_several_students_are_booked_and_one_who_is_elsewhere_is_named(
    open_page: OpenPage, teams: School, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    page = open_page(f"/book?date={tomorrow()}", viewport=size)
    cell(page, 14).click()
    choose(page, "S001", "Student 1 · 2-A · S001")
    expect(page.get_by_text("Student 1 has 0 of 2 bookings that week.")).to_be_visible()
    more(page)
    others = page.get_by_role("combobox", name="More students")
    others.click()
    others.press_sequentially("S007")
    page.get_by_role("option", name="Student 7 · 8-A · S007").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Student 7 · 8-A")).to_be_visible()

    taken = teams.book(student=7, start=14, ground="ground-2", on=tomorrow())
    expect(page.get_by_text("Student is on Ground 2 then")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_be_disabled()
    teams.db["bookings"].delete_one({"_id": taken.id})
    page.reload()
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled()
    open_review(page)
    expect(page.get_by_role("dialog")).to_contain_text("Student 1, Student 7, 2-A, 8-A")
    confirm(page)
    [made] = find_bookings(teams.db)
    assert made.student_ids == ("S001", "S007")


def test_a_student_who_was_among_the_others_becomes_the_first(
    open_page: OpenPage, teams: School
) -> None:
    page = open_page(f"/book?date={tomorrow()}")
    cell(page, 14).click()
    choose(page, "S001", "Student 1 · 2-A · S001")
    expect(page.get_by_text("Student 1 has 0 of 2 bookings that week.")).to_be_visible()
    more(page)
    others = page.get_by_role("combobox", name="More students")
    others.click()
    others.press_sequentially("S007")
    page.get_by_role("option", name="Student 7 · 8-A · S007").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Student 7 · 8-A · S007")).to_be_visible()

    choose(page, "S007", "Student 7 · 8-A · S007")
    expect(page.get_by_text("Student 7 has 0 of 2 bookings that week.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled()


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_an_admin_keeps_teams(open_page: OpenPage, school: School, width: int, height: int) -> None:
    page = open_page("/admin?section=students", "Farah Sheikh", **window(width, height))
    page.get_by_role("radio", name="Teams").click()
    expect(page.get_by_text("No team yet")).to_be_visible()
    page.get_by_role("button", name="Add a team").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("The name is missing.")).to_be_visible()
    dialog.get_by_label("Name", exact=True).fill("U14 girls")
    members = dialog.get_by_role("combobox", name="Members")
    members.click()
    members.press_sequentially("S001")
    page.get_by_role("option", name=re.compile("S001$")).click()
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 member: Student 1")).to_be_visible()
    [team] = load_reference(school.db).teams.values()
    assert (team.name, team.members) == ("U14 girls", ("S001",))

    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove team").click()
    expect(page.get_by_text("No team yet")).to_be_visible()
    assert load_reference(school.db).teams == {}


def test_the_wall_names_the_team_and_no_member(open_page: OpenPage, teams: School) -> None:
    save_policy(teams.db, Policy(wall_shows="class", claim_members=True))
    hour = 17
    teams.book(team_id="u14", start=hour, on=today(), by=MEERA)
    wall = open_page("/wall", viewport={"width": 1920, "height": 1080})
    expect(wall.get_by_text("U14 girls").first).to_be_visible()
    expect(wall.get_by_text("Student 1")).to_have_count(0)
