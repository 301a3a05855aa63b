"""Booking sports grounds, each slot exactly once. Plain Python: no Streamlit, ever.

The file is long because it lists every public name twice; the errors are in ``errors``, and can be
imported from here too.
"""

from booking_core import errors
from booking_core.access.accounts import (
    add_account,
    change_account,
    change_password,
    find_accounts,
    get_account,
    has_admin,
    reset_password,
)
from booking_core.access.delegations import (
    decides,
    delegate,
    delegations_of,
    end_delegation,
    find_delegations,
)
from booking_core.access.devices import remember_device
from booking_core.access.erasure import AccountErasure, account_erasure_of, erase_account
from booking_core.access.oidc import sign_in_by_id_token
from booking_core.access.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    recovery_codes_left,
    renew_recovery_codes,
    reset_second_factor,
    turn_off_second_factor,
)
from booking_core.access.sessions import (
    end_missed_sign_outs,
    end_other_sessions,
    end_session,
    is_signed_out,
    open_session,
    session_of,
    sessions_of,
    sign_out,
    touch_session,
)
from booking_core.access.sign_in import is_challenge_open, sign_in, sign_in_by_code
from booking_core.booking.boards import Board, Cell, LiveBoards, day_board
from booking_core.booking.claims import book, keeps_approval, move
from booking_core.booking.closures import (
    Closing,
    Lifted,
    close_grounds,
    displaced_by,
    find_closures,
    lift_closure,
)
from booking_core.booking.decisions import approve, cancel, end_early, lapse_pending, reject, revoke
from booking_core.booking.notices import mark_read, notices_for
from booking_core.booking.queries import (
    approved_upcoming,
    bookings_on,
    count_bookings,
    decided_lately,
    find_bookings,
    get_booking,
    misfits,
    pending_queue,
    search_filters,
    week_of,
    weeks_of,
)
from booking_core.booking.reinstatement import find_reinstatable, reinstate
from booking_core.booking.retirement import Relocation, Retirement, relocations, retire_ground
from booking_core.booking.wall import Card, may_show, wall_cards
from booking_core.domain.labels import games_to_choose
from booking_core.domain.model import (
    Account,
    Actor,
    Booking,
    BookingRequest,
    CellState,
    Decision,
    Ground,
    Period,
    Role,
    Slot,
    Status,
    Student,
    Timetable,
)
from booking_core.domain.people import (
    Delegation,
    IdToken,
    OpenSession,
    SecondFactorSetUp,
    Session,
    SignedIn,
)
from booking_core.domain.policy import Policy, Quota
from booking_core.domain.progress import MigrationProgress
from booking_core.domain.records import Change, Closure, Notice
from booking_core.domain.rules import may, must_set_up_second_factor
from booking_core.domain.school_year import Holiday, SchoolYear, Term
from booking_core.domain.timetable import Calendar, Day, DayPlan
from booking_core.errors import *  # noqa: F403 - listed there
from booking_core.insight.audit import find_changes
from booking_core.insight.usage import Usage, usage
from booking_core.school.erasure import Erasure, erase_student, erasure_of, finish_erasures
from booking_core.school.grounds import (
    add_ground,
    change_ground,
    save_ground,
    save_grounds_order,
)
from booking_core.school.photos import ground_photo, remove_ground_photo, save_ground_photo
from booking_core.school.policy import save_policy
from booking_core.school.rollover import (
    ClassMove,
    RollOverPlan,
    classes_of,
    roll_over,
    roll_over_plan,
    suggest_roll_over,
)
from booking_core.school.roster import RosterPlan, apply_roster, plan_roster
from booking_core.school.search import find_students
from booking_core.school.students import (
    add_student,
    bookings_ahead,
    change_student,
    save_student,
    save_students,
    set_active,
)
from booking_core.school.timetables import (
    add_timetable,
    delete_day,
    delete_timetable,
    save_days,
    save_timetable,
)
from booking_core.school.year import add_terms, remove_term, save_term, save_week_a, terms
from booking_core.settings import Settings
from booking_core.storage.client.database import present
from booking_core.storage.connection import connect, disconnect
from booking_core.storage.live.background import BackgroundThread
from booking_core.storage.live.background import threads as background_threads
from booking_core.storage.live.cache import Scope, ScopedCache, scoped_cache
from booking_core.storage.live.change_feed import Feed
from booking_core.storage.schema.ensure import ensure_schema
from booking_core.storage.school.data import Reference
from booking_core.storage.school.data import load as load_reference
from booking_core.tables.table import Limits, Table, read_table

__all__ = [
    "Account",
    "AccountErasure",
    "Actor",
    "BackgroundThread",
    "Board",
    "Booking",
    "BookingRequest",
    "Calendar",
    "Card",
    "Cell",
    "CellState",
    "Change",
    "ClassMove",
    "Closing",
    "Closure",
    "Day",
    "DayPlan",
    "Decision",
    "Delegation",
    "Erasure",
    "Feed",
    "Ground",
    "Holiday",
    "IdToken",
    "Lifted",
    "Limits",
    "LiveBoards",
    "MigrationProgress",
    "Notice",
    "OpenSession",
    "Period",
    "Policy",
    "Quota",
    "Reference",
    "Relocation",
    "Retirement",
    "Role",
    "RollOverPlan",
    "RosterPlan",
    "SchoolYear",
    "Scope",
    "ScopedCache",
    "SecondFactorSetUp",
    "Session",
    "Settings",
    "SignedIn",
    "Slot",
    "Status",
    "Student",
    "Table",
    "Term",
    "Timetable",
    "Usage",
    "account_erasure_of",
    "add_account",
    "add_ground",
    "add_student",
    "add_terms",
    "add_timetable",
    "apply_roster",
    "approve",
    "approved_upcoming",
    "background_threads",
    "begin_second_factor",
    "book",
    "bookings_ahead",
    "bookings_on",
    "cancel",
    "change_account",
    "change_ground",
    "change_password",
    "change_student",
    "classes_of",
    "close_grounds",
    "confirm_second_factor",
    "connect",
    "count_bookings",
    "day_board",
    "decided_lately",
    "decides",
    "delegate",
    "delegations_of",
    "delete_day",
    "delete_timetable",
    "disconnect",
    "displaced_by",
    "end_delegation",
    "end_early",
    "end_missed_sign_outs",
    "end_other_sessions",
    "end_session",
    "ensure_schema",
    "erase_account",
    "erase_student",
    "erasure_of",
    "errors",
    "find_accounts",
    "find_bookings",
    "find_changes",
    "find_closures",
    "find_delegations",
    "find_reinstatable",
    "find_students",
    "finish_erasures",
    "games_to_choose",
    "get_account",
    "get_booking",
    "ground_photo",
    "has_admin",
    "is_challenge_open",
    "is_signed_out",
    "keeps_approval",
    "lapse_pending",
    "lift_closure",
    "load_reference",
    "mark_read",
    "may",
    "may_show",
    "misfits",
    "move",
    "must_set_up_second_factor",
    "notices_for",
    "open_session",
    "pending_queue",
    "plan_roster",
    "present",
    "read_table",
    "recovery_codes_left",
    "reinstate",
    "reject",
    "relocations",
    "remember_device",
    "remove_ground_photo",
    "remove_term",
    "renew_recovery_codes",
    "reset_password",
    "reset_second_factor",
    "retire_ground",
    "revoke",
    "roll_over",
    "roll_over_plan",
    "save_days",
    "save_ground",
    "save_ground_photo",
    "save_grounds_order",
    "save_policy",
    "save_student",
    "save_students",
    "save_term",
    "save_timetable",
    "save_week_a",
    "scoped_cache",
    "search_filters",
    "session_of",
    "sessions_of",
    "set_active",
    "sign_in",
    "sign_in_by_code",
    "sign_in_by_id_token",
    "sign_out",
    "suggest_roll_over",
    "terms",
    "touch_session",
    "turn_off_second_factor",
    "usage",
    "wall_cards",
    "week_of",
    "weeks_of",
]
