"""Taking over the bookings of the system before this one: the public names."""

from booking_core.operations.legacy_import import (
    Double,
    LegacyClaim,
    LegacyFindings,
    LegacyReport,
    NotTaken,
    import_legacy,
)
from booking_core.storage.legacy import LegacyDatabase, LegacyDocument, LegacyFile, LegacySource

__all__ = [
    "Double",
    "LegacyClaim",
    "LegacyDatabase",
    "LegacyDocument",
    "LegacyFile",
    "LegacyFindings",
    "LegacyReport",
    "LegacySource",
    "NotTaken",
    "import_legacy",
]
