"""The places for live connections: known walls keep theirs when strangers take many."""

from __future__ import annotations

from contextlib import ExitStack

from pages.shared.live import places
from pages.shared.live.places import Places


def taken(stay: ExitStack, all_places: Places, addresses: range) -> int:
    """Takes a place from each address; returns how many there were."""
    return sum(stay.enter_context(all_places.take(None, f"198.51.100.{n}")) for n in addresses)


def test_an_address_is_known_after_a_connection_of_some_time(monkeypatch):
    all_places = Places(40)
    with ExitStack() as stay:
        assert taken(stay, all_places, range(100, 150)) == 10
        with all_places.take(None, "192.0.2.1") as is_free:
            assert not is_free

    monkeypatch.setattr(places, "KNOWN_AFTER_SECONDS", 0.0)
    with all_places.take(None, "192.0.2.1") as is_free:
        assert is_free

    with ExitStack() as stay:
        assert taken(stay, all_places, range(50)) == 10
        with all_places.take(None, "192.0.2.1") as is_free:
            assert is_free


def test_known_addresses_are_limited_in_number(monkeypatch):
    monkeypatch.setattr(places, "KNOWN_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(places, "_MOST_KNOWN", 3)
    all_places = Places(40)
    for n in range(10):
        with all_places.take(None, f"192.0.2.{n}"):
            pass

    with ExitStack() as stay:
        assert taken(stay, all_places, range(20)) == 10
        known = [stay.enter_context(all_places.take(None, f"192.0.2.{n}")) for n in range(10)]

    assert known == [False] * 7 + [True] * 3


def test_every_place_is_given_back():
    all_places = Places(1)
    for who in (None, "meera", None, "meera"):
        with all_places.take(who, "192.0.2.1") as is_free:
            assert is_free
            with all_places.take("head", "192.0.2.1") as other:
                assert not other
