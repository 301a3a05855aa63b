"""Takes the pictures in docs/ from a demo school of its own: python scripts/screenshots.py"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from browser import FLAGS, find
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
expect.set_options(timeout=30_000)
READY = 60.0
WALLS = {
    "wall": (1920, 1080),
    "wall-1080x1920": (1080, 1920),
    "wall-1280x720": (1280, 720),
    "wall-3840x2160": (3840, 2160),
}


def main() -> int:
    path = find()
    if path is None:
        sys.stderr.write("No Chromium here: python scripts/browser.py installs one.\n")
        return 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MONGODB_", "SCHOOL_"))}
    # ignore_cleanup_errors: the database's last files may go while the directory is emptied.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        app = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            env=kept | {"HOME": home, "DATA_DIRECTORY": f"{home}/data", "SCHOOL_TIME_ZONE": zone()},
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url)
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=path,
                    args=FLAGS,
                )
                take(chromium, url)
                chromium.close()
        finally:
            app.send_signal(signal.SIGTERM)
            app.wait(30)
    return 0


def zone() -> str:
    """A zone where it is past ten in the morning: a school day with something to see."""
    ahead = 10 - time.gmtime().tm_hour
    ahead += 24 if ahead < -12 else 0
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def wait_for(url: str) -> None:
    deadline = time.monotonic() + READY
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def take(chromium: Browser, url: str) -> None:
    book = open_page(chromium, f"{url}/book")
    book.get_by_role("button", name=re.compile("^Free: Volleyball court")).first.click()
    student = book.get_by_role("combobox", name=re.compile("Student"))
    for number in range(31, 121):  # the first who may book then
        student.click()
        student.fill(f"S{number:03d}")
        option = book.get_by_role("option", name=re.compile(rf"S{number:03d}$"))
        name = option.inner_text().split()[0]
        option.click()
        hint = book.get_by_text(re.compile(rf"^{name} (has|is on) "))
        expect(hint).to_be_visible()
        if "The principal decides" in hint.inner_text():
            break
    book.get_by_label("Purpose").fill("Practice for the inter-house final")
    book.get_by_label("Purpose").press("Tab")
    expect(book.get_by_role("button", name="Review booking")).to_be_enabled()
    book.mouse.move(0, 0)
    book.evaluate("document.activeElement.blur()")
    save(book, "book")

    approvals = open_page(chromium, f"{url}/approvals", who="Anand Rao")
    approvals.get_by_role("checkbox").nth(1).check()
    approvals.get_by_role("checkbox").nth(2).check()
    expect(approvals.get_by_role("button", name="Approve both")).to_be_visible()
    save(approvals, "approvals")

    bookings = open_page(chromium, f"{url}/bookings")
    expect(bookings.get_by_role("button", name=re.compile("^Details")).first).to_be_visible()
    expect(bookings.get_by_role("combobox", name="Student")).to_be_visible()
    save(bookings, "bookings")

    door = chromium.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    door.goto(f"{url}/signin")
    save(door, "signin")

    for name, (width, height) in WALLS.items():
        wall = open_page(chromium, f"{url}/wall", width=width, height=height)
        expect(wall.get_by_role("article").first).to_be_visible()
        expect(wall.get_by_text("Live updated")).to_be_visible()
        save(wall, name)
        # Few colours: a quarter of the bytes, and nobody sees the difference.
        path = DOCS / f"{name}.png"
        with Image.open(path) as picture:
            picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def open_page(
    chromium: Browser,
    url: str,
    *,
    width: int = 1440,
    height: int = 900,
    color_scheme: str = "light",
    who: str = "Meera Nair",
) -> Page:
    """A screen of the demo school; the door lets everybody in."""
    page = chromium.new_page(
        viewport={"width": width, "height": height}, locale="en-IN", color_scheme=color_scheme
    )
    page.goto(url)
    if "/signin" in page.url:
        page.get_by_role("button", name=who).click()
    return page


def save(page: Page, name: str) -> None:
    # What Streamlit shows while it works is no part of the picture: its mark, what a rerun has
    # faded so far, and what stands in for a field that is still to come.
    busy = "[data-testid=stStatusWidget], [data-stale=true], [data-testid=stSkeleton]:visible"
    for _ in range(2):  # a rerun may begin just now
        page.wait_for_timeout(700)
        expect(page.locator(busy)).to_have_count(0)
    page.screenshot(path=DOCS / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
