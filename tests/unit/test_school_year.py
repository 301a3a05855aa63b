"""Terms, holidays and the letters of weeks: pure, without a database."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import DAY, HOURLY

from booking_core import Calendar, Day, Holiday, InvalidRequest, SchoolYear, Term

FIRST, LAST = date(2026, 9, 7), date(2026, 12, 18)
BREAK = Holiday("Autumn break", date(2026, 11, 23), date(2026, 11, 27))
TERM = Term("term-1", "Term 1", FIRST, LAST, (BREAK,))
CALENDAR = Calendar({"regular": HOURLY}, {}, year=SchoolYear((TERM,)))

dates = st.dates(date(2001, 1, 1), date(2190, 12, 31))


@st.composite
def terms(draw):
    first = draw(dates)
    last = first + timedelta(days=draw(st.integers(0, 363)))
    # Days at which a holiday begins or ends, in pairs that do not touch.
    marks = sorted(draw(st.sets(st.dates(first, last), max_size=8)))
    holidays = [
        Holiday(f"Holiday {n}", *pair)
        for n, pair in enumerate(zip(marks[::2], marks[1::2], strict=False))
    ]
    draw(st.randoms()).shuffle(holidays)
    return Term("term", "Term", first, last, tuple(holidays))


WRONG = {
    "id": [{"id": ""}, {"id": {"$ne": 1}}],
    "name": [{"name": " "}, {"name": 5}, {"name": "x" * 121}],
    "first": [{"first": "2026-09-07"}, {"first": date(1999, 12, 31)}, {"first": None}],
    "last": [
        {"last": datetime(2026, 12, 18)},  # noqa: DTZ001 - no date
        {"last": FIRST - timedelta(days=1)},
        {"last": FIRST + timedelta(days=364)},
    ],
    "holidays": [
        {"holidays": "Autumn break"},
        {"holidays": None},
        {"holidays": [("Autumn break", FIRST, FIRST)]},
        {"holidays": [Holiday("Early", FIRST - timedelta(days=1), FIRST)]},
        {"holidays": [Holiday("Late", LAST, LAST + timedelta(days=1))]},
        {"holidays": [BREAK, Holiday("Fair", BREAK.last, BREAK.last)]},
        {"holidays": [Holiday("H", FIRST + n * timedelta(1), FIRST + n * timedelta(1))
                      for n in range(101)]},
    ],
}  # fmt: skip


@pytest.mark.parametrize("field", WRONG)
def test_a_malformed_term_names_its_field(field):
    sound = {"id": "t", "name": "Term", "first": FIRST, "last": LAST, "holidays": ()}
    for wrong in WRONG[field]:
        with pytest.raises(InvalidRequest) as refused:
            Term(**(sound | wrong))
        assert refused.value.field == field, wrong


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", ("", FIRST, FIRST)),
        ("first", ("H", None, FIRST)),
        ("last", ("H", FIRST, "today")),
        ("last", ("H", FIRST, FIRST - timedelta(days=1))),
    ],
)
def test_a_malformed_holiday_names_its_field(field, values):
    with pytest.raises(InvalidRequest) as refused:
        Holiday(*values)
    assert refused.value.field == field


def test_a_holiday_is_a_day_without_school_that_names_itself():
    before, first, last, after = (
        CALENDAR.plan(day)
        for day in (
            BREAK.first - timedelta(days=1),
            BREAK.first,
            BREAK.last,
            BREAK.last + timedelta(days=1),
        )
    )

    assert [plan.periods for plan in (before, after)] == [HOURLY.periods] * 2
    assert [(plan.periods, plan.note) for plan in (first, last)] == [((), "Autumn break")] * 2
    assert {plan.term for plan in (before, first, last, after)} == {"Term 1"}


def test_a_date_with_a_timetable_of_its_own_is_no_holiday():
    calendar = CALENDAR.with_days([Day(DAY, "regular", "Camp")])

    assert (calendar.plan(DAY).periods, calendar.plan(DAY).note) == (HOURLY.periods, "Camp")
    assert CALENDAR.with_days([Day(DAY, None, "Strike")]).plan(DAY).note == "Strike"


@pytest.mark.parametrize("terms", [None, (None,), "t", 5])
def test_a_year_of_anything_but_terms_names_its_field(terms):
    with pytest.raises(InvalidRequest) as refused:
        SchoolYear(terms)
    assert refused.value.field == "terms"


@pytest.mark.parametrize("day", [FIRST - timedelta(days=1), LAST + timedelta(days=1)])
def test_a_date_outside_all_terms_is_as_without_terms(day):
    assert CALENDAR.plan(day) == Calendar({"regular": HOURLY}, {}).plan(day)


@given(terms(), dates)
def test_a_date_is_a_holiday_exactly_if_one_of_its_term_covers_it(term, day):
    year = SchoolYear((term,))
    covering = [holiday for holiday in term.holidays if holiday.first <= day <= holiday.last]

    assert year.holiday(day) == (covering[0] if covering else None)
    assert (year.term(day) == term) is (term.first <= day <= term.last)
    assert list(term.holidays) == sorted(term.holidays, key=lambda holiday: holiday.first)


@given(terms(), terms())
def test_two_terms_of_a_year_share_no_day(one, other):
    other = Term("other", "Other", other.first, other.last)
    share = one.first <= other.last and other.first <= one.last

    for first, second in ((one, other), (other, one)):
        if share:
            with pytest.raises(InvalidRequest) as refused:
                SchoolYear().with_terms([first, second])
            assert refused.value.field in ("first", "last")
        else:
            year = SchoolYear().with_terms([first, second])
            assert year.terms == tuple(sorted((one, other), key=lambda term: term.first))


@given(terms(), terms())
def test_a_term_takes_the_place_of_the_one_with_its_id(one, other):
    assert SchoolYear((one,)).with_terms([other]).terms == (other,)
    assert SchoolYear((one,)).without_term("term").terms == ()


@given(st.lists(terms(), max_size=5), dates)
def test_the_next_year_keeps_weekdays_and_letters_and_overlaps_nothing(found, week_a):
    year = SchoolYear(week_a=week_a)
    for number, term in enumerate(found):
        named = Term(f"t{number}", "Term", term.first, term.last, term.holidays)
        try:
            year = year.with_terms([named])
        except InvalidRequest:
            continue
    copied = year.next_terms()

    assert bool(copied) is bool(year.terms)
    # New ids, as a verb gives them: so the terms that they are made from stay.
    new = [Term(f"new-{n}", t.name, t.first, t.last, t.holidays) for n, t in enumerate(copied)]
    both = year.with_terms(new)
    for term in copied:
        before = next(one for one in year.terms if one.id == term.id)
        assert term.first.weekday() == before.first.weekday()
        assert both.week(term.first) == year.week(before.first)
        assert [h.first - timedelta(days=364) for h in term.holidays] == [
            h.first for h in before.holidays
        ]


@given(dates, dates)
def test_weeks_alternate_from_monday_to_sunday(week_a, day):
    year = SchoolYear(week_a=week_a)
    monday = day - timedelta(days=day.weekday())

    assert year.week(week_a) == "A"
    assert {year.week(monday + timedelta(days=n)) for n in range(7)} == {year.week(day)}
    assert year.week(day + timedelta(days=7)) != year.week(day)
    assert SchoolYear().week(day) == ""


@given(dates, terms())
def test_the_letters_go_on_over_holidays_and_between_terms(day, term):
    assert SchoolYear((term,), term.first).week(day) == SchoolYear((), term.first).week(day)
    assert Calendar({}, {}, year=SchoolYear((term,), day)).plan(day).week == "A"
