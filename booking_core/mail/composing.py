"""What a mail says: its headers, a text, and the same as HTML.

Values of a template are escaped, headers hold one line, and links lead to PUBLIC_URL alone. Nothing
is loaded from anywhere: a mail has no picture, no script and no address that counts its readers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from booking_core.domain.errors import InvalidRequest, MailRefused
from booking_core.domain.model import Booking, Ground, Slot
from booking_core.domain.records import Notice
from booking_core.settings import Settings

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=lambda name: name is not None and name.endswith(".html"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
WISHES_PATH = "mail"  # the page of the dashboard on which users choose which mails they get
_MOST_IN_HEADER = 120  # characters of a name or subject


class MailLine(NamedTuple):
    """A sentence of a mail; ``what`` is emphasised between ``before`` and ``after``.

    ``link``: a path below PUBLIC_URL, and its label, below the sentence; None without one.
    """

    before: str
    what: str
    after: str
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class MailWriting:
    """How a mail writes notices, the subject for all of them and a line for each step, a slot, and
    the line of a request; a date in brief, a part of a day, and the time of day of a moment.

    Screens write dates by the school's locale, and the core writes none.
    """

    subject: Callable[[Sequence[Notice], Mapping[str, Ground]], str]
    lines: Callable[[Sequence[Notice], Mapping[str, Ground]], list[MailLine]]
    place: Callable[[Slot, Mapping[str, Ground]], str]
    request: Callable[[Booking, Mapping[str, Ground]], MailLine]
    day: Callable[[Date], str]
    stretch: Callable[[time, time], str]
    clock: Callable[[datetime], str]


class Invitation(NamedTuple):
    """An event of a calendar: the ``method`` of its iCalendar ``text``, and a name for its file."""

    name: str
    method: str
    text: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a mail goes. One without an account has no ``name``, and chooses no mails."""

    name: str
    email: str


def compose(
    settings: Settings,
    to: Recipient,
    *,
    id: str,
    at: datetime,
    subject: str,
    lines: Sequence[MailLine],
    link: tuple[str, str] | None = None,
    why: str,
    events: Sequence[Invitation] = (),
) -> EmailMessage:
    """The mail. ``id`` is of the mail for good: the same one has the same Message-ID.

    ``at``: its date (aware). ``link``: a path below PUBLIC_URL, and its label. ``why``: the
    sentence that says why the recipient gets it. ``events`` are attached, for calendar programs.
    Raises MailRefused for an address that no mail can name.
    """
    sender = settings.mail_from
    if sender is None:
        raise InvalidRequest("MAIL_FROM", "is not set, so there is no mail")
    message = EmailMessage(policy=SMTP)
    message["Subject"] = one_line(subject)
    message["From"] = _address(settings.school_name, sender)
    message["To"] = _address(to.name, to.email)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id}@{sender.rpartition('@')[2]}>"
    # No answer by a machine: this is not the mail of a person.
    message["Auto-Submitted"] = "auto-generated"
    wishes = _below(settings, WISHES_PATH) if to.name else None
    if to.name:
        message["List-Unsubscribe"] = f"<{wishes or f'mailto:{sender}?subject=unsubscribe'}>"
    values = {
        "school": settings.school_name,
        "subject": one_line(subject),
        "name": to.name,
        "lines": [
            line._replace(link=None if line.link is None else _link(settings, line.link))
            for line in lines
        ],
        "link": None if link is None else _link(settings, link),
        "wishes": wishes,
        "why": why,
    }
    message.set_content(_templates.get_template("mail.txt").render(values))
    message.add_alternative(_templates.get_template("mail.html").render(values), subtype="html")
    for event in events:
        message.add_attachment(
            event.text,
            subtype="calendar",
            params={"method": event.method},
            filename=f"{event.name}.ics",
        )
    return message


def one_line(text: str) -> str:
    """``text`` as a header may have it: no line ends and no control characters, and not longer
    than people read."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    # Invisible characters of other kinds join emoji; those that turn the direction hide a text.
    kept = "".join(c for c in plain if unicodedata.bidirectional(c) not in _TURNS)
    words = " ".join(kept.split())
    return words if len(words) <= _MOST_IN_HEADER else words[: _MOST_IN_HEADER - 1] + "…"


_TURNS = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


def _address(name: str, email: str) -> Address:
    try:
        return Address(one_line(name), addr_spec=email)
    except (ValueError, IndexError, AttributeError, HeaderParseError) as exc:
        raise MailRefused("this address cannot be written in a mail", for_good=True) from exc


def _link(settings: Settings, link: tuple[str, str]) -> tuple[str, str] | None:
    path, label = link
    address = _below(settings, path)
    return None if address is None else (address, label)


def _below(settings: Settings, path: str) -> str | None:
    """An address below PUBLIC_URL; None without one."""
    public = settings.public_url
    return None if public is None else f"{public.rstrip('/')}/{path}"
