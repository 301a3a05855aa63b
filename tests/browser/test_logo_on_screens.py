"""The school's logo: an admin adds and removes it; sidebar, rail, wall and sign-in show it."""

from __future__ import annotations

import io

import pytest
from app_server import ADMIN, MEERA
from browser_windows import OpenPage
from PIL import Image
from playwright.sync_api import Page, expect
from screens import wait_for

FILE = "[class*=st-key-admin-logo-file] input[type=file]"
OF_HEADER = """() => {
  const style = getComputedStyle(document.querySelector('[data-testid=stSidebarHeader]'), '::after')
  return [style.backgroundImage, style.width, style.height]
}"""
OF_RAIL = """() => {
  const style = getComputedStyle(document.querySelector('[data-testid=stSidebarNav]'), '::before')
  return [style.backgroundImage, style.content]
}"""


def logo_file(name: str, data: bytes | None = None) -> dict:
    if data is None:
        out = io.BytesIO()
        Image.new("RGB", (200, 100), "navy").save(out, "PNG")
        data = out.getvalue()
    return {"name": name, "mimeType": "image/png", "buffer": data}


def settings(open_page: OpenPage) -> Page:
    page = open_page("/admin?section=settings", ADMIN.name)
    expect(page.get_by_role("heading", name="The school's logo")).to_be_visible()
    return page


@pytest.mark.usefixtures("school")
def test_an_admin_adds_a_logo_that_every_screen_shows_and_removes_it(open_page: OpenPage) -> None:
    page = settings(open_page)
    remove = page.get_by_role("button", name="Remove logo")

    page.locator(FILE).set_input_files(logo_file("logo.png", b"no picture"))
    expect(page.get_by_text("The logo is no PNG, JPEG or WebP that can be read")).to_be_visible()
    expect(remove).to_have_count(0)

    page.locator(FILE).set_input_files(logo_file("logo.png"))
    expect(remove).to_be_visible()
    wait_for(page, f"({OF_HEADER})()[0].includes('/logo?v=')")
    _, width, height = page.evaluate(OF_HEADER)
    assert (width, height) == ("104px", "52px")

    staff = open_page("/book", MEERA.name)
    expect(staff.get_by_role("heading", name="Book a ground")).to_be_visible()
    staff.set_viewport_size({"width": 1024, "height": 768})
    picture, content = staff.evaluate(OF_RAIL)
    assert "/logo?v=" in picture
    assert content.endswith('/ "Test school"')

    for address in ("/wall", "/signin"):
        visitor = open_page(address, None)
        image = visitor.get_by_role("img", name="Test school")
        expect(image).to_be_visible()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 200

    remove.click()
    expect(remove).to_have_count(0)
    wait_for(page, f"({OF_HEADER})()[0] === 'none'")
    expect(open_page("/wall", None).locator("main.wall")).to_be_visible()
    expect(open_page("/signin", None).get_by_role("img", name="Test school")).to_have_count(0)
