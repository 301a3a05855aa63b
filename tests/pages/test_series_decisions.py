"""What a press on Approvals sends to the core: the dates of a series as they were shown."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, time
from types import SimpleNamespace
from typing import Any, cast

import pytest
import streamlit as st

from booking_core import Actor, Role, Slot
from pages.approvals import deciding
from pages.shared.auth import session
from pages.shared.layout import undoing
from pages.shared.live.runtime import Services

HEAD = Actor("head", Role.PRINCIPAL, "Head")
SHARED = cast(Services, SimpleNamespace(db=None, change=nullcontext))
SHOWN: Any = {"b1": Slot("g1", date(2026, 12, 1), time(9), time(10))}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """What the verbs were called with: name, id, expected."""
    calls: list[tuple[str, str, Any]] = []

    def verb(name: str) -> Any:
        def call(_db: Any, id: str, *, expected: Any = None, **_: Any) -> list[str]:
            calls.append((name, id, expected))
            return ["b1", "b2", "b3"]

        return call

    for name in ("approve", "approve_series", "reject_series"):
        monkeypatch.setattr(deciding, name, verb(name))
    monkeypatch.setattr(session, "actor", lambda: HEAD)
    monkeypatch.setattr(st, "session_state", {})
    return calls


def outcome() -> Any:
    return st.session_state["approvals.outcome"]


@pytest.mark.parametrize("is_waited_for", [False, True])
@pytest.mark.parametrize("action", ["approve", "reject"])
def test_a_series_is_decided_as_it_was_shown(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch, action: str, is_waited_for: bool
) -> None:
    """What nobody waits for can be undone, and is counted by the bar that offers it."""
    offered: list[str] = []
    monkeypatch.setattr(undoing, "is_waited_for", lambda *_: is_waited_for)
    monkeypatch.setattr(undoing, "offer", lambda _, changed, done: offered.append(done))

    deciding.decide(SHARED, action, {"series:s1": SHOWN}, "Rain")

    assert sent == [(f"{action}_series", "s1", SHOWN)]
    can_be_undone = action == "reject" and not is_waited_for
    assert outcome()[:3] == (action, 0 if can_be_undone else 3, [])
    assert offered == (["3 rejected."] if can_be_undone else [])


def test_a_request_is_approved_as_it_was_shown(sent: list[Any]) -> None:
    deciding.decide(SHARED, "approve", {"b1": SHOWN})

    assert sent == [("approve", "b1", SHOWN["b1"])]
    assert outcome()[1] == 1


def test_a_series_of_which_nothing_was_shown_is_not_decided(sent: list[Any]) -> None:
    deciding.decide(SHARED, "approve", {"series:s1": {}})

    assert sent == []
    [(id, text)] = outcome()[2]
    assert id == "series:s1"
    assert text.startswith("The dates of this series changed while you looked.")


def test_a_request_that_was_not_shown_is_not_approved(sent: list[Any]) -> None:
    deciding.decide(SHARED, "approve", {"b1": {}})

    assert sent == []
    assert outcome()[2][0][0] == "b1"
