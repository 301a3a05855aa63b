"""Prints the path of a Chromium that starts; installs one if there is none.

It searches ``$CHROMIUM``, Chromium or Chrome on the PATH, and Playwright's own browser. As root it
installs Debian's package; otherwise, or if that fails, Playwright's download. The exit status is 1
if no browser can be installed, because a missing browser must fail the tests and not skip them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
# Options of every start. The suggestions of the address bar are two pages of their own, which cost
# more than a page of the dashboard. Chromium uses only the last list of disabled features, so this
# list repeats those of Playwright that prevent requests to other hosts.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,HttpsUpgrades,MediaRouter,"
    "NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch",
]


def candidates() -> Iterator[str]:
    """The paths to try, the most specific first."""
    named = os.environ.get("CHROMIUM")
    if named:
        yield named
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def starts(path: str) -> bool:
    """Whether the program runs: a broken link or the stub of a snap package does not."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def find() -> str | None:
    """The path of a browser that starts; None if there is none."""
    return next((path for path in candidates() if starts(path)), None)


def attempt(*command: str) -> bool:
    """Whether ``command`` succeeded. Its output goes to stderr: stdout is for the path."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, stdout=sys.stderr, env=environment, check=False)
    return done.returncode == 0


def install() -> str | None:
    """Installs a browser and returns its path; None if that fails."""
    say("No Chromium here; installing one (a few minutes) ...")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if (
        is_root
        and shutil.which("apt-get")
        and attempt("apt-get", "update", "-qq")
        and attempt("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
        and (found := find())
    ):
        return found
    # As root, with the system libraries that the browser needs.
    options = ["--with-deps"] if is_root and shutil.which("apt-get") else []
    if attempt(sys.executable, "-m", "playwright", "install", *options, "chromium"):
        return find()
    return None


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> int:
    path = find() or install()
    if path is None:
        say("No Chromium could be installed: install Chromium or Chrome, or name it in CHROMIUM.")
        return 1
    sys.stdout.write(path + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
