"""A state machine: after any sequence of operations, the bookings are sound and match a model.

The file is long because the machine is one class: each operation is a rule with its expected
errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from itertools import count, pairwise
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    assert_sound,
    booked,
    close_one,
    request_for,
    student_id,
)
from support import GROUNDS as THREE

from booking_core import (
    Account,
    Actor,
    AlreadyDecided,
    BookingError,
    CellState,
    ChangedMeanwhile,
    Ground,
    GroundClosed,
    InvalidRequest,
    NotAsked,
    PartOfSet,
    Party,
    QuotaReached,
    Role,
    SeriesConflict,
    SeriesRequest,
    SetConflict,
    SetRequest,
    Slot,
    SlotTaken,
    StudentBusy,
    SupervisorBusy,
    add_account,
    answer,
    approve,
    ask,
    book_series,
    book_set,
    cancel,
    change_party,
    change_series_party,
    close_grounds,
    day_board,
    find_bookings,
    get_booking,
    lift_closure,
    move,
    move_series,
    reinstate,
    reject,
    replace_booking,
    revoke,
    save_ground,
    swap,
    undo_change,
)

NEXT_WEEK = DAY + timedelta(days=6)
GROUNDS = st.sampled_from(["ground-1", "ground-3"])
# The half lies on a surface of the third ground.
SURFACES = {"ground-1": {"ground-1"}, "ground-3": {"ground-3", "strip"}, "half": {"strip"}}
PLACES = st.sampled_from(sorted(SURFACES))
DAYS = st.sampled_from([DAY, DAY + timedelta(days=1), NEXT_WEEK])
STUDENTS = st.integers(0, 2)
SUPERVISORS = st.sampled_from([None, "meera"])
CLASS = "1-A"
STARTS, LENGTHS = st.integers(8, 9), st.integers(1, 2)
HOLDING = {"Pending", "Approved"}
UNCHANGED = ("moved", "party changed", "asked", "answered")  # actions that may leave the status
ENDS = {cancel: HOLDING, reject: {"Pending"}, revoke: {"Approved"}}  # verb -> from which status


@dataclass(frozen=True)
class Kept:
    """The model's record of a booking, or of a closure (without a student)."""

    ground: str
    day: date
    start: int
    end: int
    student: str | None
    status: str
    was: str = ""  # the status before a closure displaced it; empty after any later change
    second: str | None = None
    supervisor: str | None = None
    set_place: int | None = None
    set_id: int | None = None
    series: str | None = None
    apart: bool = False  # somebody moved it by itself
    own_party: bool = False  # somebody changed its party by itself

    @property
    def people(self) -> set[str]:
        """Whom it claims; a class claims nobody, and of a set the first booking has the people."""
        if self.set_place:
            return set()
        return {one for one in (self.student, self.second, self.supervisor) if one}

    @property
    def quota_holders(self) -> set[str]:
        return self.people - {self.supervisor}

    def overlaps(self, other: Kept) -> bool:
        return self.day == other.day and self.start < other.end and other.start < self.end

    def is_on(self, ground: str) -> bool:
        """Whether it holds a surface of ``ground``."""
        return not SURFACES[self.ground].isdisjoint(SURFACES[ground])

    @property
    def week(self) -> tuple[int, int]:
        return self.day.isocalendar()[:2]


def party_of(students: set[int]) -> tuple[dict[str, object], str, str | None]:
    """Returns the fields of a request, and the first and second student: a class has none."""
    first, second = ([*sorted(map(student_id, students)), None, None])[:2]
    if first is None:
        return {"class_name": CLASS}, "", None
    return {"student_ids": tuple(filter(None, (first, second)))}, first, second


class Bookings(RuleBasedStateMachine):
    db = None
    bookings = Bundle("bookings")
    closings = Bundle("closings")
    displaced = Bundle("displaced")  # displaced by a closure that is lifted

    def __init__(self):
        super().__init__()
        self.db.bookings.delete_many({})
        self.model: dict[str, Kept] = {}
        self.numbers = count()

    def reason(self) -> str:
        """Returns another text each time: a verb that is sent again unchanged is no error."""
        return f"reason {next(self.numbers)}"

    def expected_errors(
        self, wanted: Kept, but: str | None = None, again: bool = False
    ) -> set[type[BookingError]]:
        """Returns the errors with which ``wanted`` may be refused; empty if it must succeed."""
        others = [k for id_, k in self.model.items() if k.status in HOLDING and id_ != but]
        in_the_way = [k for k in others if k.is_on(wanted.ground) and k.overlaps(wanted)]
        if in_the_way:
            # The error names the earliest of several conflicts on the first surface.
            same = [k for k in in_the_way if k.ground == wanted.ground] or in_the_way
            first = min(same, key=lambda k: k.start)
            return {GroundClosed} if first.student is None else {SlotTaken}
        found: set[type[BookingError]] = set()
        for person in wanted.people:
            mine = [k for k in others if person in k.people]
            if any(k.overlaps(wanted) for k in mine):
                found.add(SupervisorBusy if person == wanted.supervisor else StudentBusy)
            if person not in wanted.quota_holders:
                continue
            quota = self.db.booking_settings.quota
            full = quota and len([k for k in mine if k.week == wanted.week]) >= quota
            if full and (but is None or again or self.model[but].week != wanted.week):
                found.add(QuotaReached)
        return found

    def attempt(self, action, expected):
        """Returns the result of ``action``; None if it raised one of the expected errors."""
        if not expected:
            return action()
        with pytest.raises(tuple(expected)):
            action()
        return None

    @rule(target=bookings, ground=PLACES, day=DAYS, start=STARTS, length=LENGTHS, student=STUDENTS)
    def book(self, ground, day, start, length, student):
        wanted = Kept(ground, day, start, start + length, student_id(student), "Pending")

        made = self.attempt(
            lambda: booked(
                self.db, ground=ground, on=day, start=start, end=start + length, student=student
            ),
            self.expected_errors(wanted),
        )

        if made is None:
            return multiple()
        self.model[made.id] = wanted
        return made.id

    @rule(
        target=bookings,
        ground=PLACES,
        day=DAYS,
        start=STARTS,
        length=LENGTHS,
        students=st.sets(STUDENTS, min_size=2, max_size=2) | st.just(set()),
        supervisor=SUPERVISORS,
    )
    def book_for_others(self, ground, day, start, length, students, supervisor):
        """Books for two students, or for a class, and with a supervisor."""
        party, first, second = party_of(students)
        wanted = Kept(
            *(ground, day, start, start + length, first, "Pending"),
            second=second,
            supervisor=supervisor,
        )

        made = self.attempt(
            lambda: booked(
                self.db,
                ground=ground,
                on=day,
                start=start,
                end=start + length,
                supervisor_id=supervisor,
                **party,
            ),
            self.expected_errors(wanted),
        )

        if made is None:
            return multiple()
        self.model[made.id] = wanted
        return made.id

    @rule(target=bookings, day=DAYS, start=STARTS, student=STUDENTS, supervisor=SUPERVISORS)
    def book_both_grounds(self, day, start, student, supervisor):
        number = next(self.numbers)
        wanted = [
            Kept(
                *(ground, day, start, start + 1, student_id(student), "Pending"),
                supervisor=supervisor,
                set_place=place,
                set_id=number,
            )
            for place, ground in enumerate(("ground-1", "ground-3"))
        ]
        request = request_for(
            student=student, ground="ground-1", on=day, start=start, supervisor_id=supervisor
        )
        asked = SetRequest(request, ("ground-1", "ground-3"))

        made = self.attempt(
            lambda: book_set(self.db, asked, by=MEERA, submission_id=uuid4(), now=NOW),
            {SetConflict} if any(map(self.expected_errors, wanted)) else set(),
        )

        if made is None:
            return multiple()
        self.model |= {b.id: kept for b, kept in zip(made.bookings, wanted, strict=True)}
        return multiple(*(b.id for b in made.bookings))

    @rule(target=bookings, ground=PLACES, start=STARTS, student=STUDENTS, supervisor=SUPERVISORS)
    def book_series(self, ground, start, student, supervisor):
        """Books two days of a week in turn, so that the quota of one week counts both."""
        days = (DAY, DAY + timedelta(days=1), NEXT_WEEK)
        wanted = [
            Kept(
                *(ground, day, start, start + 1, student_id(student), "Pending"),
                supervisor=supervisor,
            )
            for day in days
        ]
        expected = {SeriesConflict} if any(map(self.expected_errors, wanted)) else set()
        quota = self.db.booking_settings.quota
        mine = [
            kept
            for kept in self.model.values()
            if kept.status in HOLDING
            and student_id(student) in kept.quota_holders
            and kept.week == wanted[0].week
        ]
        if quota and len(mine) + 2 > quota:
            expected = {SeriesConflict}
        asked = SeriesRequest(
            request_for(
                student=student, ground=ground, on=DAY, start=start, supervisor_id=supervisor
            ),
            dates=days,
        )

        made = self.attempt(
            lambda: book_series(self.db, asked, by=MEERA, submission_id=uuid4(), now=NOW), expected
        )

        if made is None:
            return multiple()
        for booking, kept in zip(made.bookings, wanted, strict=True):
            self.model[booking.id] = replace(kept, series=made.id)
        return multiple(*(booking.id for booking in made.bookings))

    @rule(
        id_=bookings,
        ground=PLACES | st.none(),
        start=STARTS,
        length=LENGTHS,
        from_date=DAYS | st.none(),
    )
    def move_series(self, id_, ground, start, length, from_date):
        series = self.model[id_].series
        if series is None:
            return
        dates = {
            i: kept
            for i, kept in self.model.items()
            if kept.series == series and (from_date is None or kept.day >= from_date)
        }
        held = {i: kept for i, kept in dates.items() if kept.status in HOLDING}
        wanted = {
            i: replace(kept, ground=ground or kept.ground, start=start, end=start + length)
            for i, kept in held.items()
            if not kept.apart
        }
        if not dates:
            expected = {InvalidRequest}
        elif not held:
            expected = {AlreadyDecided}
        elif not wanted:
            expected = {InvalidRequest}
        else:
            in_the_way = any(self.expected_errors(kept, i) for i, kept in wanted.items())
            expected = {SeriesConflict} if in_the_way else set()

        moved = self.attempt(
            lambda: move_series(
                self.db,
                series,
                ground_id=ground,
                start=time(start),
                end=time(start + length),
                from_date=from_date,
                by=HEAD,
                now=NOW,
            ),
            expected,
        )

        if moved is not None:
            assert {booking.id for booking in moved} == wanted.keys()
            self.model |= wanted

    def expected_errors_of_party(self, wanted: dict[str, Kept]) -> set[type[BookingError]]:
        """Returns the expected errors where these bookings get their new people together."""
        model, found = self.model, set()
        self.model = model | {
            id_: replace(kept, student="", second=None, supervisor=None)
            for id_, kept in wanted.items()
        }
        for id_, kept in wanted.items():
            errors = self.expected_errors(kept, id_, again=True)
            # Who stays in a party keeps the seat there, and the other dates count all the same.
            new = kept.quota_holders - model[id_].quota_holders
            errors.discard(QuotaReached)
            if self.lacks_seats(kept, id_, new, model):
                errors.add(QuotaReached)
            found |= errors
            self.model[id_] = kept
        self.model = model
        return found

    def lacks_seats(self, kept: Kept, id_: str, new: set[str], before: dict[str, Kept]) -> bool:
        """Returns whether one of ``new`` has no seat left in the week of ``kept``."""
        quota = self.db.booking_settings.quota
        for one in new:
            ids = {
                i
                for model in (self.model, before)
                for i, k in model.items()
                if k.status in HOLDING and one in k.quota_holders and k.week == kept.week
            }
            if quota and len(ids - {id_}) >= quota:
                return True
        return False

    @rule(
        id_=bookings,
        students=st.sets(STUDENTS, min_size=1, max_size=2) | st.just(set()),
        supervisor=SUPERVISORS,
        whole=st.booleans(),
        from_date=DAYS | st.none(),
    )
    def change_party(self, id_, students, supervisor, whole, from_date):
        kept = self.model[id_]
        people, first, second = party_of(students)
        people["supervisor_id"] = supervisor

        def given(one: Kept, own: bool) -> Kept:
            if {one.student, one.second} == {first, second} and one.supervisor == supervisor:
                return one
            return replace(one, student=first, second=second, supervisor=supervisor, own_party=own)

        if kept.series is not None and whole:
            self.change_party_of_series(kept.series, people, given, from_date)
            return
        wanted = given(kept, True)
        if kept.student is None:
            expected = {InvalidRequest}
        elif kept.status not in HOLDING:
            expected = {AlreadyDecided}
        elif wanted == kept:
            expected = set()
        elif kept.set_place is not None:
            expected = {PartOfSet}
        else:
            expected = self.expected_errors_of_party({id_: wanted})

        done = self.attempt(
            lambda: change_party(self.db, id_, **people, by=HEAD, now=NOW), expected
        )

        if done is not None:
            self.model[id_] = wanted

    def change_party_of_series(self, series, people, given, from_date):
        dates = {
            i: kept
            for i, kept in self.model.items()
            if kept.series == series and (from_date is None or kept.day >= from_date)
        }
        held = {i: kept for i, kept in dates.items() if kept.status in HOLDING}
        own = {i: given(kept, False) for i, kept in held.items() if not kept.own_party}
        changed = {i: kept for i, kept in own.items() if kept != self.model[i]}
        if not dates:
            expected = {InvalidRequest}
        elif not held:
            expected = {AlreadyDecided}
        elif not own:
            expected = {InvalidRequest}
        else:
            expected = {SeriesConflict} if self.expected_errors_of_party(changed) else set()

        done = self.attempt(
            lambda: change_series_party(
                self.db, series, **people, from_date=from_date, by=HEAD, now=NOW
            ),
            expected,
        )

        if done is not None:
            assert {booking.id for booking in done} == own.keys()
            self.model |= own

    @rule(target=bookings, ground=GROUNDS, day=DAYS, start=STARTS, length=LENGTHS)
    def close(self, ground, day, start, length):
        wanted = Kept(ground, day, start, start + length, None, "Approved")

        made = self.attempt(
            lambda: close_one(
                self.db,
                ground_id=ground,
                date=day,
                start=time(start),
                end=time(start + length),
                reason=self.reason(),
                by=HEAD,
                now=NOW,
            ),
            self.expected_errors_of_closing(wanted),
        )

        if made is None:
            return multiple()
        self.model[made.id] = wanted
        return made.id

    def expected_errors_of_closing(self, wanted: Kept) -> set[type[BookingError]]:
        """Returns the expected errors of a closing that was told of no booking to displace."""
        held = [k for k in self.model.values() if k.status in HOLDING]
        met = [k for k in held if k.is_on(wanted.ground) and k.overlaps(wanted)]
        if any(k.student is None for k in met):
            return {GroundClosed}
        return {ChangedMeanwhile} if met else set()

    def decide(self, operation, id_, allowed, target):
        kept = self.model[id_]
        expected = set() if kept.status in allowed else {AlreadyDecided}
        if not expected and target not in HOLDING and self.holds_others(id_):
            expected = {PartOfSet}
        if kept.student is None:
            expected = {InvalidRequest}

        done = self.attempt(
            lambda: operation(self.db, id_, by=HEAD, reason=self.reason(), now=NOW), expected
        )

        if done is not None:
            self.model[id_] = replace(kept, status=target)

    def holds_others(self, id_):
        """Whether it claims the people of a set of which another ground is active."""
        kept = self.model[id_]
        others = [k for i, k in self.model.items() if i != id_ and k.set_id == kept.set_id]
        return kept.set_place == 0 and any(k.status in HOLDING for k in others)

    @rule(id_=bookings)
    def approve(self, id_):
        self.decide(approve, id_, {"Pending"}, "Approved")

    @rule(id_=bookings)
    def ask(self, id_):
        kept = self.model[id_]
        expected = set() if kept.status == "Pending" else {AlreadyDecided}
        if kept.student is None:
            expected = {InvalidRequest}

        done = self.attempt(lambda: ask(self.db, id_, self.reason(), by=DEPUTY, now=NOW), expected)

        if done is not None:
            assert done.asked is not None

    @rule(id_=bookings)
    def answer(self, id_):
        kept = self.model[id_]
        stored = None if kept.student is None else get_booking(self.db, id_)
        expected = set() if kept.status == "Pending" else {AlreadyDecided}
        if stored is not None and not expected and stored.asked is None:
            expected = {NotAsked}
        if kept.student is None:
            expected = {InvalidRequest}

        done = self.attempt(
            lambda: answer(self.db, id_, self.reason(), by=ADMIN, now=NOW), expected
        )

        if done is not None:
            assert (done.asked, done.history[-1].action) == (None, "answered")

    @rule(id_=bookings)
    def reject(self, id_):
        self.decide(reject, id_, {"Pending"}, "Rejected")

    @rule(id_=consumes(bookings))
    def cancel(self, id_):
        self.decide(cancel, id_, HOLDING, "Cancelled")

    @rule(id_=bookings)
    def revoke(self, id_):
        self.decide(revoke, id_, {"Approved"}, "Revoked")

    @rule(target=closings, grounds=st.sets(GROUNDS, min_size=1), day=DAYS, whole=st.booleans())
    def close_several(self, grounds, day, whole):
        """Closes the whole day, or 9:00 to 10:00."""
        first, last = (0, 24) if whole else (9, 10)
        held = {
            id_: k
            for id_, k in self.model.items()
            if k.status in HOLDING and k.day == day and any(map(k.is_on, grounds))
        }
        wanted = {g: Kept(g, day, first, last, None, "Approved") for g in grounds}
        open_, partly = [], False
        for ground, want in wanted.items():
            closed = [
                k
                for k in held.values()
                if k.student is None and k.is_on(ground) and k.overlaps(want)
            ]
            hours = {hour for k in closed for hour in range(k.start, k.end)}
            partly = partly or bool(closed and not set(range(first, last)) <= hours)
            open_ += [] if closed else [ground]
        displaced = {
            id_: k
            for id_, k in held.items()
            if any(k.is_on(ground) and k.overlaps(wanted[ground]) for ground in open_)
        }

        made = self.attempt(
            lambda: close_grounds(
                self.db,
                ground_ids=grounds,
                first=day,
                last=day,
                start=time(first),
                end=time(last % 24),
                reason=self.reason(),
                by=HEAD,
                expected=displaced,
                now=NOW,
            ),
            {GroundClosed} if partly or not open_ else set(),
        )

        if made is None:
            return multiple()
        assert {b.id for b in made.displaced} == displaced.keys()
        for id_, kept in displaced.items():
            self.model[id_] = replace(kept, status="Revoked", was=kept.status)
        for closure in made.closures:
            self.model[closure.id] = wanted[closure.ground_id]
        return made.id

    @rule(target=displaced, id_=consumes(closings))
    def lift(self, id_):
        ids = {i for i in self.model if i.startswith(f"{id_}/")}

        lifted = lift_closure(self.db, id_, by=HEAD, now=NOW)

        assert {c.id for c in lifted.closures} == ids
        for closure in ids:
            self.model[closure] = replace(self.model[closure], status="Cancelled")
        for booking in lifted.reinstatable:
            kept = self.model[booking.id]
            assert kept.was
            assert self.expected_errors(kept, booking.id, again=True) <= {QuotaReached}
        return multiple(*(booking.id for booking in lifted.reinstatable))

    @rule(target=displaced, id_=bookings, back=st.booleans())
    def displace(self, id_, back):
        """Closes the booking's ground at its time, lifts the closure, and optionally reinstates."""
        kept = self.model[id_]
        if kept.status not in HOLDING or kept.student is None:
            return multiple()
        closing = close_grounds(
            self.db,
            ground_ids=[kept.ground],
            first=kept.day,
            last=kept.day,
            start=time(kept.start),
            end=time(kept.end),
            reason=self.reason(),
            by=HEAD,
            expected=[id_],
            now=NOW,
        )
        self.model[id_] = replace(kept, status="Revoked", was=kept.status)
        (closure,) = closing.closures
        lift_closure(self.db, closing.id, by=HEAD, now=NOW)
        self.model[closure.id] = Kept(
            kept.ground, kept.day, kept.start, kept.end, None, "Cancelled"
        )
        if back:
            self.try_reinstating(id_)
        return id_

    @rule(id_=displaced)
    def reinstate(self, id_):
        self.try_reinstating(id_)

    def try_reinstating(self, id_):
        kept = self.model[id_]
        wanted = replace(kept, status=kept.was, was="")
        expected = self.expected_errors(wanted, id_, again=True) if kept.was else {AlreadyDecided}

        back = self.attempt(
            lambda: reinstate(self.db, id_, by=Actor(self.reason(), Role.PRINCIPAL), now=NOW),
            expected,
        )

        if back is not None:
            self.model[id_] = wanted

    @rule(id_=bookings, ground=PLACES, day=DAYS, start=STARTS, length=LENGTHS)
    def move(self, id_, ground, day, start, length):
        kept = self.model[id_]
        wanted = replace(kept, ground=ground, day=day, start=start, end=start + length)
        expected = self.expected_errors(wanted, id_) if kept.status in HOLDING else {AlreadyDecided}
        times = (wanted.day, wanted.start, wanted.end)
        if kept.set_place is not None and times != (kept.day, kept.start, kept.end):
            expected = {PartOfSet} if kept.status in HOLDING else {AlreadyDecided}
        if kept.student is None:
            expected = {InvalidRequest}

        moved = self.attempt(
            lambda: move(
                self.db,
                id_,
                ground_id=ground,
                date=day,
                start=time(start),
                end=time(start + length),
                by=HEAD,
                now=NOW,
            ),
            expected,
        )

        if moved is not None:
            is_moved = (wanted.ground, *times) != (kept.ground, kept.day, kept.start, kept.end)
            self.model[id_] = replace(wanted, apart=kept.apart or is_moved)

    @rule(
        id_=bookings,
        verb=st.sampled_from(sorted(ENDS, key=lambda verb: verb.__name__)),
        book_between=st.booleans(),
    )
    def undo(self, id_, verb, book_between):
        """Ends a booking and undoes that; another may take its slot in between."""
        kept = self.model[id_]
        if kept.status not in ENDS[verb] or kept.student is None or self.holds_others(id_):
            return
        ended = verb(self.db, id_, by=HEAD, reason=self.reason(), now=NOW)
        self.model[id_] = replace(kept, status=ended.status.value, was="")
        if book_between:
            self.close(kept.ground, kept.day, kept.start, kept.end - kept.start)
        wanted = replace(kept, was="")

        firsts = [k for k in self.model.values() if k.set_place == 0 and k.set_id == kept.set_id]
        is_alone = kept.set_place and not any(k.status in HOLDING for k in firsts)

        back = self.attempt(
            lambda: undo_change(self.db, id_, revision=ended.revision, by=HEAD, now=NOW),
            {PartOfSet} if is_alone else self.expected_errors(wanted, id_, again=True),
        )

        if back is not None:
            self.model[id_] = wanted

    @rule(first=bookings, second=bookings)
    def swap(self, first, second):
        ids, both = (first, second), (self.model[first], self.model[second])
        one, other = both
        wanted = {
            first: replace(
                one, ground=other.ground, day=other.day, start=other.start, end=other.end
            ),
            second: replace(other, ground=one.ground, day=one.day, start=one.start, end=one.end),
        }
        if first == second or any(kept.student is None for kept in both):
            expected = {InvalidRequest}
        elif any(kept.status not in HOLDING for kept in both):
            expected = {AlreadyDecided}
        elif any(
            kept.set_place is not None
            and (kept.day, kept.start, kept.end) != (to.day, to.start, to.end)
            for kept, to in zip(both, wanted.values(), strict=True)
        ):
            expected = {PartOfSet}
        else:
            expected = self.expected_errors_of_swap(wanted)

        swapped = self.attempt(
            lambda: swap(self.db, first, second, reason=self.reason(), by=HEAD, now=NOW), expected
        )

        if swapped is not None:
            assert tuple(booking.id for booking in swapped) == ids
            self.model |= {id_: replace(kept, apart=True) for id_, kept in wanted.items()}

    @rule(
        target=bookings,
        id_=bookings,
        student=STUDENTS,
        to=st.none() | st.tuples(PLACES, DAYS, STARTS, LENGTHS),
    )
    def replace_by_another(self, id_, student, to):
        kept, number = self.model[id_], self.reason()
        if kept.student is None or not kept.end - kept.start:
            return multiple()
        made_of = Kept(
            *(kept.ground, kept.day, kept.start, kept.end, student_id(student), "Approved")
        )
        if to is None:
            status = "Revoked" if kept.status == "Approved" else "Rejected"
            after = replace(kept, status=status, was="")
        else:
            ground, day, start, length = to
            after = replace(
                kept, ground=ground, day=day, start=start, end=start + length, apart=True
            )
        expected = self.expected_errors_of_replacing(id_, after, made_of)
        move_to = None
        if to is not None:
            move_to = Slot(after.ground, after.day, time(after.start), time(after.end))

        done = self.attempt(
            lambda: replace_booking(
                self.db,
                id_,
                request_for(
                    student=student, ground=kept.ground, on=kept.day, start=kept.start, end=kept.end
                ),
                reason=number,
                expected=get_booking(self.db, id_).revision,
                move_to=move_to,
                by=HEAD,
                now=NOW,
            ),
            expected,
        )

        if done is None:
            return multiple()
        self.model |= {id_: after, done.made.id: made_of}
        return done.made.id

    def expected_errors_of_replacing(self, id_, after, made_of):
        kept = self.model[id_]
        if kept.status not in HOLDING:
            return {AlreadyDecided}
        if after.status not in HOLDING and self.holds_others(id_):
            return {PartOfSet}
        times = [(one.day, one.start, one.end) for one in (kept, after)]
        if kept.set_place is not None and times[0] != times[1]:
            return {PartOfSet}
        if after.status in HOLDING and after.is_on(made_of.ground) and after.overlaps(made_of):
            return {InvalidRequest}
        found = set()
        if after.status in HOLDING:
            found |= self.expected_errors(after, id_)
            if found & {SlotTaken, GroundClosed}:
                found.add(QuotaReached)  # seats are counted before the slot is lost
        before = self.model
        self.model = before | {id_: after}
        found |= self.expected_errors(made_of)
        self.model = before
        return found

    def expected_errors_of_swap(self, wanted):
        """Returns the expected errors of bookings that leave their slots for one another's."""
        before, found = self.model, set()
        # Each is judged beside the other as it will be; a seat of the week that it leaves is free.
        self.model = before | wanted
        for id_, kept in wanted.items():
            errors = self.expected_errors(kept, id_, again=True)
            stays = kept.week == before[id_].week
            found |= errors - {QuotaReached} if stays else errors
        self.model = before
        return found

    @invariant()
    def the_database_is_sound(self):
        assert_sound(self.db)

    @invariant()
    def the_database_matches_the_model(self):
        stored = {
            b.id: Kept(
                *(b.ground_id, b.date, b.start.hour, b.end.hour or 24),
                *(b.student_id or ("" if b.party is Party.CLASS else None), b.status.value),
                second=b.others[0].id if b.others else None,
                supervisor=b.supervisor_id,
                set_place=b.set_place,
                series=b.series if b.set_place is None else None,
            )
            for b in find_bookings(self.db, kind=None, limit=1000)
        }
        assert stored == {
            id_: replace(kept, was="", set_id=None, apart=False, own_party=False)
            for id_, kept in self.model.items()
        }

    @invariant()
    def history_and_status_agree(self):
        for row in self.db.bookings.find():
            decided = [e["action"] for e in row["history"] if e["action"] not in UNCHANGED][-1]
            was = [e["was"].lower() for e in row["history"] if e["action"] == "displaced"]
            pairs = pairwise(row["history"])
            undone = next((b["was"] for b, e in reversed([*pairs]) if e["action"] == "undone"), "")
            expected = {
                "requested": "pending",
                "closed": "approved",
                "displaced": "revoked",
                "lifted": "cancelled",
                "reinstated": was[-1] if was else "",
                "undone": undone.lower(),
            }.get(decided, decided)
            assert row["status"].lower() == expected
            # A principal's booking is stored with two entries.
            first = 1 + (row["created_by"] == HEAD.id and row["kind"] == "booking")
            assert row["revision"] == len(row["history"]) - first

    @invariant()
    def the_board_shows_the_state_of_each_slot(self):
        held = {
            (ground, hour): k
            for k in self.model.values()
            if k.status in HOLDING and k.day == DAY
            for ground in filter(k.is_on, SURFACES)
            for hour in range(k.start, k.end)
        }
        board = day_board(self.db, DAY, NOW)
        for ground in SURFACES:
            for hour in range(8, 12):
                kept = held.get((ground, hour))
                state = board.cell(ground, time(hour)).state
                if kept is None:
                    assert state is CellState.FREE
                elif kept.student is None:
                    assert state is CellState.CLOSED
                elif kept.status == "Approved":
                    assert state is CellState.BOOKED
                else:
                    assert state is CellState.PENDING


def test_after_any_sequence_of_operations_the_bookings_are_sound_and_match_the_model(db):
    third = next(ground for ground in THREE if ground.id == "ground-3")
    save_ground(db, replace(third, surfaces=SURFACES["ground-3"]))
    add_account(db, Account("meera", "Meera", Role.STAFF))
    save_ground(db, Ground("half", "Half", third.games, surfaces=SURFACES["half"]))
    # A property, because Hypothesis reads attributes of the machine, and a Database has every one.
    machine = type("Machine", (Bookings,), {"db": property(lambda _: db)})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
        ),
    )
