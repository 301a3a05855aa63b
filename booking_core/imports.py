"""Taking over a history of bookings from a file: the public names."""

from booking_core.operations.history_import import (
    BOOKING_COLUMNS,
    HISTORY_UPLOAD,
    import_bookings,
    row_slot,
)
from booking_core.operations.import_lines import Report, RowRemark

__all__ = [
    "BOOKING_COLUMNS",
    "HISTORY_UPLOAD",
    "Report",
    "RowRemark",
    "import_bookings",
    "row_slot",
]
