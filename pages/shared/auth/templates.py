"""The environment of all Jinja2 templates, and the style sheet and policy of the sign-in pages.

Those pages load no script and nothing of Streamlit but its fonts.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import streamlit
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pages.shared.live.address import base
from pages.shared.live.logo import ShownLogo

_ASSETS = Path(__file__).parents[1] / "components" / "assets"
_FONTS = Path(streamlit.__file__).parent / "static" / "static" / "media"
_HTML = Path(__file__).parent / "html"


def environment(folder: Path) -> Environment:
    """The templates of ``folder``: every value is escaped, and a missing one is an error."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["initials"] = _initials
    return made


def _initials(name: str) -> str:
    words = [word for word in name.split() if not word.endswith(".")] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


_pages = environment(_HTML)


def render(template: str, /, school: str, *, logo: ShownLogo | None = None, **values: Any) -> str:
    """The page of a template, which says what its values are; ``logo``: the school's."""
    return _pages.get_template(template).render(
        base=base(), school=school, logo=logo, style=_style(base()), icon=_icon(), **values
    )


def policy_of(style: str, *others: str) -> str:
    """The value of Content-Security-Policy for a page without a script.

    It loads this style sheet, and what the directives ``others`` name.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            *others,
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


@cache
def content_security_policy(base: str) -> str:
    """The header's value for the sign-in pages."""
    return policy_of(_style(base), "font-src 'self'", "img-src data: 'self'", "form-action 'self'")


@cache
def _style(base: str) -> str:
    """The style sheet, with Streamlit's fonts if their files are found."""
    faces = ""
    for family, pattern in (("Sans", "SourceSansVF-U*.woff2"), ("Code", "SourceCodeVF-U*.woff2")):
        for file in sorted(_FONTS.glob(pattern))[:1]:
            faces += (
                f'@font-face{{font-family:"Source {family}";font-weight:200 900;'
                f'font-display:swap;src:url("{base}/static/media/{file.name}")}}\n'
            )
    return faces + (_ASSETS / "sign_in.css").read_text(encoding="utf-8")


@cache
def _icon() -> str:
    """The mark as a ``data:`` URL."""
    svg = (_HTML / "mark.svg").read_text(encoding="utf-8").strip()
    named = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"data:image/svg+xml;base64,{base64.b64encode(named.encode()).decode()}"
