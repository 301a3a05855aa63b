"""One sentence for each error, for the command line. The screens have words of their own."""

from __future__ import annotations

from booking_core.errors import (
    AlreadyDecided,
    BookingError,
    GameNotAllowed,
    GroundClosed,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    NotAPeriod,
    NotFound,
    QuotaReached,
    SchemaConflict,
    SlotTaken,
    StoreUnavailable,
    StudentBusy,
    StudentInactive,
    SubmissionReused,
    TooFarAhead,
    TooLate,
    UnknownGround,
    UnknownStudent,
)


def sentence(exc: BookingError) -> str:
    """What happened and where it can be mended, on one line. Covers the whole tree."""
    return " ".join(_sentence(exc).split())


def _sentence(exc: BookingError) -> str:
    match exc:
        case UnknownGround():
            return f"There is no ground {exc.ground_id!r} on record."
        case UnknownStudent():
            return f"There is no student {exc.student_id!r} on record."
        case NotAPeriod():
            return f"{exc.start:%H:%M}-{exc.end:%H:%M} is no run of periods of that date."
        case InvalidRequest():
            return f"{exc.field} {exc.problem}."
        case InThePast():
            return f"{exc.starts_at:%Y-%m-%d %H:%M} has gone by."
        case TooFarAhead():
            return f"Bookings are open up to {exc.last_date}."
        case TooLate():
            return f"Booking ends {exc.lead_minutes} minutes before the start."
        case QuotaReached():
            return f"{exc.student_id} has {exc.quota} active in {exc.window}, as many as allowed."
        case GroundClosed():
            return f"{exc.ground_id} is closed then: {exc.reason}."
        case GroundRetired():
            return f"{exc.ground_id} is not in use any more."
        case GameNotAllowed():
            return f"{exc.game} is not played on {exc.ground_id}: {', '.join(exc.allowed)}."
        case StudentInactive():
            return f"{exc.student_id} may not book at present."
        case NoSchool():
            return f"There is no school on {exc.date}" + (f": {exc.note}." if exc.note else ".")
        case SlotTaken():
            return _taken(exc)
        case StudentBusy():
            other = exc.booking
            if other is None:
                return "The student has another booking at that time."
            span = f"{other.start:%H:%M}-{other.end:%H:%M}"
            return f"{other.student_name} is on {other.ground_id} then, {span}."
        case AlreadyDecided():
            return f"{exc.by} was faster: the booking is {exc.status.value.lower()}."
        case SubmissionReused():
            return "This submission was sent before with other details."
        case NotFound():
            return f"There is no {exc.what} {exc.id!r} on record."
        case NotAllowed():
            return f"The role {exc.role} does not allow: {exc.verb}."
        case SchemaConflict():
            return (
                f"The stored bookings contradict each other in {len(exc.offenders)} places, and "
                "nothing was changed; “python -m booking_core doctor” names them."
            )
        case StoreUnavailable():
            return f"The database cannot be reached; is MONGODB_URI right? ({_short(exc)})"
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
        who = f"{holder.student_name}, booked by {holder.created_by_name}"
    free = "; ".join(f"{s.ground_id} {s.start:%H:%M}-{s.end:%H:%M}" for s in exc.alternatives)
    return f"{span} is held by {who}." + (f" Free that day: {free}." if free else "")


def _short(exc: BaseException) -> str:
    """The driver's own words without its list of servers, and never a password: it names none."""
    return str(exc).partition(", Timeout:")[0].partition(" (configured timeouts")[0] or "no answer"
