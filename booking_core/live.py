"""What keeps the screens of a process up to date: the public names.

The feed of changes, the values cached until one of them, and the threads behind both.
"""

from booking_core.booking.boards import LiveBoards
from booking_core.booking.day_figures import LiveFigures
from booking_core.booking.steps import log_refusal
from booking_core.domain.progress import MigrationProgress
from booking_core.operations.automatic_backups import make_due_backup
from booking_core.storage.client.database import present
from booking_core.storage.live.background import BackgroundThread
from booking_core.storage.live.background import threads as background_threads
from booking_core.storage.live.cache import Scope, ScopedCache, scoped_cache
from booking_core.storage.live.change_feed import Feed

__all__ = [
    "BackgroundThread",
    "Feed",
    "LiveBoards",
    "LiveFigures",
    "MigrationProgress",
    "Scope",
    "ScopedCache",
    "background_threads",
    "log_refusal",
    "make_due_backup",
    "present",
    "scoped_cache",
]
