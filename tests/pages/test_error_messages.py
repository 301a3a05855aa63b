"""Every error of the core has its own sentence on the screen."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, time
from uuid import uuid4

import pytest

from booking_core import (
    AlreadyDecided,
    AlreadyExists,
    Booking,
    BookingError,
    BookingRequest,
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
    NoSchool,
    NotAllowed,
    NotAPeriod,
    NotFound,
    OneTimePasswordOver,
    Party,
    PastCutOff,
    QuotaReached,
    SchemaConflict,
    SecondFactorNeeded,
    ServerFailed,
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
    UnknownClass,
    UnknownGround,
    UnknownStudent,
    UnknownTeam,
    WrongCode,
)
from booking_core.domain import errors
from pages.shared.text import formats, messages

DAY = date(2026, 11, 24)
MOMENT = datetime(2026, 11, 23, 6, tzinfo=UTC)


def _booking(kind: str = "booking", purpose: str = "") -> Booking:
    return Booking(
        id=str(uuid4()),
        ground_id="ground-1",
        date=DAY,
        start=time(9),
        end=time(10),
        status=Status.PENDING,
        student_id="S001",
        student_name="Asha Rao",
        class_name="10-B",
        game="Football",
        purpose=purpose,
        created_by="meera",
        created_by_name="Meera Nair",
        created_at=MOMENT,
        updated_at=MOMENT,
        kind=kind,
    )


def _taken(holder: Booking | None) -> SlotTaken:
    return SlotTaken("ground-1", DAY, time(9), time(10), holder, MOMENT)


def test_a_truncated_list_shows_no_exact_count() -> None:
    assert [formats.up_to(n, 200) for n in (0, 200, 201)] == ["0", "200", "200+"]


SENTENCES = [
    (InvalidRequest("purpose", "is longer than 500 characters"), "The purpose is longer than 500"),
    (UnknownGround("x"), "This ground is not on record any more"),
    (UnknownStudent("x"), "This student is not on record"),
    (UnknownClass("9-Z"), "No active student is in this class"),
    (UnknownTeam("x"), "This team is not on record any more"),
    (NotAPeriod(time(9), time(10)), "no longer on the timetable"),
    (InThePast(MOMENT), "already begun"),
    (TooFarAhead(DAY), "Bookings are open up to Tue 24 Nov"),
    (TooLate(90), "Book at least 1 h 30 min ahead"),
    (PastCutOff(DAY, MOMENT), "Booking for Tue 24 Nov has ended: it closed at 6 AM"),
    (AlreadyExists("account", "meera"), "There is an account “meera” already"),
    (ChangedMeanwhile("the list of bookings"), "The list of bookings changed while you looked"),
    (LastAdmin("farah"), "this is the last admin"),
    (SignInRefused(), "do not go together"),
    (OneTimePasswordOver(), "used before, or is older than three days. Ask for a new one"),
    (errors.SeriesConflict([(DAY, None, ())]), "the series cannot be on Tue 24 Nov"),
    (errors.SetConflict([("ground-1", None)]), "not all of these grounds are free"),
    (SecondFactorNeeded("x"), "asks for a code"),
    (WrongCode(), "This code is wrong, or was used before"),
    (ChallengeOver(), "The time for the code is over"),
    (IdTokenSpent(), "has opened its session already. Sign in again"),
    (IdTokenOutOfTime(301), "dated 6 minutes back, and that is too far. Sign in again"),
    (IdTokenOutOfTime(-180), "dated 3 minutes ahead"),
    (IdTokenOutOfTime(90_000), "dated 25 hours back"),
    (TooManyAttempts(40), "wait 40 seconds"),
    (TooManyAttempts(130), "wait 3 minutes"),
    (QuotaReached("S001", "2026-W48", 2), "already has 2 bookings that week"),
    (QuotaReached("S001", "2026-W48", 1), "already has 1 booking that week"),
    (QuotaReached("9-B", "2026-W48", 1, 1, Party.CLASS), "9-B already has 1 booking that week"),
    (GroundClosed("ground-1", "Rain"), "closed then: Rain"),
    (GroundRetired("ground-1"), "not in use any more"),
    (GameNotAllowed("ground-1", "Golf", ("Football", "Cricket")), "It is for Football, Cricket"),
    (StudentInactive("S001"), "left the school or is suspended"),
    (StudentStays("S001"), "This student is active. Deactivate first"),
    (StudentStays("S001", 2), "still has 2 bookings ahead"),
    (errors.PartOfSet(), "one of several grounds that were asked for at once"),
    (errors.LineFull(5), "5 wait for this slot already, and no more may"),
    (errors.LineFull(0), "This school has no waiting list"),
    (NoSchool(DAY, "Founders' day"), "no school on Tue 24 Nov (Founders' day)"),
    (NoSchool(DAY, ground_id="pool"), "This ground has no periods on Tue 24 Nov."),
    (_taken(_booking()), "This slot was just booked by Meera Nair. Please choose another."),
    (_taken(_booking("closure", "Rain")), "This ground was just closed: Rain."),
    (_taken(None), "This slot was just booked by somebody else"),
    (StudentBusy(_booking()), "Asha Rao already has Football, 9–10 AM"),
    (SupervisorBusy(_booking()), " is with Asha Rao then, 9–10 AM"),
    (SupervisorBusy(None), "The supervisor has another booking at that time"),
    (StudentBusy(None), "another booking at that time"),
    (AlreadyDecided(Status.REJECTED, "Dr. Anand Rao", MOMENT), "Dr. Anand Rao was faster"),
    (SubmissionReused(uuid4()), "sent before with other details"),
    (NotFound("booking", "x"), "This booking is not on record"),
    (NotAllowed("cancel", "staff"), "does not allow you to cancel"),
    (errors.AlreadyBegun(MOMENT), "has begun"),
    (errors.NotAsked(), "No question about this request waits"),
    (errors.NotRunning(), "running now"),
    (errors.UndoOver(10), "can be undone for 10 seconds only"),
    (StoreRefused("E11000"), "The database refused this"),
    (SchemaConflict([]), "doctor"),
    (StoreUnavailable("down"), "The database cannot be reached"),
    (errors.SchemaMissing("one"), "has lost its indexes"),
    (errors.UpdateNeeded(3, 2), "update this one"),
    (errors.MailRefused("550 No such user", for_good=True), "did not take the mail: 550 No such"),
    (errors.MailRefused("450 Later", for_good=False), "450 Later. It may take it later."),
    (errors.MailServerFailed("it did not answer in time"), "takes no mail: it did not answer"),
    (ServerFailed("The disk is full.", "Make room."), "The disk is full. Make room."),
]


def _tree(kind: type[BookingError]) -> set[type[BookingError]]:
    return {kind}.union(*(_tree(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize(
    ("error", "said"), SENTENCES, ids=lambda v: getattr(type(v), "__name__", None)
)
def test_an_error_has_its_own_sentence(error: BookingError, said: str) -> None:
    text = messages.error(error)

    assert said in text
    assert text.endswith(".")


def test_no_error_of_the_tree_uses_the_default_sentence() -> None:
    default = messages.error(BookingError())
    inner = {BookingError, errors.RuleBroken, errors.Conflict}  # abstract: these are never raised

    assert _tree(BookingError) - inner == {type(error) for error, _ in SENTENCES}
    assert default not in {messages.error(error) for error, _ in SENTENCES}


def test_every_field_of_a_request_has_a_name() -> None:
    assert {field.name for field in fields(BookingRequest)} <= set(messages.FIELDS)


def test_no_sentence_contains_a_name_of_the_program() -> None:
    for error, _ in SENTENCES:
        said = messages.error(error).replace(".", " ").split()
        assert not {"None", "Traceback", "datetime", "Status"} & set(said)
