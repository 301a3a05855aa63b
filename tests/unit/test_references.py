"""References of bookings."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking_core.domain.references import reference_of, start_of_id


@given(st.uuids())
@example(UUID("2562e313-0000-4000-8000-000000000000"))  # 2562E313 is a number to a spreadsheet
@example(UUID("01234567-0000-4000-8000-000000000000"))
def test_no_spreadsheet_takes_a_reference_for_a_number_and_it_finds_its_booking(id: UUID) -> None:
    reference = reference_of(str(id))
    assert re.fullmatch(r"[A-Z][0-9A-Z]{7}", reference)
    assert "E" not in reference
    with pytest.raises(ValueError, match="could not convert"):
        float(reference)
    assert start_of_id(reference) == start_of_id(reference.lower()) == str(id)[:8]


@given(st.uuids(), st.uuids())
def test_two_ids_have_one_reference_only_if_they_begin_alike(one: UUID, other: UUID) -> None:
    alike = reference_of(str(one)) == reference_of(str(other))
    assert alike == (str(one)[:8] == str(other)[:8])


@given(st.uuids())
def test_an_earlier_reference_finds_its_booking_and_is_none_of_the_new_kind(id: UUID) -> None:
    earlier = str(id)[:8].upper()
    assert start_of_id(earlier) == earlier.lower()
    assert earlier != reference_of(str(uuid4()))


@pytest.mark.parametrize(
    "text",
    ["", "K2562H3", "K2562H311", "KE562H31", "I2562H31", "K2562H3\n", "Ｋ2562H31", "ﬀ234567", 5],
)
def test_other_texts_are_no_references(text: object) -> None:
    assert start_of_id(text) is None
