"""Indexes and validators, as data.

``bookings/writes.py`` translates a violation of the index of claims, ``indexes.py`` builds what is
declared here, and ``migrations.py`` brings stored data of earlier versions to it. The file is long
because the whole schema is in one place.
"""

from __future__ import annotations

from typing import Any

from booking_core.domain.model import ACTIVE, WEEKS, MailWish, Party, Role, Status
from booking_core.domain.policy import MAIL_DECISIONS, WALL_SHOWS, Policy

BOOKINGS, GROUNDS, TIMETABLES = "bookings", "grounds", "timetables"
DAYS, TERMS, STUDENTS, META = "days", "terms", "students", "meta"
TEAMS, WAITING, SWAP_OFFERS = "teams", "waiting", "swap_offers"
ACCOUNTS, SESSIONS, ATTEMPTS, PROOFS = "accounts", "sessions", "attempts", "proofs"
DEVICES, CHALLENGES = "devices", "challenges"
GROUND_PHOTOS, SCHOOL_HISTORY, LOGO = "ground_photos", "school_history", "logo"
DELEGATIONS, AUDIT, NOTICES, MAILS = "delegations", "audit", "notices", "mails"
MAIL_LINKS = "mail_links"

ONE_HOLDER_PER_CLAIM = "one_holder_per_claim"
ONE_STUDENT_PER_ID, ONE_GROUND_PER_ID = "one_student_per_id", "one_ground_per_id"
ONE_TIMETABLE_PER_ID = "one_timetable_per_id"
ONE_TEAM_PER_ID, ONE_TEAM_PER_NAME = "one_team_per_id", "one_team_per_name"
ONE_ACCOUNT_PER_ID, ONE_ACCOUNT_PER_EMAIL = "one_account_per_id", "one_account_per_email"
ONE_ACCOUNT_PER_CALENDAR = "one_account_per_calendar"
ONE_GROUND_PER_NAME, ONE_TIMETABLE_PER_NAME = "one_ground_per_name", "one_timetable_per_name"
# The obvious index of the system before this one: with the status in its key it lets a Pending
# booking in beside an Approved one.
LEGACY_INDEX = "unique_active_booking_per_slot"
LEGACY_KEYS = {"ground", "date", "time", "status"}
# Indexes of earlier versions that are dropped once ours are built.
RETIRED_INDEXES = frozenset(
    {LEGACY_INDEX, "one_booking_per_slot", "one_place_per_student", "quota_seat", "queue", "newest"}
)
VERSION = 11  # of the schema: the number of the last migration in ``migrations.py``

NOTICE_KINDS = (
    *("displaced", "reinstated", "promoted", "approved", "rejected", "revoked"),
    *("cancelled", "moved", "lapsed", "undone", "swap_offered", "swap_declined"),
    *("question", "answered", "party_changed", "ended_early"),
)
HOLDS = {"status": {"$in": [status.value for status in ACTIVE]}}

# The claims of one booking differ in a few digits: compressed pages take a quarter of the space.
COMPRESSED = {"wiredTiger": {"configString": "block_compressor=snappy"}}

# name -> (keys, where it holds). Claims are an array, so the index gives each claim one holder.
UNIQUE_INDEXES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    ONE_HOLDER_PER_CLAIM: (("claims",), HOLDS),
}
# The indexes that reads name.
BY_DAY, BY_STUDENT, LATEST_CHANGE = "by_day", "by_student", "latest_change"
WAITING_BY_DATE = "waiting_by_date"
BY_ID = "_id_"  # the server's own
NEWEST_BY_DATE = "newest_by_date"
BY_AUTHOR, BY_GROUND = "by_created_by", "by_ground_id"
# The filters of the Bookings page. The first one that is set, in this order, names the index.
# A range of dates is filtered there; for the last three, the index of dates is read instead.
FILTERS = ("student_id", "class_name", "created_by", "ground_id", "status", "kind")
FILTERS_WITH_DATES = FILTERS[:3]
_AGE = {"created_at": -1, "_id": -1}


def _newest_by(field: str, *others: str) -> dict[str, int]:
    """Keys by ``field``, newest first. Filters on ``others`` read no bookings."""
    return {field: 1, **_AGE, **dict.fromkeys(others, 1)}


def _by(field: str, *others: str) -> dict[str, int]:
    """Keys by ``field``, by date and time. Filters on ``others`` read no bookings."""
    return dict.fromkeys((field, "date", "start", "_id", "end", "status", "kind", *others), 1)


LISTING_INDEXES: dict[str, dict[str, int]] = {
    # Boards, queues and bookings ahead. Filters on the end of the key read no bookings.
    BY_DAY: dict.fromkeys(
        ("status", "date", "start", "_id", "end", "kind", "ground_id", "student_id"), 1
    ),
    BY_STUDENT: _by("student_id", "created_by", "ground_id"),
    # The Bookings page by date and time.
    "by_class_name": _by("class_name", "created_by", "ground_id"),
    BY_AUTHOR: _by("created_by", "ground_id"),
    BY_GROUND: _by("ground_id"),
    LATEST_CHANGE: {"status": 1, "updated_at": -1, "_id": -1, "kind": 1},
    NEWEST_BY_DATE: _newest_by("date", "ground_id", "status", "kind"),
    "newest_by_student_id": _newest_by("student_id"),  # a student has few bookings
    "newest_by_class_name": _newest_by("class_name", "created_by", "ground_id", "status", "date"),
    "newest_by_created_by": _newest_by("created_by", "ground_id", "status", "date", "kind"),
    "newest_by_ground_id": _newest_by("ground_id", "status", "kind"),
    "newest_by_status": _newest_by("status", "kind"),
    "newest_by_kind": _newest_by("kind"),
    # Of the audit page: one key for each entry of a history, newest first.
    "changes": {"kind": 1, "history.at": -1, "_id": -1},
    "changes_by": {"history.by": 1, "history.action": 1, "history.at": -1, "_id": -1},
    "changes_to": {"history.action": 1, "history.at": -1, "_id": -1},
}

# Of the bookings that have the field alone: others pay nothing for it.
BY_SERIES = "by_series"
LISTING_INDEXES[BY_SERIES] = {"series": 1, "date": 1, "_id": 1}
BY_SUPERVISOR = "by_supervisor"  # of the calendar of an account
LISTING_INDEXES[BY_SUPERVISOR] = {"supervisor.id": 1, "date": 1, "_id": 1}
MOVED_FROM = "moved_from_date"  # of a board of a past moment: bookings that have left a date
LISTING_INDEXES[MOVED_FROM] = {"history.moved_from.date": 1}
LISTING_WHERE: dict[str, dict[str, Any]] = {
    BY_SERIES: {"series": {"$type": "string"}},
    BY_SUPERVISOR: {"supervisor.id": {"$type": "string"}},
    MOVED_FROM: {"history.moved_from.date": {"$type": "string"}},
}

# collection -> key field -> its unique index; ``keys.py`` derives the fields.
KEYED: dict[str, dict[str, str]] = {
    GROUNDS: {"id_key": ONE_GROUND_PER_ID, "name_key": ONE_GROUND_PER_NAME},
    TIMETABLES: {"id_key": ONE_TIMETABLE_PER_ID, "name_key": ONE_TIMETABLE_PER_NAME},
    STUDENTS: {"id_key": ONE_STUDENT_PER_ID},
    TEAMS: {"id_key": ONE_TEAM_PER_ID, "name_key": ONE_TEAM_PER_NAME},
    ACCOUNTS: {"id_key": ONE_ACCOUNT_PER_ID, "email_key": ONE_ACCOUNT_PER_EMAIL},
}
KEY_INDEXES = {index for named in KEYED.values() for index in named.values()}


def _one_per(key: str, **where: Any) -> tuple[dict[str, int], dict[str, Any]]:
    # Of documents that have the key, so that a migration can build the index before it fills them.
    where[key] = {"$type": "string"}
    return {key: 1}, {"unique": True, "partialFilterExpression": where}


# Of the other collections: name -> (keys, options). Those that expire are emptied by the server.
_ENDS = {"expireAfterSeconds": 0}
OTHER_INDEXES: dict[str, dict[str, tuple[dict[str, int], dict[str, Any]]]] = {
    ACCOUNTS: {
        ONE_ACCOUNT_PER_ID: _one_per("id_key"),
        ONE_ACCOUNT_PER_EMAIL: _one_per("email_key"),
        ONE_ACCOUNT_PER_CALENDAR: _one_per("calendar.key"),
    },
    GROUNDS: {
        ONE_GROUND_PER_ID: _one_per("id_key"),
        # A retired ground gives its name free.
        ONE_GROUND_PER_NAME: _one_per("name_key", retired=False),
    },
    TIMETABLES: {
        ONE_TIMETABLE_PER_ID: _one_per("id_key"),
        ONE_TIMETABLE_PER_NAME: _one_per("name_key"),
    },
    STUDENTS: {ONE_STUDENT_PER_ID: _one_per("id_key")},
    TEAMS: {
        ONE_TEAM_PER_ID: _one_per("id_key"),
        ONE_TEAM_PER_NAME: _one_per("name_key"),
    },
    SESSIONS: {
        "sessions_end": ({"expires_at": 1}, _ENDS),
        "sessions_of_account": ({"account_id": 1}, {}),
    },
    DEVICES: {
        "devices_end": ({"expires_at": 1}, _ENDS),
        "devices_of_account": ({"account_id": 1, "expires_at": -1}, {}),
    },
    CHALLENGES: {"challenges_end": ({"expires_at": 1}, _ENDS)},
    ATTEMPTS: {"attempts_end": ({"expires_at": 1}, _ENDS)},
    PROOFS: {"proofs_end": ({"expires_at": 1}, _ENDS)},
    DELEGATIONS: {"delegations_to": ({"to": 1, "last": 1}, {})},
    AUDIT: {
        "audit_newest": ({"at": -1, "_id": -1}, {}),
        "audit_by": ({"by": 1, "at": -1, "_id": -1}, {}),
        "audit_of": ({"what": 1, "at": -1, "_id": -1}, {}),
    },
    NOTICES: {
        "notices_to": ({"to": 1, "at": -1}, {}),
        # Those that no mail has told yet: others pay nothing for it.
        "notices_due": ({"at": 1}, {"partialFilterExpression": {"mail": "due", "read": False}}),
    },
    MAILS: {
        "mails_due": ({"status": 1, "next_at": 1}, {}),
        "mails_to": ({"to": 1, "at": -1}, {}),
        "mails_end": ({"expires_at": 1}, _ENDS),
    },
    MAIL_LINKS: {
        "mail_links_of_account": ({"account_id": 1, "purpose": 1, "at": 1}, {}),
        "mail_links_of_mail": ({"mail_id": 1}, {}),
        "mail_links_end": ({"expires_at": 1}, _ENDS),
    },
    WAITING: {
        # Nobody else has this place in the line of a slot.
        "one_entry_per_place": _one_per("place"),
        WAITING_BY_DATE: ({"date": 1, "status": 1, "at": 1}, {}),
        "waiting_end": ({"expires_at": 1}, _ENDS),
    },
    SWAP_OFFERS: {
        "swap_offers_by": ({"by": 1, "status": 1}, {}),
        "swap_offers_to": ({"to": 1, "status": 1}, {}),
        "swap_offers_end": ({"expires_at": 1}, _ENDS),
    },
}
# The names of all that are ours; what else ``index_faults`` names, ours supersede.
INDEXES = {
    *UNIQUE_INDEXES,
    *LISTING_INDEXES,
    *(i for named in OTHER_INDEXES.values() for i in named),
}

_TEXT = {"bsonType": "string"}
_KEY = {"bsonType": "string", "minLength": 1}
_DATE = {"bsonType": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_TIME = {"bsonType": "string", "pattern": r"^\d{2}:\d{2}$"}
_KEYS = {"bsonType": "array", "items": _KEY}
_NAMED_SPAN = {"name": _KEY, "first": _DATE, "last": _DATE}
_COUNT = {"bsonType": ["int", "long"], "minimum": 0}
_LIMIT = {"bsonType": ["int", "long", "null"], "minimum": 1}
_SIDE = {"bsonType": ["int", "long"], "minimum": 1}  # of a picture, in pixels

_BOOKING_PROPERTIES: dict[str, Any] = {
    "_id": _TEXT,
    "kind": {"enum": ["booking", "closure"]},
    "ground_id": {"bsonType": "string", "minLength": 1},
    "date": _DATE,
    "start": _TIME,
    "end": _TIME,
    "claims": {
        "bsonType": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"bsonType": "string", "pattern": "^(ground|student|staff|quota)[|]"},
    },
    "status": {"enum": [status.value for status in Status]},
    # Of several students, these three are lists.
    "student_id": {"anyOf": [_KEY, _KEYS | {"minItems": 1, "uniqueItems": True}]},
    "student_name": {"anyOf": [_TEXT, {"bsonType": "array", "minItems": 2, "items": _TEXT}]},
    "class_name": {"anyOf": [_TEXT, {"bsonType": "array", "minItems": 2, "items": _TEXT}]},
    "party": {"enum": [party.value for party in Party if party is not Party.STUDENTS]},
    "team_id": _KEY,
    "supervisor": {
        "bsonType": "object",
        "required": ["id", "name"],
        "additionalProperties": False,
        "properties": {"id": _KEY, "name": _TEXT},
    },
    "game": _TEXT,
    "purpose": _TEXT,
    "created_by": _TEXT,
    "created_by_name": _TEXT,
    "created_at": {"bsonType": "date"},
    "updated_at": {"bsonType": "date"},
    "revision": _COUNT,
    "fingerprint": _TEXT,
    "quota": {
        "bsonType": "object",
        "required": ["window", "seat"],
        "properties": {
            "window": _TEXT,
            "seat": {"anyOf": [_COUNT, {"bsonType": "array", "minItems": 2, "items": _COUNT}]},
        },
    },
    "closure_group": {"bsonType": "string", "minLength": 1},
    "surfaces": {"bsonType": "array", "minItems": 1, "items": _KEY},
    "series": {"bsonType": "string", "minLength": 1},
    "set_place": _COUNT,
    "history": {
        "bsonType": "array",
        "minItems": 1,
        "items": {"bsonType": "object", "required": ["at", "by", "action", "reason", "dates"]},
    },
}
_OPTIONAL = {"student_id", "quota", "closure_group", "surfaces", "series"}
_OPTIONAL |= {"party", "team_id", "supervisor", "set_place"}

_OFFERED = {
    "bsonType": "object",
    "required": ["id", "slot"],
    "properties": {
        "id": _TEXT,
        "slot": {"bsonType": "object", "required": ["ground_id", "date", "start", "end"]},
    },
}
VALIDATORS: dict[str, dict[str, Any]] = {
    BOOKINGS: {
        "$jsonSchema": {
            "bsonType": "object",
            # The server repeats this to an application that writes bookings in an older form.
            "description": "the database was migrated: this application must be updated",
            "required": [name for name in _BOOKING_PROPERTIES if name not in _OPTIONAL],
            "additionalProperties": False,
            "properties": _BOOKING_PROPERTIES,
            # A closure has no party; a booking always has one.
            "oneOf": [
                {
                    "properties": {"kind": {"enum": ["booking"]}},
                    "anyOf": [{"required": ["student_id"]}, {"required": ["party"]}],
                },
                {
                    "properties": {"kind": {"enum": ["closure"]}},
                    "not": {"anyOf": [{"required": ["student_id"]}, {"required": ["party"]}]},
                },
            ],
        }
    },
    GROUNDS: {
        "$jsonSchema": {
            "required": ["name", "games", "order", "retired", "id_key", "name_key"],
            "properties": {
                "name": _TEXT,
                "games": {"bsonType": "array", "items": _TEXT},
                "retired": {"bsonType": "bool"},
                "surfaces": {"bsonType": "array", "minItems": 1, "items": _KEY},
                "id_key": _KEY,
                "name_key": _KEY,
            },
        }
    },
    TIMETABLES: {
        "$jsonSchema": {
            "required": ["name", "weekdays", "periods", "id_key", "name_key"],
            "properties": {"id_key": _KEY, "name_key": _KEY, "week": {"enum": ["", *WEEKS]}},
        }
    },
    DAYS: {"$jsonSchema": {"required": ["timetable_id", "note"], "properties": {"_id": _DATE}}},
    TERMS: {
        "$jsonSchema": {
            "required": ["name", "first", "last", "holidays"],
            "properties": {
                **_NAMED_SPAN,
                "holidays": {
                    "bsonType": "array",
                    "items": {
                        "bsonType": "object",
                        "required": ["name", "first", "last"],
                        "properties": _NAMED_SPAN,
                    },
                },
            },
        }
    },
    STUDENTS: {
        "$jsonSchema": {
            "required": ["name", "class_name", "email", "active", "id_key"],
            "properties": {
                "name": _TEXT,
                "class_name": _TEXT,
                "active": {"bsonType": "bool"},
                "id_key": _KEY,
            },
        }
    },
    TEAMS: {
        "$jsonSchema": {
            "required": ["name", "members", "class_name", "staff", "id_key", "name_key"],
            "properties": {
                "name": _TEXT,
                "members": _KEYS,
                "class_name": _TEXT,
                "staff": _KEYS,
                "id_key": _KEY,
                "name_key": _KEY,
            },
        }
    },
    # The revision of the reference data, the policy where one was saved, and a day of a week A
    # where weeks have letters.
    META: {
        "$jsonSchema": {
            "required": ["grounds", "students"],
            "properties": {
                "recount_until": _DATE,
                "week_a": _DATE,
                # Field -> the headings that its columns had in the last imported list.
                "student_columns": {
                    "bsonType": "object",
                    "additionalProperties": False,
                    "properties": {
                        name: {"bsonType": "array", "minItems": 1, "items": _TEXT}
                        for name in ("id", "name", "class", "email", "active")
                    },
                },
                "policy": {
                    "bsonType": "object",
                    "additionalProperties": False,
                    "properties": {
                        "advance_days": _COUNT,
                        "lead_minutes": _COUNT,
                        "series_days": _COUNT,
                        **dict.fromkeys(Policy.QUOTAS.values(), _LIMIT),
                        "claim_members": {"bsonType": "bool"},
                        "waiting_places": _COUNT,
                        "cut_off": {"bsonType": ["string", "null"], "pattern": _TIME["pattern"]},
                        "day_list_at": _TIME | {"bsonType": ["string", "null"]},
                        "wall_shows": {"enum": list(WALL_SHOWS)},
                        "second_factor": {"bsonType": "bool"},
                        "mail_decisions": {"enum": list(MAIL_DECISIONS)},
                        "remind_hours": _COUNT,
                        "ask_again_hours": _COUNT,
                        "ask_soon_hours": _COUNT,
                    },
                },
            },
        }
    },
    SCHOOL_HISTORY: {
        "$jsonSchema": {
            "required": [GROUNDS, TIMETABLES, DAYS],
            "properties": {
                "_id": _DATE,
                **{name: {"bsonType": "array"} for name in (GROUNDS, TIMETABLES, DAYS, TERMS)},
                "week_a": {"bsonType": ["string", "null"], "pattern": _DATE["pattern"]},
            },
        }
    },
    GROUND_PHOTOS: {
        "$jsonSchema": {"required": ["at", "webp"], "properties": {"webp": {"bsonType": "binData"}}}
    },
    LOGO: {
        "$jsonSchema": {
            "required": ["at", "png", "width", "height"],
            "properties": {"png": {"bsonType": "binData"}, "width": _SIDE, "height": _SIDE},
        }
    },
    ACCOUNTS: {
        "$jsonSchema": {
            "required": ["name", "role", "email", "active", "must_change", "id_key", "email_key"],
            "properties": {
                "_id": {"bsonType": "string", "minLength": 1},
                "name": _TEXT,
                "role": {"enum": [role.value for role in Role]},
                "email": {"bsonType": ["string", "null"]},
                "active": {"bsonType": "bool"},
                "password_hash": {"bsonType": "string", "pattern": r"^\$argon2id\$"},
                # When a one-time password was issued; null once it has signed in.
                "one_time_at": {"bsonType": ["date", "null"]},
                "second_factor": {
                    "bsonType": "object",
                    "required": ["secret", "last_step", "recovery"],
                    "additionalProperties": False,
                    "properties": {
                        "secret": {"bsonType": "string", "pattern": "^[A-Z2-7]{32}$"},
                        "last_step": _COUNT,  # of the newest code that was accepted
                        # The hashes of the recovery codes that are left.
                        "recovery": {
                            "bsonType": "array",
                            "items": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
                        },
                    },
                },
                "mail": {"enum": [wish.value for wish in MailWish]},
                # The secret address of the account's calendar; ``key`` is a hash, as of sessions.
                "calendar": {
                    "bsonType": "object",
                    "required": ["key", "at"],
                    "additionalProperties": False,
                    "properties": {
                        "key": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
                        "at": {"bsonType": "date"},
                    },
                },
                "id_key": _KEY,
                "email_key": {"bsonType": ["string", "null"], "minLength": 1},
            },
        }
    },
    SESSIONS: {
        "$jsonSchema": {
            "required": ["account_id", "created_at", "seen_at", "expires_at"],
            # The hash of a token: a token itself is shorter, and never stored.
            "properties": {"_id": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"}},
        }
    },
    DEVICES: {
        "$jsonSchema": {
            "required": ["account_id", "epoch", "expires_at"],
            # A hash, as of sessions.
            "properties": {"_id": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"}},
        }
    },
    CHALLENGES: {
        "$jsonSchema": {
            "required": ["account_id", "epoch", "tries", "expires_at"],
            # A hash, as of sessions.
            "properties": {
                "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
                "tries": _COUNT,
            },
        }
    },
    ATTEMPTS: {"$jsonSchema": {"required": ["expires_at"]}},
    PROOFS: {"$jsonSchema": {"required": ["expires_at"]}},
    DELEGATIONS: {
        "$jsonSchema": {
            "required": ["by", "by_name", "to", "to_name", "first", "last", "at"],
            "properties": {"first": _DATE, "last": _DATE},
        }
    },
    AUDIT: {"$jsonSchema": {"required": ["at", "by", "by_name", "action", "what", "id"]}},
    WAITING: {
        "$jsonSchema": {
            "required": ["status", "at", "by", "by_name", "role", "date", "slot", "game"],
            "properties": {
                "status": {"enum": ["waiting", "promoted", "left", "ended"]},
                "at": {"bsonType": "date"},
                "by": _KEY,
                "date": _DATE,
                "slot": {"bsonType": "object", "required": ["ground_id", "date", "start", "end"]},
                "party": {"bsonType": "object"},
                "place": _KEY,
            },
        }
    },
    SWAP_OFFERS: {
        "$jsonSchema": {
            "required": ["status", "given", "wanted", "at", "by", "by_name", "to", "reason"],
            "properties": {
                "status": {"enum": ["open", "accepted", "declined", "withdrawn", "ended"]},
                "given": _OFFERED,
                "wanted": _OFFERED,
                "at": {"bsonType": "date"},
                "by": _KEY,
                "by_name": _TEXT,
                "to": _KEY,
                "reason": _TEXT,
                "expires_at": {"bsonType": "date"},
            },
        }
    },
    NOTICES: {
        "$jsonSchema": {
            # Facts, not prose; and of the student nothing, who must be erasable.
            "required": ["at", "to", "kind", "booking_id", "slot", "reason", "by_name", "read"],
            "properties": {
                "at": {"bsonType": "date"},
                "to": {"bsonType": "string", "minLength": 1},
                "kind": {"enum": list(NOTICE_KINDS)},
                "booking_id": _TEXT,
                "slot": {"bsonType": "object", "required": ["ground_id", "date", "start", "end"]},
                "reason": _TEXT,
                "by_name": _TEXT,
                "read": {"bsonType": "bool"},
                # "due" until it is in a mail; then the id of that, or "none".
                "mail": _KEY,
            },
        }
    },
    MAILS: {
        "$jsonSchema": {
            # Ids alone: what a mail says is composed when it is sent.
            "required": ["to", "at", "status", "notices", "asks", "next_at", "tries", "answer"],
            "additionalProperties": False,
            "properties": {
                "_id": _KEY,
                "to": _KEY,
                "at": {"bsonType": "date"},
                "status": {"enum": ["queued", "sent", "failed"]},
                "notices": _KEYS,
                "asks": {"bsonType": "bool"},
                "password": {"bsonType": "bool"},
                "reminds": _TEXT,  # the id of a booking, or empty
                "day_list": _DATE,
                "next_at": {"bsonType": "date"},
                "tries": _COUNT,
                "answer": _TEXT,
                "ended_at": {"bsonType": "date"},
                "expires_at": {"bsonType": "date"},
            },
        }
    },
    MAIL_LINKS: {
        "$jsonSchema": {
            "required": [
                *("account_id", "epoch", "purpose", "mail_id", "at", "ends_at", "booking_id"),
                *("revision", "used_for", "action", "expires_at"),
            ],
            "additionalProperties": False,
            "properties": {
                # A hash, as of sessions.
                "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
                "account_id": _KEY,
                "epoch": _COUNT,
                "purpose": {"enum": ["decide", "cancel", "password"]},
                "mail_id": _KEY,
                "at": {"bsonType": "date"},
                "ends_at": {"bsonType": "date"},
                "booking_id": _TEXT,
                "revision": _COUNT,
                "used_for": _TEXT,
                "action": _TEXT,
                "expires_at": {"bsonType": "date"},
            },
        }
    },
}
