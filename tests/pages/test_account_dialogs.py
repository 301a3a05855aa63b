"""The account dialogs of Admin, while another admin changes the account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from support import ADMIN

from booking_core import Account, Role, add_account, change_account, get_account
from booking_core.storage.client.database import BookingDatabase
from pages.admin.accounts import dialogs
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.live import fragment


class Uncached:
    """The services that the section uses, without a cache and without a feed."""

    is_live = True

    def __init__(self, db: BookingDatabase) -> None:
        self.db = db

    def cached(self, *arguments: Any) -> Any:
        return arguments[-1]()

    def change(self) -> AbstractContextManager[None]:
        return nullcontext()


def _screen(shared, opened):  # run as a separate script, without the names of this module
    from pages.admin.accounts import section as accounts

    if opened:  # Streamlit reruns an open dialog alone, with the arguments of its first run.
        opened[0]()
    else:
        accounts.show(shared)


@pytest.fixture
def shared(db: BookingDatabase, monkeypatch: pytest.MonkeyPatch) -> Uncached:
    add_account(db, Account("admin", "Admin", Role.ADMIN))
    add_account(db, Account("ravi", "Ravi", Role.STAFF))
    monkeypatch.setattr(session, "actor", lambda: ADMIN)
    monkeypatch.setattr(fragment, "live", lambda shared, key, draw: draw())
    monkeypatch.setattr(elements, "action_list", lambda data, key: None)
    return Uncached(db)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """The dialog that the screen has opened, with its arguments."""
    calls: list[Callable[[], None]] = []

    def recording(dialog: Callable[..., None]) -> Callable[..., None]:
        def opening(*arguments: Any) -> None:
            calls.append(partial(dialog, *arguments))
            dialog(*arguments)

        return opening

    for action, dialog in list(dialogs._DIALOGS.items()):
        monkeypatch.setitem(dialogs._DIALOGS, action, recording(dialog))
    return calls


def _open(shared: Uncached, opened: list[Callable[[], None]], action: str) -> AppTest:
    page = AppTest.from_function(_screen, args=(shared, opened), default_timeout=30)
    page.session_state["admin.accounts.asked"] = (action, "ravi")
    page.run()
    assert not page.exception
    assert len(opened) == 1
    return page


def _press(page: AppTest, label: str) -> None:
    [button] = [button for button in page.button if button.label == label]
    button.click().run()
    assert not page.exception


@pytest.mark.parametrize(
    ("action", "label", "meanwhile"),
    [
        ("change", "Save", {"role": Role.PRINCIPAL}),
        ("disable", "Disable account", {"name": "Ravi K."}),
        ("enable", "Enable account", {"active": False, "role": Role.ADMIN}),
    ],
)
def test_a_dialog_for_an_account_that_changed_meanwhile_saves_nothing(
    shared: Uncached,
    opened: list[Callable[[], None]],
    action: str,
    label: str,
    meanwhile: dict[str, Any],
) -> None:
    page = _open(shared, opened, action)
    changed = change_account(shared.db, "ravi", **meanwhile, by=None)

    _press(page, label)

    assert [error.value for error in page.error] == [
        "The account changed while you looked. Please look again."
    ]
    assert get_account(shared.db, "ravi") == changed


def test_a_dialog_for_an_unchanged_account_saves(
    shared: Uncached, opened: list[Callable[[], None]]
) -> None:
    page = _open(shared, opened, "change")

    page.text_input[0].set_value("Ravi Kumar")
    _press(page, "Save")

    assert get_account(shared.db, "ravi").name == "Ravi Kumar"
