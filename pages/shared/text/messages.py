"""Texts for the screens: errors and states. The errors of the core carry facts only.

Longer than 300 lines, because ``error`` has a sentence for every error of the tree.
"""

from __future__ import annotations

from datetime import date as Date

from booking_core import (
    AlreadyBegun,
    AlreadyDecided,
    AlreadyExists,
    Booking,
    BookingError,
    ChallengeOver,
    ChangedMeanwhile,
    Decision,
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
    Party,
    PastCutOff,
    QuotaReached,
    SchemaConflict,
    SchemaMissing,
    SecondFactorNeeded,
    SeriesConflict,
    ServerFailed,
    SetConflict,
    SignInRefused,
    SlotTaken,
    Status,
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
    messages,
)
from booking_core.live import MigrationProgress
from pages.shared.text import formats

FIELDS = {
    "name": "The name",
    "games": "The list of games",
    "label": "The period's name",
    "periods": "The list of periods",
    "weekdays": "The list of weekdays",
    "week": "The week",
    "timetable_id": "The timetable",
    "dates": "The list of dates",
    "note": "The note",
    "holidays": "The list of holidays",
    "terms": "The list of terms",
    "week_a": "The day of a week A",
    "advance_days": "The number of days ahead",
    "series_days": "The number of days ahead for a series",
    "until": "The last date",
    "count": "The number of dates",
    "every": "The number of weeks",
    "lead_minutes": "The time before the start",
    "quota": "The number of bookings in a week",
    "cut_off": "The end of booking the day before",
    "photo": "The photo",
    "logo": "The logo",
    "ground_id": "The ground",
    "ground_ids": "The list of grounds",
    "student_id": "The student",
    "student_ids": "The list of students",
    "class_name": "The class",
    "team_id": "The team",
    "team": "The team",
    "for_staff": "The choice of staff",
    "supervisor_id": "The supervisor",
    "members": "The list of members",
    "staff": "The list of staff",
    "class_quota": "The number of bookings of a class in a week",
    "team_quota": "The number of bookings of a team in a week",
    "staff_quota": "The number of bookings for staff in a week",
    "waiting_places": "The number that may wait for a slot",
    "any_ground": "The choice of any ground",
    "not_after": "The end of waiting",
    "entry_id": "The entry of the waiting list",
    "moves": "The list of moves",
    "claim_members": "The choice to book members with their team",
    "date": "The date",
    "start": "The start",
    "end": "The end",
    "game": "The game",
    "purpose": "The purpose",
    "reason": "The reason",
    "booking_id": "The booking",
    "second_id": "The other booking",
    "slot": "The slot",
    "revision": "The change",
    "date_to": "The last date",
    "from_date": "The first date",
    "email": "The e-mail address",
    "caretaker_email": "The e-mail address of the caretaker",
    "day_list_at": "The time of the day's list",
    "mail": "The choice of mails",
    "password": "The password",
    "first": "The first date",
    "last": "The last date",
    "to": "Who decides",
    "text": "The search",
    "closure_id": "The closure",
    "file": "The file",
    "leaving": "The students who leave",
}
# Order of ``find_bookings`` -> the end of "37 bookings, ".
ORDER = {"soonest": "soonest first", "latest": "latest first", "asked": "newest request first"}
# Action that a role does not allow -> the end of the sentence "Your role does not allow you to".
NOT_ALLOWED = {
    "administer": "change this",
    "book": "book",
    "change party": "change for whom this booking is",
    "book approved": "book without a decision",
    "close": "close a ground",
    "delegate": "hand on decisions",
    "report": "see everybody's figures",
    "report own": "see these figures",
    "set up a second factor": "set up a second factor",
    "undo": "undo what somebody else did",
    "swap": "swap a booking with that of another user",
    "approve an own request": "approve a request that you made yourself",
    "ask": "ask about this request",
    "ask about an own request": "ask about a request that you made yourself",
    "answer": "answer for this request",
} | {
    verb: f"{verb} this booking"
    for verb in ("approve", "reject", "revoke", "cancel", "move", "replace")
}
# Whether a move leaves the status as it is -> the sentence above the choice of a slot.
MOVES = {
    True: "It keeps its slot until it has the new one, and its status too.",
    False: "It keeps its slot until it has the new one. The principal then decides on it again.",
}
SENT_BEFORE = (
    "An earlier press was sent with another choice, and that is booked: see Bookings. "
    "Press again to book this one too."
)
SWAPS = {True: "It keeps its status.", False: "The principal decides on it again."}
# Whether the user may swap the bookings of others too.
SWAP_HINTS = {
    True: "Press a slot that is taken to swap with it.",
    False: "Press a slot that is taken to swap with it; its author has to accept.",
}
MOVES_OF_SERIES = {
    True: "All of these dates move, or none. Each keeps its status.",
    False: "All of these dates move, or none. The principal then decides again on those approved.",
}
# As MOVES and MOVES_OF_SERIES, for another party.
PARTY_CHANGES = {
    True: "It keeps its slot and its status.",
    False: "It keeps its slot. The principal then decides on it again.",
}
PARTY_CHANGES_OF_SERIES = {
    True: "All of these dates change, or none. Each keeps its slot and its status.",
    False: "All of these dates change, or none. The principal then decides again on those "
    "approved.",
}
# Streamlit cuts a longer toast.
SESSION_RENEWED = "The app was away: this page has begun anew. Check that your last step was saved."
BUTTON_COMES_BACK = "The database cannot be reached. The button comes back by itself."
ROLE_CHANGED = "What you may do here has changed. The screen shows it as it is now."
STATUS = {
    Status.PENDING: "Requested",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.CANCELLED: "Cancelled",
    Status.REVOKED: "Revoked",
    Status.LAPSED: "Lapsed",
}


def date_gone(chosen: Date, shown: Date) -> str:
    """``12 Dec cannot be booked any more. This is now 5 Dec.``"""
    return (
        f"{formats.short_date(chosen)} cannot be booked any more. "
        f"This is now {formats.short_date(shown)}."
    )


def done(entry: Decision) -> str:
    """The word for what an entry of a history did. The people of a booking include its supervisor,
    who is of no party."""
    return "people changed" if entry.action == "party changed" else entry.action


def decided_by(decision: Decision) -> str:
    """``by Dr. Anand Rao``; of a delegate, ``by Joseph Mathew for Dr. Anand Rao``."""
    behalf = f" for {decision.on_behalf_of}" if decision.on_behalf_of else ""
    return f"by {decision.by_name}{behalf}"


def taken(holder: Booking | None) -> str:
    """The sentence for a slot that ``holder`` has (None: unknown)."""
    if holder is None:
        return "This slot was just booked by somebody else. Please choose another."
    if holder.kind == "closure":
        return f"This ground was just closed: {holder.purpose}. Please choose another slot."
    return f"This slot was just booked by {holder.created_by_name}. Please choose another."


def held(holder: Booking | None) -> str:
    """Who has a slot that a user waits for (None: it goes to the first in line)."""
    if holder is None:
        return "This slot goes to the first on the waiting list."
    if holder.kind == "closure":
        return f"This ground is closed then: {holder.purpose}."
    verb = "has booked" if holder.status is Status.APPROVED else "has requested"
    return f"{holder.created_by_name} {verb} this slot, for {holder.whom}."


def not_connected(
    problem: BookingError | None, migration: MigrationProgress | None
) -> tuple[str, str]:
    """A title and a text: the ``problem``, or the ``migration`` that runs."""
    if isinstance(problem, UpdateNeeded):
        return "Update needed", error(problem)
    if problem is not None:
        return "Not connected yet", error(problem)
    if migration is not None:
        return "Updating the database", messages.migrating(migration, formats.number)
    return "Not connected yet", "The database is starting."


def error(exc: BookingError) -> str:
    """One or two sentences for a user: the problem, and a remedy. Covers the whole error tree."""
    match exc:
        case UnknownGround():
            return "This ground is not on record any more. Please choose another."
        case UnknownStudent():
            return "This student is not on record. Please search again."
        case UnknownClass():
            return "No active student is in this class. Please choose another."
        case UnknownTeam():
            return "This team is not on record any more. Please choose another."
        case NotAPeriod():
            return "These times are no longer on the timetable of that day. Please choose again."
        case InvalidRequest():
            return f"{FIELDS.get(exc.field, exc.field)} {exc.problem}."
        case AlreadyBegun():
            return "This booking has begun. It can be ended early while it runs."
        case NotAsked():
            return "No question about this request waits for an answer."
        case NotRunning():
            return "Only a booking that is running now can be ended early."
        case UndoOver():
            return f"A change can be undone for {formats.number(exc.seconds)} seconds only."
        case InThePast():
            return "This period has already begun. Please choose a later one."
        case TooFarAhead():
            opening = messages.open_up_to(formats.short_date(exc.last_date))
            return f"{opening} Please choose a day before."
        case TooLate():
            ahead = formats.duration(exc.lead_minutes)
            return f"Book at least {ahead} ahead. Please choose a later slot."
        case PastCutOff():
            return (
                f"Booking for {formats.short_date(exc.date)} has ended: it closed at "
                f"{formats.clock(exc.closed_at.time())} the day before. Please choose a later day."
            )
        case QuotaReached():
            noun = "booking" if exc.held == 1 else "bookings"
            who = "This student" if exc.party is Party.STUDENTS else exc.student_id
            return (
                f"{who} already has {exc.held} {noun} that week; {exc.quota} are allowed. "
                "Cancel one first, or choose another week."
            )
        case GroundClosed():
            return f"{messages.closed('This ground', exc.reason)} Please choose another slot."
        case GroundRetired():
            return f"{messages.retired('This ground')} Please choose another."
        case GameNotAllowed():
            where = messages.not_played(exc.game, "this ground")
            return f"{where}. It is for {', '.join(exc.allowed)}."
        case StudentInactive():
            return "This student has left the school or is suspended from booking."
        case StudentStays():
            if exc.upcoming:
                noun = "booking" if exc.upcoming == 1 else "bookings"
                return f"This student still has {exc.upcoming} {noun} ahead. Cancel what is left."
            return "This student is active. Deactivate first; then the data can be erased."
        case PartOfSet():
            return (
                "This is one of several grounds that were asked for at once. Its time stays, and "
                "the first of them ends only with the others, or after them. Where the first has "
                "ended, the next counts as the first."
            )
        case LineFull():
            if not exc.limit:
                return "This school has no waiting list."
            return f"{exc.limit} wait for this slot already, and no more may."
        case NoSchool():
            note = f" ({exc.note})" if exc.note else ""
            where = "This ground" if exc.ground_id else ""
            return f"{messages.no_school(formats.short_date(exc.date), where)}{note}."
        case SlotTaken():
            return taken(exc.held_by)
        case StudentBusy():
            other = exc.booking
            if other is None:
                return f"{messages.elsewhere('This student')} Please choose another slot."
            return (
                f"{other.party_name} already has {other.game}, "
                f"{formats.span(other.start, other.end)} on that day. Please choose another time."
            )
        case SupervisorBusy():
            other = exc.booking
            if other is None:
                return f"{messages.elsewhere('The supervisor')} Please choose another."
            return (
                f"{other.supervisor_name} is with {other.party_name} then, "
                f"{formats.span(other.start, other.end)}. Please choose somebody else."
            )
        case AlreadyDecided():
            return messages.faster(exc.by, f"this booking is {STATUS[exc.status].lower()} already.")
        case SubmissionReused():
            return f"{messages.sent_before('This form')} Please open the review again."
        case AlreadyExists():
            return (
                f"There is {'an' if exc.what[0] in 'aeiou' else 'a'} {exc.what} “{exc.id}” already."
            )
        case ChangedMeanwhile():
            return f"{exc.what.capitalize()} changed while you looked. Please look again."
        case SeriesConflict():
            days = ", ".join(formats.short_date(date) for date, *_ in exc.dates)
            return f"Nothing was changed: the series cannot be on {days}."
        case SetConflict():
            return "Nothing was booked: not all of these grounds are free any more."
        case LastAdmin():
            return "Somebody must be left who looks after the accounts: this is the last admin."
        case TooManyAttempts():
            wait = exc.wait_seconds
            time_left = f"{wait} seconds" if wait < 120 else f"{-(-wait // 60)} minutes"
            return f"Too many tries. Please wait {time_left}, then try again."
        case IdTokenOutOfTime():
            minutes = -(-abs(exc.age_seconds) // 60)
            number, unit = (minutes, "minute") if minutes < 120 else (minutes // 60, "hour")
            apart = f"{number} {unit}{'' if number == 1 else 's'}"
            return (
                f"Your sign-in is dated {apart} {'ahead' if exc.age_seconds < 0 else 'back'}, and "
                "that is too far. Sign in again. If this comes back at once, the identity "
                "provider's clock and the dashboard's differ."
            )
        case OneTimePasswordOver():
            return (
                "This one-time password was used before, or is older than three days. "
                "Ask for a new one."
            )
        case SecondFactorNeeded():
            return "This account asks for a code too."
        case WrongCode():
            return "This code is wrong, or was used before. Wait for the next one and type that."
        case ChallengeOver():
            return "The time for the code is over, or it was wrong five times. Sign in again."
        case IdTokenSpent():
            return "This sign-in has opened its session already. Sign in again to go on."
        case SignInRefused():
            return "This name and password do not go together, or the account is disabled."
        case NotFound():
            return f"This {exc.what} is not on record."
        case NotAllowed():
            return f"Your role does not allow you to {NOT_ALLOWED.get(exc.verb, exc.verb)}."
        case SchemaConflict():
            return (
                f"{messages.contradictions(exc.offenders)}, so nothing can be booked. "
                f"Run “{messages.COMMAND} doctor” to see what to do."
            )
        case ServerFailed() | MailRefused() | MailServerFailed():
            return messages.sentence(exc)
        case UpdateNeeded():
            return messages.update_needed()
        case SchemaMissing():
            return messages.schema_missing()
        case StoreRefused():
            return messages.store_refused()
        case StoreUnavailable():
            return (
                "The database cannot be reached at the moment. This screen goes on by itself as "
                "soon as it answers: look then whether your change was made."
                if not exc.nothing_happened
                else "The database cannot be reached at the moment. Nothing was changed: this "
                "screen goes on by itself as soon as it answers."
            )
        case _:
            return "This did not work, and nothing was changed. Please try again."
