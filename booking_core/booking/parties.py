"""For whom a request is: the students, the class or the team as the school has them now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from booking_core.access.accounts import get_account
from booking_core.domain.claims import STAFF, STUDENT, person
from booking_core.domain.errors import InvalidRequest, NotFound, UnknownClass
from booking_core.domain.model import (
    Account,
    Booking,
    BookingRequest,
    NamedStudent,
    Party,
    Student,
    party_class,
    party_name,
    quota_holder,
)
from booking_core.domain.names import label_key
from booking_core.storage.client.database import Documents
from booking_core.storage.school.data import Reference


@dataclass(frozen=True, slots=True)
class RequestParty:
    """The party of a request. ``students`` are the named ones, ``members`` those of a team who are
    claimed. ``name`` is that of a team, ``class_name`` that of a class or of a team's class.
    """

    party: Party
    students: tuple[Student, ...] = ()
    members: tuple[str, ...] = ()
    team_id: str | None = None
    name: str = ""
    class_name: str = ""

    @property
    def party_name(self) -> str:
        """As ``Booking.party_name``."""
        names = [student.name for student in self.students] or [self.name]
        return party_name(self.party, names, self.class_name)

    @property
    def whom(self) -> str:
        """As ``Booking.whom``."""
        classes = [student.class_name for student in self.students] or [self.class_name]
        return ", ".join(filter(None, (self.party_name, party_class(self.party, classes))))

    def quota_holder(self, author: str) -> str:
        """Who takes the seats of a class, a team or staff, as ``Booking.quota_holders``."""
        return quota_holder(self.party, self.class_name, self.team_id, author)

    def people(self, supervisor_id: str | None = None) -> frozenset[str]:
        """Whom a booking for this party claims, as ``claims.people_of``."""
        ids = [student.id for student in self.students] or self.members
        staff = [] if supervisor_id is None else [person(STAFF, supervisor_id)]
        return frozenset([*(person(STUDENT, id) for id in ids), *staff])

    def of(self, booking: Booking, supervisor: Account | None = None) -> Booking:
        """``booking`` for this party, and for ``supervisor`` to be there."""
        made = replace(
            booking,
            party=self.party,
            student_name=self.name,
            class_name=self.class_name,
            team_id=self.team_id,
            members=self.members,
        )
        if supervisor is not None:
            made = replace(made, supervisor_id=supervisor.id, supervisor_name=supervisor.name)
        return named(made, self.students) if self.students else made


def party_of(known: Reference, request: BookingRequest) -> RequestParty:
    """The party of ``request``. Raises UnknownStudent, UnknownClass, UnknownTeam."""
    if request.team_id is not None:
        team = known.team(request.team_id)
        members: tuple[str, ...] = ()
        if known.policy.claim_members:
            found = (known.students.get(id) for id in team.members)
            members = tuple(student.id for student in found if student and student.active)
        return RequestParty(Party.TEAM, (), members, team.id, team.name, team.class_name)
    if request.class_name is not None:
        return RequestParty(Party.CLASS, class_name=class_on_record(known, request.class_name))
    if request.for_staff:
        return RequestParty(Party.STAFF)
    return RequestParty(Party.STUDENTS, tuple(map(known.student, request.students)))


def class_on_record(known: Reference, class_name: str) -> str:
    """``class_name`` as its students have it. Raises UnknownClass."""

    def by_key(students: Iterable[Student]) -> dict[str, str]:
        return {label_key(one.class_name): one.class_name for one in students if one.active}

    classes = known.of_students("classes by key", lambda all, _: by_key(all.values()))
    spelled: str | None = classes.get(label_key(class_name))
    if spelled is None:
        raise UnknownClass(class_name)
    return spelled


def supervisor_of(db: Documents, request: BookingRequest) -> Account | None:
    """The account of the supervisor of ``request``; None without one.

    Raises InvalidRequest for one that has no active account.
    """
    if request.supervisor_id is None:
        return None
    try:
        account = get_account(db, request.supervisor_id)
    except NotFound:
        account = None
    if account is None or not account.active:
        raise InvalidRequest("supervisor_id", f"has no active account: {request.supervisor_id!r}")
    return account


def named(booking: Booking, students: Iterable[Student]) -> Booking:
    """``booking`` with the names and classes of ``students``, in this order.

    Seats of the quota stay with their students.
    """
    seats = {student.id: student.seat for student in booking.students}
    first, *rest = (
        NamedStudent(student.id, student.name, student.class_name, seats.get(student.id))
        for student in students
    )
    return replace(
        booking,
        student_id=first.id,
        student_name=first.name,
        class_name=first.class_name,
        quota_seat=first.seat,
        others=tuple(rest),
    )


def students_of(known: Reference, booking: Booking) -> tuple[Student, ...]:
    """The named students of ``booking`` as on record. Raises UnknownStudent."""
    return tuple(known.student(student.id) for student in booking.students)
