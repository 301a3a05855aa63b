"""Finding the stored documents that every reader leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.policy import Policy
from booking_core.storage import audit_log, mail_links, mails, notices
from booking_core.storage import documents as d
from booking_core.storage import readable as r
from booking_core.storage.access import accounts, delegations, sessions
from booking_core.storage.bookings import swap_offers, waiting
from booking_core.storage.client.database import Documents
from booking_core.storage.schema import schema
from booking_core.storage.school import logo, photos
from booking_core.storage.school import snapshots as school_history

_MOST = 100  # of one collection


class Found(NamedTuple):
    """A document that cannot be read, and what is wrong with it."""

    collection: str
    id: str
    problem: str


def find(db: Documents) -> list[Found]:
    """The documents that cannot be read, at most 100 of each collection. Reads all of them."""
    return [one for name in _CHECKS for one in islice(among(name, db[name].find()), _MOST)]


def among(name: str, rows: Iterable[d.Document]) -> Iterator[Found]:
    """Those of ``rows`` of the collection ``name`` that cannot be read."""
    for document in rows:
        try:
            _CHECKS[name](document)
        except (r.Unreadable, InvalidRequest) as exc:
            yield Found(name, str(document["_id"]), r.problem_of(exc))


def _check_meta(document: d.Document) -> None:
    d.to_policy(document.get("policy"), Policy())
    for name in ("recount_until", "week_a"):
        if document.get(name) is not None:
            r.date(document, name)


def _check_copy(document: d.Document) -> None:
    """Checks each part too: a reader leaves out of a copy what it cannot read."""
    school_history.to_copy(document, ZoneInfo("UTC"))
    for name, to_value in school_history.PARTS.items():
        for part in school_history.part_of(document, name):
            to_value(part)


# By the functions with which the readers of each collection check its documents. Those of known
# devices, sign-in attempts and used ID tokens have no value, and a challenge lasts minutes: the
# server deletes them when they expire.
_CHECKS: dict[str, Callable[[d.Document], Any]] = {
    schema.GROUNDS: d.to_ground,
    schema.TIMETABLES: d.to_timetable,
    schema.DAYS: d.to_day,
    schema.TERMS: d.to_term,
    schema.STUDENTS: d.to_student,
    schema.TEAMS: d.to_team,
    schema.META: _check_meta,
    schema.SCHOOL_HISTORY: _check_copy,
    schema.GROUND_PHOTOS: photos.to_photo,
    schema.LOGO: logo.to_logo,
    schema.ACCOUNTS: accounts.to_account,
    schema.SESSIONS: sessions.to_session,
    schema.DELEGATIONS: delegations.to_delegation,
    schema.NOTICES: notices.to_notice,
    schema.MAILS: mails.to_mail,
    schema.MAIL_LINKS: mail_links.to_link,
    schema.WAITING: waiting.to_entry,
    schema.SWAP_OFFERS: swap_offers.to_offer,
    schema.AUDIT: audit_log.to_change,
    schema.BOOKINGS: d.to_booking,
}
