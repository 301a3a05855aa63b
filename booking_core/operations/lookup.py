"""Grounds and students as people write them: by id, or by exact name where it is the only one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Ground, Student
from booking_core.domain.names import new_id
from booking_core.storage.school_data import Reference

NEW_CLASS = "Unknown"  # of a student that an import adds, where the file tells no class
Named = TypeVar("Named", Ground, Student)


class Names:
    """Finds grounds and students; with ``create``, also those that are not on record yet.

    ``new_grounds`` and ``new_students`` are what was added on the way; nothing is stored here.
    """

    def __init__(self, known: Reference, *, create: bool = False) -> None:
        self._create = create
        self._grounds, self._students = dict(known.grounds), dict(known.students)
        self._ground_names = _ids_by_name(known.grounds.values())
        self._student_names = _ids_by_name(known.students.values())
        self._added: dict[str, Ground] = {}
        self.new_students: list[Student] = []

    @property
    def new_grounds(self) -> list[Ground]:
        return list(self._added.values())

    def ground(self, text: str) -> Ground:
        """Raises InvalidRequest, for none of that name and for several."""
        found = _find("ground", text, self._grounds, self._ground_names)
        if found is None:
            raise InvalidRequest("ground", f"{text!r} is not on record")
        return found

    def student(self, text: str) -> Student:
        """Raises InvalidRequest, for none of that name and for several."""
        found = _find("student", text, self._students, self._student_names)
        if found is None:
            raise InvalidRequest("student", f"{text!r} is not on record")
        return found

    def resolve(
        self, ground_text: str, student_text: str, game: str, class_name: str
    ) -> tuple[Ground, Student]:
        """Both, added where they are missing and may be; one that cannot be had adds neither."""
        if not self._create:
            return self.ground(ground_text), self.student(student_text)
        ground = _find("ground", ground_text, self._grounds, self._ground_names)
        student = _find("student", student_text, self._students, self._student_names)
        ground = ground or self._make_ground(ground_text)
        student = student or _make_student(student_text, class_name)
        if ground.id not in self._grounds or (
            ground.id in self._added and game not in ground.games
        ):
            # A ground that the file adds is for the games that the file plays there.
            ground = replace(ground, games=(*ground.games, game))
            self._grounds[ground.id] = self._added[ground.id] = ground
            self._ground_names[ground.name].add(ground.id)
        if student.id not in self._students:
            self._students[student.id] = student
            self._student_names[student.name].add(student.id)
            self.new_students.append(student)
        return ground, student

    def _make_ground(self, text: str) -> Ground:
        id = new_id(text, self._grounds, "ground")
        last = max((ground.order for ground in self._grounds.values()), default=0)
        return Ground(id, text, (), min(last + 1, 10**6))


def _make_student(text: str, class_name: str) -> Student:
    try:
        return Student(text, text, class_name or NEW_CLASS)
    except InvalidRequest as exc:
        field = "class" if exc.field == "class_name" else "student"
        raise InvalidRequest(field, exc.problem) from exc


def _ids_by_name(values: Iterable[Ground | Student]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for value in values:
        found[value.name].add(value.id)
    return found


def _find(
    what: str, text: str, by_id: Mapping[str, Named], by_name: Mapping[str, set[str]]
) -> Named | None:
    text = text.strip()
    if not text:
        raise InvalidRequest(what, "is missing")
    if text in by_id:
        return by_id[text]
    ids = sorted(by_name.get(text, ()))
    if len(ids) > 1:
        shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
        raise InvalidRequest(what, f"{text!r} is the name of {len(ids)} on record ({shown})")
    return by_id[ids[0]] if ids else None
