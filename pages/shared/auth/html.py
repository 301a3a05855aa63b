"""The HTML of the sign-in pages, which load no script and nothing of Streamlit but its fonts.

Every text from outside this module is escaped. The file is long because all pages share one frame.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

import streamlit

from booking_core import Actor
from booking_core.messages import COMMAND

FIRST_ADMIN = f"{COMMAND} account add NAME --role admin"
_ASSETS = Path(__file__).parents[1] / "components" / "assets"
_FONTS = Path(streamlit.__file__).parent / "static" / "static" / "media"
_MARK = (
    '<svg viewBox="0 0 40 40" aria-hidden="true"><rect width="40" height="40" rx="10" '
    'fill="#1f5fbf"/><g fill="none" stroke="#fff" stroke-width="2"><rect x="8" y="11" width="24" '
    'height="18" rx="1.5"/><path d="M20 11v18M8 16.5h3.5v7H8M32 16.5h-3.5v7H32"/>'
    '<circle cx="20" cy="20" r="3.5"/></g></svg>'
)
# The lines of a ground, as a faint background.
_PITCH = (
    '<svg class="pitch" viewBox="0 0 1440 900" preserveAspectRatio="xMidYMid slice" '
    'aria-hidden="true"><rect x="70" y="60" width="1300" height="780"/>'
    '<path d="M720 60v780M70 250h190v400H70M1370 250h-190v400h190M70 350h80v200H70'
    'M1370 350h-80v200h80"/><circle cx="720" cy="450" r="130"/>'
    '<path d="M260 380a90 90 0 0 1 0 140M1180 380a90 90 0 0 0 0 140"/></svg>'
)


_ENDED = (
    '<p class="lead">You were signed out: the session is over, or your account was changed. Sign '
    "in again to go on.</p>"
)


def _data_url(svg: str) -> str:
    """The drawing as a ``data:`` URL."""
    named = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"data:image/svg+xml;base64,{base64.b64encode(named.encode()).decode()}"


ICON = _data_url(_MARK)


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
def content_security_policy(base: str) -> str:
    """The header's value for these pages: only this style sheet, no script, no other host."""
    digest = base64.b64encode(hashlib.sha256(_style(base).encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; font-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def sign_in(
    base: str,
    school: str,
    contact: str,
    *,
    next_path: str = "",
    name: str = "",
    problem: str = "",
    ended: bool = False,
    has_admin: bool = True,
    demo: Sequence[Actor] = (),
    is_demo: bool = False,
) -> str:
    """The page with the sign-in form.

    ``demo``: accounts to choose without a password. ``is_demo``: without them, a sentence says how
    to get them. ``ended``: the session has ended, and a sentence says so.
    """
    form = (
        f'<form method="post" action="{base}/signin">{_hidden(next_path)}'
        f"{_field('name', 'Name', 'username', value=name, wrong=bool(problem), focus=not name)}"
        f"{_field('password', 'Password', 'current-password', wrong=bool(problem), focus=bool(name))}"  # noqa: E501
        '<button class="go">Sign in</button></form>'
        f'<p class="help">Forgotten your password, or no account yet? Ask {escape(contact)}.</p>'
    )
    body = "<h1>Sign in</h1>"
    if ended:
        body += _ENDED
    if not has_admin:
        body += (
            '<p class="note">There is no admin yet. On the computer of this dashboard, '
            f"run <code>{_unbroken(FIRST_ADMIN)}</code> in its folder, with your name for NAME and "
            "the same MONGODB_URI. It asks for a password: then sign in here with both.</p>"
        )
    if demo:
        buttons = "".join(
            f'<button name="account" value="{escape(account.id)}"><i aria-hidden="true">'
            f"{escape(_initials(account.name))}</i><b>{escape(account.name)}</b>"
            f"<span>{escape(account.role.value.capitalize())}</span></button>"
            for account in demo
        )
        body += (
            '<p class="lead">This is demo data: a made-up school. Choose who you are.</p>'
            f'<form method="post" action="{base}/signin/demo">{_hidden(next_path)}'
            f'<div class="people">{buttons}</div></form>'
            f"<details{' open' if problem else ''}><summary>With a name and a password</summary>"
            f"{_problem(problem)}{form}</details>"
        )
    else:
        if is_demo:
            body += (
                '<p class="note">This is demo data: a made-up school. To choose an account without '
                "a password, open the link that is printed where the dashboard was started.</p>"
            )
        body += _problem(problem) + form
    return _page(base, school, "Sign in", body, _wall_link(base))


def sign_in_elsewhere(
    base: str,
    school: str,
    contact: str,
    ways: Sequence[tuple[str, str]],
    *,
    problem: str = "",
    ended: bool = False,
) -> str:
    """The page with one button for each identity provider; ``ways`` are (label, address).

    They are links: the policy of this page lets no form be redirected to another host.
    """
    lead = _ENDED if ended else '<p class="lead">Your account at school lets you in.</p>'
    links = "".join(
        f'<a class="go" href="{escape(address)}">{escape(label)}</a>' for label, address in ways
    )
    body = (
        f"<h1>Sign in</h1>{'' if problem else lead}{_problem(problem)}{links}"
        f'<p class="help">No account here yet? Ask {escape(contact)}.</p>'
    )
    return _page(base, school, "Sign in", body, _wall_link(base))


def new_password(
    base: str,
    school: str,
    account_id: str,
    *,
    next_path: str = "",
    problem: str = "",
    forced: bool = False,
    shortest: int = 10,
) -> str:
    """The page that changes a password; ``forced``: an admin has set the present one."""
    lead = (
        "Your password was set by somebody else and signs in once only. Choose one that only you "
        "know, then go on."
        if forced
        else "All your other devices are signed out when you change it."
    )
    body = (
        "<h1>Choose a new password</h1>"
        f'<p class="lead">{lead}</p>{_problem(problem)}'
        f'<form method="post" action="{base}/password">{_hidden(next_path)}'
        f'<input type="hidden" name="name" autocomplete="username" value="{escape(account_id)}">'
        f"{_field('old', 'Password that you have now', 'current-password', wrong=bool(problem))}"
        f"{_field('new', 'New password', 'new-password', wrong=bool(problem), focus=False, rule='rule')}"  # noqa: E501
        f'<p class="rule" id="rule">At least {shortest} characters: a few unusual words '
        "together do well.</p>"
        f"{_field('again', 'New password, once more', 'new-password', wrong=bool(problem), focus=False)}"  # noqa: E501
        '<button class="go">Change password</button></form>'
    )
    back = "" if forced else f'<a href="{escape(next_path) or base + "/"}">Back</a>'
    return _page(base, school, "Choose a new password", body, back)


class SessionRow(NamedTuple):
    """A session of ``own_sessions``, with its moments as text."""

    id: str
    browser: str
    begun: str
    used: str
    is_this: bool


def own_sessions(
    base: str, school: str, sessions: Sequence[SessionRow], *, next_path: str = ""
) -> str:
    """The page with the user's own sessions, and a button to end each of the others."""
    rows = "".join(
        f"<li><div><b>{escape(one.browser)}</b>"
        f"<span>Signed in {escape(one.begun)},</span> "
        f"<span>last used {escape(one.used)}</span></div>"
        + (
            "<em>This browser</em>"
            if one.is_this
            else f'<form method="post" action="{base}/sessions">{_hidden(next_path)}'
            f'<input type="hidden" name="id" value="{escape(one.id)}">'
            f'<button aria-label="Sign out {escape(one.browser)}, signed in {escape(one.begun)}">'
            "Sign out</button></form>"
        )
        + "</li>"
        for one in sessions
    )
    body = f'<h1>Where you are signed in</h1><ul class="sessions">{rows}</ul>'
    if any(not one.is_this for one in sessions):
        body += (
            f'<form method="post" action="{base}/sessions">{_hidden(next_path)}'
            '<button class="go">Sign out all others</button></form>'
        )
    else:
        body += '<p class="help">You are signed in nowhere else.</p>'
    return _page(base, school, "Where you are signed in", body, _back(base, next_path))


def code(base: str, school: str, *, next_path: str = "", problem: str = "") -> str:
    """The page that asks for a code of the second factor, after the right password."""
    body = (
        "<h1>Your code</h1>"
        '<p class="lead">Type the 6 digits that your authenticator app shows now, or one of your '
        f"recovery codes.</p>{_problem(problem)}"
        f'<form method="post" action="{base}/signin/code">{_hidden(next_path)}'
        f"{_field('code', 'Code', 'one-time-code', wrong=bool(problem))}"
        '<button class="go">Sign in</button></form>'
        '<p class="help">No phone and no recovery code? An admin can reset your second factor.</p>'
    )
    again = f'<a href="{base}/signin">Sign in as somebody else</a>'
    return _page(base, school, "Your code", body, again)


def set_up_second_factor(
    base: str,
    school: str,
    key: str,
    uri: str,
    picture: str,
    *,
    next_path: str = "",
    problem: str = "",
    forced: bool = False,
) -> str:
    """The page that sets up a second factor.

    ``picture``: the QR code of ``uri`` as a ``data:`` URL; ``forced``: no screen opens before.
    """
    lead = (
        "Your school asks principals and admins for a second factor. Set yours up, then go on."
        if forced
        else "With a second factor, your password alone opens nothing: a code from your phone is "
        "asked for too. All your other devices are signed out when you set it up."
    )
    groups = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    body = (
        f'<h1>Set up a second factor</h1><p class="lead">{lead}</p>{_problem(problem)}'
        '<ol class="steps"><li>Install an authenticator app on your phone, if you have none: '
        "Google Authenticator, Microsoft Authenticator, Aegis or another.</li>"
        "<li>Scan this with the app."
        f'<img class="qr" src="{escape(picture)}" alt="QR code of the key below">'
        f'On this phone, <a href="{escape(uri)}">open the app</a>, or type this key into it:'
        f'<code class="key">{groups}</code></li>'
        "<li>Type the 6 digits that the app shows.</li></ol>"
        f'<form method="post" action="{base}/secondfactor">{_hidden(next_path)}'
        f"{_field('code', 'Code', 'one-time-code', wrong=bool(problem), focus=bool(problem))}"
        '<button class="go">Turn on</button></form>'
    )
    back = _sign_out(base) if forced else _back(base, next_path)
    return _page(base, school, "Set up a second factor", body, back)


def recovery_codes(base: str, school: str, codes: Sequence[str], *, next_path: str = "") -> str:
    """The page that shows new recovery codes, once."""
    rows = "".join(f"<li><code>{escape(one)}</code></li>" for one in codes)
    body = (
        "<h1>Your recovery codes</h1>"
        '<p class="lead">The second factor is on. Without your phone, each of these codes signs '
        "you in once.</p>"
        '<p class="note">They are shown here only. Print this page or write them down, and keep '
        "them apart from your phone.</p>"
        f'<ul class="codes">{rows}</ul>'
        f'<p><a class="go" href="{escape(next_path) or base + "/"}">I have kept them: go on</a></p>'
    )
    return _page(base, school, "Your recovery codes", body, "")


def second_factor(
    base: str,
    school: str,
    left: int,
    *,
    next_path: str = "",
    problem: str = "",
    is_required: bool = False,
) -> str:
    """The page of a second factor that is on, with ``left`` recovery codes.

    ``is_required``: the school asks for one, so without it a new one is set up at once.
    """
    count = f"{left} recovery code{'' if left == 1 else 's'}" if left else "No recovery code"
    off = "Set up again, on another phone" if is_required else "Turn off"
    asked, kind = "Your password, or a code of the app", "current-password"
    field = _field("password_or_code", asked, kind, wrong=bool(problem))
    body = (
        "<h1>Your second factor</h1>"
        f'<p class="lead">It is on. {count} of 10 left.</p>{_problem(problem)}'
        f'<form method="post" action="{base}/secondfactor">{_hidden(next_path)}'
        f"{field}"
        '<button class="go" name="do" value="codes">Make new recovery codes</button>'
        f'<button class="other" name="do" value="off">{off}</button></form>'
        '<p class="help">With new recovery codes, those of before work no longer.</p>'
    )
    return _page(base, school, "Your second factor", body, _back(base, next_path))


def message(
    base: str, school: str, title: str, text: str, link: tuple[str, str] | None = None
) -> str:
    """A page with one message; ``link`` is (address, label)."""
    body = f"<h1>{escape(title)}</h1><p>{escape(text)}</p>"
    if link is not None:
        body += f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>'
    return _page(base, school, title, body, _wall_link(base))


def _page(base: str, school: str, title: str, body: str, links: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} · {escape(school)}</title>"
        f'<link rel="icon" href="{ICON}"><style>{_style(base)}</style></head>'
        f'<body>{_PITCH}<div class="brand">{_MARK}<div><b>{escape(school)}</b>'
        "<span>Ground booking</span></div></div>"
        f'<main class="card">{body}</main>'
        f'<nav class="ways" aria-label="Elsewhere">{links}</nav></body></html>'
    )


def _unbroken(command: str) -> str:
    """The command as HTML without a line break between the dashes of its option."""
    first, option = command.split(" --", 1)
    return f"{escape(first)} <span>--{escape(option)}</span>"


def _back(base: str, next_path: str) -> str:
    return f'<a href="{escape(next_path) or base + "/"}">Back</a>'


def _sign_out(base: str) -> str:
    return f'<form method="post" action="{base}/signout"><button>Sign out</button></form>'


def _wall_link(base: str) -> str:
    return f'<a href="{base}/wall">Wall display: today’s grounds</a>'


def _problem(text: str) -> str:
    # The region exists without a text too, because screen readers announce only changes inside it.
    inner = f'<p class="error" id="problem">{escape(text)}</p>' if text else ""
    return f'<div role="alert" aria-live="assertive">{inner}</div>'


def _hidden(next_path: str) -> str:
    return f'<input type="hidden" name="next" value="{escape(next_path)}">' if next_path else ""


def _field(
    name: str,
    label: str,
    autocomplete: str,
    *,
    value: str = "",
    wrong: bool = False,
    focus: bool = True,
    rule: str = "",
) -> str:
    kind = "password" if autocomplete.endswith("-password") else "text"
    described_by = " ".join(filter(None, (rule, "problem" if wrong else "")))
    return (
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" type="{kind}" '
        f'autocomplete="{autocomplete}" autocapitalize="none" spellcheck="false" required '
        f'maxlength="200" value="{escape(value)}"'
        + (' aria-invalid="true"' if wrong else "")
        + (f' aria-describedby="{described_by}"' if described_by else "")
        + (" autofocus" if focus else "")
        + ">"
    )


def _initials(name: str) -> str:
    words = [word for word in name.split() if not word.endswith(".")] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
