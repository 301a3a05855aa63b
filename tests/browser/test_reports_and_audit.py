"""Usage, the audit log and health on the screen, and their exports."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app_server import HEAD, JOSEPH, MEERA, AppServer, School, tomorrow
from browser_windows import OpenPage
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect
from screens import TICK, row, show_tab, switch_user
from support import GROUNDS, http_get

from booking_core import Student, approve, save_ground, save_students
from booking_core.sessions import open_session
from booking_core.storage.backups import archive
from pages.shared.live.address import COOKIE


def exported(page: Page, kind: str) -> bytes:
    """Returns the file of the open export."""
    with page.expect_download() as download:
        page.get_by_role("button", name=kind).click()
    return Path(download.value.path()).read_bytes()


def figure(page: Page, name: str) -> Locator:
    """The number under the name of a figure."""
    return page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")


def card(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-card_reports_{name}")


def test_usage_follows_the_bookings_and_staff_see_their_own(
    open_page: OpenPage, school: School
) -> None:
    approve(school.db, school.book(student=1, start=14, by=JOSEPH).id, by=HEAD)
    page = open_page("/reports" + dates_around_tomorrow(), "Anand Rao")
    expect(page.get_by_text("Everybody's bookings")).to_be_visible()
    expect(figure(page, "Bookings")).to_have_text("1")

    school.book(student=2, start=15, by=MEERA)

    expect(figure(page, "Bookings")).to_have_text("2", timeout=TICK)
    expect(figure(page, "Hours")).to_have_text(re.compile("^2.h$"))
    expect(card(page, "grounds")).to_contain_text("Ground 1 was booked most")

    switch_user(page, "Meera Nair")
    page.goto(page.url.partition("?")[0] + dates_around_tomorrow())
    expect(page.get_by_text("What you booked yourself")).to_be_visible()
    expect(figure(page, "Bookings")).to_have_text("1")
    expect(page.get_by_role("radio", name="Demand")).to_be_visible()
    expect(page.get_by_role("radio", name="Fairness")).to_have_count(0)

    page.get_by_role("button", name="Export").click()
    table = list(csv.reader(io.StringIO(exported(page, "CSV").decode("utf-8-sig"))))
    assert table[2][:4] == ["Ground", "Ground 1", "1", "1.0"]


def dates_around_tomorrow() -> str:
    first, last = tomorrow() - timedelta(days=2), tomorrow() + timedelta(days=2)
    return f"?range=other&from={first}&to={last}"


def test_each_chart_says_what_it_shows_and_has_its_figures_one_press_away(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=JOSEPH)
    page = open_page("/reports" + dates_around_tomorrow(), "Anand Rao")
    when = card(page, "periods")
    sentence = re.compile(r"^Booked most: (\w+), (2.3 PM) \((\d+%)\)")
    expect(when.get_by_text(sentence)).to_be_visible()
    said = when.get_by_text(sentence).inner_text()
    expect(when.get_by_label(said).first).to_be_attached()

    when.get_by_text("Figures").click()

    found = sentence.match(said)
    assert found is not None
    cell = when.get_by_role("row").filter(has_text=found[1]).filter(has_text=found[2])
    expect(cell).to_contain_text(found[3])


def test_the_report_its_dates_and_its_ground_are_in_the_address(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=JOSEPH)
    page = open_page("/reports" + dates_around_tomorrow(), "Anand Rao")
    page.get_by_text("Demand", exact=True).click()
    expect(page.get_by_text("1 request: 1 not decided yet.")).to_be_visible()
    page.get_by_text("Fairness", exact=True).click()
    expect(page.get_by_text("got least of what it asked for")).to_be_visible()
    page.get_by_role("combobox", name="Ground").click()
    page.get_by_role("option", name="Ground 2").click()
    expect(page.get_by_text("No class has asked for a slot.")).to_be_visible()
    expect(page).to_have_url(re.compile("report=fairness.*ground=ground-2"))

    page.reload()
    expect(page.get_by_text("No class has asked for a slot.")).to_be_visible()
    expect(page.get_by_text("Everybody's bookings on Ground 2")).to_be_visible()
    page.goto(page.url.partition("?")[0] + "?report=none&range=never&ground=x&against=y")
    expect(page.get_by_role("radio", name="Use")).to_be_checked()
    expect(page.get_by_role("radio", name="This week")).to_be_checked()


def test_staff_are_not_shown_the_fairness_by_its_address(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/reports?report=fairness", "Meera Nair")

    expect(page.get_by_role("radio", name="Use")).to_be_checked()
    expect(page.get_by_text("Hours by student")).to_have_count(0)


def test_filtered_bookings_are_exported_and_formulas_are_text(
    open_page: OpenPage, school: School
) -> None:
    save_students(school.db, [Student("S900", "=1+1", "9-Z")])
    school.book(student="S900", start=14, purpose="@SUM(A1)")
    school.book(student=1, start=15)
    page = open_page("/bookings", "Anand Rao")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Class").click()
    page.get_by_role("option", name="9-Z").click()
    expect(page.get_by_role("button", name="Filters · 1")).to_be_visible()
    expect(page.get_by_text("1 booking, soonest first")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("1 row, by the filters")).to_be_visible()
    sheet = list(load_workbook(io.BytesIO(exported(page, "Excel"))).active.iter_rows())
    table = list(csv.reader(io.StringIO(exported(page, "CSV").decode("utf-8-sig"))))

    assert [(c.value, c.data_type) for c in sheet[1][7:10]] == [
        ("=1+1", "s"),
        ("9-Z", "s"),
        ("@SUM(A1)", "s"),
    ]
    assert len(sheet) == len(table) == 2
    assert table[1][7:10] == ["'=1+1", "9-Z", "'@SUM(A1)"]


def test_an_export_opens_for_the_session_that_made_it_only(
    app: AppServer, open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings", "Meera Nair")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    file = download.value.url.rpartition("/")[2]
    stem = file.partition(".")[0]

    def status(name: str, token: str | None) -> int:
        shown = {} if token is None else {COOKIE: token}
        return http_get(f"{app.url}/media/{name}", cookies=shown).status_code

    own, later = school.token("meera"), open_session(school.db, "meera")
    variants = (file, stem, f"{stem}.html", f"%{ord(file[0]):x}{file[1:]}", f"/{file}")
    for name in variants:
        for token in (later, school.token("joseph"), school.token("admin"), "made-up", None):
            assert status(name, token) == 404, (name, token)
    assert [status(name, own) for name in variants] == [200, 200, 200, 200, 404]

    # A second session makes a file with the same content, which has the same address.
    school.forget_tokens()
    other = open_page("/bookings", "Meera Nair", color_scheme="light")
    other.get_by_role("button", name="Export").click()
    with other.expect_download() as again:
        other.get_by_role("button", name="CSV").click()
    assert again.value.url == download.value.url
    assert [status(file, token) for token in (own, school.token("meera"))] == [200, 200]
    assert status(file, later) == 404


def test_an_admin_reads_every_change_and_finds_one_on_a_phone(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", "Farah Sheikh")
    page.set_viewport_size({"width": 390, "height": 844})
    show_tab(page, "Audit")
    expect(row(page, "Ground 1").first).to_be_visible()

    booking = school.book(student=1, start=14, by=JOSEPH)
    approve(school.db, booking.id, by=HEAD, reason="zonal trials")
    expect(row(page, "zonal trials")).to_contain_text("Approved", timeout=TICK)
    save_ground(school.db, GROUNDS[0])

    page.get_by_role("combobox", name="What").click()
    page.get_by_role("option", name="Booking", exact=True).click()
    expect(row(page, "Saved")).to_have_count(0)
    row(page, "zonal trials").get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Dr. Anand Rao (head)")
    expect(dialog.get_by_role("button")).to_have_count(1)  # closes it
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name=re.compile("Edit|Delete|Remove"))).to_have_count(0)
    overflow = page.evaluate("document.querySelector('.stMain').scrollWidth - innerWidth")
    assert overflow <= 0


def test_health_reports_a_missing_backup_no_problem_and_then_claims_that_differ_from_their_booking(
    open_page: OpenPage, school: School
) -> None:
    made = school.book(student=1, start=14)
    page = open_page("/admin", "Farah Sheikh")
    show_tab(page, "Health")

    expect(page.get_by_text("1 thing is wrong")).to_be_visible()
    expect(page.get_by_text("Never recorded")).to_be_visible()
    expect(page.get_by_text("Run “.venv/bin/python -m booking_core backup FILE”")).to_be_visible()
    archive.record(school.db, datetime.now(UTC), 12, 3_400_000)
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("All is well")).to_be_visible()
    expect(page.get_by_text("A write arrives after")).to_be_visible()
    expect(page.get_by_text("No mail is set up")).to_be_visible()

    # A missing index would not do: the running app builds it again at once.
    school.db["bookings"].update_one({"_id": made.id}, {"$set": {"claims": ["ground|none|x|000"]}})
    page.get_by_role("button", name="Look again").click()

    expect(page.get_by_text("1 thing is wrong")).to_be_visible()
    expect(
        page.get_by_text(f"Differ from those that follow from the bookings: {made.id}")
    ).to_be_visible()
