"""One key for each class and each game, however it is spelled.

Classes and games have no list of their own: they are text on students, grounds and bookings, typed
by several people. The stored text stays as it was typed; every comparison goes through its key.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from booking_core.domain.model import Ground, Student
from booking_core.domain.names import MAX_INPUT, key_of

# Every dash of Unicode (category Pd), the minus sign, and the bullet in the form of a hyphen.
_DASH = re.compile(
    " ?[-\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    "\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead] ?"
)


def label_key(text: str) -> str:
    """What all spellings of one class, or of one game, have in common.

    Equal for texts that differ only in capitals, width and other compatibility forms (NFKC), kinds
    of spaces, kinds of dashes, or spaces around a dash. The first MAX_INPUT characters count.
    """
    return _label_key(text[:MAX_INPUT])  # the cache keeps its keys: no long ones


@lru_cache(maxsize=4096)
def _label_key(text: str) -> str:
    # Case folding makes new compatibility forms, and NFKC makes new capitals.
    text = key_of(unicodedata.normalize("NFKC", key_of(text)))
    return _DASH.sub("-", key_of(unicodedata.normalize("NFKC", text)))


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
