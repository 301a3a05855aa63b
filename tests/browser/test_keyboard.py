"""Booking, deciding and editing grounds with the keyboard alone.

The focus is visible at every step, and never jumps back to the top of the page.
"""

from __future__ import annotations

import re

from app_server import School, today, tomorrow
from browser_windows import OpenPage
from page_checks import dialog
from playwright.sync_api import Page, expect
from screens import cell, confirm_button, place, requested, row
from support import active

from booking_core import find_closures, load_reference

# Returns the name of the focused element; and the name of the one before, if the focus is not
# visible. A box around a field may show the focus in its place.
_STEP = """() => {
  let here = document.activeElement
  while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement
  const name = element => (
    element.getAttribute("aria-label") ||
    [...(element.labels ?? [])].map(label => label.textContent).join(" ") ||
    element.textContent || element.title
  ).trim()
  const look = element => {
    // Changes under way have arrived by then.
    for (const motion of element.getRootNode().getAnimations())
      if (motion.effect.getComputedTiming().iterations !== Infinity) motion.finish()
    const seen = []
    for (let box = element, n = 0; box && n < 6; box = box.parentElement, n++) {
      const style = getComputedStyle(box)
      for (const part of ["outlineStyle", "boxShadow", "borderColor", "backgroundColor", "color"])
        seen.push(style[part])
    }
    return seen.join()
  }
  const last = window.lastStep
  // Within one box, such as a field and its clear button, the box keeps showing the focus.
  const left = last?.here.isConnected && !last.here.parentElement?.parentElement?.contains(here)
  const unseen = left && last.look === look(last.here)
  // A new dialog has the focus itself, and a table draws it: both are visible.
  const counts = here !== document.body && !here.matches("[role=dialog], canvas, canvas *")
  window.lastStep = counts ? { here, look: look(here) } : null
  return [name(here), unseen ? name(last.here) || last.here.outerHTML.slice(0, 200) : ""]
}"""


class Keyboard:
    """The keyboard of one user."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> str:
        """Presses a key; returns the name of the focused element afterwards."""
        here = ""
        for key in keys:
            self.page.keyboard.press(key)
            here, unseen = self.page.evaluate(_STEP)
            assert unseen == "", f"the focus is not visible: {unseen}"
        return str(here)

    def to(self, name: str, key: str = "Tab") -> None:
        """Presses the key until an element of this name has the focus."""
        passed = []
        for _ in range(70):
            passed.append(self.press(key))
            if re.search(name, passed[-1]):
                return
        raise AssertionError(f"{key} does not lead to {name}: {passed}")

    def enter(self, name: str, key: str = "Tab") -> None:
        """Moves to the element and presses Enter."""
        self.to(name, key)
        self.press("Enter")

    def write(self, name: str, text: str) -> None:
        self.to(name)
        self.page.keyboard.type(text)


def test_a_booking_is_made_by_keyboard_and_changes_of_others_take_no_focus(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    keyboard = Keyboard(page)
    keyboard.to("^Free: Ground 1, 11 AM – 12 PM")
    keyboard.to("^Free: Ground 1, 14-15", "ArrowDown")
    keyboard.press("Enter")
    expect(cell(page, 14, state="Picked")).to_be_focused()
    school.book(student=1, start=12)
    expect(place(page, 12)).to_contain_text("Requested")
    expect(cell(page, 14, state="Picked")).to_be_focused()

    # Another user takes the cell that has the focus.
    keyboard.press("ArrowDown", "ArrowDown")
    expect(cell(page, 16)).to_be_focused()
    school.book(student=2, start=16)
    expect(place(page, 16)).to_contain_text("Requested")
    expect(place(page, 16)).to_be_focused()
    keyboard.press("ArrowUp", "Enter")
    expect(cell(page, 15, state="Picked")).to_be_focused()

    keyboard.write("^Student", "S007")
    expect(page.get_by_role("option").first).to_contain_text("S007")
    keyboard.press("Enter")
    keyboard.write("^Purpose", "Finals")
    keyboard.press("Tab")
    review = page.get_by_role("button", name=re.compile("^Review and"))
    expect(review).to_be_enabled()
    keyboard.press("Shift+Tab")
    keyboard.enter("^Review and")
    expect(confirm_button(page)).to_be_enabled()
    keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(review).to_be_focused()
    keyboard.press("Enter")
    expect(confirm_button(page)).to_be_enabled()
    keyboard.enter("^(Book|Request) this slot")
    expect(requested(page)).to_be_visible()
    keyboard.enter("^OK$")

    expect(row(page, "Student 7")).to_be_visible()
    [stored] = active(school.db, student_id="S007")
    assert (stored["start"], stored["end"], stored["purpose"]) == ("14:00", "16:00", "Finals")


def test_requests_are_decided_by_keyboard_and_the_focus_stays_in_their_lines(
    open_page: OpenPage, school: School
) -> None:
    first = school.book(student=1, start=14)
    second = school.book(student=2, start=15)
    third = school.book(student=3, start=14, on=tomorrow())
    page = open_page("/approvals", "Anand Rao")
    keyboard = Keyboard(page)
    keyboard.enter("^Approve: Student 1")
    expect(row(page, "Student 1")).to_contain_text("by Dr. Anand Rao")
    expect(row(page, "Student 1")).to_be_focused()

    keyboard.enter("^Reject: Student 3")
    expect(dialog(page)).to_be_visible()
    # A button that is disabled while it works, such as a download, loses the focus; no
    # key reached the dialog.
    page.evaluate("document.activeElement.blur()")
    keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Reject: Student 3")).to_be_focused()
    keyboard.enter("^Reject: Student 2", "Shift+Tab")
    expect(dialog(page)).to_be_visible()
    keyboard.write("^Reason", "Exam week")
    keyboard.enter("^Reject this booking")
    expect(dialog(page)).to_have_count(0)
    expect(row(page, "Student 2")).to_contain_text("Rejected")
    expect(row(page, "Student 2")).to_be_focused()
    keyboard.to("^Select Student 3")
    keyboard.press("Space")
    keyboard.enter("^Approve 1$")
    expect(row(page, "Student 3")).to_contain_text("by Dr. Anand Rao")

    found = {b["_id"]: b for b in school.db["bookings"].find()}
    states = [found[booking.id]["status"] for booking in (first, second, third)]
    assert states == ["Approved", "Rejected", "Approved"]
    assert found[second.id]["history"][-1]["reason"] == "Exam week"


def test_an_admin_adds_a_ground_and_a_timetable_and_closes_grounds_by_keyboard(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", "Farah Sheikh")
    keyboard = Keyboard(page)
    keyboard.enter("Add a ground$")
    expect(dialog(page)).to_be_visible()
    keyboard.write("^Name", "Tennis court")
    keyboard.write("^Games", "Tennis")
    keyboard.press("Enter", "Tab")
    keyboard.press("Shift+Tab")
    keyboard.enter("^Add ground$")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_text("Tennis court", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Add a ground")).to_be_focused()

    section(keyboard, "Timetables", "^Grounds$")
    keyboard.enter("Add a timetable$")
    keyboard.write("^Name$", "Exam day")
    keyboard.to("^Sun$")  # the first day of the week in India
    keyboard.press("ArrowRight", "ArrowRight", "Space")
    expect(page.get_by_role("button", name="Tue", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    keyboard.enter("Add a period")
    expect(page.get_by_role("cell", name="8–9 AM")).to_be_visible()
    keyboard.to("^minute, Period 1 ends", "Shift+Tab")
    page.keyboard.type("30")
    keyboard.press("Tab")
    expect(page.get_by_role("cell", name="8–9:30 AM")).to_be_visible()
    keyboard.enter("^Save timetable")
    expect(page.get_by_text("Exam day", exact=True)).to_be_visible()

    section(keyboard, "Closures", "^Timetables$")
    keyboard.enter("^Close grounds…")
    expect(dialog(page)).to_be_visible()
    keyboard.to("^All grounds")
    keyboard.press("Space")
    expect(dialog(page).get_by_role("checkbox", name="All grounds")).to_be_checked()
    keyboard.write("^Reason", "Rain")
    keyboard.enter("^Review$")
    keyboard.enter("^Confirm closure")
    expect(dialog(page)).to_have_count(0)
    expect(row(page, "Rain")).to_contain_text("All grounds")
    keyboard.enter("^Lift: All grounds")
    expect(dialog(page)).to_be_visible()
    keyboard.enter("^Lift closure")
    expect(page.get_by_text("Nothing is closed")).to_be_visible()

    known = load_reference(school.db)
    assert [g.games for g in known.grounds.values() if g.name == "Tennis court"] == [("Tennis",)]
    [exam] = [t for t in known.timetables.values() if t.name == "Exam day"]
    assert ([f"{p.end:%H:%M}" for p in exam.periods], exam.weekdays) == (["09:30"], (1,))
    assert find_closures(school.db, from_date=today()) == []


def section(keyboard: Keyboard, name: str, here: str) -> None:
    """Moves from the present section back to the tabs, and opens another one."""
    keyboard.to(here, "Shift+Tab")
    keyboard.to(f"^{name}$", "ArrowRight")
    keyboard.press("Enter")
    expect(keyboard.page.get_by_role("radio", name=name, exact=True)).to_be_checked()
