"""The model of the bookings, for the state machine: the effect and the errors of each verb."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from support import DAY, student_id

from booking_core import (
    AlreadyDecided,
    BookingError,
    ChangedMeanwhile,
    GroundClosed,
    InvalidRequest,
    PartOfSet,
    Party,
    QuotaReached,
    SlotTaken,
    StudentBusy,
    SupervisorBusy,
    Team,
    cancel,
    reject,
    revoke,
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
TEAM = Team("team-1", "Team", (student_id(0), student_id(1)))
# Two students, or another party.
PARTIES = st.sets(STUDENTS, min_size=2, max_size=2) | st.sampled_from(
    [Party.CLASS, Party.TEAM, Party.STAFF]
)
WAITING_PLACES = 2
# For whom another ground will do gets the first free one; grounds on shared surfaces follow one
# another.
IN_ORDER = ("half", "ground-3", "ground-1")
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
    party: Party = Party.STUDENTS
    members: tuple[str, ...] = ()  # of a team; the policy claims them
    set_place: int | None = None
    set_id: str | None = None
    series: str | None = None
    apart: bool = False  # somebody moved it by itself
    own_party: bool = False  # somebody changed its party by itself

    @property
    def people(self) -> set[str]:
        """Whom it claims; a class claims nobody, and of a set the first booking has the people."""
        if self.set_place:
            return set()
        return {one for one in (self.student, self.second, self.supervisor, *self.members) if one}

    @property
    def quota_holders(self) -> set[str]:
        return self.people - {self.supervisor, *self.members}

    def overlaps(self, other: Kept) -> bool:
        return self.day == other.day and self.start < other.end and other.start < self.end

    def is_on(self, ground: str) -> bool:
        """Whether it holds a surface of ``ground``."""
        return not SURFACES[self.ground].isdisjoint(SURFACES[ground])

    @property
    def week(self) -> tuple[int, int]:
        return self.day.isocalendar()[:2]


@dataclass(frozen=True)
class Entry:
    """The model's record of an entry of the waiting list."""

    wanted: Kept
    any_ground: bool
    passed: bool = False

    @property
    def options(self) -> list[Kept]:
        """The slots that this entry would accept, that of its own ground first."""
        others = [ground for ground in IN_ORDER if ground != self.wanted.ground]
        grounds = [self.wanted.ground, *(others if self.any_ground else ())]
        return [replace(self.wanted, ground=ground) for ground in grounds]


def party_of(party: set[int] | Party) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the fields of a request for students or another party, and those of a Kept."""
    kept: dict[str, Any] = {"student": "", "second": None, "members": ()}
    if party is Party.CLASS:
        return {"class_name": CLASS}, kept | {"party": party}
    if party is Party.TEAM:
        return {"team_id": TEAM.id}, kept | {"party": party, "members": TEAM.members}
    if party is Party.STAFF:
        return {"for_staff": True}, kept | {"party": party}
    ids = tuple(sorted(map(student_id, party)))
    first, second = [*ids, None][:2]
    kept |= {"student": first, "second": second, "party": Party.STUDENTS}
    return {"student_ids": ids}, kept


class Model(RuleBasedStateMachine):
    """The bookings and the waiting list as they should be, and the expected errors."""

    db = None
    entry_numbers = count()

    def __init__(self):
        super().__init__()
        self.db.bookings.delete_many({})
        self.db.waiting.delete_many({})
        self.model: dict[str, Kept] = {}
        self.waiting: dict[str, Entry] = {}  # in the order of asking
        self.promoted: list[str] = []  # by a verb that returns no bookings
        self.numbers = count()
        self.without_entry: Counter[str] = Counter()  # changes that the history does not name

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
            # The seat of a team is not one of a member.
            seats = [k for k in mine if k.week == wanted.week and person in k.quota_holders]
            full = quota and len(seats) >= quota
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

    def expected_errors_of_party(self, wanted: dict[str, Kept]) -> set[type[BookingError]]:
        """Returns the expected errors where these bookings get their new people together."""
        model, found = self.model, set()
        self.model = model | {
            id_: replace(kept, student="", second=None, supervisor=None, members=())
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

    def expected_errors_of_closing(self, wanted: Kept) -> set[type[BookingError]]:
        """Returns the expected errors of a closing that was told of no booking to displace."""
        held = [k for k in self.model.values() if k.status in HOLDING]
        met = [k for k in held if k.is_on(wanted.ground) and k.overlaps(wanted)]
        if any(k.student is None for k in met):
            return {GroundClosed}
        return {ChangedMeanwhile} if met else set()

    def holds_others(self, id_):
        """Whether it claims the people of a set of which another ground is active."""
        kept = self.model[id_]
        others = [k for i, k in self.model.items() if i != id_ and k.set_id == kept.set_id]
        return kept.set_place == 0 and any(k.status in HOLDING for k in others)

    def first_of_set(self, id_):
        """The id of the first ground of the set of a later one; None for another booking."""
        kept = self.model[id_]
        if not kept.set_place:
            return None
        [first] = [i for i, k in self.model.items() if (k.set_id, k.set_place) == (kept.set_id, 0)]
        return first

    def exchange_places(self, first, other):
        places = self.model[first].set_place, self.model[other].set_place
        self.model[first] = replace(self.model[first], set_place=places[1])
        self.model[other] = replace(self.model[other], set_place=places[0])

    def hand_on(self, ended):
        """Gives the people of each set whose first ground has ended to the next that has not."""
        for id_ in ended:
            if self.model[id_].set_place == 0:
                set_id = self.model[id_].set_id
                left = [
                    i
                    for i, k in self.model.items()
                    if k.set_id == set_id and i != id_ and k.status in HOLDING
                ]
                if left:
                    heir = min(left, key=lambda i: self.model[i].set_place)
                    self.exchange_places(id_, heir)
                    self.without_entry[heir] += 1

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

    def series_of(self, id_: str, from_date: date | None = None) -> tuple[str, dict[str, Kept]]:
        """Returns the id of the series or set of a booking, and its bookings from a date on."""
        series = self.model[id_].series or self.model[id_].set_id or ""
        return series, {
            i: kept
            for i, kept in self.model.items()
            if series in (kept.series, kept.set_id) and (from_date is None or kept.day >= from_date)
        }

    def expected_errors_of_series(
        self, dates: dict[str, Kept], left: dict[str, Kept], target: str
    ) -> set[type[BookingError]]:
        """Returns the expected errors where ``left``, of these dates, get the status ``target``."""
        if not dates:
            return {InvalidRequest}
        if not left:
            return {AlreadyDecided}
        stay = [k for i, k in dates.items() if k.status in HOLDING and i not in left]
        loses_people = any(k.set_place == 0 for k in left.values()) and stay
        return {PartOfSet} if loses_people and target not in HOLDING else set()

    def closing_of(
        self, grounds: set[str], day: date, first: int, last: int
    ) -> tuple[dict[str, Kept], dict[str, Kept], set[type[BookingError]]]:
        """Returns the closures by ground, the bookings that they displace, and the errors."""
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
        return wanted, displaced, {GroundClosed} if partly or not open_ else set()

    def free_options(self, entry: Entry) -> list[Kept]:
        """Returns those of its options whose ground nobody holds then."""
        taken = {SlotTaken, GroundClosed}
        return [one for one in entry.options if not self.expected_errors(one) & taken]

    def promote(self, day: date | None) -> list[str]:
        """Gives the free slots of the week of ``day`` in the model; None: of all weeks.

        Returns the ids of the bookings.
        """
        made = []
        for id_, entry in sorted(self.waiting.items(), key=lambda item: item[1].wanted.day):
            if day is not None and day.isocalendar()[:2] != entry.wanted.week:
                continue
            free = self.free_options(entry)
            fit = next((one for one in free if not self.expected_errors(one)), None)
            if fit is None:
                self.waiting[id_] = replace(entry, passed=bool(free))
            else:
                self.model[id_] = fit
                del self.waiting[id_]
                made.append(id_)
        return made
