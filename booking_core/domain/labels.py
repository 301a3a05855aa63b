"""One key for each class and each game, however it is spelled.

Classes and games have no list of their own: they are text on students, grounds and bookings, typed
by several people. The stored text stays as it was typed; every comparison goes through its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from booking_core.domain.model import Ground, Student
from booking_core.domain.names import label_key as label_key


def find_label(text: str, labels: Iterable[str]) -> str | None:
    """The one of ``labels`` that is another spelling of ``text``, or ``text`` itself; None: none.

    Of several, ``text`` itself, else the first.
    """
    same = [label for label in labels if label_key(label) == label_key(text)]
    return text if text in same else next(iter(same), None)


def most_frequent(counts: Mapping[str, int]) -> dict[str, str]:
    """Key -> its spelling with the highest count in ``counts``; of equal ones the first."""
    shown: dict[str, str] = {}
    for text, count in counts.items():
        key = label_key(text)
        if key not in shown or count > counts[shown[key]]:
            shown[key] = text
    return shown


def class_spellings(students: Iterable[Student]) -> dict[str, str]:
    """Key of each class -> the spelling to show: that of most active students.

    A class without active students has the spelling of most others.
    """
    students = list(students)
    left = Counter(student.class_name for student in students if not student.active)
    active = Counter(student.class_name for student in students if student.active)
    return most_frequent(left) | most_frequent(active)


def game_spellings(grounds: Iterable[Ground]) -> dict[str, str]:
    """Key of each game -> the spelling to show: that of most grounds in use.

    A game that is played on retired grounds only has the spelling of most of them.
    """
    grounds = list(grounds)
    retired = Counter(game for ground in grounds if ground.retired for game in ground.games)
    in_use = Counter(game for ground in grounds if not ground.retired for game in ground.games)
    return most_frequent(retired) | most_frequent(in_use)


def games_to_choose(grounds: Iterable[Ground], own: Iterable[str] = ()) -> list[str]:
    """The games of a school in order, each in one spelling: that of ``own``, else the usual one."""
    shown = game_spellings(grounds) | {label_key(game): game for game in own}
    return sorted(shown.values())
