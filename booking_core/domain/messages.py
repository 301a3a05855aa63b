"""One sentence for each error, for the command line, and the phrases that screens share with it.

A terminal gets identifiers and dates to copy; a screen says "this ground" and what to do next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from booking_core.domain.errors import (
    AlreadyBegun,
    AlreadyDecided,
    AlreadyExists,
    BookingError,
    ChallengeOver,
    ChangedMeanwhile,
    GameNotAllowed,
    GroundClosed,
    GroundRetired,
    IdTokenOutOfTime,
    IdTokenSpent,
    InThePast,
    InvalidRequest,
    LastAdmin,
    LineFull,
    MailRefused,
    MailServerFailed,
    NoSchool,
    NotAllowed,
    NotAPeriod,
    NotAsked,
    NotFound,
    NotRunning,
    OneTimePasswordOver,
    PartOfSet,
    PastCutOff,
    QuotaReached,
    SchemaConflict,
    SchemaMissing,
    SecondFactorNeeded,
    SeriesConflict,
    SetConflict,
    SignInRefused,
    SlotTaken,
    StoreRefused,
    StoreUnavailable,
    StudentBusy,
    StudentInactive,
    StudentStays,
    SubmissionReused,
    SupervisorBusy,
    TooFarAhead,
    TooLate,
    TooManyAttempts,
    UndoOver,
    UnknownClass,
    UnknownGround,
    UnknownStudent,
    UnknownTeam,
    UpdateNeeded,
    WrongCode,
)
from booking_core.domain.names import find_unusable, normal_form
from booking_core.domain.progress import MigrationProgress

# As typed in the folder of the dashboard; the packages are in its own environment.
COMMAND = ".venv/bin/python -m booking_core"


UNREADABLE_BOOKING = "A stored booking there cannot be read; an admin finds it under Health"


def sentence(exc: BookingError) -> str:
    """What happened and where it can be mended, on one line. Covers the whole tree."""
    return " ".join(_sentence(exc).split())


def open_up_to(date: str) -> str:
    return f"Bookings are open up to {date}."


def closed(ground: str, reason: str) -> str:
    return f"{ground} is closed then: {reason}."


def retired(ground: str) -> str:
    return f"{ground} is not in use any more."


def not_played(game: str, ground: str) -> str:
    return f"{game} is not played on {ground}"


def no_school(date: str, ground: str = "") -> str:
    """``ground`` is the one that alone has no periods; "" where there is no school."""
    return f"{ground} has no periods on {date}" if ground else f"There is no school on {date}"


def elsewhere(student: str) -> str:
    return f"{student} has another booking at that time."


def faster(who: str, booking: str) -> str:
    return f"{who} was faster: {booking}"


def sent_before(what: str) -> str:
    return f"{what} was sent before with other details."


def contradictions(offenders: Sequence[Mapping[str, Any]]) -> str:
    """What ``offenders`` of a SchemaConflict are, and how many, without their ids."""
    kinds = Counter(place for place, _ in _groups(offenders))
    parts = []
    for (collection, has_form), count in kinds.items():
        if not has_form:
            noun = collection.removesuffix("s") if count == 1 else collection
            parts.append(f"{count} {noun} with an id that cannot be typed")
            continue
        why = "exclude each other" if collection == "bookings" else "cannot be told apart"
        parts.append(f"{count} group{'' if count == 1 else 's'} of {collection} that {why}")
    return "The stored data contradicts itself" + (f" ({', '.join(parts)})" if parts else "")


def conflicting(offenders: Sequence[Mapping[str, Any]], most: int = 3) -> str:
    """The ids of the first ``most`` groups of ``offenders``: ``students S001 and s001; ...``."""
    groups = _groups(offenders)
    shown = [f"{place[0]} {' and '.join(map(shown_id, ids))}" for place, ids in groups[:most]]
    return "; ".join(shown) + ("; and others" if groups[most:] else "")


def shown_id(id: str) -> str:
    """``id``; one that is not in normal form with escapes, which show what is wrong with it."""
    return id if id and normal_form(id) == id and find_unusable(id) is None else ascii(id)


def _groups(
    offenders: Sequence[Mapping[str, Any]],
) -> list[tuple[tuple[str, bool], tuple[str, ...]]]:
    """The groups of ``offenders``, each once: (collection, whether its ids have a form), ids.

    Bookings that overlap by an hour have many claims in common and are one group.
    """
    return list(
        dict.fromkeys(
            ((one["collection"], "_id" not in one["key"]), tuple(one["ids"])) for one in offenders
        )
    )


def update_needed() -> str:
    return (
        "The database was updated by a newer version of this application; "
        "update this one and start it again."
    )


def migrating(progress: MigrationProgress, number: Callable[[int], str] = str) -> str:
    """How far a migration is; ``number`` writes its counts."""
    return (
        f"The database is being updated to this version, step {progress.step} of "
        f"{progress.steps}: {number(progress.done)} of {number(progress.total)} bookings. "
        "Nothing can be booked until it is done."
    )


def other_time_zone(here: str, there: str) -> str:
    return (
        f"This app works in the time zone {here} (SCHOOL_TIME_ZONE), and the database is of a "
        f"school in {there}. Apps that differ disagree on what has begun."
    )


def schema_missing() -> str:
    return "The database has lost its indexes; nothing can be booked until they are built again."


def store_refused() -> str:
    return (
        "The database refused this for a reason that this application does not know. "
        f"“{COMMAND} doctor” looks for the cause."
    )


def _sentence(exc: BookingError) -> str:
    match exc:
        case UnknownGround():
            return f"There is no ground {exc.ground_id!r} on record."
        case UnknownStudent():
            return f"There is no student {exc.student_id!r} on record."
        case UnknownTeam():
            return f"There is no team {exc.team_id!r} on record."
        case UnknownClass():
            return f"There is no active student in a class {exc.class_name!r}."
        case NotAPeriod():
            return f"{exc.start:%H:%M}-{exc.end:%H:%M} is no run of periods of that date."
        case InvalidRequest():
            return f"{exc.field} {exc.problem}."
        case AlreadyBegun():
            return "The booking has begun: it can only be ended early, or corrected with a reason."
        case NotAsked():
            return "No question about this request waits for an answer."
        case NotRunning():
            return "Only a booking that is running can be ended early."
        case UndoOver():
            return f"A change can be undone for {exc.seconds} s only."
        case InThePast():
            return f"{exc.starts_at:%Y-%m-%d %H:%M} has gone by."
        case TooFarAhead():
            return open_up_to(str(exc.last_date))
        case TooLate():
            return f"Booking ends {exc.lead_minutes} minutes before the start."
        case PastCutOff():
            return f"Booking for {exc.date} ended at {exc.closed_at:%Y-%m-%d %H:%M}."
        case QuotaReached():
            held = f"{exc.student_id} has {exc.held} active bookings in {exc.window}"
            return f"{held}; {exc.quota} are allowed."
        case GroundClosed():
            return closed(exc.ground_id, exc.reason)
        case GroundRetired():
            return retired(exc.ground_id)
        case GameNotAllowed():
            return f"{not_played(exc.game, exc.ground_id)}: {', '.join(exc.allowed)}."
        case StudentInactive():
            return f"{exc.student_id} may not book at present."
        case StudentStays():
            if exc.upcoming:
                return f"{exc.student_id} still has {exc.upcoming} booked ahead."
            return f"{exc.student_id} is active; deactivate first."
        case PartOfSet():
            return (
                "The booking is one of several grounds at once: its time and its "
                "party stay, and the first of "
                "them ends with the others."
            )
        case LineFull():
            return f"{exc.limit} wait for this slot already, and no more may."
        case NoSchool():
            where = exc.ground_id or ""
            return no_school(str(exc.date), where) + (f": {exc.note}." if exc.note else ".")
        case SlotTaken():
            return _taken(exc)
        case StudentBusy():
            other = exc.booking
            if other is None:
                return elsewhere("The student")
            span = f"{other.start:%H:%M}-{other.end:%H:%M}"
            return f"{other.party_name} is on {other.ground_id} then, {span}."
        case SupervisorBusy():
            other = exc.booking
            if other is None:
                return elsewhere("The supervisor")
            span = f"{other.start:%H:%M}-{other.end:%H:%M}"
            return f"{other.supervisor_name} is on {other.ground_id} then, {span}."
        case AlreadyDecided():
            return faster(exc.by, f"the booking is {exc.status.value.lower()}.")
        case SubmissionReused():
            return sent_before("This submission")
        case AlreadyExists():
            return f"{exc.what.capitalize()} {exc.id!r} exists already."
        case ChangedMeanwhile():
            return f"{exc.what.capitalize()} changed meanwhile; nothing was done. Look again."
        case SeriesConflict():
            days = ", ".join(f"{date}" for date, *_ in exc.dates)
            return f"Nothing was booked: these dates of the series are not free: {days}."
        case SetConflict():
            ids = ", ".join(id for id, _ in exc.grounds)
            return f"Nothing was booked: these grounds are not free: {ids}."
        case TooManyAttempts():
            return f"Too many failed attempts; try again in {exc.wait_seconds} s."
        case OneTimePasswordOver():
            return "This one-time password was used before or is too old; a new one is needed."
        case SecondFactorNeeded():
            return "This account signs in with a code of its second factor too."
        case WrongCode():
            return "The code is wrong, or was used before."
        case ChallengeOver():
            return "The time for the code is over; begin with the password again."
        case IdTokenSpent():
            return "This sign-in of the identity provider was used before; sign in again."
        case IdTokenOutOfTime():
            return (
                f"The identity provider's ID token is {exc.age_seconds} s old; "
                "check the clocks of both servers."
            )
        case SignInRefused():
            return "The name or the password is wrong, or the account is disabled."
        case LastAdmin():
            return f"{exc.account_id} is the last active admin; add another admin first."
        case NotFound():
            return f"There is no {exc.what} {exc.id!r} on record."
        case NotAllowed():
            return f"The role {exc.role} does not allow: {exc.verb}."
        case SchemaConflict():
            which = conflicting(exc.offenders)
            return (
                f"{contradictions(exc.offenders)}{which and ': '}{which}. Nothing can be booked "
                f"until this is mended; “{COMMAND} doctor” says how."
            )
        case UpdateNeeded():
            return update_needed()
        case SchemaMissing():
            return schema_missing()
        case StoreRefused():
            return store_refused()
        case StoreUnavailable():
            away = f"The database cannot be reached; is MONGODB_URI right? ({_short(exc)})"
            return f"{away} {_outcome(exc)}"
        case MailRefused():
            later = "" if exc.for_good else " It may take it later."
            return f"The mail server did not take the mail: {exc.answer}.{later}"
        case MailServerFailed():
            return f"The mail server takes no mail: {exc.answer}."
        case _:  # ServerFailed: its text is a problem and a remedy
            return str(exc)


def _taken(exc: SlotTaken) -> str:
    span = f"{exc.ground_id} {exc.date} {exc.start:%H:%M}-{exc.end:%H:%M}"
    holder = exc.held_by
    if holder is None:
        who = "somebody else"
    elif holder.kind == "closure":
        who = f"a closure ({holder.purpose})"
    else:
        who = f"{holder.party_name}, booked by {holder.created_by_name}"
    free = "; ".join(f"{s.ground_id} {s.start:%H:%M}-{s.end:%H:%M}" for s in exc.alternatives)
    return f"{span} is held by {who}." + (f" Free that day: {free}." if free else "")


def _outcome(exc: StoreUnavailable) -> str:
    if exc.nothing_happened:
        return "Nothing was changed."
    return "Whether anything was changed is not known: look before you try again."


def _short(exc: BaseException) -> str:
    """The driver's own words without its list of servers, and never a password: it names none."""
    return str(exc).partition(", Timeout:")[0].partition(" (configured timeouts")[0] or "no answer"
