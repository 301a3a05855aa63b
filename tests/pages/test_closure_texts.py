"""The texts for closures and notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from support import GROUNDS

from booking_core import Notice, Slot
from pages.shared.text import formats, notices, payloads

MONDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 27)
KNOWN = {ground.id: ground for ground in GROUNDS}


def test_a_time_range_is_written_in_everyday_words():
    assert formats.stretch(time(0), time(0)) == "all day"
    assert formats.stretch(time(10, 15), time(0)) == "from 10:15 AM"
    assert formats.stretch(time(0), time(13)) == "until 1 PM"
    assert formats.stretch(time(11), time(13)) == "11 AM – 1 PM"


def test_grounds_are_named_in_the_order_of_the_screens_or_all_together():
    retired = KNOWN | {"old": replace(GROUNDS[0], id="old", name="Old", retired=True)}

    assert payloads.ground_names(("ground-3", "ground-1"), KNOWN) == "Ground 1, Ground 3"
    assert payloads.ground_names([g.id for g in GROUNDS], retired) == "All grounds"
    assert payloads.ground_names(("gone",), KNOWN) == "gone"
    assert payloads.ground_names(("ground-1",), {"ground-1": GROUNDS[0]}) == "Ground 1"


def test_days_are_one_or_a_range():
    assert payloads.days(MONDAY, MONDAY, MONDAY) == "Today, Mon 23 Nov"
    assert payloads.days(MONDAY, FRIDAY, MONDAY) == "Mon 23 Nov – Fri 27 Nov"


def test_a_notice_names_the_event_and_shows_the_reason_as_typed():
    notice = Notice(
        "n",
        datetime(2026, 11, 23, tzinfo=UTC),
        "meera",
        "displaced",
        "b",
        Slot("ground-1", FRIDAY, time(14), time(15)),
        "*Rain*",
        "Head",
        False,
    )

    text = notices.sentence([notice], KNOWN, MONDAY)
    back = notices.sentence([replace(notice, kind="reinstated", reason="")], KNOWN, MONDAY)

    assert text == ("Your booking **Ground 1, Fri 27 Nov, 2–3 PM** was revoked by Head: \\*Rain\\*")
    assert "was reinstated by Head" in back
