"""The error tree. Errors carry facts as attributes; ``pages/shared/text/messages.py`` has texts.

The file is long because the whole tree is in one place.

BookingError
+-- InvalidRequest        a field is missing, malformed or unknown (.field, .problem)
|   +-- UnknownGround, UnknownStudent, UnknownClass, UnknownTeam, NotAPeriod
+-- RuleBroken            allowed shape, refused by policy (.rule)
|   +-- InThePast         (and AlreadyBegun, for a change of what has begun)
|   +-- NotRunning, TooFarAhead, TooLate, PastCutOff, QuotaReached, GroundClosed, GameNotAllowed,
|       StudentInactive, StudentStays, NoSchool, GroundRetired, LastAdmin, PartOfSet, UndoOver,
|       LineFull, NotAsked
+-- Conflict              somebody was faster
|   +-- SlotTaken         (.ground_id, .date, .start, .end, .held_by, .since, .alternatives)
|   +-- StudentBusy, SupervisorBusy (.booking)
|   +-- AlreadyDecided    (.status, .by, .at)
|   +-- SubmissionReused  the same submission id with different content (.submission_id)
|   +-- AlreadyExists     another has this id or address (.what, .id)
|   +-- ChangedMeanwhile  what was shown before confirming is no longer so (.what)
|   +-- SeriesConflict    dates of a series cannot be booked (.dates)
|   +-- SetConflict       grounds of a set cannot be booked (.grounds)
+-- NotFound              (.what, .id)
+-- NotAllowed            this actor's role may not do this (.verb, .role)
+-- SignInRefused         no such account, wrong password, or disabled: which, it does not say
|   +-- TooManyAttempts   the next attempt is allowed after .wait_seconds
|   +-- OneTimePasswordOver used before, or older than 72 hours
|   +-- SecondFactorNeeded  the password is right, and a code is asked for (.challenge)
|   +-- WrongCode           a code of the second factor that is wrong or was used before
|   +-- ChallengeOver       it was answered, had five wrong codes, or is older than 5 minutes
|   +-- IdTokenSpent        an ID token that has opened its session already
|   +-- IdTokenOutOfTime    an ID token that is too old, or from the future (.age_seconds)
+-- SchemaConflict        the stored data already breaks an index (.offenders)
+-- StoreUnavailable      the database cannot be reached (.nothing_happened)
|   +-- SchemaMissing     it was emptied under the running application
|   +-- StoreRefused      it answered, and refused for a reason that the application does not know
|   +-- UpdateNeeded      it is newer than this application (.stored, .known)
+-- ServerFailed          the embedded database cannot start (.problem, .remedy)
+-- MailRefused           the mail server does not take this mail (.answer, .for_good)
+-- MailServerFailed      the mail server takes no mail at all (.answer, .may_be_taken)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime, time
from typing import Any
from uuid import UUID

from booking_core.domain.model import Booking, Party, Slot, Status
from booking_core.domain.validation import BookingError as BookingError
from booking_core.domain.validation import InvalidRequest as InvalidRequest


class UnknownGround(InvalidRequest):
    def __init__(self, ground_id: str) -> None:
        self.ground_id = ground_id
        super().__init__("ground_id", f"no ground {ground_id!r}")


class UnknownStudent(InvalidRequest):
    def __init__(self, student_id: str) -> None:
        self.student_id = student_id
        super().__init__("student_id", f"no student {student_id!r}")


class UnknownTeam(InvalidRequest):
    def __init__(self, team_id: str) -> None:
        self.team_id = team_id
        super().__init__("team_id", f"no team {team_id!r}")


class UnknownClass(InvalidRequest):
    """No active student is in a class of that name."""

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name
        super().__init__("class_name", f"no class {class_name!r}")


class NotAPeriod(InvalidRequest):
    """The times are no run of consecutive periods of that date's timetable."""

    def __init__(self, start: time, end: time, field: str = "start") -> None:
        self.start, self.end = start, end
        super().__init__(field, f"{start:%H:%M}-{end:%H:%M} is no run of periods of that date")


class RuleBroken(BookingError):
    """An allowed shape, refused by policy. ``rule`` is the class's name."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"{self.rule}: {detail}" if detail else self.rule)

    @property
    def rule(self) -> str:
        return type(self).__name__


class InThePast(RuleBroken):
    def __init__(self, starts_at: datetime) -> None:
        self.starts_at = starts_at
        super().__init__(starts_at.isoformat())


class AlreadyBegun(InThePast):
    """The booking has begun: it can be ended early, and corrected by a principal or an admin."""


class NotAsked(RuleBroken):
    """An answer to a request about which no question waits."""


class NotRunning(RuleBroken):
    """Only a booking that has begun and is not over can be ended early."""


class UndoOver(RuleBroken):
    """A change can be undone for some seconds only; a screen offers it for ``seconds``."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"a change can be undone for {seconds} s")


class TooFarAhead(RuleBroken):
    """``last_date`` is the last date that may be booked today."""

    def __init__(self, last_date: Date) -> None:
        self.last_date = last_date
        super().__init__(f"bookings open up to {last_date}")


class TooLate(RuleBroken):
    """The lead time has run out. ``lead_minutes`` is how long before the start booking ends."""

    def __init__(self, lead_minutes: int) -> None:
        self.lead_minutes = lead_minutes
        super().__init__(f"book at least {lead_minutes} minutes ahead")


class PastCutOff(RuleBroken):
    """Booking for ``date`` ended at ``closed_at`` (aware), the day before."""

    def __init__(self, date: Date, closed_at: datetime) -> None:
        self.date, self.closed_at = date, closed_at
        super().__init__(f"booking for {date} ended at {closed_at.isoformat()}")


class QuotaReached(RuleBroken):
    """``window`` is an ISO week such as ``2026-W48``.

    ``student_id`` is the student whose quota is reached, or the name of the class, the team or the
    member of staff, as ``party`` says. ``held`` is how many active bookings count there; more than
    ``quota`` where it was higher once.
    """

    def __init__(
        self,
        student_id: str,
        window: str,
        quota: int,
        held: int | None = None,
        party: Party = Party.STUDENTS,
    ) -> None:
        self.student_id, self.window, self.quota = student_id, window, quota
        self.held, self.party = quota if held is None else held, party
        super().__init__(f"{student_id} has {self.held} active bookings in {window}")


class GroundClosed(RuleBroken):
    """A closure holds part of the slot. ``alternatives`` are up to three free slots."""

    def __init__(self, ground_id: str, reason: str, alternatives: Sequence[Slot] = ()) -> None:
        self.ground_id, self.reason, self.alternatives = ground_id, reason, tuple(alternatives)
        super().__init__(f"{ground_id}: {reason}")


class GroundRetired(RuleBroken):
    def __init__(self, ground_id: str) -> None:
        self.ground_id = ground_id
        super().__init__(ground_id)


class GameNotAllowed(RuleBroken):
    def __init__(self, ground_id: str, game: str, allowed: Sequence[str]) -> None:
        self.ground_id, self.game, self.allowed = ground_id, game, tuple(allowed)
        super().__init__(f"{game} on {ground_id}; allowed: {', '.join(allowed)}")


class StudentInactive(RuleBroken):
    def __init__(self, student_id: str) -> None:
        self.student_id = student_id
        super().__init__(student_id)


class StudentStays(RuleBroken):
    """Personal data is erased of those only who are inactive and have nothing booked ahead.

    ``upcoming`` is how many active bookings are not over; 0: the student is active.
    """

    def __init__(self, student_id: str, upcoming: int = 0) -> None:
        self.student_id, self.upcoming = student_id, upcoming
        super().__init__(f"{student_id} has {upcoming} ahead" if upcoming else student_id)


class PartOfSet(RuleBroken):
    """One of several grounds at once: its time stays, and the first, which claims the people of
    the set, does not end before the others."""


class LineFull(RuleBroken):
    """As many as may wait for the slot, ``limit``, do."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} wait already")


class NoSchool(RuleBroken):
    """The date has no timetable. ``note`` says why, where that was recorded.

    ``ground_id`` is that of the ground where others have periods on the date; else None.
    """

    def __init__(self, date: Date, note: str = "", ground_id: str | None = None) -> None:
        self.date, self.note, self.ground_id = date, note, ground_id
        super().__init__(f"{date} {note}".strip())


class LastAdmin(RuleBroken):
    """No active admin would be left."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        super().__init__(account_id)


class Conflict(BookingError):
    """Somebody was faster."""


class SlotTaken(Conflict):
    """Another booking or a closure holds part of the slot.

    ``held_by`` is that :class:`Booking`, or None when it was freed before it could be read;
    ``since`` is when it took the slot (aware); ``alternatives`` are up to three free slots.
    """

    def __init__(
        self,
        ground_id: str,
        date: Date,
        start: time,
        end: time,
        held_by: Booking | None,
        since: datetime | None,
        alternatives: Sequence[Slot] = (),
    ) -> None:
        self.ground_id, self.date, self.start, self.end = ground_id, date, start, end
        self.held_by, self.since, self.alternatives = held_by, since, tuple(alternatives)
        super().__init__(f"{ground_id} {date} {start:%H:%M}-{end:%H:%M}")


class StudentBusy(Conflict):
    """The student has another booking then. ``booking`` is None when it ended meanwhile.

    ``since`` is when that booking took its slot, or its party if that came later (aware);
    ``alternatives`` are up to three slots that are free and at which the student is too.
    """

    def __init__(
        self,
        booking: Booking | None,
        since: datetime | None = None,
        alternatives: Sequence[Slot] = (),
    ) -> None:
        self.booking, self.since, self.alternatives = booking, since, tuple(alternatives)
        super().__init__(booking.id if booking else "student busy")


class SupervisorBusy(Conflict):
    """The supervisor is promised elsewhere then; otherwise as StudentBusy."""

    def __init__(
        self,
        booking: Booking | None,
        since: datetime | None = None,
        alternatives: Sequence[Slot] = (),
    ) -> None:
        self.booking, self.since, self.alternatives = booking, since, tuple(alternatives)
        super().__init__(booking.id if booking else "supervisor busy")


class AlreadyDecided(Conflict):
    """The status has moved on. ``by`` and ``at`` tell who moved it and when."""

    def __init__(self, status: Status, by: str, at: datetime) -> None:
        self.status, self.by, self.at = status, by, at
        super().__init__(f"{status.value} by {by} at {at.isoformat()}")


class SubmissionReused(Conflict):
    def __init__(self, submission_id: UUID) -> None:
        self.submission_id = submission_id
        super().__init__(str(submission_id))


class AlreadyExists(Conflict):
    """``what`` is "account" or the like; ``id`` is the id or the e-mail address that is taken."""

    def __init__(self, what: str, id: str) -> None:
        self.what, self.id = what, id
        super().__init__(f"{what} {id!r} exists")


class ChangedMeanwhile(Conflict):
    """What was shown before confirming is no longer so; look again. Nothing was changed."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class SetConflict(Conflict):
    """Several grounds were not booked. ``grounds``: those that cannot be, each with its problem.

    Nothing was changed.
    """

    def __init__(self, grounds: Sequence[tuple[str, BookingError | None]]) -> None:
        self.grounds = tuple(grounds)
        super().__init__(", ".join(id for id, _ in grounds))


class SeriesConflict(Conflict):
    """A series was not booked, or not moved. ``dates``: those that cannot be, each with its problem
    and the free slots of that day, as in ``SeriesPlan.dates``. Nothing was changed."""

    def __init__(self, dates: Sequence[Any]) -> None:
        self.dates = tuple(dates)
        super().__init__(", ".join(f"{date}: {problem}" for date, problem, _ in dates))


class NotFound(BookingError):
    def __init__(self, what: str, id: str) -> None:
        self.what, self.id = what, id
        super().__init__(f"no {what} {id!r}")


class NotAllowed(BookingError):
    def __init__(self, verb: str, role: str) -> None:
        self.verb, self.role = verb, role
        super().__init__(f"{role} may not {verb}")


class SignInRefused(BookingError):
    """One answer for an unknown name, a wrong password and a disabled account."""


class TooManyAttempts(SignInRefused):
    """Too many failures for this account or address; ``wait_seconds`` until the next attempt."""

    def __init__(self, wait_seconds: int) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(f"wait {wait_seconds} s")


class OneTimePasswordOver(SignInRefused):
    """The right one-time password, which has signed in before or is older than 72 hours."""


class SecondFactorNeeded(SignInRefused):
    """The password is right, and no session is open yet.

    ``challenge`` is a token for ``sign_in_by_code``; it goes to the browser only.
    """

    def __init__(self, challenge: str) -> None:
        self.challenge = challenge
        super().__init__()  # without the token, because errors are logged


class WrongCode(SignInRefused):
    """A code that is not of now, one that was used before, or no recovery code that is left."""


class ChallengeOver(SignInRefused):
    """The user has to begin with the password again.

    The challenge was answered, got five wrong codes, or is older than five minutes, or the account
    has changed since.
    """


class IdTokenSpent(SignInRefused):
    """This ID token of an identity provider has opened its one session already."""


class IdTokenOutOfTime(SignInRefused):
    """An ID token that was issued ``age_seconds`` ago; negative: in the future."""

    def __init__(self, age_seconds: int) -> None:
        self.age_seconds = age_seconds
        super().__init__(f"{age_seconds} s old")


class SchemaConflict(BookingError):
    """Stored documents break a unique index, which is therefore not built.

    ``offenders`` lists groups of them: ``collection``, ``index``, ``key`` (what they have in
    common) and ``ids``. An offender with one id and the key ``_id`` has an id that cannot be typed.
    """

    def __init__(self, offenders: Sequence[dict[str, Any]]) -> None:
        self.offenders = tuple(offenders)
        lines = [
            f"{o['collection']}, {o['index']}: {o['key']} held by {', '.join(map(ascii, o['ids']))}"
            for o in offenders
        ]
        super().__init__("\n".join(["stored documents break a unique index", *lines]))


class StoreUnavailable(BookingError):
    """The database cannot be reached.

    ``nothing_happened``: it is known that nothing was changed, because no write had been sent.
    False: a change was sent, or may have been, and whether it was made is not known.
    """

    def __init__(self, detail: str = "", *, nothing_happened: bool = False) -> None:
        self.nothing_happened = nothing_happened
        super().__init__(detail)


class SchemaMissing(StoreUnavailable):
    """The database has lost an index; no booking is accepted until it exists again."""


class StoreRefused(StoreUnavailable):
    """The database answered, and refused, such as by an index or a validator of another program."""


class UpdateNeeded(StoreUnavailable):
    """A newer version of this application has migrated the database, or is at it.

    ``stored`` and ``known`` are the numbers of the last migration there and here.
    """

    def __init__(self, stored: int, known: int) -> None:
        self.stored, self.known = stored, known
        super().__init__(f"the database is at migration {stored}, this application at {known}")

    def __reduce__(self) -> tuple[Any, ...]:
        # Each thread that waited for one read raises its own copy.
        return type(self), (self.stored, self.known), self.__dict__


class ServerFailed(BookingError):
    """The embedded database cannot start. ``problem`` and ``remedy`` are one sentence each."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem} {remedy}".strip())


class MailRefused(BookingError):
    """The mail server does not take this mail, or not for this address; it may take others.

    ``answer`` is what the server said. ``for_good``: it will not take it later either.
    """

    def __init__(self, answer: str, *, for_good: bool) -> None:
        self.answer, self.for_good = answer, for_good
        # Without the answer, which may repeat the address: errors are logged.
        super().__init__("refused for good" if for_good else "refused for now")


class MailServerFailed(BookingError):
    """The mail server cannot be reached, hangs, or lets this application send no mail.

    ``answer`` is what the server said, or what failed. ``may_be_taken``: the connection ended while
    the mail was sent, so the server may have it.
    """

    def __init__(self, answer: str, *, may_be_taken: bool = False) -> None:
        self.answer, self.may_be_taken = answer, may_be_taken
        super().__init__("the mail server takes no mail")
