"""Sending what is due: notices are gathered into mails, and each mail is sent by one process.

A notice is due until it is in a mail. What is due to one user is one mail, once nothing more has
happened for some seconds. Between gathering and sending a notice may be read, replaced or
withdrawn: so what a mail says is composed at each try. A process that is killed between the answer
of the server and the note of it has that one mail sent again, with the same Message-ID. Each copy
has links of its own, and those of both work.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4, uuid5

from booking_core.access.new_passwords import make_link as make_password_link
from booking_core.booking.mail_decisions import make_links
from booking_core.booking.notices import write_notices
from booking_core.booking.queries import QUEUE, pending_queue
from booking_core.domain import mail as timing
from booking_core.domain import rules
from booking_core.domain.clock import at as moment_of
from booking_core.domain.errors import MailRefused, MailServerFailed, StoreUnavailable
from booking_core.domain.mail import Mail
from booking_core.domain.model import Account, Booking, Ground, MailWish, Role
from booking_core.domain.records import Notice
from booking_core.insight.calendars import booking_event
from booking_core.mail import day_lists, handovers, reminders, series_ends
from booking_core.mail.composing import Invitation, MailLine, MailWriting, Recipient, compose
from booking_core.mail.server import MailServer
from booking_core.settings import Settings
from booking_core.storage import mail_links, mails
from booking_core.storage import notices as notice_store
from booking_core.storage.access import accounts, delegations
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

log = logging.getLogger(__name__)
_NAMES = UUID("b1cf2f2e-50e3-4d4c-8f0e-6a7d7b1f8a42")
_MOST = 2000  # notices that one call gathers
# Longer than one mail may take. A mail whose process was killed is tried again after it.
LEASE = timedelta(minutes=2)
LONGEST_PAUSE = 60.0
_PAUSE_WITHOUT_SERVER = 30.0
_BOOKINGS = ("bookings", "Open your bookings")
_APPROVALS = ("approvals", "Open Approvals")
_MOST_EVENTS = 10  # attached to a mail: of so many, nobody adds each to a calendar by hand
DECIDE_PATH = "decide"  # the page on which a link of a mail decides a request
NEW_PASSWORD_PATH = "newpassword"  # that on which a link sets a password
_WORKS = "at the ground bookings. The link below sets one, once, within 30 minutes."
_MOST_TOLD = 10  # requests of a mail that have such a link


def send_mails(
    db: Documents,
    writing: MailWriting,
    *,
    is_stopping: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> float:
    """Sends all mails that are due; after how many seconds to call it again, 60 at most.

    Several processes may call it at the same time. It waits for the mail server, half a minute for
    a mail, and ends before the next mail once ``is_stopping``. Raises InvalidRequest without a mail
    server, StoreUnavailable; the next call goes on.
    """
    with MailServer(settings_of(db)) as server:
        _gather(db, moment(db, now))
        while not is_stopping():
            mail = _lease(db, moment(db, now))
            if mail is None:
                return _pause(db, moment(db, now))
            tried_at = moment(db, now)
            try:
                message = _composed(db, mail, writing, tried_at)
                if message is None:
                    _drop(db, mail)
                    continue
                server.send(message)
            except MailRefused as exc:
                log.warning("a mail was refused %s", "for good" if exc.for_good else "for now")
                _drop_links(db, mail, tried_at)
                _put_off(db, mail, exc.answer, moment(db, now), for_good=exc.for_good)
            except MailServerFailed as exc:
                log.warning("the mail server takes no mail; Health says why")
                if not exc.may_be_taken:
                    _drop_links(db, mail, tried_at)
                _put_off(db, mail, exc.answer, moment(db, now), for_good=False)
                return _PAUSE_WITHOUT_SERVER
            except StoreUnavailable:
                raise
            except Exception as exc:  # noqa: BLE001 - of this mail alone: the others go on
                log.error("a mail could not be made: %s", type(exc).__name__)
                _drop_links(db, mail, tried_at)
                _put_off(db, mail, "the mail could not be made", moment(db, now), for_good=False)
            else:
                _note_sent(db, mail, moment(db, now))
    return 0.0


@within_deadline
def _gather(db: Documents, now: datetime) -> None:
    """Makes the mails that are due."""
    everybody = accounts.find_all(db)
    digest = timing.last_digest(now, settings_of(db).zone)
    # Those of the next mail a day could be so many that no other is gathered.
    daily = [one.id for one in everybody if one.mail is MailWish.DAILY]
    due = notice_store.due_for_mail(db, _MOST, daily, digest)
    if any(notice.at + timing.QUIET <= now for notice in due):
        # An undoing that has no notice yet withdraws the notice of what it undid.
        write_notices(db, now=now)
        due = notice_store.due_for_mail(db, _MOST, daily, digest)
    pending = _undecided(db)
    decide = _who_decides(db, now)
    told: defaultdict[str, list[Notice]] = defaultdict(list)
    for notice in due:
        told[notice.to].append(notice)
    day_lists.gather(db, now)
    readers = {one.id: one for one in everybody if _wants_mail(one)}
    reminders.gather(db, readers, now)
    series_ends.gather(db, readers, now)
    handovers.gather(db, readers, now)
    for account in everybody:
        notices = told.pop(account.id, [])
        if _wants_mail(account):
            asked = [one for one in pending if _may_decide(account, one)]
            _gather_for(db, account, notices, asked if decide(account) else [], now)
        else:
            _tell_none(db, notices)
    for notices in told.values():  # to accounts that are gone
        _tell_none(db, notices)


def _gather_for(
    db: Documents,
    account: Account,
    notices: list[Notice],
    pending: list[Booking],
    now: datetime,
) -> None:
    """Makes the mail to one user, if it is due."""
    # Older ones are of a time without this worker, or of a backup.
    old = [notice for notice in notices if notice.at < now - timing.GIVE_UP_AFTER]
    _tell_none(db, old)
    fresh = [notice for notice in notices if notice not in old]
    last = mails.last_asked(db, account.id) if pending else None
    chosen = _due_notices(fresh, now)
    # The requests wait with the notices of the one mail a day for their quiet.
    waits = account.mail is MailWish.DAILY and bool(fresh) and not chosen
    asks = bool(pending) and not waits and _asks(db, account, pending, last, now)
    if not chosen and not asks:
        return
    # Of requests alone nothing is marked: two processes make the same mail by its id.
    named = uuid5(_NAMES, f"{account.id}:{_cause(pending, last)}") if asks else uuid4()
    ids = tuple(notice.id for notice in chosen)
    mails.queue(db, Mail(str(named), account.id, now, ids, asks))


def _cause(pending: Collection[Booking], last: Mail | None) -> str:
    """What the id of a mail about requests follows from: another one for each mail."""
    if last is not None:
        return last.id
    return min(pending, key=lambda booking: (booking.created_at, booking.id)).id


def _due_notices(notices: list[Notice], now: datetime) -> list[Notice]:
    if not notices:
        return []
    if timing.due_at([notice.at for notice in notices]) > now:
        return []
    return [notice for notice in notices if notice.at + timing.QUIET <= now]


def _asks(
    db: Documents, account: Account, pending: list[Booking], last: Mail | None, now: datetime
) -> bool:
    """Whether it is time to say that requests wait."""
    zone, last_at = settings_of(db).zone, None if last is None else last.at
    asked = [booking.waits_since for booking in pending]
    if account.mail is MailWish.DAILY:
        digest = timing.last_digest(now, zone)
        return min(asked) < digest and (last_at is None or last_at < digest)
    begins = [moment_of(booking.date, booking.start, zone) for booking in pending]
    policy = reference.load(db).policy
    due = timing.asks_at(
        asked,
        begins,
        last_at,
        again_hours=policy.ask_again_hours,
        soon_hours=policy.ask_soon_hours,
    )
    return due is not None and due <= now


@within_deadline
def _pause(db: Documents, now: datetime) -> float:
    """Seconds until something may be due, as far as it is stored now."""
    moments = [booking.waits_since + timing.QUIET for booking in _undecided(db)]
    if (at := notice_store.first_due(db, now - timing.QUIET)) is not None:
        moments.append(at + timing.QUIET)
    if (tried := mails.next_due(db)) is not None:
        moments.append(tried)
    ahead = [(one - now).total_seconds() for one in moments if one > now]
    return min([*ahead, LONGEST_PAUSE])


@within_deadline
def _lease(db: Documents, now: datetime) -> Mail | None:
    return mails.lease(db, now, now + LEASE)


@within_deadline
def _composed(
    db: Documents, mail: Mail, writing: MailWriting, now: datetime
) -> EmailMessage | None:
    """The mail as of now; None if nothing is left to say, or its reader wants none."""
    if mail.day_list is not None:
        return day_lists.composed(db, mail, writing, now)
    stored = accounts.read(db, mail.to)
    account = None if stored is None else stored.account
    if account is None or account.email is None:
        return None
    if mail.password:
        return _password_mail(db, mail, account, account.email, now)
    if not _wants_mail(account):
        return None
    if mail.reminds:
        for compose_it in (reminders.composed, series_ends.composed, handovers.composed):
            message = compose_it(db, mail, account, account.email, writing, now)
            if message is not None:
                return message
        return None
    notices = _unread(db, mail.notices)
    pending = _undecided(db) if mail.asks and _who_decides(db, now)(account) else []
    pending = [booking for booking in pending if _may_decide(account, booking)]
    if not notices and not pending:
        return None
    school = reference.load(db)
    settings, grounds = settings_of(db), school.grounds
    lines = writing.lines(notices, grounds) if notices else []
    answers = [one for one in notices if one.booking and one.booking.created_by != account.id]
    own = [notice for notice in notices if notice not in answers]
    reasons = ["it is about bookings of yours"] if own else []
    reasons += ["you have asked about a request"] if answers else []
    subject = writing.subject(notices, grounds) if notices else ""
    if pending:
        wait = f"{_counted(pending)} for a decision"
        first = min(pending, key=lambda booking: (booking.date, booking.start))
        told = []
        if settings.public_url is not None and rules.decides_by_mail(account, school.policy):
            told = _requests(db, mail, account, pending, writing, grounds, now)
        the_next = "" if told else f"The next is {writing.place(first.slot, grounds)}."
        lines += [MailLine("", f"{wait}.", the_next), *told]
        reasons.append("you decide about requests")
        subject = f"{subject}; {wait}" if subject else wait
    return compose(
        settings,
        Recipient(account.name, account.email),
        id=mail.id,
        at=now.astimezone(settings.zone),
        subject=subject,
        lines=lines,
        link=_APPROVALS if pending or answers else _BOOKINGS,
        why=f"You get this mail because {', and because '.join(reasons)}.",
        events=_events(settings, account.email, own, grounds),
    )


def _events(
    settings: Settings, attendee: str, notices: Collection[Notice], grounds: Mapping[str, Ground]
) -> list[Invitation]:
    """The events of the bookings as of now: each updates or cancels the one that a calendar has."""
    bookings = {one.booking.id: one.booking for one in notices if one.booking is not None}
    if settings.mail_from is None or len(bookings) > _MOST_EVENTS:
        return []
    events = []
    for booking in bookings.values():
        ground = grounds.get(booking.ground_id)
        text = booking_event(
            booking,
            booking.ground_id if ground is None else ground.name,
            settings,
            organizer=settings.mail_from,
            attendee=attendee,
        )
        method = "REQUEST" if booking.status.is_active else "CANCEL"
        events.append(Invitation(booking.reference, method, text.decode()))
    return events


def _password_mail(
    db: Documents, mail: Mail, account: Account, email: str, now: datetime
) -> EmailMessage | None:
    """The mail with the link to a new password; None if the account gets none."""
    settings = settings_of(db)
    token = None if settings.public_url is None else make_password_link(db, account.id, mail, now)
    if token is None:
        return None
    return compose(
        settings,
        Recipient(account.name, email),
        id=mail.id,
        at=now.astimezone(settings.zone),
        subject="Choose a new password",
        lines=[
            MailLine("Somebody asked for a new password for", account.id, _WORKS),
            MailLine("", "Was it not you?", "Then ignore this mail: your password stays as it is."),
        ],
        link=(f"{NEW_PASSWORD_PATH}/{token}", "Choose a new password"),
        why="You get this mail because somebody typed your name or address at the sign-in.",
    )


def _requests(
    db: Documents,
    mail: Mail,
    account: Account,
    pending: list[Booking],
    writing: MailWriting,
    grounds: Mapping[str, Ground],
    now: datetime,
) -> list[MailLine]:
    """A line with a link for each of the first requests, to decide it without a sign-in."""
    zone = settings_of(db).zone
    ahead = [booking for booking in pending if not booking.slot.has_begun(now, zone)]
    told = sorted(ahead, key=lambda booking: (booking.date, booking.start))[:_MOST_TOLD]
    tokens = make_links(db, account, mail.id, told, now)
    lines = [
        writing.request(booking, grounds)._replace(
            link=(f"{DECIDE_PATH}/{tokens[booking.id]}", "Look and decide")
        )
        for booking in told
        if booking.id in tokens
    ]
    if lines and (more := len(pending) - len(lines)):
        lines.append(MailLine("", f"{more} more", "wait on Approvals."))
    return lines


def _counted(pending: Collection[Booking]) -> str:
    """``1 request waits``, ``3 requests wait``, or ``200 or more requests wait``."""
    if len(pending) == 1:
        return "1 request waits"
    return f"{len(pending)}{' or more' if len(pending) >= QUEUE else ''} requests wait"


def _unread(db: Documents, ids: Collection[str]) -> list[Notice]:
    found = notice_store.unread_of(db, ids) if ids else []
    wanted = {notice.booking_id for notice in found}
    bookings = {one.id: one for one in booking_queries.of_ids(db, wanted)} if wanted else {}
    return [replace(notice, booking=bookings.get(notice.booking_id)) for notice in found]


@within_deadline
def _put_off(db: Documents, mail: Mail, answer: str, now: datetime, *, for_good: bool) -> None:
    """Has a mail that was not taken tried again, or given up."""
    again = now + timing.pause_after(mail.tries)
    if for_good or again > mail.at + timing.GIVE_UP_AFTER:
        mails.note_failed(db, mail, answer, now)
    else:
        mails.postpone(db, mail, answer, again)


@within_deadline
def _drop_links(db: Documents, mail: Mail, tried_at: datetime) -> None:
    """Deletes the links of a try whose mail the server has not taken; the next makes its own."""
    mail_links.drop_of_try(db, mail.id, tried_at)


@within_deadline
def _note_sent(db: Documents, mail: Mail, now: datetime) -> None:
    mails.note_sent(db, mail, now)


@within_deadline
def _drop(db: Documents, mail: Mail) -> None:
    mails.drop(db, mail)


def _tell_none(db: Documents, notices: Collection[Notice]) -> None:
    if notices:
        notice_store.put_in_mail(db, None, [notice.id for notice in notices], notice_store.NO_MAIL)


def _wants_mail(account: Account) -> bool:
    return account.active and account.email is not None and account.mail is not MailWish.NONE


def _undecided(db: Documents) -> list[Booking]:
    """The requests that wait for a decision, without those that wait for an answer."""
    return [booking for booking in pending_queue(db) if booking.asked is None]


def _who_decides(db: Documents, now: datetime) -> Callable[[Account], bool]:
    """Whether an account decides today, by its role or for a principal."""
    today = now.astimezone(settings_of(db).zone).date()
    found = delegations.find(db, on=today)
    by = [one.by for one in found]
    principals = accounts.names_of_active(db, by, Role.PRINCIPAL) if by else {}
    delegates = {one.to for one in found if one.by in principals}
    return lambda account: rules.may("approve", account.actor) or account.id in delegates


def _may_decide(account: Account, booking: Booking) -> bool:
    """Whether the account, which decides, may do so on this one: a delegate decides on no own."""
    return rules.may("approve", account.actor) or booking.created_by != account.id
