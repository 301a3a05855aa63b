"""Deciding a request, or cancelling a booking, by the link of a mail, without a session.

The link is the right to do that once with one booking, for the account that got the mail. Looking
at it changes nothing. It is used up in the transaction of the change, at the revision of the
booking that the page has shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from booking_core.access import link_tokens, login_throttle
from booking_core.access.delegations import decides
from booking_core.booking.decisions import MailDecision, decide
from booking_core.booking.questions import put_question
from booking_core.booking.steps import logged
from booking_core.domain import rules
from booking_core.domain.errors import BookingError, InvalidRequest, StoreUnavailable
from booking_core.domain.model import ACTIVE, Account, Booking, Decision, Status
from booking_core.domain.policy import Policy
from booking_core.domain.validation import check_text
from booking_core.storage import audit_log, mail_links
from booking_core.storage.access import accounts
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import reachable, within_deadline
from booking_core.storage.mail_links import Purpose, StoredLink
from booking_core.storage.school import data as reference

LINK_LASTS = timedelta(days=7)  # unless the slot begins before
# What a link may do, and the status that a booking must have for it.
_VERBS = {Purpose.DECIDE: ("approve", "reject"), Purpose.CANCEL: ("cancel",)}
_NEEDS = {Purpose.DECIDE: (Status.PENDING,), Purpose.CANCEL: ACTIVE}
# The audit log's words for an attempt that changed nothing.
_REFUSED = {
    Purpose.DECIDE: ("did not decide by mail", "request"),
    Purpose.CANCEL: ("did not cancel by mail", "booking"),
}
_NOBODY = "-"  # is read in the place of an account or a booking, for a token without one


class LinkState(Enum):
    """What a link can do now."""

    OPEN = "open"  # decides the request, or cancels the booking
    USED = "used"  # has done so
    DECIDED = "decided"  # the request waits no more, or the booking has ended, by another change
    BEGUN = "begun"  # the slot has begun
    OVER = "over"  # older than 7 days, or the address, role or sign-ins of its account ended it
    NO_RIGHT = "no right"  # the account may do this no more, or not from mails
    UNKNOWN = "unknown"  # there is no such link


@dataclass(frozen=True, slots=True)
class MailedRequest:
    """The booking of a link as it is now, and what the link can do with it.

    Only an OPEN link has all of it. ``booking`` is None for a link that is OVER, NO_RIGHT or
    UNKNOWN, and for one that is USED, but in the answer to the call that used it. ``action``: what
    a USED link did, ``approve``, ``reject`` or ``cancel``. ``is_changed``: the booking is another
    than in the mail; ``since``: what its history says of that.
    """

    state: LinkState
    booking: Booking | None = None
    account: Account | None = None
    action: str = ""
    is_changed: bool = False
    since: tuple[Decision, ...] = ()


def make_links(
    db: Documents,
    account: Account,
    mail_id: str,
    bookings_of_mail: Sequence[Booking],
    now: datetime,
    purpose: Purpose = Purpose.DECIDE,
) -> dict[str, str]:
    """Booking id to the token of a new link for ``account``; none for a slot that has begun.

    Only the mail gets the tokens: the database stores their hashes. Raises StoreUnavailable.
    """
    found = accounts.read(db, account.id)
    if found is None:
        return {}
    zone = settings_of(db).zone
    tokens, links = {}, {}
    for booking in bookings_of_mail:
        if booking.slot.has_begun(now, zone):
            continue
        token = tokens[booking.id] = link_tokens.new_token()
        links[link_tokens.key_of(token)] = StoredLink(
            account.id,
            found.epoch,
            purpose,
            mail_id,
            now,
            min(now + LINK_LASTS, booking.slot.starts_at(zone)),
            booking.id,
            booking.revision,
        )
    if links:
        mail_links.insert(db, links)
    return tokens


@within_deadline
def mailed_request(
    db: Documents, token: str, *, address: str, now: datetime | None = None
) -> MailedRequest:
    """The request of a link. Changes nothing but the count of failures.

    ``address``: the client's network address. Tokens of no link are counted by it, as failed
    sign-ins are. Raises TooManyAttempts, InvalidRequest, StoreUnavailable.
    """
    return _mailed(db, token, Purpose.DECIDE, address, moment(db, now))


@within_deadline
def mailed_booking(
    db: Documents, token: str, *, address: str, now: datetime | None = None
) -> MailedRequest:
    """The booking of a link that cancels it; as ``mailed_request``."""
    return _mailed(db, token, Purpose.CANCEL, address, moment(db, now))


def _mailed(
    db: Documents, token: str, purpose: Purpose, address: str, now: datetime
) -> MailedRequest:
    counted = login_throttle.begin(db, [("link", login_throttle.host_of(address))], now)
    found, _ = _look(db, token, purpose, now)
    if found.state is not LinkState.UNKNOWN:
        login_throttle.take_back(db, counted)
    return found


@within_deadline
def decide_by_mail(
    db: Documents,
    token: str,
    verb: str,
    *,
    revision: int,
    reason: str = "",
    address: str,
    now: datetime | None = None,
) -> MailedRequest:
    """Approves or rejects the request of a link; what the link is then, with the booking.

    ``verb``: ``approve`` or ``reject``; ``revision``: that of the booking that was shown. The same
    call again is answered as the first time. A link that is not open decides nothing, and its
    state is returned. Raises what the verb raises, such as ChangedMeanwhile where the booking has
    another revision; then the link is still open, and the audit log has the attempt. Raises
    TooManyAttempts, InvalidRequest, StoreUnavailable too.
    """
    if verb not in _VERBS[Purpose.DECIDE]:
        raise InvalidRequest("verb", "must be approve or reject")
    reason = check_text(reason, "reason", required=verb == "reject")
    return _use(db, token, Purpose.DECIDE, verb, revision, reason, address, moment(db, now))


@within_deadline
def ask_by_mail(
    db: Documents,
    token: str,
    question: str,
    *,
    revision: int,
    address: str,
    now: datetime | None = None,
) -> MailedRequest:
    """Asks the author of the request of a link; what the link is then, with the booking.

    ``revision``: that of the booking that was shown. The link still decides afterwards. While a
    question of its account waits for an answer, it asks no other; the same one again is answered as
    the first time. A link that is not open asks nothing. Raises ChangedMeanwhile where the booking
    has another revision, what ``ask`` raises, TooManyAttempts, InvalidRequest, StoreUnavailable.
    """
    question = check_text(question, "question", required=True)
    _check_revision(revision)
    now = moment(db, now)
    counted = login_throttle.begin(db, [("link", login_throttle.host_of(address))], now)
    found, link = _look(db, token, Purpose.DECIDE, now)
    if found.state is LinkState.UNKNOWN:
        return found
    if found.state is LinkState.OPEN and found.account is not None and found.booking is not None:
        by = found.account.actor
        waiting = [entry.reason for entry in found.booking.questions if entry.by == by.id]
        if waiting and question not in waiting:
            raise InvalidRequest("question", "waits for an answer already")
        put = logged("ask")(put_question)
        try:
            put(db, found.booking.id, question, by=by, now=now, mailed_revision=revision)
        except StoreUnavailable:
            raise
        except BookingError as exc:
            _note_refusal(db, found.account, link, "ask", exc, now)
            raise
        found, _ = _look(db, token, Purpose.DECIDE, now)
    login_throttle.take_back(db, counted)
    return found


@within_deadline
def cancel_by_mail(
    db: Documents, token: str, *, revision: int, address: str, now: datetime | None = None
) -> MailedRequest:
    """Cancels the booking of a link; what the link is then, with the booking.

    As ``decide_by_mail``; raises what ``cancel`` raises.
    """
    return _use(db, token, Purpose.CANCEL, "cancel", revision, "", address, moment(db, now))


def _use(
    db: Documents,
    token: str,
    purpose: Purpose,
    verb: str,
    revision: int,
    reason: str,
    address: str,
    now: datetime,
) -> MailedRequest:
    _check_revision(revision)
    counted = login_throttle.begin(db, [("link", login_throttle.host_of(address))], now)
    found, link = _look(db, token, purpose, now)
    if found.state is LinkState.UNKNOWN:
        return found
    used_for = link_tokens.hashed(f"{verb}:{reason}")
    if found.state is LinkState.OPEN and found.account is not None and link is not None:
        decision = _Decision(verb, reason, revision, used_for)
        try:
            booking = _decided(db, link_tokens.key_of(token), link, found.account, decision, now)
            found = MailedRequest(LinkState.USED, booking, found.account, verb)
        except StoreUnavailable:
            raise
        except (BookingError, _UsedMeanwhile) as exc:
            found, link = _look(db, token, purpose, now)
            if found.state in (LinkState.OPEN, LinkState.DECIDED) and found.account is not None:
                _note_refusal(db, found.account, link, verb, exc, now)
            if found.state is LinkState.OPEN and isinstance(exc, BookingError):
                # Counted as a failure, so that nobody fills the audit log by a link.
                raise
    if found.state is LinkState.USED and link is not None and link.used_for == used_for:
        found = MailedRequest(
            LinkState.USED, bookings.read(db, link.booking_id), found.account, link.action
        )
    login_throttle.take_back(db, counted)
    return found


def _check_revision(revision: int) -> None:
    if not isinstance(revision, int) or isinstance(revision, bool):
        raise InvalidRequest("revision", "must be a whole number")


@dataclass(frozen=True, slots=True)
class _Decision:
    verb: str
    reason: str
    revision: int
    used_for: str


class _UsedMeanwhile(Exception):
    """Another request has used the link at this moment."""


class _BookingChanged(Exception):
    """Aborts the transaction, so that the link stays open."""


def _decided(
    db: Documents, key: str, link: StoredLink, account: Account, wanted: _Decision, now: datetime
) -> Booking:
    """The booking once it is decided and the link is used up, in one transaction."""

    def write(before: Booking, after: Booking) -> Booking | None:
        def work(tx: transactions.BookingTransaction) -> Booking:
            if not tx.use_link(key, wanted.used_for, wanted.verb, now):
                raise _UsedMeanwhile
            written = tx.replace(before, after)
            if written is None:
                raise _BookingChanged
            return written

        try:
            return transactions.run(db, work)
        except _BookingChanged:
            return None

    verb = logged(wanted.verb)(decide)
    mailed = MailDecision(wanted.revision, write)
    return verb(
        db,
        link.booking_id,
        wanted.verb,
        by=account.actor,
        reason=wanted.reason,
        now=now,
        mailed=mailed,
    )


def _look(
    db: Documents, token: str, purpose: Purpose, now: datetime
) -> tuple[MailedRequest, StoredLink | None]:
    """What a link is now. Every text costs the same reads."""
    link = mail_links.read(db, link_tokens.key_of(token))
    if link is not None and link.purpose is not purpose:
        link = None
    stored = accounts.read(db, _NOBODY if link is None else link.account_id)
    booking = bookings.read(db, _NOBODY if link is None else link.booking_id)
    if (again := mail_links.read(db, link_tokens.key_of(token))) is not None and link is not None:
        link = again  # a link and its request change in one step, maybe between both reads
    policy, zone = reference.load(db).policy, settings_of(db).zone
    if link is None:
        return MailedRequest(LinkState.UNKNOWN), None
    account = None if stored is None else stored.account
    if link.used_for:
        return MailedRequest(LinkState.USED, account=account, action=link.action), link
    if stored is None or stored.epoch != link.epoch or not stored.account.active or booking is None:
        return MailedRequest(LinkState.OVER), link
    if not _HAS_RIGHT[purpose](db, stored.account, booking, policy, now):
        return MailedRequest(LinkState.NO_RIGHT), link
    if booking.status not in _NEEDS[purpose]:
        return MailedRequest(LinkState.DECIDED, booking, account), link
    if booking.slot.has_begun(now, zone):
        return MailedRequest(LinkState.BEGUN, booking, account), link
    if link.ends_at <= now:
        return MailedRequest(LinkState.OVER), link
    since = tuple(entry for entry in booking.history if entry.at > link.at)
    is_changed = booking.revision != link.revision
    return MailedRequest(LinkState.OPEN, booking, account, "", is_changed, since), link


def _decides(
    db: Documents, account: Account, booking: Booking, policy: Policy, now: datetime
) -> bool:
    """Whether the account may decide on this request by mail: a delegate on none of its own."""
    if not rules.decides_by_mail(account, policy):
        return False
    if rules.may("approve", account.actor):
        return True
    return booking.created_by != account.id and decides(db, account.actor, now)


def _cancels(
    db: Documents, account: Account, booking: Booking, policy: Policy, now: datetime
) -> bool:
    """Whether the account made this booking and may cancel it."""
    return booking.created_by == account.id and rules.may("cancel", account.actor, booking)


_HAS_RIGHT = {Purpose.DECIDE: _decides, Purpose.CANCEL: _cancels}


def _note_refusal(
    db: Documents,
    account: Account,
    link: StoredLink | None,
    verb: str,
    exc: Exception,
    now: datetime,
) -> None:
    """Writes an attempt that changed nothing into the audit log."""
    if link is None:
        return
    action, what = _REFUSED[link.purpose]
    details = {"wanted": verb, "refused": type(exc).__name__}
    with reachable():
        audit_log.write(db, None, account.actor, action, what, link.booking_id, details, now)
