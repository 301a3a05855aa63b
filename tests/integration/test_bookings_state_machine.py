"""A state machine: after any sequence of operations, the bookings are sound and match a model.

The file is long because the machine is one class: each operation is a rule. What the operations
should do is in ``booking_machine``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from booking_machine import (
    DAYS,
    ENDS,
    GROUNDS,
    HOLDING,
    LENGTHS,
    NEXT_WEEK,
    PARTIES,
    PLACES,
    STARTS,
    STUDENTS,
    SUPERVISORS,
    SURFACES,
    TEAM,
    UNCHANGED,
    WAITING_PLACES,
    Entry,
    Kept,
    Model,
    party_of,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
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
    CellState,
    Ground,
    InvalidRequest,
    LineFull,
    NotAsked,
    PartOfSet,
    QuotaReached,
    Role,
    SeriesConflict,
    SeriesRequest,
    SetConflict,
    SetRequest,
    Slot,
    add_account,
    answer,
    approve,
    approve_series,
    ask,
    book_series,
    book_set,
    cancel,
    cancel_series,
    change_ground,
    change_party,
    change_series_party,
    close_grounds,
    day_board,
    find_bookings,
    get_booking,
    join_waiting_list,
    leave_waiting_list,
    lift_closure,
    load_reference,
    move,
    move_series,
    promote_waiting,
    propose_moves,
    reinstate,
    reject,
    reject_series,
    replace_booking,
    retire_ground,
    revoke,
    save_ground,
    save_policy,
    save_team,
    swap,
    undo_change,
    waiting_ahead,
)


class Bookings(Model):
    bookings = Bundle("bookings")
    closings = Bundle("closings")
    displaced = Bundle("displaced")  # displaced by a closure that is lifted
    entries = Bundle("entries")

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
        party=PARTIES,
        supervisor=SUPERVISORS,
    )
    def book_for_others(self, ground, day, start, length, party, supervisor):
        """Books for two students, a class, a team or staff, and with a supervisor."""
        people, of_party = party_of(party)
        wanted = Kept(
            ground, day, start, start + length, status="Pending", supervisor=supervisor, **of_party
        )

        made = self.attempt(
            lambda: booked(
                self.db,
                ground=ground,
                on=day,
                start=start,
                end=start + length,
                supervisor_id=supervisor,
                **people,
            ),
            self.expected_errors(wanted),
        )

        if made is None:
            return multiple()
        self.model[made.id] = wanted
        return made.id

    @rule(target=bookings, day=DAYS, start=STARTS, student=STUDENTS, supervisor=SUPERVISORS)
    def book_both_grounds(self, day, start, student, supervisor):
        wanted = [
            Kept(
                *(ground, day, start, start + 1, student_id(student), "Pending"),
                supervisor=supervisor,
                set_place=place,
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
        for booking, kept in zip(made.bookings, wanted, strict=True):
            self.model[booking.id] = replace(kept, set_id=made.id)
        return multiple(*(b.id for b in made.bookings))

    @rule(
        target=bookings,
        ground=PLACES,
        start=STARTS,
        student=STUDENTS,
        supervisor=SUPERVISORS,
        only_free=st.booleans(),
    )
    def book_series(self, ground, start, student, supervisor, only_free):
        """Books two days of a week in turn, so that the quota of one week counts both."""
        days = (DAY, DAY + timedelta(days=1), NEXT_WEEK)
        before, problems = self.model, {}
        self.model, won = dict(before), {}
        for day in days:
            wanted = Kept(
                *(ground, day, start, start + 1, student_id(student), "Pending"),
                supervisor=supervisor,
            )
            if errors := self.expected_errors(wanted):
                problems[day] = errors
            else:
                self.model[day.isoformat()] = won[day] = wanted
        self.model = before
        first = request_for(
            student=student, ground=ground, on=DAY, start=start, supervisor_id=supervisor
        )

        made = self.attempt(
            lambda: book_series(
                self.db,
                SeriesRequest(first, dates=days),
                by=MEERA,
                submission_id=uuid4(),
                only_free=only_free,
                now=NOW,
            ),
            {SeriesConflict} if problems and not only_free else set(),
        )

        if made is None:
            return multiple()
        assert [one.date for one in made.refused] == sorted(problems)
        assert all(type(one.problem) in problems[one.date] for one in made.refused)
        assert [booking.date for booking in made.bookings] == sorted(won)
        for booking in made.bookings:
            self.model[booking.id] = replace(won[booking.date], series=made.id)
        return multiple(*(booking.id for booking in made.bookings))

    @rule(
        id_=bookings,
        ground=PLACES | st.none(),
        start=STARTS,
        length=LENGTHS,
        from_date=DAYS | st.none(),
    )
    def move_series(self, id_, ground, start, length, from_date):
        if self.model[id_].series is None:
            return
        series, dates = self.series_of(id_, from_date)
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

    @rule(
        id_=bookings,
        party=PARTIES | st.sets(STUDENTS, min_size=1, max_size=1),
        supervisor=SUPERVISORS,
        whole=st.booleans(),
        from_date=DAYS | st.none(),
    )
    def change_party(self, id_, party, supervisor, whole, from_date):
        kept = self.model[id_]
        people, of_party = party_of(party)
        people["supervisor_id"] = supervisor

        def given(one: Kept, own: bool) -> Kept:
            new = replace(one, supervisor=supervisor, **of_party)
            same = {one.student, one.second} == {new.student, new.second}
            if same and (one.party, one.supervisor) == (new.party, supervisor):
                return one
            return replace(new, own_party=own)

        if kept.series is not None and whole:
            self.change_party_of_series(id_, people, given, from_date)
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

    def change_party_of_series(self, id_, people, given, from_date):
        series, dates = self.series_of(id_, from_date)
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

    @rule(id_=bookings)
    def approve_series(self, id_):
        self.decide_series(approve_series, id_, {"Pending"}, "Approved")

    @rule(id_=bookings)
    def reject_series(self, id_):
        self.decide_series(reject_series, id_, {"Pending"}, "Rejected", reason=self.reason())

    @rule(id_=bookings, from_date=DAYS | st.none())
    def cancel_series(self, id_, from_date):
        self.decide_series(cancel_series, id_, HOLDING, "Cancelled", from_date=from_date)

    def decide_series(self, operation, id_, allowed, target, **options):
        """Decides on the dates of a series, or on the grounds of a set."""
        series, dates = self.series_of(id_, options.get("from_date"))
        if not series:
            return
        left = {i: kept for i, kept in dates.items() if kept.status in allowed}
        # Another principal each time: who sends it again is answered as the first time.
        by = Actor(self.reason(), Role.PRINCIPAL)

        done = self.attempt(
            lambda: operation(self.db, series, by=by, now=NOW, **options),
            self.expected_errors_of_series(dates, left, target),
        )

        if done is not None:
            assert {booking.id for booking in done} == left.keys()
            self.model |= {i: replace(kept, status=target) for i, kept in left.items()}

    @rule(
        target=entries,
        ground=PLACES,
        day=DAYS,
        start=STARTS,
        length=LENGTHS,
        party=PARTIES | st.sets(STUDENTS, min_size=1, max_size=1),
        any_ground=st.booleans(),
    )
    def join(self, ground, day, start, length, party, any_ground):
        """Waits for a slot; whose other grounds are free gets one of them at once."""
        people, of_party = party_of(party)
        wanted = Kept(ground, day, start, start + length, status="Pending", **of_party)
        entry = Entry(wanted, any_ground)
        same = [i for i, one in self.waiting.items() if replace(one, passed=False) == entry]
        in_line = [
            one
            for one in self.waiting.values()
            if one.wanted.is_on(ground) and one.wanted.overlaps(wanted)
        ]
        slot = (ground, day, start, start + length)
        places = [
            one
            for one in in_line
            if (one.wanted.ground, one.wanted.day, one.wanted.start, one.wanted.end) == slot
        ]
        is_held = not self.free_options(replace(entry, any_ground=False))
        expected = set()
        if not same and not is_held and all(one.passed for one in in_line):
            expected = {InvalidRequest}
        elif not same and len(places) >= WAITING_PLACES:
            expected = {LineFull}

        made = self.attempt(
            lambda: join_waiting_list(
                self.db,
                request_for(ground=ground, on=day, start=start, end=start + length, **people),
                by=MEERA,
                any_ground=any_ground,
                # Who asks at the same moment stands in the order of the ids.
                entry_id=UUID(int=next(self.entry_numbers)),
                now=NOW,
            ),
            expected,
        )

        if made is None:
            return multiple()
        if same:
            assert made.id == same[0]
            return multiple()
        self.waiting[made.id] = entry
        self.promoted += self.promote(day)
        return made.id

    @rule(id_=consumes(entries))
    def leave(self, id_):
        leave_waiting_list(self.db, id_, by=MEERA, now=NOW)
        self.waiting.pop(id_, None)  # one that has its slot keeps it

    @rule(target=bookings, id_=bookings, student=STUDENTS)
    def free_for_somebody_elsewhere(self, id_, student):
        """Cancels a booking. A student with another booking at that time waits for its slot."""
        kept = self.model[id_]
        if kept.status not in HOLDING or kept.student is None:
            return multiple()
        slot = (kept.day, kept.start, kept.end - kept.start)
        elsewhere = next(ground for ground in SURFACES if not kept.is_on(ground))
        self.book(elsewhere, *slot, student)
        self.join(kept.ground, *slot, {student}, False)
        self.cancel(id_)
        return self.promote_waiting(kept.day)

    @rule(target=bookings, day=DAYS | st.none())
    def promote_waiting(self, day):
        expected = self.promote(day)

        made = promote_waiting(self.db, dates=None if day is None else [day], now=NOW)

        assert [booking.id for booking in made] == expected
        listed, self.promoted = [*self.promoted, *expected], []
        return multiple(*listed)

    @rule(
        target=closings,
        grounds=st.sets(GROUNDS, min_size=1),
        day=DAYS,
        whole=st.booleans(),
        moving=st.booleans(),
    )
    def close_several(self, grounds, day, whole, moving):
        """Closes the whole day, or 9:00 to 10:00; moves bookings as proposed, or revokes all."""
        first, last = (0, 24) if whole else (9, 10)
        wanted, displaced, expected = self.closing_of(grounds, day, first, last)
        made = self.close_over(wanted, displaced, expected, moving=moving)
        return multiple() if made is None else made.id

    def close_over(self, wanted, displaced, expected, *, moving):
        """Closes grounds as ``wanted``, which displaces bookings; None where it is refused."""
        [(day, first, last)] = {(k.day, k.start, k.end) for k in wanted.values()}
        asked = {
            "ground_ids": set(wanted),
            "first": day,
            "last": day,
            "start": time(first),
            "end": time(last % 24),
            "now": NOW,
        }
        moves = {}

        def close():
            if moving:
                proposed = propose_moves(self.db, **asked)
                assert {one.booking.id for one in proposed} == displaced.keys()
                moves.update({one.booking.id: one.slot for one in proposed if one.slot})
            return close_grounds(
                self.db, **asked, reason=self.reason(), by=HEAD, expected=displaced, moves=moves
            )

        made = self.attempt(close, expected)

        if made is None:
            return None
        assert {b.id for b in made.moved} == moves.keys()
        assert {b.id for b in made.displaced} == displaced.keys() - moves.keys()
        for id_, kept in displaced.items():
            if (slot := moves.get(id_)) is None:
                self.model[id_] = replace(kept, status="Revoked", was=kept.status)
            else:
                self.model[id_] = replace(
                    kept,
                    ground=slot.ground_id,
                    day=slot.date,
                    start=slot.start.hour,
                    end=slot.end.hour,
                    apart=True,
                )
        self.hand_on(displaced.keys() - moves.keys())
        for closure in made.closures:
            self.model[closure.id] = wanted[closure.ground_id]
        return made

    @rule(target=displaced, id_=consumes(closings))
    def lift(self, id_):
        ids = {i for i in self.model if i.startswith(f"{id_}/")}

        lifted = lift_closure(self.db, id_, by=HEAD, now=NOW)

        assert {c.id for c in lifted.closures} == ids
        for closure in ids:
            self.model[closure] = replace(self.model[closure], status="Cancelled")
        for booking in lifted.reinstatable:
            kept = self.coming_back(booking.id)
            assert kept.was
            assert self.expected_errors(kept, booking.id, again=True) <= {QuotaReached}
        for booking in lifted.returnable:
            slot = booking.last_move.moved_from
            former = replace(
                self.model[booking.id],
                ground=slot.ground_id,
                day=slot.date,
                start=slot.start.hour,
                end=slot.end.hour,
            )
            assert self.expected_errors(former, booking.id) <= {QuotaReached}
        return multiple(*(booking.id for booking in lifted.reinstatable))

    @rule(target=displaced, id_=bookings, back=st.booleans(), moving=st.booleans())
    def displace(self, id_, back, moving):
        """Closes the booking's ground at its time, lifts the closure, and optionally reinstates."""
        kept = self.model[id_]
        if kept.status not in HOLDING or kept.student is None:
            return multiple()
        closure = Kept(kept.ground, kept.day, kept.start, kept.end, None, "Approved")
        closing = self.close_over({kept.ground: closure}, {id_: kept}, set(), moving=moving)
        self.lift(closing.id)
        if self.model[id_].status in HOLDING:  # it was moved
            return multiple()
        if back:
            self.try_reinstating(id_)
        return id_

    @rule(
        target=displaced,
        day=DAYS,
        start=STARTS,
        student=STUDENTS,
        supervisor=SUPERVISORS,
        back=st.booleans(),
        moving=st.booleans(),
    )
    def displace_first_of_set(self, day, start, student, supervisor, back, moving):
        made = self.book_both_grounds(day, start, student, supervisor)
        if not made.values:
            return multiple()
        return self.displace(made.values[0], back, moving)

    @rule(id_=displaced)
    def reinstate(self, id_):
        self.try_reinstating(id_)

    def coming_back(self, id_):
        """The booking, which has ended, with its place in its set once it is back."""
        first = self.first_of_set(id_)
        is_first = first is not None and self.model[first].status not in HOLDING
        return replace(self.model[id_], set_place=0) if is_first else self.model[id_]

    def try_reinstating(self, id_):
        kept = self.coming_back(id_)
        wanted = replace(kept, status=kept.was, was="")
        expected = self.expected_errors(wanted, id_, again=True) if kept.was else {AlreadyDecided}

        back = self.attempt(
            lambda: reinstate(self.db, id_, by=Actor(self.reason(), Role.PRINCIPAL), now=NOW),
            expected,
        )

        if back is not None:
            if (first := self.first_of_set(id_)) is not None:
                self.without_entry[first] += 1
                if wanted.set_place == 0:
                    self.exchange_places(first, id_)
            self.model[id_] = wanted

    @rule(ground=GROUNDS)
    def retire_and_bring_back(self, ground):
        """Retires a ground with all bookings there, which are revoked, and uses it again."""
        lost = {
            i: k
            for i, k in self.model.items()
            if k.ground == ground and k.status in HOLDING and k.student is not None
        }

        done = retire_ground(
            self.db, ground, revoke=list(lost), reason=self.reason(), by=ADMIN, now=NOW
        )
        change_ground(self.db, ground, retired=False, by=ADMIN, now=NOW)

        assert {booking.id for booking in done.revoked} == lost.keys()
        self.model |= {i: replace(kept, status="Revoked", was="") for i, kept in lost.items()}
        self.hand_on(lost)

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

        first = self.first_of_set(id_)
        is_alone = first is not None and self.model[first].status not in HOLDING

        back = self.attempt(
            lambda: undo_change(self.db, id_, revision=ended.revision, by=HEAD, now=NOW),
            {PartOfSet} if is_alone else self.expected_errors(wanted, id_, again=True),
        )

        if back is not None:
            self.model[id_] = wanted
            if first is not None:
                self.without_entry[first] += 1

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

    @invariant()
    def the_database_is_sound(self):
        assert_sound(self.db)

    @invariant()
    def the_database_matches_the_model(self):
        stored = {
            b.id: Kept(
                *(b.ground_id, b.date, b.start.hour, b.end.hour or 24),
                *(None if b.kind == "closure" else b.student_id or "", b.status.value),
                second=b.others[0].id if b.others else None,
                supervisor=b.supervisor_id,
                party=b.party,
                members=b.members,
                set_place=b.set_place,
                set_id=None if b.set_place is None else b.series,
                series=b.series if b.set_place is None else None,
            )
            for b in find_bookings(self.db, kind=None, limit=1000)
        }
        assert stored == {
            id_: replace(kept, was="", apart=False, own_party=False)
            for id_, kept in self.model.items()
        }

    @invariant()
    def the_waiting_list_matches_the_model(self):
        stored = {entry.id: entry for entry in waiting_ahead(self.db, now=NOW)}
        assert list(stored) == list(self.waiting)
        for id_, entry in self.waiting.items():
            assert (stored[id_].any_ground, stored[id_].passed) == (entry.any_ground, entry.passed)

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
            assert row["revision"] == len(row["history"]) - first + self.without_entry[row["_id"]]

    @invariant()
    def the_board_shows_the_state_of_each_slot(self):
        held = {
            (ground, hour): k
            for k in self.model.values()
            if k.status in HOLDING and k.day == DAY
            for ground in filter(k.is_on, SURFACES)
            for hour in range(k.start, k.end)
        }
        promised = [
            option
            for entry in self.waiting.values()
            if entry.wanted.day == DAY and not entry.passed
            for option in self.free_options(entry)
        ]
        board = day_board(self.db, DAY, NOW)
        for ground in SURFACES:
            for hour in range(8, 12):
                kept = held.get((ground, hour))
                state = board.cell(ground, time(hour)).state
                if kept is None:
                    is_promised = any(
                        one.is_on(ground) and one.start <= hour < one.end for one in promised
                    )
                    assert state is (CellState.CLOSED if is_promised else CellState.FREE)
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
    save_team(db, TEAM)
    policy = load_reference(db).policy
    save_policy(db, replace(policy, claim_members=True, waiting_places=WAITING_PLACES))
    # A property, because Hypothesis reads attributes of the machine, and a Database has every one.
    machine = type("Machine", (Bookings,), {"db": property(lambda _: db)})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
        ),
    )
