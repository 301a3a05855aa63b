"""Two apps on one database, configured with different time zones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from command_line import assert_one_sentence, runner
from support import ADMIN

from booking_core import connect
from booking_core.operations import health


@pytest.fixture
def connected_in(db):
    """Another app on the database of a school in Asia/Kolkata, configured with this zone."""
    opened = []

    def start(zone):
        opened.append(connect(replace(db.booking_settings, time_zone=zone)))
        return opened[-1]

    yield start
    for other in opened:
        other.close()


def finding(db):
    return {f.name: f for f in health.health_findings(db, by=ADMIN, feed_lag_ms=1.0)}["time zone"]


def test_the_first_app_records_its_zone_and_an_app_with_another_one_is_told(
    db, connected_in, caplog
):
    assert finding(db).ok
    assert caplog.text == ""

    other = connected_in("Europe/Berlin")

    assert "time zone Europe/Berlin (SCHOOL_TIME_ZONE)" in caplog.text
    assert "a school in Asia/Kolkata" in caplog.text
    found = finding(other)
    assert found.detail in caplog.text
    assert found.remedy.startswith("set SCHOOL_TIME_ZONE to Asia/Kolkata; or,")
    assert "time-zone Europe/Berlin”" in found.remedy
    assert finding(db).ok


@pytest.mark.parametrize("zone", ["Asia/Calcutta", "Asia/Kolkata", "Asia/Colombo"])
def test_another_name_of_the_zone_is_no_other_zone(connected_in, caplog, zone):
    assert finding(connected_in(zone)).ok
    assert caplog.text == ""


def test_a_zone_with_the_same_winter_time_is_another_zone(make_db, caplog):
    lagos = make_db(time_zone="Africa/Lagos", school=False)

    connect(replace(lagos.booking_settings, time_zone="Europe/Berlin")).close()

    assert "a school in Africa/Lagos" in caplog.text


def test_a_command_shows_and_changes_the_zone_of_the_school(db, connected_in):
    run = runner(db)

    assert run("time-zone").stdout == f"The school of {db.name} is in Asia/Kolkata.\n"
    changed = run("time-zone", "Europe/Berlin")

    assert changed.stdout == f"The school of {db.name} is in Europe/Berlin.\n"
    assert finding(connected_in("Europe/Berlin")).ok
    assert not finding(db).ok
    assert_one_sentence(run("time-zone", "Mars/Olympus"), "no time zone 'Mars/Olympus'")
    assert finding(connected_in("Europe/Berlin")).ok
