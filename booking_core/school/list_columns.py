"""The columns of a list: as the last list of its kind had them, else by their headings."""

from __future__ import annotations

from collections.abc import Sequence

from booking_core.domain.model import Actor
from booking_core.school.administration import check_admin
from booking_core.school.roster import COLUMNS
from booking_core.storage.client.database import Documents
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import import_columns as store
from booking_core.tables.column_names import heading_key
from booking_core.tables.columns import Columns, Matching, fields_of
from booking_core.tables.table import RawTable


@within_deadline
def suggest_columns(db: Documents, sheet: RawTable, required: Sequence[str] = COLUMNS) -> Matching:
    """The columns of ``sheet``, a list with these ``required`` fields: of students by default.

    Those kept from the last list are sure.

    They count only where the sheet has all of their headings, each once, and none that could be
    another field. Raises StoreUnavailable.
    """
    found = sheet.match(required)
    keys = [heading_key(heading) for heading in sheet.headings]
    fields = fields_of(required)
    kept = {name: names for name, names in store.read(db, required[0]).items() if name in fields}
    is_same = all(keys.count(key) == 1 for names in kept.values() for key in names)
    if not is_same or not all(name in kept for name in required):
        return found
    columns = {name: tuple(map(keys.index, names)) for name, names in kept.items()}
    used = {place for places in columns.values() for place in places}
    if any(
        set(places) - used
        for name, places in found.columns.items()
        if name not in columns or name == "class"
    ):
        return found
    return Matching(columns)


@within_deadline
def keep_columns(
    db: Documents,
    sheet: RawTable,
    columns: Columns,
    required: Sequence[str] = COLUMNS,
    *,
    by: Actor | None,
) -> None:
    """Keeps the headings of ``columns`` for the next list with these ``required`` fields.

    ``by`` None: no account acts.

    Headings that cannot be told apart are not kept. Raises NotAllowed, StoreUnavailable.
    """
    check_admin(by)
    keys = [heading_key(heading) for heading in sheet.headings]
    headings = {name: [keys[place] for place in places] for name, places in columns.items()}
    if all(key and keys.count(key) == 1 for names in headings.values() for key in names):
        store.put(db, required[0], headings)
