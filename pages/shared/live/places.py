"""The places for connections of screens: how many there are, and who may take one."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from enum import Enum, auto

# A connection without a session that has lasted so long comes from a wall display, whose address
# is then known.
KNOWN_AFTER_SECONDS = 900.0
_MOST_KNOWN = 1000  # addresses


class _Kind(Enum):
    SIGNED_IN = auto()
    KNOWN_WALL = auto()
    STRANGER = auto()


class Places:
    """The places for one kind of connection. Lives on the server's event loop.

    One client, which is an account or a network address without a session, has a tenth of all
    places at most; an address has ``of_address`` if that is given. Strangers have a quarter in all,
    strangers and known walls a half; so there are places left for signed-in screens.
    """

    def __init__(self, total: int, *, of_address: int | None = None) -> None:
        self._total, self._of_account = total, max(1, total // 10)
        self._of_address = self._of_account if of_address is None else of_address
        self._clients: Counter[str] = Counter()
        self._kinds: Counter[_Kind] = Counter()
        self._known: dict[str, None] = {}  # addresses, the last known last

    @contextlib.contextmanager
    def take(self, account_id: str | None, address: str) -> Iterator[bool]:
        """Holds a place in the block, and tells whether there is one.

        ``account_id``: None without a session.
        """
        if account_id is not None:
            client, kind = f"account {account_id}", _Kind.SIGNED_IN
        else:
            client = f"address {address}"
            kind = _Kind.KNOWN_WALL if address in self._known else _Kind.STRANGER
        if not self._is_free(client, kind):
            yield False
            return
        self._clients[client] += 1
        self._kinds[kind] += 1
        since = time.monotonic()
        try:
            yield True
        finally:
            self._kinds[kind] -= 1
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]
            if account_id is None and time.monotonic() - since >= KNOWN_AFTER_SECONDS:
                self._remember(address)

    def _is_free(self, client: str, kind: _Kind) -> bool:
        most = self._of_account if kind is _Kind.SIGNED_IN else self._of_address
        strangers = self._kinds[_Kind.STRANGER]
        anonymous = strangers + self._kinds[_Kind.KNOWN_WALL]
        return (
            self._clients[client] < most
            and self._kinds.total() < self._total
            and (kind is _Kind.SIGNED_IN or anonymous < max(1, self._total // 2))
            and (kind is not _Kind.STRANGER or strangers < max(1, self._total // 4))
        )

    def _remember(self, address: str) -> None:
        self._known.pop(address, None)
        self._known[address] = None
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
