"""Which columns of a sheet hold the fields of a list: found by their headings, or given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from booking_core.domain.errors import InvalidRequest
from booking_core.tables.column_names import (
    FIRST,
    LAST,
    MIDDLE,
    NAMES,
    ROLL,
    SECTION,
    WITHOUT_SECTION,
    heading_key,
)

# Field -> the places of its columns, from 0, whose texts are joined in this order.
Columns = Mapping[str, tuple[int, ...]]
OPTIONAL = {"id": ("email", "active"), "ground": ("purpose", "class", "team", "party")}
JOINED = {"name": " ", "class": "-"}  # the fields that may have several columns
_SHOWN = 8  # headings in a sentence


@dataclass(frozen=True, slots=True)
class Matching:
    """``unsure``: field -> a sentence why a person has to say which column it is.

    ``missing`` are the required fields without a column.
    """

    columns: dict[str, tuple[int, ...]]
    unsure: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def fields_of(required: Sequence[str]) -> tuple[str, ...]:
    """The fields of a list with these required ones, the optional ones behind them."""
    return (*required, *OPTIONAL.get(required[0], ())) if required else ()


def match(
    headings: Sequence[str], rows: Sequence[Sequence[str]], required: Sequence[str]
) -> Matching:
    """Matches ``headings`` with the fields by name, and by the values of ``rows`` where needed."""
    return _Matcher(headings, rows).match(required)


def given_columns(
    headings: Sequence[str], given: Sequence[tuple[str, str]], required: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """The columns that pairs (heading, field) name; raises InvalidRequest for "--map"."""
    keys = [heading_key(heading) for heading in headings]
    fields = fields_of(required)
    found: dict[str, tuple[int, ...]] = {}
    for heading, name in given:
        if name not in fields:
            raise InvalidRequest("--map", f"has no field {name!r}: {', '.join(fields)}")
        places = [n for n, key in enumerate(keys) if key == heading_key(heading)]
        if len(places) != 1:
            many = "no column" if not places else f"{len(places)} columns"
            raise InvalidRequest(
                "--map", f"names {heading!r}, and the file has {many} of it: {listed(headings)}"
            )
        if name in found and name not in JOINED:
            raise InvalidRequest("--map", f"gives {name} two columns")
        found[name] = (*found.get(name, ()), places[0])
    return found


def listed(headings: Sequence[str]) -> str:
    """The first headings, each in quotes."""
    shown = [f"“{heading[:40]}”" for heading in headings if heading]
    more = ", ..." if shown[_SHOWN:] else ""
    return ", ".join(shown[:_SHOWN]) + more


class _Matcher:
    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._headings, self._rows = headings, rows
        self._keys = [heading_key(heading) for heading in headings]
        self._columns: dict[str, tuple[int, ...]] = {}
        self._unsure: dict[str, str] = {}

    def match(self, required: Sequence[str]) -> Matching:
        for wanted in fields_of(required):
            match wanted:
                case "id":
                    self._id()
                case "name":
                    self._name()
                case "class":
                    self._class()
                case _:
                    self._plain(wanted)
        missing = tuple(name for name in required if name not in self._columns)
        return Matching(self._columns, self._unsure, missing)

    def _places(self, *names: str) -> list[int]:
        known = {key for name in names for key in NAMES[name]}
        return [place for place, key in enumerate(self._keys) if key in known]

    def _exact(self, name: str) -> list[int]:
        return [place for place, key in enumerate(self._keys) if key == name]

    def _plain(self, name: str) -> None:
        exact = self._exact(name)
        places = exact if len(exact) == 1 else self._places(name)
        if places:
            self._columns[name] = (places[0],)
        if len(places) > 1:
            self._unsure[name] = f"{self._either(places)} could be the {name}"

    def _id(self) -> None:
        exact = self._exact("id")
        places = exact if len(exact) == 1 else self._places("id", ROLL)
        if not places:
            return
        if len(places) == 1:
            self._columns["id"] = (places[0],)
            return
        repeats = {place: self._repeats(place) for place in places}
        # Where all differ, a roll number is still one of a class only.
        best = min(places, key=lambda place: (repeats[place] > 0, self._keys[place] in NAMES[ROLL]))
        self._columns["id"] = (best,)
        counts = [
            f"several rows of “{self._headings[place]}” have the same value or none"
            for place, number in repeats.items()
            if number
        ]
        why = "; ".join(
            [f"{self._either(places)} could be the id, which no two students share", *counts]
        )
        self._unsure["id"] = why

    def _name(self) -> None:
        self._plain("name")
        first, middle, last = (self._places(name)[:1] for name in (FIRST, MIDDLE, LAST))
        whole = list(self._columns.get("name", ()))
        if whole and (first or not last):
            return
        parts = [*whole, *first, *middle, *last]
        if not parts:
            return
        self._columns["name"] = tuple(parts)
        if whole or not (first and last):
            self._unsure["name"] = f"{self._both(parts)} could be the name, or a part of it"

    def _class(self) -> None:
        self._plain("class")
        if not (base := self._columns.get("class")):
            return
        sections = self._places(SECTION)
        if not sections or self._keys[base[0]] not in WITHOUT_SECTION:
            return
        if len(sections) > 1:
            self._unsure["class"] = f"{self._either(sections)} could be the section of the class"
        having, pairs = self._having_section(base[0], sections[0])
        if not pairs or having < pairs:
            self._columns["class"] = (base[0], sections[0])
        if 0 < having < pairs:
            self._unsure["class"] = (
                "Some rows have their section in the class already, and others do not"
            )

    def _having_section(self, base: int, section: int) -> tuple[int, int]:
        """How many rows have a class that ends with their section already, as 8-A with A, of how
        many that have both."""
        pairs = [(self._at(row, base), self._at(row, section)) for row in self._rows]
        pairs = [(whole, part) for whole, part in pairs if whole and part]
        return sum(len(w) > len(p) and w.endswith(p) for w, p in pairs), len(pairs)

    def _repeats(self, place: int) -> int:
        """How many values are in several rows; an empty one counts as one of them."""
        counts = Counter(self._at(row, place) for row in self._rows)
        return sum(number > 1 or not text for text, number in counts.items())

    def _at(self, row: Sequence[str], place: int) -> str:
        return row[place].strip().casefold() if place < len(row) else ""

    def _either(self, places: Sequence[int]) -> str:
        return " or ".join(f"“{self._headings[place]}”" for place in places)

    def _both(self, places: Sequence[int]) -> str:
        return " and ".join(f"“{self._headings[place]}”" for place in places)
