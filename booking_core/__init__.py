"""Booking sports grounds, each slot exactly once. Plain Python: no Streamlit, ever.

The public names are here and in the modules beside this one: ``sessions``, ``reports``,
``calendars``, ``live``, ``messages`` and ``demo``. Each has one address; the errors of ``errors``
can be imported from here too. The packages below are not public.
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
    set_mail_wish,
)
from booking_core.access.delegations import (
    decides,
    delegate,
    delegations_of,
    end_delegation,
    find_delegations,
)
from booking_core.access.erasure import account_erasure_of, erase_account
from booking_core.access.second_factor import reset_second_factor
from booking_core.booking.boards import (
    Board,
    Cell,
    GroundDay,
    GroundFilter,
    day_board,
    days_of_school,
)
from booking_core.booking.claims import book, keeps_approval, move
from booking_core.booking.closing_undo import undo_closing
from booking_core.booking.closures import (
    close_grounds,
    displaced_by,
    find_closures,
    lift_closure,
    propose_moves,
)
from booking_core.booking.day_figures import DayFigures, days_at_a_glance
from booking_core.booking.decisions import (
    approve,
    cancel,
    check_reason,
    end_early,
    lapse_pending,
    reject,
    revoke,
)
from booking_core.booking.giving import give_to_waiting
from booking_core.booking.mail_decisions import (
    LinkState,
    MailedRequest,
    ask_by_mail,
    cancel_by_mail,
    decide_by_mail,
    mailed_booking,
    mailed_request,
)
from booking_core.booking.notices import mark_read, notices_for, write_notices
from booking_core.booking.parties import party_of
from booking_core.booking.party_changes import (
    PartyFields,
    change_party,
    change_series_party,
    plan_series_party,
)
from booking_core.booking.queries import (
    approved_upcoming,
    bookings_on,
    count_bookings,
    decided_lately,
    find_bookings,
    get_booking,
    misfits,
    pending_queue,
    quotas_of,
    search_filters,
    week_of,
    weeks_of,
)
from booking_core.booking.questions import answer, ask
from booking_core.booking.reinstatement import (
    find_reinstatable,
    find_returnable,
    former_slot,
    reinstate,
)
from booking_core.booking.relocation import Relocation, slots_for
from booking_core.booking.replacing import Replacement, plan_replacement, replace_booking
from booking_core.booking.retirement import relocations, retire_ground
from booking_core.booking.series import (
    Series,
    approve_series,
    book_instead,
    book_series,
    cancel_series,
    plan_series,
    reject_series,
)
from booking_core.booking.series_changes import SeriesChange
from booking_core.booking.series_lists import find_series, series_ahead, waiting_rows
from booking_core.booking.series_move import move_series, plan_series_move
from booking_core.booking.series_plan import SeriesPlan
from booking_core.booking.sets import book_set, plan_set
from booking_core.booking.swap_offers import (
    accept_swap,
    decline_swap,
    offer_swap,
    plan_swap_offer,
    swap_offers,
    withdraw_swap,
)
from booking_core.booking.swaps import plan_swap, swap
from booking_core.booking.undo import UNDO_SECONDS, undo_change
from booking_core.booking.waiting import (
    join_waiting_list,
    leave_waiting_list,
    promote_waiting,
    waiting_ahead,
    waiting_list,
    waiting_of,
)
from booking_core.booking.wall import Card, may_show, wall_cards
from booking_core.domain.availability import layouts, widest
from booking_core.domain.claims import people_of
from booking_core.domain.labels import games_to_choose
from booking_core.domain.logo import Logo
from booking_core.domain.model import (
    Account,
    Actor,
    Booking,
    BookingRequest,
    CellState,
    Decision,
    Ground,
    MailWish,
    NamedStudent,
    Party,
    Period,
    Role,
    Slot,
    Status,
    Student,
    Team,
    Timetable,
)
from booking_core.domain.people import Delegation
from booking_core.domain.policy import Policy, Quota
from booking_core.domain.records import Change, Closure, Notice
from booking_core.domain.rules import may
from booking_core.domain.school_year import Holiday, SchoolYear, Term
from booking_core.domain.series import Occurrence, SeriesRequest
from booking_core.domain.sets import OfGround, SetRequest
from booking_core.domain.swap_offers import SwapOffer
from booking_core.domain.timetable import Calendar, Day, DayPlan
from booking_core.domain.validation import MARK_MINUTES, minutes
from booking_core.domain.waiting import WaitingEntry
from booking_core.errors import *  # noqa: F403 - listed there
from booking_core.mail.composing import MailLine, MailWriting
from booking_core.mail.outbox import send_mails
from booking_core.mail.trial import send_test_mail
from booking_core.school.erasure import Erasure, erase_student, erasure_of, finish_erasures
from booking_core.school.grounds import (
    add_ground,
    change_ground,
    save_ground,
    save_grounds_order,
    surface_overlaps,
)
from booking_core.school.list_columns import keep_columns, suggest_columns
from booking_core.school.logo import remove_school_logo, save_school_logo, school_logo
from booking_core.school.photos import ground_photo, remove_ground_photo, save_ground_photo
from booking_core.school.policy import save_policy
from booking_core.school.rollover import (
    RollOverPlan,
    classes_of,
    roll_over,
    roll_over_plan,
    suggest_roll_over,
)
from booking_core.school.roster import RosterPlan, WrongRow, apply_roster, plan_roster
from booking_core.school.search import find_groups, find_students
from booking_core.school.students import (
    add_student,
    bookings_ahead,
    change_student,
    save_student,
    save_students,
    set_active,
)
from booking_core.school.teams import add_team, remove_team, save_team
from booking_core.school.timetables import (
    add_timetable,
    delete_day,
    delete_timetable,
    save_days,
    save_timetable,
)
from booking_core.school.year import add_terms, remove_term, save_term, save_week_a, terms
from booking_core.settings import Settings
from booking_core.storage.connection import connect, disconnect
from booking_core.storage.schema.ensure import ensure_schema
from booking_core.storage.school.data import Reference
from booking_core.storage.school.data import load as load_reference
from booking_core.tables.columns import Matching
from booking_core.tables.encodings import ENCODINGS
from booking_core.tables.table import Limits, RawTable, Row, Table, read_sheet, read_table, table_of

__all__ = [
    "ENCODINGS",
    "MARK_MINUTES",
    "UNDO_SECONDS",
    "Account",
    "Actor",
    "Board",
    "Booking",
    "BookingRequest",
    "Calendar",
    "Card",
    "Cell",
    "CellState",
    "Change",
    "Closure",
    "Day",
    "DayFigures",
    "DayPlan",
    "Decision",
    "Delegation",
    "Erasure",
    "Ground",
    "GroundDay",
    "GroundFilter",
    "Holiday",
    "Limits",
    "LinkState",
    "Logo",
    "MailLine",
    "MailWish",
    "MailWriting",
    "MailedRequest",
    "Matching",
    "NamedStudent",
    "Notice",
    "Occurrence",
    "OfGround",
    "Party",
    "PartyFields",
    "Period",
    "Policy",
    "Quota",
    "RawTable",
    "Reference",
    "Relocation",
    "Replacement",
    "Role",
    "RollOverPlan",
    "RosterPlan",
    "Row",
    "SchoolYear",
    "Series",
    "SeriesChange",
    "SeriesPlan",
    "SeriesRequest",
    "SetRequest",
    "Settings",
    "Slot",
    "Status",
    "Student",
    "SwapOffer",
    "Table",
    "Team",
    "Term",
    "Timetable",
    "WaitingEntry",
    "WrongRow",
    "accept_swap",
    "account_erasure_of",
    "add_account",
    "add_ground",
    "add_student",
    "add_team",
    "add_terms",
    "add_timetable",
    "answer",
    "apply_roster",
    "approve",
    "approve_series",
    "approved_upcoming",
    "ask",
    "ask_by_mail",
    "book",
    "book_instead",
    "book_series",
    "book_set",
    "bookings_ahead",
    "bookings_on",
    "cancel",
    "cancel_by_mail",
    "cancel_series",
    "change_account",
    "change_ground",
    "change_party",
    "change_password",
    "change_series_party",
    "change_student",
    "check_reason",
    "classes_of",
    "close_grounds",
    "connect",
    "count_bookings",
    "day_board",
    "days_at_a_glance",
    "days_of_school",
    "decide_by_mail",
    "decided_lately",
    "decides",
    "decline_swap",
    "delegate",
    "delegations_of",
    "delete_day",
    "delete_timetable",
    "disconnect",
    "displaced_by",
    "end_delegation",
    "end_early",
    "ensure_schema",
    "erase_account",
    "erase_student",
    "erasure_of",
    "errors",
    "find_accounts",
    "find_bookings",
    "find_closures",
    "find_delegations",
    "find_groups",
    "find_reinstatable",
    "find_returnable",
    "find_series",
    "find_students",
    "finish_erasures",
    "former_slot",
    "games_to_choose",
    "get_account",
    "get_booking",
    "give_to_waiting",
    "ground_photo",
    "has_admin",
    "join_waiting_list",
    "keep_columns",
    "keeps_approval",
    "lapse_pending",
    "layouts",
    "leave_waiting_list",
    "lift_closure",
    "load_reference",
    "mailed_booking",
    "mailed_request",
    "mark_read",
    "may",
    "may_show",
    "minutes",
    "misfits",
    "move",
    "move_series",
    "notices_for",
    "offer_swap",
    "party_of",
    "pending_queue",
    "people_of",
    "plan_replacement",
    "plan_roster",
    "plan_series",
    "plan_series_move",
    "plan_series_party",
    "plan_set",
    "plan_swap",
    "plan_swap_offer",
    "promote_waiting",
    "propose_moves",
    "quotas_of",
    "read_sheet",
    "read_table",
    "reinstate",
    "reject",
    "reject_series",
    "relocations",
    "remove_ground_photo",
    "remove_school_logo",
    "remove_team",
    "remove_term",
    "replace_booking",
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
    "save_school_logo",
    "save_student",
    "save_students",
    "save_team",
    "save_term",
    "save_timetable",
    "save_week_a",
    "school_logo",
    "search_filters",
    "send_mails",
    "send_test_mail",
    "series_ahead",
    "set_active",
    "set_mail_wish",
    "slots_for",
    "suggest_columns",
    "suggest_roll_over",
    "surface_overlaps",
    "swap",
    "swap_offers",
    "table_of",
    "terms",
    "undo_change",
    "undo_closing",
    "waiting_ahead",
    "waiting_list",
    "waiting_of",
    "waiting_rows",
    "wall_cards",
    "week_of",
    "weeks_of",
    "widest",
    "withdraw_swap",
    "write_notices",
]
