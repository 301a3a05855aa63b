"""A school in which every text that a user can type is markup of every kind."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from app_server import ADMIN, HEAD, MEERA, School, today, tomorrow

from booking_core import (
    Account,
    Actor,
    Booking,
    Ground,
    Holiday,
    Period,
    Policy,
    Role,
    Student,
    Team,
    Term,
    Timetable,
    add_account,
    approve,
    cancel,
    change_account,
    close_grounds,
    delegate,
    displaced_by,
    reject,
    revoke,
    save_days,
    save_ground,
    save_policy,
    save_student,
    save_team,
    save_term,
    save_timetable,
    set_active,
)

# Each text ends with a unique word. A word that is shown without the markup before it means that
# markup was interpreted.
_SHORT = (
    "<mark>**bo**:red[rr]$x$[l](javascript:hit=1)<img src=x onerror=hit=1><script>:+1: -> "
    "www.a.example "
)
_LONG = _SHORT + (
    "https://a.example <script>hit=1</script> :material/flood: ![i](https://a.example/i.png) "
    "~~s~~ `c` <iframe src=javascript:hit=1> &lt; | a | <a href='https://a.example'>a</a> \"'> -- "
)
_ID = "7. a@www.a.example -- "  # all characters that a roll number or a sign-in name may hold
_EMAIL = "<img/src=x/onerror=hit=1>**bo**[l](javascript:hit=1)@www.a.example."
PASSWORD = "four horses in a field"

# The typed fields of the model and the settings, by their last word.
FIELDS = {
    "Account.id": "zqsignin",
    "Account.name": "zqother",
    "Account.email": "zqaddress",
    "BookingRequest.purpose": "zqpurpose",
    "Change.details": "zqreason",
    "Closure.reason": "zqclosed",
    "Day.note": "zqnote",
    "Decision.reason": "zqrejected",
    "Ground.name": "zqground",
    "Holiday.name": "zqholiday",
    "Ground.games": "zqgame",
    "Notice.reason": "zqclosed",
    "Period.label": "zqlabel",
    "Settings.contact": "zqcontact",
    "Settings.school_name": "zqschool",
    "Student.id": "zqroll",
    "Student.name": "zqstudent",
    "Student.class_name": "zqclass",
    "Student.email": "zqmail",
    "RawTable.headings": "zqheading",
    "Team.name": "zqteam",
    "Term.name": "zqterm",
    "Timetable.name": "zqtimetable",
    "WrongRow.problem": "zqwrong",
}
# Fields that the system generates, chooses from a list, or copies from a typed one.
_MADE = {
    "Actor": "id name",
    "Board": "_kept held",
    "Booking": (
        "class_name closure_group created_by created_by_name fingerprint game ground_id id kind "
        "members purpose quota_window series student_id student_name supervisor_id "
        "supervisor_name surfaces team_id"
    ),
    "BookingRequest": "class_name game ground_id student_id student_ids supervisor_id team_id",
    "Calendar": "timetables",
    "Cell": "note",
    "Change": "by by_name action id on_behalf_of place what",
    "ClassMove": "before after",
    "Closing": "id",
    "Closure": "by_name ground_ids id",
    "Day": "timetable_id",
    "DayFigures": "note",
    "DayPlan": "note own term timetable_id week",
    "Decision": "action by by_name displaced_by on_behalf_of",
    "Delegation": "by by_name id to to_name",
    "Ground": "caretaker_email id surfaces",  # letters and digits, shown as text of a field alone
    "GroundDay": "note",
    "GroundFilter": "game",
    "Logo": "digest",
    "NamedStudent": "class_name id name",
    "OfGround": "ground_id",
    "Notice": "booking_id by_name id kind to",
    "MailWriting": "clock day lines place request stretch subject",
    "MailedRequest": "action",  # on a page of HTML, which test_templates.py tries
    "Matching": "columns missing unsure",
    "RawTable": "encoding notes",
    "Row": "letters problem sheet values",
    "Policy": "mail_decisions wall_shows",
    "IdToken": "email id",
    "OpenSession": "browser id",  # on a page of HTML, which test_sign_in_routes.py tries
    "Reference": "_derived _earlier grounds students teams timetables",
    "RollOverPlan": "joined",
    "Series": "id",
    "SeriesRequest": "week",
    "SetRequest": "ground_ids",
    "SecondFactorSetUp": "key uri",
    "Settings": (
        "backup_at backup_directory data_directory database locale mail_from mongodb_uri "
        "public_url smtp_host smtp_password smtp_security smtp_user time_zone wall_shows"
    ),
    "SwapOffer": "by by_name given_id id reason slots to wanted_id",
    "Table": "columns notes",
    "SignedIn": "token",
    "Slot": "ground_id",
    "Team": "class_name id members staff",
    "Term": "id",
    "Timetable": "ground_ids id week",
    "WrongRow": "field sheet",
    "WaitingEntry": "by by_name id",
}
MADE = [f"{name}.{field}" for name, fields in _MADE.items() for field in fields.split()]


def typed(word: str, *, start: str = "12. ") -> str:
    """Returns a name that ends with ``word``, of the greatest length."""
    return f"{start}{_SHORT}{word}"


def written(word: str) -> str:
    """Returns a reason, a purpose or a note."""
    return _LONG + word


ROLL, SIGN_IN, WRONG = (_ID + word for word in ("zqroll", "zqsignin", "zqwrong"))
MAIL, ADDRESS = _EMAIL + "zqmail", _EMAIL + "zqaddress"
# With another beginning: some sentences use the first name of a student alone.
STUDENT = typed("zqstudent", start="")
NAMED = _ID + "zqname"  # on the sign-in page
ASKED = "<img src=x onerror=hit=1>**bo** zqasked"  # in the address of a wall
FILE = "<b>**bo**zqfile"  # a longer one is cut in its middle
NEXT = "/book?x=\"'><img/src=x/onerror=hit=1>**bo**zqnext"
EXACT = {
    "zqroll": ROLL,
    "zqsignin": SIGN_IN,
    "zqwrong": WRONG,
    "zqname": NAMED,
    "zqmail": MAIL,
    "zqaddress": ADDRESS,
    "zqstudent": STUDENT,
    "zqasked": ASKED,
    "zqfile": FILE,
    "zqnext": NEXT,
    # A heading is read in lower case, and a dot in it is a space.
    "zqheading": " ".join(typed("zqheading").replace(".", " ").split()),
}
_WRITTEN = ("zqpurpose", "zqnote", "zqclosed", "zqrejected", "zqcancelled", "zqrevoked", "zqreason")
EXACT |= {word: written(word) for word in (*_WRITTEN, "zqschool", "zqcontact")}


def text(word: str) -> str:
    """Returns the whole typed text that ends with ``word``."""
    return EXACT.get(word, typed(word))


OTHER = Actor(SIGN_IN, Role.STAFF, text("zqother"))
STAFF = Actor(MEERA.id, MEERA.role, text("zqstaff"))
PRINCIPAL = Actor(HEAD.id, HEAD.role, text("zqhead"))
ADMIN_USER = Actor(ADMIN.id, ADMIN.role, text("zqadmin"))


def settle(school: School) -> dict[str, Booking]:
    """Fills an empty school; returns the bookings of the student, by their outcome."""
    db = school.db
    for name in ("accounts", "audit", "delegations", "notices"):
        db[name].delete_many({})
    for who in (STAFF, PRINCIPAL, ADMIN_USER):
        add_account(db, Account(who.id, who.name, who.role))
    add_account(
        db,
        Account(SIGN_IN, OTHER.name, Role.STAFF, email=ADDRESS),
        password=PASSWORD,
        by=ADMIN_USER,
    )
    add_account(db, Account("gone", text("zqleft"), Role.STAFF), by=ADMIN_USER)
    change_account(db, "gone", active=False, reason=text("zqreason"), by=ADMIN_USER)
    school.forget_tokens()

    db["students"].delete_many({})
    games = (text("zqgame"), "Chess")
    save_policy(db, Policy(quota=None, wall_shows="student"), by=ADMIN_USER)
    for number in (1, 2, 3):
        name = text("zqground") if number == 1 else f"Ground {number}"
        save_ground(db, Ground(f"ground-{number}", name, games, order=number), by=ADMIN_USER)
    save_ground(
        db, Ground("ground-4", text("zqretired"), games, order=4, retired=True), by=ADMIN_USER
    )
    hours = [Period(f"{h}-{h + 1}", time(h), time(h + 1)) for h in range(8, 18)]
    hours[0] = Period(text("zqlabel"), time(8), time(9))
    save_timetable(db, Timetable("regular", tuple(hours), tuple(range(7)), text("zqtimetable")))
    save_days(
        db, [today() + timedelta(days=2)], timetable_id=None, note=text("zqnote"), by=ADMIN_USER
    )
    last = today() + timedelta(days=60)
    holiday = Holiday(text("zqholiday"), last, last)
    save_term(db, Term("term", text("zqterm"), today(), last, (holiday,)), by=ADMIN_USER)
    save_student(db, Student(ROLL, STUDENT, text("zqclass"), MAIL))
    save_student(db, Student("S001", "Student 1", "9-A"))
    save_student(db, Student("S002", "Student 2", "9-B"))
    save_student(db, Student("S900", text("zqleaver"), "9-A"))
    set_active(db, "S900", False, by=ADMIN_USER)
    team = Team("team", text("zqteam"), (ROLL,), text("zqclass"), (STAFF.id,))
    save_team(db, team, by=ADMIN_USER)

    def booked(hour: int, **wanted: Any) -> Booking:
        asked = {"student": ROLL, "game": text("zqgame"), "purpose": text("zqpurpose")} | wanted
        return school.book(by=STAFF, start=hour, **asked)

    found = {"zqrejected": booked(12)}
    reject(db, found["zqrejected"].id, by=PRINCIPAL, reason=text("zqrejected"))
    found["zqcancelled"] = booked(12)
    cancel(db, found["zqcancelled"].id, by=STAFF, reason=text("zqcancelled"))
    found["zqrevoked"] = booked(12)
    approve(db, found["zqrevoked"].id, by=PRINCIPAL)
    revoke(db, found["zqrevoked"].id, by=PRINCIPAL, reason=text("zqrevoked"))
    found["approved"] = booked(13)
    approve(db, found["approved"].id, by=PRINCIPAL)
    found["waiting"] = booked(14)
    found["displaced"] = booked(16, on=tomorrow())
    _close(school, "ground-1", tomorrow(), text("zqclosed"))
    _close(school, "ground-2", today(), text("zqclosed"))
    found["late"] = booked(16, ground="ground-3", on=tomorrow())
    delegate(db, to=MEERA.id, first=today(), last=tomorrow(), by=PRINCIPAL)
    return found


def _close(school: School, ground_id: str, on: date, reason: str) -> None:
    asked = {"ground_ids": [ground_id], "first": on, "last": on}
    expected = [b.id for b in displaced_by(school.db, **asked)]
    close_grounds(school.db, **asked, reason=reason, by=PRINCIPAL, expected=expected)
