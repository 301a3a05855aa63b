"""Reads the texts of a screen, and runs axe on it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect

# Collects every text and every attribute that is shown or read out, also in shadow roots, frames
# and canvases; and the elements that only typed markup would have created.
_READ = """where => {
  const texts = [], faults = []
  const attributes = ["title", "alt", "placeholder", "aria-description"]
  const made = {
    "a mark": "mark", "a picture": "img[src='x'], img[src*='a.example']",
    "a frame": "iframe[src^='javascript']", "a link": "a[href^='javascript'], a[href*='a.example']",
    "a formula": ".katex",
  }
  const typed = { "bold": ["strong, b, em", "bo"], "colour": ["span", "rr"], "code": ["code", "c"],
    "struck out": ["del", "s"], "an icon": ["span", "flood"] }
  const read = root => {
    for (const [fault, selector] of Object.entries(made))
      if (root.querySelector(selector)) faults.push(fault)
    for (const [fault, [selector, text]] of Object.entries(typed))
      if ([...root.querySelectorAll(selector)].some(e => e.textContent === text)) faults.push(fault)
    if ([...root.querySelectorAll("script")].some(e => e.textContent.includes("hit")))
      faults.push("a script")
    for (const element of [root, ...root.querySelectorAll("*")]) {
      if (element.shadowRoot) read(element.shadowRoot)
      if (element.contentDocument) {
        if ("hit" in element.contentWindow) faults.push("a script that ran")
        const inner = element.contentDocument.documentElement
        if (inner) read(inner)
      }
      if (element.matches?.("script, style")) continue
      for (const name of attributes) texts.push(element.getAttribute?.(name) ?? "")
      // The label of a widget before Markdown is applied: it has the escapes, and is harmless.
      texts.push((element.getAttribute?.("aria-label") ?? "").replace(/\\\\(?=[^\\w\\s])/g, ""))
      if (typeof element.value === "string") texts.push(element.value)
      let run = ""
      for (const node of element.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) run += node.data
        else { texts.push(run); run = "" }
      }
      texts.push(run)
    }
  }
  const places = where ? [...document.querySelectorAll(where)] : [document.documentElement]
  places.forEach(read)
  texts.push(document.title)
  if ("hit" in window) faults.push("a script that ran")
  return [texts.filter(text => text.trim()), faults]
}"""
# Of the theme in .streamlit/config.toml.
BACKGROUNDS = {"light": "rgb(245, 247, 250)", "dark": "rgb(13, 21, 38)"}


def read(page: Page, where: str = "") -> tuple[list[str], list[str]]:
    """Returns all texts of the screen or of a part, and the elements that markup created.

    Word joiners are left out, because they are invisible.
    """
    texts, faults = page.evaluate(_READ, where)
    return [" ".join(text.replace("\u2060", "").split()) for text in texts], faults


def serious_violations(
    page: Page, where: str | None = None, *, only: str | None = None
) -> list[str]:
    """Returns axe's serious and critical violations, each with its first elements.

    ``where`` limits axe to a part of the page, ``only`` to one rule.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"]} | ({"runOnly": [only]} if only else {})
    run = "([where, options]) => axe.run(where ?? document, options)"
    found = page.evaluate(run, [where, options])["violations"]
    return [
        f"{one['id']}: " + "; ".join(str(node["html"])[:160] for node in one["nodes"][:4])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def wait_until_settled(page: Page) -> None:
    """Returns when the screen is drawn and no run is under way that would draw it again."""
    expect(page.locator(".stSkeleton")).to_have_count(0)
    expect(page.locator("[data-stale='true']")).to_have_count(0)


def button(page: Page, key: str) -> Locator:
    """Returns a button by its key. A button with a tooltip has a hidden twin, which is skipped."""
    return page.locator(f".st-key-{css(key)} button").locator("visible=true").first


def css(key: str) -> str:
    """Returns the class that Streamlit derives from a key."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", key)


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def violations_in_both_schemes(page: Page, where: str | None = None) -> list[str]:
    """Returns axe's violations in the present colour scheme, and those of contrast in the other.

    Contrast is the only rule whose result depends on the scheme.
    """
    rules = (None, "color-contrast")
    return [
        f"{scheme}: {fault}"
        for scheme, rule in zip(schemes(page), rules, strict=True)
        for fault in serious_violations(page, where, only=rule)
    ]


def schemes(page: Page) -> Iterator[str]:
    """Yields the present colour scheme, then the other one, and restores the first.

    A screen follows the scheme at once, without a run.
    """
    app = page.locator(".stApp")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    first, second = ("dark", "light") if is_dark else ("light", "dark")
    for scheme in (first, second):
        # A transition between colours would be measured halfway.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(app).to_have_css("background-color", BACKGROUNDS[scheme])
        yield scheme
    page.emulate_media(color_scheme=first)
