"""Charts of reports with names that are equal."""

from __future__ import annotations

import pytest

from pages.reports import charts


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_lines_of_one_name_have_a_bar_each() -> None:
    chart = charts.bars([("U14", 2.0, "2 h"), ("U14", 1.0, "1 h"), ("U16", 3.0, "3 h")])

    [rows] = chart.to_dict()["datasets"].values()
    assert [(row["Name"].rstrip("\u200b"), row["Value"], row["Text"]) for row in rows] == [
        ("U14", 2.0, "2 h"),
        ("U14", 1.0, "1 h"),
        ("U16", 3.0, "3 h"),
    ]
    assert len({row["Name"] for row in rows}) == 3
