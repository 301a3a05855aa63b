"""Sign-outs of this process, each remembered by the hash of its token.

The process refuses these sessions from that moment on, also while the database still has them:
because it cannot be reached, or because the deletion has not come through the change feed yet.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

# A client can send made-up tokens, so there is a limit. 10,000 hashes take about 2 MB.
MOST = 10_000


class SignOuts:
    """Keys of sessions that were signed out, ``most`` at a time."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._is_missed: OrderedDict[str, bool] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: str) -> bool:
        return key in self._is_missed

    def add(self, key: str) -> None:
        """Remembers a sign-out that the database does not know of.

        Beyond the limit the first key is forgotten.
        """
        with self._lock:
            self._is_missed[key] = True
            self._is_missed.move_to_end(key)
            if len(self._is_missed) > self._most:
                self._is_missed.popitem(last=False)

    def note_ended(self, key: str) -> None:
        """Records that the database has ended the session."""
        with self._lock:
            if key in self._is_missed:
                self._is_missed[key] = False
                # The next to be forgotten, because the database refuses the session too.
                self._is_missed.move_to_end(key, last=False)

    def missed(self) -> list[str]:
        """The keys of the sessions that the database still has to end, the oldest first."""
        with self._lock:
            return [key for key, is_missed in self._is_missed.items() if is_missed]
