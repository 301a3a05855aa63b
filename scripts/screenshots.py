"""Takes the screenshots in docs/ from a new demo school: python scripts/screenshots.py"""

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
START_SECONDS = 60.0
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
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MONGODB_", "SCHOOL_"))}
    # ignore_cleanup_errors: the database may delete its last files during the clean-up.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        console = Path(home, "console.log")
        with console.open("wb") as output:
            app = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
                cwd=ROOT,
                env=inherited
                | {"HOME": home, "DATA_DIRECTORY": f"{home}/data", "SCHOOL_TIME_ZONE": zone()},
                stdout=output,
            )
        try:
            url = f"http://localhost:{port}"
            wait_for(url)
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=path,
                    args=FLAGS,
                )
                take(chromium, url, console)
                chromium.close()
        finally:
            app.send_signal(signal.SIGTERM)
            app.wait(30)
    return 0


def zone() -> str:
    """The name of a time zone where it is between 10 and 11 in the morning, within a school day."""
    ahead = 10 - time.gmtime().tm_hour
    ahead += 24 if ahead < -12 else 0
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def wait_for(url: str) -> None:
    """Waits until the server is ready. Raises OSError if it does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def take(chromium: Browser, url: str, console: Path) -> None:
    """Takes all screenshots of the app at ``url``, which prints the links to its demo."""
    book = open_page(chromium, f"{url}/book", console)
    book.get_by_role("button", name=re.compile("^Free: Volleyball court")).first.click()
    student = book.get_by_role("combobox", name=re.compile("Student"))
    for number in range(31, 121):  # until a student is found who may book this slot
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
    expect(book.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled()
    book.mouse.move(0, 0)
    book.evaluate("document.activeElement.blur()")
    save(book, "book")

    approvals = open_page(chromium, f"{url}/approvals", console, user="Anand Rao")
    approvals.get_by_role("checkbox").nth(1).check()
    approvals.get_by_role("checkbox").nth(2).check()
    expect(approvals.get_by_role("button", name="Approve 2")).to_be_visible()
    save(approvals, "approvals")

    bookings = open_page(chromium, f"{url}/bookings", console)
    expect(bookings.get_by_role("button", name=re.compile("^Details")).first).to_be_visible()
    expect(bookings.get_by_role("searchbox", name="Search")).to_be_visible()
    save(bookings, "bookings")

    sign_in = chromium.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    sign_in.goto(demo_link(console))
    save(sign_in, "signin")

    for name, (width, height) in WALLS.items():
        wall = open_page(chromium, f"{url}/wall", console, width=width, height=height)
        expect(wall.get_by_role("article").first).to_be_visible()
        expect(wall.get_by_text("Live updated")).to_be_visible()
        save(wall, name)
        # A palette of 128 colours needs a quarter of the bytes, without a visible difference.
        path = DOCS / f"{name}.png"
        with Image.open(path) as picture:
            picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def demo_link(console: Path) -> str:
    """The newest link to the demo: each opens one browser."""
    return str(re.findall(r"Open the demo: (\S+)", console.read_text(encoding="utf-8"))[-1])


def open_page(
    chromium: Browser,
    url: str,
    console: Path,
    *,
    width: int = 1440,
    height: int = 900,
    user: str = "Meera Nair",
) -> Page:
    """The screen at ``url``, signed in as the demo account ``user``."""
    page = chromium.new_page(
        viewport={"width": width, "height": height}, locale="en-IN", color_scheme="light"
    )
    page.goto(demo_link(console))
    page.goto(url)
    if "/signin" in page.url:
        page.get_by_role("button", name=user).click()
    return page


def save(page: Page, name: str) -> None:
    """Saves a screenshot as docs/``name``.png, once the page is at rest."""
    # Streamlit's signs of a running script: its status widget, faded elements and skeletons.
    busy = "[data-testid=stStatusWidget], [data-stale=true], [data-testid=stSkeleton]:visible"
    for _ in range(2):  # a rerun may begin after the first check
        page.wait_for_timeout(700)
        expect(page.locator(busy)).to_have_count(0)
    page.screenshot(path=DOCS / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
