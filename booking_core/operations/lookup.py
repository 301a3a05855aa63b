"""Grounds, students and teams as people write them: by id, or by a name that only one has.

Capitals and kinds of spaces make no difference in a name.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Generic, TypeVar

from booking_core.booking.parties import RequestParty
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import find_label
from booking_core.domain.model import MOST_NAMED, Ground, Party, Student, Team
from booking_core.domain.names import key_of, new_id
from booking_core.domain.validation import MAX_NAME, check_id, check_name
from booking_core.storage.school.data import Reference

NEW_CLASS = "Unknown"  # of a student that an import adds, where the file names no class
_PARTS_OF_NAME = 3  # of a name with commas in it
_MOST_PARTS = MOST_NAMED * _PARTS_OF_NAME  # of a text in which several students are looked for
Named = TypeVar("Named", Ground, Student, Team)


class _OnRecord(Generic[Named]):
    """Values of one kind by id, by name, and by what two ids have in common that look alike."""

    def __init__(self, what: str, values: Iterable[Named]) -> None:
        self._what = what
        self.by_id: dict[str, Named] = {}
        self._ids_by_name: defaultdict[str, set[str]] = defaultdict(set)
        self._id_by_key: dict[str, str] = {}
        for value in values:
            self.add(value)

    def add(self, value: Named) -> None:
        """Adds a value, or replaces the one with its id and name."""
        self.by_id[value.id] = value
        self._ids_by_name[key_of(value.name)].add(value.id)
        self._id_by_key[key_of(value.id)] = value.id

    def find(self, text: str) -> Named | None:
        """None for none; raises InvalidRequest for several, and for an id in other capitals."""
        text = check_name(text, self._what)
        if text in self.by_id:
            return self.by_id[text]
        ids = sorted(self._ids_by_name.get(key_of(text), ()))
        if len(ids) > 1:
            shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
            problem = f"{text!r} is the name of {len(ids)} on record ({shown})"
            raise InvalidRequest(self._what, problem)
        if ids:
            return self.by_id[ids[0]]
        if other := self._id_by_key.get(key_of(text)):
            raise InvalidRequest(self._what, f"{text!r} is on record as {other!r}")
        return None

    def get(self, text: str) -> Named:
        """As ``find``; raises InvalidRequest for none too."""
        found = self.find(text)
        if found is None:
            raise InvalidRequest(self._what, f"{text!r} is not on record")
        return found


class Names:
    """Finds grounds, students and teams; with ``create``, it makes grounds and students that are
    not on record yet.

    ``new_grounds`` and ``new_students`` are the ones that it made; nothing is stored here.
    """

    def __init__(self, known: Reference, *, create: bool = False) -> None:
        self._create = create
        self._grounds = _OnRecord("ground", known.grounds.values())
        self._students = _OnRecord("student", known.students.values())
        self._teams = _OnRecord("team", known.teams.values())
        self._added: dict[str, Ground] = {}
        self.new_students: list[Student] = []

    @property
    def new_grounds(self) -> list[Ground]:
        return list(self._added.values())

    def ground(self, text: str) -> Ground:
        """Raises InvalidRequest where none or several have that name."""
        return self._grounds.get(text)

    def student(self, text: str) -> Student:
        """Raises InvalidRequest where none or several have that name."""
        return self._students.get(text)

    def team(self, text: str) -> Team:
        """Raises InvalidRequest where none or several have that name."""
        return self._teams.get(text)

    def resolve(
        self,
        ground_text: str,
        student_text: str,
        game: str,
        class_name: str,
        team_text: str = "",
        *,
        name: str = "",
        email: str | None = None,
        otherwise: RequestParty | None = None,
    ) -> tuple[Ground, RequestParty]:
        """The ground and the party: one student or several with commas between them, else a team,
        else a whole class, else ``otherwise``.

        Ground and student are made where they are missing and may be; if one is refused, neither
        is made. A student who is made has ``name`` and ``email`` where they are given. Raises
        InvalidRequest.
        """
        if student_text.strip():
            party = self._several(student_text)
        else:
            party = self._party(team_text, class_name) or otherwise
        if not self._create:
            ground = self.ground(ground_text)
            return ground, party or _of(self.student(student_text))
        ground = self._grounds.find(ground_text) or self._make_ground(ground_text)
        student = None
        if party is None:
            student = self._students.find(student_text) or _make_student(
                self._id_for(student_text), name or student_text, class_name, email
            )
        if ground.id not in self._grounds.by_id or (
            ground.id in self._added and find_label(game, ground.games) is None
        ):
            # A ground that is made for a file allows the games that the file has there.
            ground = replace(ground, games=(*ground.games, game))
            self._added[ground.id] = ground
            self._grounds.add(ground)
        if student is not None and student.id not in self._students.by_id:
            self._students.add(student)
            self.new_students.append(student)
        return ground, party or _of(student)

    def _several(self, text: str) -> RequestParty | None:
        """Several students on record, with commas between them; None for a text that is one name.

        Raises InvalidRequest for the first part that names nobody, where another one does.
        """
        parts = text.split(",")
        if not 1 < len(parts) <= _MOST_PARTS:
            return None
        if len(text) <= MAX_NAME and self._students.find(text) is not None:
            return None
        # From the last part to the first: the students that the parts from there on name.
        named: dict[int, tuple[Student, ...]] = {len(parts): ()}
        for start in reversed(range(len(parts))):
            for end in range(start + 1, min(start + _PARTS_OF_NAME, len(parts)) + 1):
                if end in named and (found := self._known(",".join(parts[start:end]))):
                    named[start] = (found, *named[end])
                    break
        students = named.get(0, ())
        if len(students) < 2:
            if any(self._known(part) for part in parts):
                for part in parts:
                    self.student(part.strip())
            return None
        if len({student.id for student in students}) < len(students):
            raise InvalidRequest("student", "is named twice")
        if len(students) > MOST_NAMED:
            raise InvalidRequest("student", f"names more than {MOST_NAMED}")
        return RequestParty(Party.STUDENTS, students)

    def _known(self, text: str) -> Student | None:
        with contextlib.suppress(InvalidRequest):
            return self._students.find(text.strip())
        return None

    def _party(self, team_text: str, class_name: str) -> RequestParty | None:
        if team_text.strip():
            team = self.team(team_text)
            return RequestParty(Party.TEAM, (), (), team.id, team.name, team.class_name)
        if class_name.strip():
            return RequestParty(Party.CLASS, class_name=check_name(class_name, "class"))
        return None  # the error then names the student

    def _id_for(self, text: str) -> str:
        """The id of a student who is made: ``text``, or one made of it if it is a name."""
        with contextlib.suppress(InvalidRequest):
            id = check_id(text, "student")
            if any(letter.isdecimal() for letter in id) or not any(map(str.isspace, id)):
                return id
        return new_id(text, self._students.by_id, "student")

    def _make_ground(self, text: str) -> Ground:
        grounds = self._grounds.by_id
        last = max((ground.order for ground in grounds.values()), default=0)
        return Ground(new_id(text, grounds, "ground"), text, (), min(last + 1, 10**6))


def _of(student: Student | None) -> RequestParty:
    assert student is not None, "a row without another party has a student"
    return RequestParty(Party.STUDENTS, (student,))


def _make_student(id: str, name: str, class_name: str, email: str | None) -> Student:
    try:
        return Student(id, name, class_name or NEW_CLASS, email)
    except InvalidRequest as exc:
        field = "class" if exc.field == "class_name" else "student"
        raise InvalidRequest(field, exc.problem) from exc
