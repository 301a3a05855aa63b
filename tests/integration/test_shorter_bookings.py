"""Making a booking shorter keeps its approval; any other move of its author loses it."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, assert_sound, booked

from booking_core import InvalidRequest, Slot, Status, approve, keeps_approval, move


@pytest.fixture
def approved(db):
    """Meera's booking from nine to twelve."""
    return approve(db, booked(db, student=1, start=9, end=12).id, by=HEAD, now=NOW)


@pytest.mark.parametrize(("start", "end"), [(9, 11), (10, 12), (10, 11)])
def test_its_author_makes_it_shorter_and_the_rest_is_free(db, approved, start, end):
    done = move(db, approved.id, start=time(start), end=time(end), by=MEERA, now=NOW)

    assert done.status is Status.APPROVED
    assert (done.history[-1].action, done.history[-1].moved_from) == ("moved", approved.slot)
    booked(db, student=2, start=9 if start > 9 else 11)
    assert_sound(db)


@pytest.mark.parametrize(
    "to",
    [
        {"start": time(11), "end": time(13)},
        {"start": time(8)},
        {"end": time(13)},
        {"end": time(11), "ground_id": "ground-3"},
        {"end": time(11), "date": DAY + timedelta(days=1)},
    ],
    ids=lambda to: "-".join(to),
)
def test_another_slot_is_decided_on_again(db, approved, to):
    assert move(db, approved.id, **to, by=MEERA, now=NOW).status is Status.PENDING


def test_another_who_may_not_decide_loses_its_approval_by_the_same_move(db, approved):
    part = Slot("ground-1", DAY, time(9), time(10))

    said = [keeps_approval(db, approved, by=by, slot=part, now=NOW) for by in (MEERA, ADMIN, HEAD)]
    done = move(db, approved.id, end=time(10), by=ADMIN, now=NOW)

    assert said == [True, False, True]
    assert done.status is Status.PENDING
    with pytest.raises(InvalidRequest) as refused:
        keeps_approval(db, approved, by=MEERA, slot="ground-1")
    assert refused.value.field == "slot"
