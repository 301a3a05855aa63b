"""The report of a month to print: its figures are those of the reports."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from support import DAY, HEAD, MEERA, NOW, booked

from booking_core import NotAllowed, reject
from booking_core.cli.commands import cli
from booking_core.cli.printing import SHEET
from booking_core.reports import month_report, month_report_html


def text_of(html):
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.S).split())


def test_the_report_of_a_month_has_the_figures_of_its_bookings(make_db):
    db = make_db()
    booked(db, start=9, end=11)
    rejected = booked(db, student=1, start=14)
    reject(db, rejected.id, by=HEAD, reason="<b>Exams</b>", now=NOW + timedelta(minutes=75))

    made = month_report(db, DAY, by=HEAD, now=NOW)
    html = month_report_html(made, "Our school", SHEET)
    text = text_of(html)

    assert (made.first.day, made.last.day) == (1, 30)
    assert "The grounds in November 2026" in text
    assert "Bookings 1 0 the month before" in text
    assert "Hours 2 h 0 h the month before" in text
    assert "Rejected 1" in text
    assert "&lt;b&gt;Exams&lt;/b&gt;" in html
    assert "requests that waited for an answer had it within 1 h 15 min" in text
    assert "199 of 200 students had no hour of their own" in text
    assert "Student 0" not in text


def test_a_month_without_bookings_has_a_report(make_db):
    text = text_of(month_report_html(month_report(make_db(), DAY, by=HEAD), "Our school", SHEET))

    assert "Bookings 0" in text
    assert "200 of 200 students had no hour of their own" in text


def test_the_report_of_a_month_is_not_for_staff(school):
    with pytest.raises(NotAllowed):
        month_report(school[0], DAY, by=MEERA)


def test_the_command_writes_the_report_and_names_a_month_that_is_none(
    school, mongod_uri, monkeypatch, tmp_path
):
    db, _ = school
    monkeypatch.setenv("MONGODB_URI", mongod_uri)
    monkeypatch.setenv("MONGODB_DATABASE", db.name)
    monkeypatch.setenv("SCHOOL_TIME_ZONE", "Asia/Kolkata")
    file = tmp_path / "report.html"

    written = CliRunner().invoke(cli, ["report", f"{DAY:%Y-%m}", "--output", str(file)])
    refused = CliRunner().invoke(cli, ["report", "November"])

    assert written.output == f"The report of 2026-11 is in {file}.\n"
    assert "The grounds in November 2026" in file.read_text(encoding="utf-8")
    assert (refused.exit_code, "must be like 2026-11" in refused.output) == (1, True)
