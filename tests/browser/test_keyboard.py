"""Booking, deciding and looking after the grounds with the keyboard alone.

Whoever does so sees at every step where they are, and is never sent back to the top of the page.
"""

from __future__ import annotations

import re

from app_server import School, today, tomorrow
from looking import dialog
from playwright.sync_api import Page, expect
from screens import cell, confirm_button, place, requested, row
from support import active
from windows import OpenPage

from booking_core import find_closures, load_reference

# What has the focus, by its name; and the name of what had it before, where that looks the same
# without it. Boxes around a field may show the focus in its place.
_STEP = """() => {
  let here = document.activeElement
  while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement
  const name = element => (
    element.getAttribute("aria-label") ||
    [...(element.labels ?? [])].map(label => label.textContent).join(" ") ||
    element.textContent || element.title
  ).trim()
  const look = element => {
    // A change that is on its way has arrived.
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
  // Within one box, such as a field and the button that empties it, the box goes on showing it.
  const left = last?.here.isConnected && !last.here.parentElement?.parentElement?.contains(here)
  const unseen = left && last.look === look(last.here)
  // A dialog that has just opened has the focus itself, a table draws it: both are seen.
  const counts = here !== document.body && !here.matches("[role=dialog], canvas, canvas *")
  window.lastStep = counts ? { here, look: look(here) } : null
  return [name(here), unseen ? name(last.here) || last.here.outerHTML.slice(0, 200) : ""]
}"""


class Hands:
    """Somebody's, on a keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> str:
        """The name of what has the focus afterwards."""
        here = ""
        for key in keys:
            self.page.keyboard.press(key)
            here, unseen = self.page.evaluate(_STEP)
            assert unseen == "", f"nobody sees where the focus is: {unseen}"
        return str(here)

    def to(self, name: str, key: str = "Tab") -> None:
        """Goes on until something of this name has the focus."""
        passed = []
        for _ in range(70):
            passed.append(self.press(key))
            if re.search(name, passed[-1]):
                return
        raise AssertionError(f"{key} does not lead to {name}: {passed}")

    def enter(self, name: str, key: str = "Tab") -> None:
        """Goes there and presses Enter."""
        self.to(name, key)
        self.press("Enter")

    def write(self, name: str, text: str) -> None:
        self.to(name)
        self.page.keyboard.type(text)


def test_a_booking_is_made_by_keyboard_and_what_others_do_takes_no_focus_away(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    hands = Hands(page)
    hands.to("^Free: Ground 1, 10-11")
    hands.to("^Free: Ground 1, 14-15", "ArrowDown")
    hands.press("Enter")
    expect(cell(page, 14, state="Picked")).to_be_focused()
    school.book(student=1, start=12)
    expect(place(page, 12)).to_contain_text("Requested")
    expect(cell(page, 14, state="Picked")).to_be_focused()

    # Somebody takes the very cell that has the focus.
    hands.press("ArrowDown", "ArrowDown")
    expect(cell(page, 16)).to_be_focused()
    school.book(student=2, start=16)
    expect(place(page, 16)).to_contain_text("Requested")
    expect(place(page, 16)).to_be_focused()
    hands.press("ArrowUp", "Enter")
    expect(cell(page, 15, state="Picked")).to_be_focused()

    hands.write("^Student", "S007")
    expect(page.get_by_role("option").first).to_contain_text("S007")
    hands.press("Enter")
    hands.write("^Purpose", "Finals")
    hands.press("Tab")
    review = page.get_by_role("button", name="Review booking")
    expect(review).to_be_enabled()
    hands.press("Shift+Tab")
    hands.enter("^Review booking")
    expect(confirm_button(page)).to_be_enabled()
    hands.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(review).to_be_focused()
    hands.press("Enter")
    expect(confirm_button(page)).to_be_enabled()
    hands.enter("^Confirm booking")
    expect(requested(page)).to_be_visible()
    hands.enter("^OK$")

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
    hands = Hands(page)
    hands.enter("^Approve: Student 1")
    expect(row(page, "Student 1")).to_contain_text("by Dr. Anand Rao")
    expect(row(page, "Student 1")).to_be_focused()

    hands.enter("^Reject: Student 3")
    expect(dialog(page)).to_be_visible()
    # As whatever is disabled while it works does, such as a download: no key reached the dialog.
    page.evaluate("document.activeElement.blur()")
    hands.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Reject: Student 3")).to_be_focused()
    hands.enter("^Reject: Student 2", "Shift+Tab")
    expect(dialog(page)).to_be_visible()
    hands.write("^Reason", "Exam week")
    hands.enter("^Reject this booking")
    expect(dialog(page)).to_have_count(0)
    expect(row(page, "Student 2")).to_contain_text("Rejected")
    expect(row(page, "Student 2")).to_be_focused()
    hands.to("^Select Student 3")
    hands.press("Space")
    hands.enter("^Approve$")
    expect(row(page, "Student 3")).to_contain_text("by Dr. Anand Rao")

    found = {b["_id"]: b for b in school.db["bookings"].find()}
    states = [found[booking.id]["status"] for booking in (first, second, third)]
    assert states == ["Approved", "Rejected", "Approved"]
    assert found[second.id]["history"][-1]["reason"] == "Exam week"


def test_the_desk_adds_a_ground_and_a_timetable_and_closes_the_grounds_by_keyboard(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", "Farah Sheikh")
    hands = Hands(page)
    hands.enter("Add a ground$")
    expect(dialog(page)).to_be_visible()
    hands.write("^Name", "Tennis court")
    hands.write("^Games", "Tennis")
    hands.press("Enter", "Tab")
    hands.press("Shift+Tab")
    hands.enter("^Add ground$")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_text("Tennis court", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Add a ground")).to_be_focused()

    section(hands, "Timetables", "^Grounds$")
    hands.enter("Add a timetable$")
    hands.write("^Name$", "Exam day")
    hands.to("^Mon$")
    hands.press("ArrowRight", "Space")
    expect(page.get_by_role("button", name="Tue", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    hands.enter("Add a period")
    expect(page.get_by_role("cell", name="8–9 AM")).to_be_visible()
    hands.to("^minute, Period 1 ends", "Shift+Tab")
    page.keyboard.type("30")
    hands.press("Tab")
    expect(page.get_by_role("cell", name="8–9:30 AM")).to_be_visible()
    hands.enter("^Save timetable")
    expect(page.get_by_text("Exam day", exact=True)).to_be_visible()

    section(hands, "Closures", "^Timetables$")
    hands.enter("^Close grounds…")
    expect(dialog(page)).to_be_visible()
    hands.to("^All grounds")
    hands.press("Space")
    expect(dialog(page).get_by_role("checkbox", name="All grounds")).to_be_checked()
    hands.write("^Reason", "Rain")
    hands.enter("^Review$")
    hands.enter("^Confirm closure")
    expect(dialog(page)).to_have_count(0)
    expect(row(page, "Rain")).to_contain_text("All grounds")
    hands.enter("^Lift: All grounds")
    expect(dialog(page)).to_be_visible()
    hands.enter("^Lift closure")
    expect(page.get_by_text("Nothing is closed")).to_be_visible()

    known = load_reference(school.db)
    assert [g.games for g in known.grounds.values() if g.name == "Tennis court"] == [("Tennis",)]
    [exam] = [t for t in known.timetables.values() if t.name == "Exam day"]
    assert ([f"{p.end:%H:%M}" for p in exam.periods], exam.weekdays) == (["09:30"], (1,))
    assert find_closures(school.db, from_date=today()) == []


def section(hands: Hands, name: str, here: str) -> None:
    """Back to the sections, and on to another one."""
    hands.to(here, "Shift+Tab")
    hands.to(f"^{name}$", "ArrowRight")
    hands.press("Enter")
    expect(hands.page.get_by_role("radio", name=name, exact=True)).to_be_checked()
