"""The policy of the pages for scripts: each screen works within it, and no injected script runs.

The teardown of every window asserts that the browser has reported no violation of the policy.
"""

from __future__ import annotations

from app_server import MEERA, AppServer, School, sign_in_browser
from browser_windows import OpenPage
from playwright.sync_api import Browser, expect
from screens import confirm_button, fill_form, open_review, row, show_tab, wait_for

SECTIONS = ("Grounds", "Timetables", "Closures", "Accounts", "Settings", "Health", "Audit")
NOTE = """window.ran = []; window.refused = []
addEventListener("securitypolicyviolation", event => window.refused.push(event.blockedURI))"""
INJECT = """() => {
  const place = document.createElement("div")
  place.innerHTML = `<img src="data:," onerror="window.ran.push('handler')">
    <a href="javascript:void window.ran.push('address')">link</a>`
  document.body.append(place)
  place.querySelector("a").click()
  for (const [kind, value] of [["text", "window.ran.push('inline')"],
      ["src", "data:text/javascript,window.ran.push('data')"],
      ["src", "https://evil.example.com/script.js"]]) {
    const script = document.createElement("script")
    script[kind] = value
    document.body.append(script)
  }
  const script = document.createElement("script")
  script.src = URL.createObjectURL(new Blob(["setTimeout(`window.ran.push('timer')`)"]))
  script.onload = () => setTimeout(() => { window.isOver = true })
  document.body.append(script)
}"""


def test_every_screen_works_without_a_violation(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/book", "Meera Nair")
    fill_form(page, 15, "S002")
    open_review(page)
    confirm_button(page).click()
    expect(page.get_by_role("dialog").get_by_text("Requested").first).to_be_visible()
    page.goto(page.url.replace("/book", "/bookings"))
    expect(row(page, "Student 1")).to_be_visible()
    page.get_by_role("button", name="Export").click()
    with page.expect_download():
        page.get_by_role("button", name="Excel").click()

    principal = open_page("/approvals", "Anand Rao")
    expect(row(principal, "Student 1")).to_be_visible()
    principal.goto(principal.url.replace("/approvals", "/reports"))
    # Vega draws without evaluating text.
    chart = principal.locator(".st-key-card_reports_grounds").locator("canvas, svg.marks")
    expect(chart.first).to_be_visible()

    wall = open_page("/wall", None)
    expect(wall.get_by_text("Ground 1").first).to_be_visible()

    admin = open_page("/admin", "Farah Sheikh")
    for section in SECTIONS:
        show_tab(admin, section)
        expect(admin.get_by_role("radio", name=section)).to_be_checked()
    show_tab(admin, "Students")
    show_tab(admin, "Import")
    lines = b"id,name,class_name\nZ900,Zoya Khan,9-B"
    file = {"name": "list.csv", "mimeType": "text/csv", "buffer": lines}
    admin.locator("input[type=file]").set_input_files(file)
    expect(admin.get_by_text("Zoya Khan").first).to_be_visible()


def test_an_injected_script_does_not_run(app: AppServer, school: School, browser: Browser) -> None:
    with browser.new_context() as context:
        sign_in_browser(context, app.url)
        page = context.new_page()
        page.add_init_script(NOTE)
        page.goto(f"{app.url}/book")
        expect(page.get_by_role("columnheader", name="Ground 1")).to_be_visible()

        page.evaluate(INJECT)

        wait_for(page, "window.isOver && window.refused.length >= 6")
        assert page.evaluate("window.ran") == []
