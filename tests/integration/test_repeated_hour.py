"""The two nights of the year in which the wall clock jumps: moments compare as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import GROUNDS, HOURLY, MEERA, open_school, request_for

from booking_core import (
    CellState,
    NotAPeriod,
    Period,
    Policy,
    Settings,
    Status,
    Timetable,
    book,
    cancel,
    connect,
    load_reference,
    move,
    save_timetable,
    wall_cards,
)
from booking_core.live import LiveBoards
from pages.admin.closures.section import later
from pages.shared.text import payloads
from pages.wall import cards

LONDON = ZoneInfo("Europe/London")
BACK, FORWARD = date(2026, 10, 25), date(2026, 3, 29)  # 1:00 to 2:00 is repeated; is skipped
NIGHTS = Timetable(
    HOURLY.id,
    tuple(
        period
        for hour in range(5)
        for period in (
            Period(f"{hour}:00", time(hour), time(hour, 30)),
            Period(f"{hour}:30", time(hour, 30), time(hour + 1)),
        )
    ),
    tuple(range(7)),
)
UNTIL_TWO = NIGHTS.periods[:4]
FIRST_PASS = datetime(2026, 10, 25, 1, 15, tzinfo=LONDON)
SECOND_PASS = FIRST_PASS.replace(fold=1)
GROUND = GROUNDS[0].id


class StaticFeed:
    """A feed of a database in which nothing changes."""

    connected = True

    def version(self, date: date) -> int:
        return 0


@pytest.fixture(scope="module")
def night(mongod_uri):
    """A school in London that plays at night, with one booking, 1:00 to 1:30 of the long night."""
    name = f"test_{uuid4().hex[:12]}"
    db = connect(Settings(mongodb_uri=mongod_uri, database=name, time_zone="Europe/London"))
    open_school(db)
    save_timetable(db, NIGHTS)
    wanted = request_for(on=BACK, start=time(1), end=time(1, 30))
    book(db, wanted, by=MEERA, submission_id=uuid4(), now=datetime(2026, 10, 24, tzinfo=UTC))
    yield LiveBoards(db, StaticFeed())
    db.client.drop_database(name)
    db.client.close()


def test_a_live_board_differs_between_the_two_passes_of_the_repeated_hour(night):
    before, after = night.get(BACK, FIRST_PASS), night.get(BACK, SECOND_PASS)

    assert before.now.timestamp() == FIRST_PASS.timestamp()
    assert after.now.timestamp() == SECOND_PASS.timestamp()
    assert before.cell(GROUND, time(1, 30)).state is CellState.FREE
    assert after.cell(GROUND, time(1, 30)).state is CellState.PAST


def test_a_booking_of_the_first_pass_has_ended_in_the_second(night):
    [booking] = night.get(BACK, FIRST_PASS).bookings
    first, second = (wall_cards(night.get(BACK, at))[0] for at in (FIRST_PASS, SECOND_PASS))
    rows = [
        payloads.decision_row(booking, [], {}, moment, Policy())["cells"][0][1]
        for moment in (FIRST_PASS - timedelta(minutes=20), SECOND_PASS)
    ]

    assert (first.now, second.now) == (booking, None)
    assert rows == ["in 5 min", "has begun"]
    assert booking.status is Status.PENDING


def test_the_first_date_is_the_next_day_once_the_last_period_has_begun():
    zone = ZoneInfo("Europe/London")

    dates = [Policy().first_date(at, zone, UNTIL_TWO) for at in (FIRST_PASS, SECOND_PASS)]

    assert dates == [BACK, BACK + timedelta(days=1)]
    assert Policy().first_date(FIRST_PASS, zone, ()) == BACK + timedelta(days=1)
    assert Policy(advance_days=0).first_date(SECOND_PASS, zone, UNTIL_TWO) == BACK


def test_the_first_date_is_not_past_its_cut_off():
    zone = ZoneInfo("Europe/London")

    for days, expected in ((30, BACK + timedelta(days=2)), (1, BACK + timedelta(days=1))):
        policy = Policy(advance_days=days, cut_off=time(0))
        assert policy.first_date(SECOND_PASS, zone, UNTIL_TWO) == expected


def test_the_list_of_closures_distinguishes_the_passes_of_the_repeated_hour():
    half_past = FIRST_PASS.replace(minute=30)

    assert later([half_past], FIRST_PASS) == [half_past]
    assert later([half_past], SECOND_PASS) == []


def instants_of(day: date) -> st.SearchStrategy[datetime]:
    """Minutes around the clock change of ``day``, in London's time."""
    start = datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=1)
    return st.integers(0, 5 * 60).map(
        lambda minute: (start + timedelta(minutes=minute)).astimezone(LONDON)
    )


@pytest.mark.parametrize("day", [BACK, FORWARD], ids=["long night", "short night"])
@given(data=st.data())
def test_a_cached_board_equals_a_new_one_at_any_sequence_of_minutes(night, day, data):
    for moment in data.draw(st.lists(instants_of(day), min_size=1, max_size=6)):
        board = night.get(day, moment)

        assert board.now.timestamp() // 60 == moment.timestamp() // 60


def instant(day: date, wall: time) -> float:
    """Returns the instant of a wall time: of a repeated hour the first, of a skipped one by GMT."""
    is_summer = (wall < time(2)) == (day == BACK)
    return datetime.combine(day, wall, tzinfo=UTC).timestamp() - 3600 * is_summer


@pytest.mark.parametrize("day", [BACK, FORWARD], ids=["long night", "short night"])
@given(data=st.data())
def test_a_period_is_current_or_past_exactly_by_its_instants(night, day, data):
    moment = data.draw(instants_of(day))
    now = moment.timestamp()

    board = night.get(day, moment)

    for period, shown in zip(
        board.periods, payloads._grid(board, None, True)["periods"], strict=True
    ):
        begins, ends = instant(day, period.start), instant(day, period.end)
        assert shown["past"] == (ends <= now)
        assert shown["now"] == (begins <= now < ends)
        assert board.cell(GROUND, period.start).is_past == (begins <= now)
    assert board.turns_at().timestamp() > now


@given(instants_of(BACK))
def test_the_wall_marks_a_booking_as_current_exactly_between_its_instants(night, moment):
    board = night.get(BACK, moment)
    card = wall_cards(board)[0]
    begins, ends = (datetime(2026, 10, 25, 0, minute, tzinfo=UTC).timestamp() for minute in (0, 30))

    assert (card.now is not None) == (begins <= board.now.timestamp() < ends)
    assert cards.day(board, "student", None, [])


def test_a_period_that_the_clock_skips_is_not_offered_and_is_refused(night):
    db = night._db
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    board = night.get(FORWARD, before)

    shown = [period.start for period in board.periods]
    assert shown == [period.start for period in NIGHTS.periods if not 1 <= period.start.hour < 2]
    for start, end in ((time(1), time(1, 30)), (time(1, 30), time(2)), (time(1), time(2))):
        with pytest.raises(NotAPeriod):
            book(db, request_for(on=FORWARD, start=start, end=end), by=MEERA, now=before)
    across = request_for(on=FORWARD, start=time(0, 30), end=time(2, 30))
    made = book(db, across, by=MEERA, now=before)
    assert made.status is Status.PENDING
    with pytest.raises(NotAPeriod):
        move(db, made.id, start=time(1), end=time(1, 30), by=MEERA, now=before)
    cancel(db, made.id, by=MEERA, now=before)
    assert len(load_reference(db).plan(FORWARD + timedelta(days=1)).periods) == 10
