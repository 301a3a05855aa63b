"""The headings under which schools write the columns of students and bookings.

A new heading is added to ``NAMES``, in lower case and without punctuation: ``heading_key`` shows
how. A heading belongs to one column of a list of students and to one of a list of bookings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Parts of a column: a name may come in several columns, a class in two.
ROLL, FIRST, MIDDLE, LAST, SECTION = "roll", "first name", "middle name", "last name", "section"
NAMES: dict[str, tuple[str, ...]] = {
    # What is unique in the school.
    "id": (
        "id", "student id", "studentid", "student no", "student number", "student code", "student",
        "admission no", "admission number", "admission id", "admission", "adm no", "admn no",
        "adm number", "admno", "gr no", "gr number", "grno", "general register no",
        "enrolment no", "enrolment number", "enrollment no", "enrollment number", "enrol no",
        "enroll no", "registration no", "registration number", "reg no", "regn no", "scholar no",
        "scholar number", "upn", "unique pupil number", "pupil id", "pupil no", "learner id",
        "apaar id", "permanent education number", "pravesh kramank", "pravesh sankhya",
        "dakhila kramank", "dakhila sankhya", "namankan sankhya", "panjikaran sankhya",
        "प्रवेश क्रमांक", "प्रवेश संख्या", "नामांकन संख्या", "पंजीकरण संख्या",
    ),
    # What is often unique in a class only.
    ROLL: (
        "roll", "roll no", "roll number", "rollno", "roll num", "class roll no", "anukramank",
        "roll kramank", "अनुक्रमांक", "रोल नंबर", "रोल नं",
    ),
    "name": (
        "name", "student name", "students name", "name of student", "name of the student",
        "full name", "student full name", "pupil name", "name of pupil", "learner name",
        "candidate name", "legal name", "naam", "nam", "chhatra ka naam", "chhatra ka nam",
        "vidyarthi ka naam", "vidyarthi ka nam", "नाम", "छात्र का नाम", "विद्यार्थी का नाम",
    ),
    FIRST: (
        "first name", "firstname", "forename", "given name", "legal first name", "legal forename",
        "pratham naam", "प्रथम नाम",
    ),
    MIDDLE: ("middle name", "middlename", "legal middle name"),
    LAST: (
        "last name", "lastname", "surname", "family name", "legal surname", "legal last name",
        "upnaam", "upnam", "kulnaam", "उपनाम", "कुलनाम",
    ),
    "class": (
        "class", "class name", "class section", "class and section", "class sec", "class div",
        "grade", "grade section", "std", "std div", "standard", "form", "form group",
        "reg group", "registration group", "tutor group", "homeroom", "year group",
        "kaksha", "kaksha varg", "कक्षा", "name of the sheet",
    ),
    SECTION: (
        "section", "sec", "section name", "div", "division", "varg", "anubhag", "khand",
        "वर्ग", "अनुभाग", "खंड",
    ),
    "email": (
        "email", "e mail", "mail", "email address", "e mail address", "email id", "e mail id",
        "student email", "student email id", "ईमेल",
    ),
    "active": ("active", "is active"),
    "ground": ("ground", "ground name", "field", "court", "pitch", "venue", "maidan", "मैदान"),
    "date": ("date", "day", "booking date", "dinank", "tarikh", "दिनांक", "तारीख"),
    "start": ("start", "start time", "starts", "starts at", "from", "time from", "shuru", "से"),
    "end": ("end", "end time", "ends", "ends at", "to", "until", "till", "time to", "tak", "तक"),
    "student": ("student", "student name", "name of student", "booked for", "booked by"),
    "game": ("game", "sport", "activity", "khel", "खेल"),
    "status": ("status", "state", "sthiti", "स्थिति"),
    "purpose": ("purpose", "reason for booking", "remarks", "uddeshya", "उद्देश्य"),
    "team": ("team", "team name", "dal", "टीम"),
    "party": ("for", "party"),
}  # fmt: skip
# Classes that lack their section, where that is in a column of its own.
WITHOUT_SECTION = frozenset({
    "class", "class name", "grade", "std", "standard", "year group", "form", "kaksha", "कक्षा",
    "name of the sheet",
})  # fmt: skip
# The first cell of a row that adds up others. “Yog” and “Kul” alone are names of students too.
TOTALS = frozenset({
    "total", "grand total", "sub total", "subtotal", "total students", "class total",
    "no of students", "number of students", "kul yog", "कुल", "कुल योग",
})  # fmt: skip
_ALL = frozenset(name for names in NAMES.values() for name in names)
_PUNCTUATION = re.compile(r"['’`]|(?P<apart>[\s_.:;,/\\|()\[\]#*\-–&]+)")
_LONGEST = 100  # characters of a heading


def heading_key(cell: str) -> str:
    """``cell`` as ``NAMES`` writes it; "" for a text that is too long for a heading."""
    if len(cell) > _LONGEST:
        return ""
    text = unicodedata.normalize("NFKC", cell).casefold()
    return _PUNCTUATION.sub(lambda found: " " if found["apart"] else "", text).strip()


def known_headings(cells: Iterable[str]) -> int:
    """How many different known headings a row has."""
    return len(_ALL & {heading_key(cell) for cell in cells})
