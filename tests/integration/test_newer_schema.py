"""A newer version migrates the database under a running app of this version."""

from __future__ import annotations

import inspect
from unittest.mock import sentinel

import pytest
from support import ADMIN, DAY, NOW, booked, eventually

import booking_core
from booking_core import (
    Account,
    Role,
    StoreUnavailable,
    UpdateNeeded,
    add_account,
    connect,
    day_board,
    find_accounts,
    get_booking,
    lapse_pending,
)
from booking_core.live import Feed
from booking_core.sessions import is_signed_out, open_session, sign_out
from booking_core.storage.schema import indexes, schema
from booking_core.storage.school.changes import change_school
from booking_core.storage.school.students import change_students
from pages.shared.auth import responses
from pages.shared.live.runtime import Services

NEWER = schema.VERSION + 1
VERBS = {
    name: verb
    for name in booking_core.__all__
    if hasattr(verb := getattr(booking_core, name), "deadline_seconds") and name != "sign_out"
}


def set_number(db, number, field="schema"):
    """What a newer version writes, and what a restored backup of this version writes."""
    db.meta.update_one(
        {"_id": "revision"}, {"$set": {field: number}, "$inc": {"grounds": 1, "students": 1}}
    )


@pytest.fixture
def followed(db):
    """The database, with a feed that follows it."""
    feed = Feed(db)
    feed.start()
    assert feed.connected
    yield db
    feed.stop()


def called(db, verb):
    """Calls ``verb``; its other arguments mean nothing, for the check comes first."""
    parameters = list(inspect.signature(verb).parameters.values())[1:]
    needed = [p for p in parameters if p.default is p.empty]
    by_name = {p.name: sentinel.anything for p in needed if p.kind is p.KEYWORD_ONLY}
    by_place = [sentinel.anything for p in needed if p.kind is p.POSITIONAL_OR_KEYWORD]
    return verb(db, *by_place, **by_name)


@pytest.mark.parametrize("field", ["schema", "migrating"])
def test_every_verb_is_refused_as_soon_as_the_feed_tells_of_a_newer_version(followed, field):
    set_number(followed, NEWER, field)

    eventually(lambda: followed.schema_number.error is not None)
    for verb in VERBS.values():
        with pytest.raises(UpdateNeeded) as refused:
            called(followed, verb)
        assert refused.value.nothing_happened
    assert len(VERBS) > 60


def test_a_sign_out_that_is_refused_for_a_newer_version_is_remembered(followed):
    add_account(followed, Account("ravi", "Ravi", Role.STAFF))
    token = open_session(followed, "ravi")
    set_number(followed, NEWER)
    eventually(lambda: followed.schema_number.error is not None)

    with pytest.raises(UpdateNeeded):
        sign_out(followed, token)

    assert is_signed_out(token)
    assert followed.sessions.count_documents({}) == 1


def test_without_a_feed_every_verb_is_refused_within_two_seconds(db):
    find_accounts(db)

    set_number(db, NEWER)

    def refused():
        try:
            lapse_pending(db)
        except UpdateNeeded:
            return True
        return False

    eventually(refused, within=2.5)
    for verb in VERBS.values():
        with pytest.raises(UpdateNeeded):
            called(db, verb)


@pytest.mark.parametrize(
    "change",
    [change_school, change_students],
    ids=["school", "students"],
)
def test_a_change_of_the_school_that_has_begun_already_is_refused_with_nothing_written(db, change):
    set_number(db, NEWER)
    before = db.meta.find_one({"_id": "revision"})

    with pytest.raises(UpdateNeeded):
        change(db, lambda tx: tx.audit(ADMIN, "erased", "student", "S001"), NOW)

    assert db.meta.find_one({"_id": "revision"}) == before
    assert db.audit.count_documents({"action": "erased"}) == 0


def test_an_app_goes_on_when_a_backup_of_its_version_is_restored(followed):
    made = booked(followed)
    set_number(followed, NEWER)
    eventually(lambda: followed.schema_number.error is not None)

    set_number(followed, schema.VERSION)

    eventually(lambda: followed.schema_number.error is None)
    assert get_booking(followed, made.id) == made


def test_an_app_leaves_the_validators_of_a_newer_version_that_migrates(followed, caplog):
    set_number(followed, NEWER, "migrating")

    followed.command("collMod", schema.BOOKINGS, validator={"status": {"$exists": True}})

    eventually(lambda: "is not restored" in caplog.text)
    assert indexes.validator_faults(followed) == [schema.BOOKINGS]
    with pytest.raises(UpdateNeeded):
        connect(followed.booking_settings)


def test_screens_say_that_an_update_is_needed(db):
    shared = Services(db.booking_settings)
    shared.start()
    try:
        version = shared.version(DAY)
        assert shared.outdated is None

        set_number(db, NEWER)

        eventually(lambda: shared.outdated is not None)
        eventually(lambda: shared.version(DAY) != version)  # by which screens are drawn again
        title, text = shared.not_connected()
        assert title == "Update needed"
        assert "update this one and start it again" in text
        assert title in bytes(responses.unavailable(shared).body).decode()
    finally:
        shared.stop()


def test_an_app_that_is_started_beside_a_newer_version_says_so(db):
    set_number(db, NEWER, "migrating")
    shared = Services(db.booking_settings)
    shared.start()
    try:
        assert shared.db is None
        assert shared.not_connected()[0] == "Update needed"
    finally:
        shared.stop()


def test_an_update_that_is_needed_is_no_outage_to_wait_for(followed):
    assert issubclass(UpdateNeeded, StoreUnavailable)  # so each screen shows its sentence
    set_number(followed, NEWER)
    eventually(lambda: followed.schema_number.error is not None)

    with pytest.raises(UpdateNeeded):
        day_board(followed, DAY)
