"""A new password by the link of a mail, for a user who forgot the old one.

Nobody learns by it which names or addresses exist: each text gets the same answer after the same
reads and one write. The mail itself is made later, by the thread that sends mails.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from booking_core.access import link_tokens, login_throttle, passwords
from booking_core.access.sign_in import may_be_key
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.mail import Mail
from booking_core.domain.model import Account
from booking_core.domain.names import normal_form, sign_in_key
from booking_core.domain.validation import check_email
from booking_core.storage import audit_log, mail_links, mails
from booking_core.storage.access import accounts
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import reachable, within_deadline
from booking_core.storage.mail_links import Purpose, StoredLink

LINK_LASTS = timedelta(minutes=30)
_MOST_LINKS, _WITHIN = (
    3,
    timedelta(hours=1),
)  # of one account; further ones are not sent, and the page does not say so
_LONGEST = 200  # characters of a name or an address that somebody types
_NOBODY = "-"


@within_deadline
def ask_for_new_password(
    db: Documents, name: str, *, address: str, now: datetime | None = None
) -> None:
    """Has a link sent to the account with this sign-in name or e-mail address, if there is one.

    It needs an active account with a password and an e-mail address. ``address``: the client's
    network address, by which the calls are counted, and by ``name``. Raises TooManyAttempts,
    InvalidRequest without a mail server or PUBLIC_URL, StoreUnavailable.
    """
    settings, now = settings_of(db), moment(db, now)
    if settings.smtp_host is None or settings.public_url is None:
        raise InvalidRequest("SMTP_HOST", "or PUBLIC_URL is not set, so there is no mail")
    if not isinstance(name, str):
        raise InvalidRequest("name", "must be text")
    typed, host = name[:_LONGEST].strip(), login_throttle.host_of(address)
    keys: list[tuple[login_throttle.Kind, str]] = [
        ("forgotten", sign_in_key(typed)),
        ("forgotten at address", host),
    ]
    login_throttle.begin(db, keys, now)
    by_name = accounts.read(db, typed if may_be_key(sign_in_key(typed)) else _NOBODY)
    by_email = accounts.read_by_email(db, _email(typed))
    found = by_name.account if by_name is not None else by_email
    to = found.id if found is not None and _gets_link(found) else _NOBODY
    mails.queue(db, Mail(str(uuid4()), to, now, (), asks=False, password=True))


def make_link(db: Documents, account_id: str, mail: Mail, now: datetime) -> str | None:
    """The token of a new link for the account; None if it gets none, or had several just now.

    Only the mail gets the token: the database stores its hash. Raises StoreUnavailable.
    """
    found = accounts.read(db, account_id)
    if found is None or not _gets_link(found.account) or mail.at + LINK_LASTS <= now:
        return None
    since = now - _WITHIN
    if mail_links.count_since(db, found.account.id, Purpose.PASSWORD, since) >= _MOST_LINKS:
        return None
    token = link_tokens.new_token()
    link = StoredLink(
        found.account.id, found.epoch, Purpose.PASSWORD, mail.id, now, now + LINK_LASTS
    )
    mail_links.insert(db, {link_tokens.key_of(token): link})
    with reachable():
        audit_log.write(
            db, None, None, "sent a password link to", "account", found.account.id, None, now
        )
    return token


@within_deadline
def account_of_password_link(
    db: Documents, token: str, *, address: str, now: datetime | None = None
) -> Account | None:
    """The account whose password the link may set; None if it is used, over or none.

    Tokens of no open link are counted by ``address``. Raises TooManyAttempts, InvalidRequest,
    StoreUnavailable.
    """
    now = moment(db, now)
    host = login_throttle.host_of(address)
    counted = login_throttle.begin(db, [("link", host)], now)
    found = _open(db, token, now)
    if found is None:
        return None
    login_throttle.take_back(db, counted)
    return found.account


@within_deadline
def set_forgotten_password(
    db: Documents, token: str, new: str, *, address: str, now: datetime | None = None
) -> Account | None:
    """The account with its new password; all its sessions end, and its second factor stays.

    None, and nothing is changed, if the link is used, over or none; of two calls at once one sets
    its password. Raises InvalidRequest for a password that breaks a rule (then the link is still
    open), TooManyAttempts, StoreUnavailable.
    """
    now = moment(db, now)
    account = account_of_password_link(db, token, address=address, now=now)
    if account is None:
        return None
    passwords.check(new, account.id, account.name, settings_of(db).school_name)
    found = _open(db, token, now)
    if found is None:
        return None
    return accounts.set_password_by_link(
        db, found, passwords.hashed(new), link_tokens.key_of(token), now
    )


def _open(db: Documents, token: object, now: datetime) -> accounts.StoredAccount | None:
    """The account of an open link. Every text costs the same reads."""
    link = mail_links.read(db, link_tokens.key_of(token))
    found = accounts.read(db, _NOBODY if link is None else link.account_id)
    if link is None or found is None or link.purpose is not Purpose.PASSWORD:
        return None
    is_open = not link.used_for and now < link.ends_at
    # Disabling, another role and another password since then raise the epoch.
    is_open = is_open and link.epoch == found.epoch and _gets_link(found.account)
    return found if is_open else None


def _gets_link(account: Account) -> bool:
    return account.active and account.has_password and account.email is not None


def _email(typed: str) -> str:
    """The address as accounts have it; of a text that is none, one that no account has."""
    try:
        return normal_form((check_email(typed) or _NOBODY).lower())
    except InvalidRequest:
        return _NOBODY
