"""Sessions of signed-in browsers: how long they last, and what ends them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from booking_core.access.sign_outs import SignOuts
from booking_core.domain.errors import InvalidRequest, NotFound, SignInRefused, StoreUnavailable
from booking_core.domain.model import Actor
from booking_core.domain.people import OpenSession, Session
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_id, check_sign_in_name
from booking_core.storage import mail_links
from booking_core.storage.access import accounts, sessions
from booking_core.storage.client.database import Documents, moment, present
from booking_core.storage.client.verbs import within_deadline

LONGEST_SESSION = timedelta(hours=12)
IDLE = timedelta(minutes=60)
TOUCH = timedelta(minutes=1)  # the shortest time between two writes of a session's last use
_MAX_TOKEN = 200
_MAX_BROWSER = 60
_MOST_SHOWN = 50

_sign_outs = SignOuts()


@within_deadline
def open_session(
    db: Documents,
    account_id: str,
    *,
    by_id_token: bool = False,
    browser: str = "",
    now: datetime | None = None,
) -> str:
    """The token of a new session, for a user whose identity was checked by the caller.

    ``browser`` is a name for ``sessions_of``, of which 60 characters are stored. Raises
    InvalidRequest, NotFound, SignInRefused for a disabled account, StoreUnavailable.
    """
    account_id, now = check_sign_in_name(account_id, "account_id"), moment(db, now)
    if not isinstance(by_id_token, bool):
        raise InvalidRequest("by_id_token", "must be true or false")
    if not isinstance(browser, str) or not browser.isprintable():
        raise InvalidRequest("browser", "must be text")
    found = accounts.read(db, account_id)
    if found is None:
        raise NotFound("account", account_id)
    if not found.account.active:
        raise SignInRefused
    return begin(db, found, by_id_token=by_id_token, browser=browser, now=now)


def begin(
    db: Documents, found: accounts.StoredAccount, *, by_id_token: bool, browser: str, now: datetime
) -> str:
    """The token of a new session of ``found``, whose password or ID token the caller checked.

    A change of the account since it was read makes the session invalid, by the account's epoch.
    """
    token = secrets.token_urlsafe(32)
    expires_at = now + min(LONGEST_SESSION, IDLE)
    stored = sessions.StoredSession(
        found.account.id,
        found.epoch,
        by_id_token,
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
        browser=browser[:_MAX_BROWSER],
    )
    sessions.insert(db, key_of(token), stored)
    return token


@within_deadline
def session_of(db: Documents, token: str, *, now: datetime | None = None) -> Session | None:
    """The session of ``token``, with the account as stored now; None if it ended or never began.

    A session ends 12 hours after its start, 60 minutes after its last use, by ``sign_out``, and
    when its account is disabled or gets another role or password. A token that was signed out in
    this process has no session, even while the database still has it. Raises StoreUnavailable.
    """
    now = moment(db, now)
    stored = stored_of(db, token, now)
    found = None if stored is None else accounts.read(db, stored.account_id)
    if stored is None or found is None or not found.account.active:
        return None
    if stored.epoch != found.epoch:
        return None
    return Session(
        found.account, stored.created_at, stored.seen_at, stored.expires_at, stored.by_id_token
    )


@within_deadline
def sessions_of(
    db: Documents, *, by: Actor, token: str = "", now: datetime | None = None
) -> list[OpenSession]:
    """The sessions of ``by``, at most 50: that of ``token`` first, then the last used.

    Raises InvalidRequest, StoreUnavailable.
    """
    check_actor(by)
    now, this = moment(db, now), _key(token)
    found = accounts.read(db, by.id)
    if found is None:
        return []
    rows = sessions.find_of(db, found.account.id, found.epoch, now, most=_MOST_SHOWN)
    opened = [
        OpenSession(key, one.browser, one.created_at, one.seen_at, key == this) for key, one in rows
    ]
    return sorted(opened, key=lambda one: not one.is_this)


@within_deadline
def end_session(db: Documents, session_id: str, *, by: Actor) -> None:
    """Ends one of the sessions of ``by`` at once, on every screen.

    Raises InvalidRequest, NotFound if it is none of them or has ended, StoreUnavailable.
    """
    check_actor(by)
    session_id = check_id(session_id, "session_id")
    if not sessions.delete_of(db, by.id, only=session_id):
        raise NotFound("session", session_id)


@within_deadline
def end_other_sessions(db: Documents, token: str, *, by: Actor) -> int:
    """Ends the sessions of ``by`` but that of ``token``, and the open links of its mails.

    How many sessions. Raises as ``end_session``.
    """
    check_actor(by)
    mail_links.end_of(db, by.id, present(db))
    return sessions.delete_of(db, by.id, but=_key(token) or "")


@within_deadline
def touch_session(db: Documents, token: str, *, now: datetime | None = None) -> None:
    """Extends the session by 60 minutes from now; writes at most once a minute.

    Does nothing to a session that has ended. Raises StoreUnavailable.
    """
    key, now = _valid_key(token), moment(db, now)
    if key is not None:
        sessions.touch(db, key, now, idle=IDLE, longest=LONGEST_SESSION, at_most_every=TOUCH)


@within_deadline(any_schema=True)
def sign_out(db: Documents | None, token: str) -> None:
    """Ends the session at once in all processes; an unknown token is no error.

    Raises StoreUnavailable, and always with ``db`` None, for a database that is known to be away.
    This process then refuses the token all the same. For the other processes the session goes on
    until ``end_missed_sign_outs`` reaches the database, or until it expires.
    """
    key = _key(token)
    if key is None:
        return
    _sign_outs.add(key)
    if db is None:
        raise StoreUnavailable("the session is not ended in the database")
    _end(db, key)


def is_signed_out(token: str) -> bool:
    """Whether ``token`` was signed out in this process; reads nothing.

    Only the last 10,000 tokens are remembered.
    """
    key = _key(token)
    return key is not None and key in _sign_outs


@within_deadline
def end_missed_sign_outs(db: Documents) -> None:
    """Ends the sessions for which ``sign_out`` has not reached the database of this process.

    Raises StoreUnavailable; the next call goes on with the sessions that are left.
    """
    for key in _sign_outs.missed():
        _end(db, key)


@within_deadline
def _end(db: Documents, key: str) -> None:
    sessions.delete(db, key)
    _sign_outs.note_ended(key)


def stored_of(db: Documents, token: Any, now: datetime) -> sessions.StoredSession | None:
    """The session as stored, which may be one of before a change of its account."""
    key = _valid_key(token)
    return None if key is None else sessions.read(db, key, now)


def _valid_key(token: Any) -> str | None:
    """The key of the session; None if ``token`` cannot be a token or was signed out here."""
    key = _key(token)
    return None if key is None or key in _sign_outs else key


def _key(token: Any) -> str | None:
    """The key that a session is stored under; None if ``token`` cannot be a token."""
    if not isinstance(token, str) or not token.isascii() or not 0 < len(token) <= _MAX_TOKEN:
        return None
    return key_of(token)


def key_of(token: str) -> str:
    """The key that the session of a well-formed ``token`` is stored under."""
    return hashlib.sha256(token.encode()).hexdigest()
