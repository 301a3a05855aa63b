"""What the list on Bookings shows: its filters, order and page, in the session and the address."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta
from typing import Any

import streamlit as st

from booking_core import Actor, Booking, Reference, Role, Status, search_filters
from pages.shared.live import url_state

PAGE = 50  # bookings on a page of the list
MOST_SEARCHED = 120  # characters; a client can send more than its field takes
MINE, EVERYBODY = "Mine", "Everybody"
UPCOMING, PAST = "Upcoming", "Past"
BY_DATE, BY_REQUEST = "By date", "By when it was asked"
_PREFIX = "bookings."
_VIEW, _CURSORS = "bookings.view", "bookings.cursors"
# Fields of a View -> where their values are stored.
KEYS = {
    name: f"{_PREFIX}{name}"
    for name in ("search", "whose", "when", "order", "dates", "ground", "status", "class_name")
}
PARAMETERS = ("search", "whose", "when", "order", "from", "to", "ground", "status", "class", "page")
MOST_PAGES = 200  # to which an address leads; the pages before them are read
FILTERS = ("dates", "ground", "status", "class_name")  # the fields of the filters' popover


@dataclass(frozen=True, slots=True)
class View:
    """The state of the list. ``dates`` has no date, the first, or both; ``page`` begins at 1."""

    whose: str
    search: str = ""
    when: str = UPCOMING
    order: str = BY_DATE
    dates: tuple[Date, ...] = ()
    ground: str | None = None
    status: Status | None = None
    class_name: str | None = None
    page: int = 1

    @property
    def filters_set(self) -> int:
        """How many fields of the popover restrict the list."""
        return sum(bool(getattr(self, name)) for name in FILTERS)

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a filter restricts the list."""
        return bool(self.filters_set or self.search)

    def asked(self, by: Actor, known: Reference) -> dict[str, Any]:
        """The arguments of ``find_bookings``, without its page. Raises InvalidRequest.

        A reference is looked for among all bookings, whatever the other fields are.
        """
        found = search_filters(known, self.search)
        if "reference" in found:
            return found
        is_past = self.when == PAST and not self.dates
        by_date = "latest" if is_past else "soonest"
        asked: dict[str, Any] = found | {
            "created_by": by.id if self.whose == MINE else None,
            "date_from": self.dates[0] if self.dates else None,
            "date_to": self.dates[1] if len(self.dates) > 1 else None,
            # A range of dates says by itself whether it is past or ahead.
            "when": None if self.dates else "over" if is_past else "ahead",
            "ground_id": self.ground,
            "status": self.status,
            "class_name": self.class_name,
            "order": "asked" if self.order == BY_REQUEST else by_date,
        }
        return {name: value for name, value in asked.items() if value is not None}


def days_allowed(today: Date) -> tuple[Date, Date]:
    """The first and the last date that can be chosen."""
    return today - timedelta(days=3660), today + timedelta(days=400)


def open_view(by: Actor, known: Reference, classes: Collection[str], today: Date) -> None:
    """Prepares the session state; to be called before the fields are drawn."""
    state = st.session_state
    default = _default(by)
    url_state.read(PARAMETERS, lambda values: _adopt(values, default))
    if _VIEW not in state:
        _show(default)
    # An option that is gone, such as a class without students, does not filter.
    valid = _valid(_of_widgets(state[_VIEW].page), known, classes, today)
    for name, key in KEYS.items():
        # A search stays as it was typed: a new field would not have the focus.
        if name != "search" and state[key] != getattr(valid, name):
            state[key] = getattr(valid, name)
    state[_VIEW] = valid
    state.setdefault(_CURSORS, [])


def current() -> View:
    """The view of this run, whose widgets are drawn."""
    view: View = st.session_state[_VIEW]
    return view


def write_address(by: Actor) -> None:
    """Puts the view into the address, without what every visit of this user begins with."""
    view, default = current(), _default(by)
    first, last = (*view.dates, None, None)[:2]
    url_state.write(
        {
            "search": view.search,
            "whose": view.whose.lower() if view.whose != default.whose else "",
            "when": "past" if view.when == PAST else "",
            "order": "asked" if view.order == BY_REQUEST else "",
            "from": first.isoformat() if first else "",
            "to": last.isoformat() if last else "",
            "ground": view.ground or "",
            "status": view.status.value.lower() if view.status else "",
            "class": view.class_name or "",
            "page": str(view.page) if view.page > 1 else "",
        }
    )


def clear_filters() -> None:
    """Empties the fields of the popover; to be called by a button."""
    default = View(whose="")
    _show(replace(current(), page=1, **{name: getattr(default, name) for name in FILTERS}))


def first_page() -> None:
    """Begins at the first page again: the filters have changed."""
    st.session_state[_VIEW] = replace(current(), page=1)
    st.session_state[_CURSORS] = []


def turn_to(page: int, last: Booking | None = None) -> None:
    """Shows a page; ``last`` is the last booking of the page that was shown, if it is before."""
    if last is not None:
        cursors: list[Booking] = st.session_state[_CURSORS]
        st.session_state[_CURSORS] = [*cursors[: page - 2], last]
    st.session_state[_VIEW] = replace(current(), page=page)


def last_before(find: Callable[[Booking | None, int], list[Booking]]) -> Booking | None:
    """The last booking of the page before the shown one; None on the first page.

    ``find(after, limit)`` reads bookings of the list. Pages that this session has not shown, since
    an address led here, are read once. If there is no such page, the first one is shown.
    """
    cursors: list[Booking] = st.session_state[_CURSORS]
    page = current().page
    while len(cursors) < page - 1:
        missing = min((page - 1 - len(cursors)) * PAGE, 1000)
        found = find(cursors[-1] if cursors else None, missing)
        cursors += found[PAGE - 1 :: PAGE]
        if len(found) < missing:
            first_page()
            return None
    return cursors[page - 2] if page > 1 else None


def _default(by: Actor) -> View:
    return View(whose=MINE if by.role is Role.STAFF else EVERYBODY)


def _adopt(values: Mapping[str, str], default: View) -> None:
    """Shows the view of the address. An unknown value counts as absent, also in ``_valid``."""
    dates: list[Date] = []
    with suppress(KeyError, ValueError):
        for name in ("from", "to"):
            dates.append(Date.fromisoformat(values[name]))
    page = values.get("page", "")
    number = int(page) if page.isascii() and page.isdecimal() else 1
    whose = {name.lower(): name for name in (MINE, EVERYBODY)}
    view = View(
        search=values.get("search", ""),
        whose=whose.get(values.get("whose", ""), default.whose),
        when=PAST if values.get("when") == "past" else UPCOMING,
        order=BY_REQUEST if values.get("order") == "asked" else BY_DATE,
        dates=tuple(dates),
        ground=values.get("ground"),
        status={s.value.lower(): s for s in Status}.get(values.get("status", "")),
        class_name=values.get("class"),
        page=number if 1 <= number <= MOST_PAGES else 1,
    )
    shown = st.session_state.get(_VIEW)
    if shown is not None and replace(shown, page=view.page) == view:
        st.session_state[_VIEW] = view  # another page of the same list
    else:
        _show(view)


def _show(view: View) -> None:
    for name, key in KEYS.items():
        st.session_state[key] = getattr(view, name)
    st.session_state[_VIEW] = view
    st.session_state[_CURSORS] = []


def _of_widgets(page: int) -> View:
    values: Mapping[str, Any] = {name: st.session_state[key] for name, key in KEYS.items()}
    search = " ".join((values["search"] or "")[:MOST_SEARCHED].split())
    return View(**{**values, "search": search, "dates": tuple(values["dates"] or ())}, page=page)


def _valid(view: View, known: Reference, classes: Collection[str], today: Date) -> View:
    """``view`` without values that its fields do not offer."""
    first, last = days_allowed(today)
    is_range = list(view.dates) == sorted(view.dates)[:2]
    return replace(
        view,
        dates=view.dates if is_range and all(first <= d <= last for d in view.dates) else (),
        ground=view.ground if view.ground in known.grounds else None,
        class_name=view.class_name if view.class_name in classes else None,
    )
