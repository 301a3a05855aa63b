"""Numbers and dates as a sheet shows them, by the number format of their cell.

Covers what lists of people hold: zeros in front, literal text, decimals and percentages. Other
formats (scientific, fractions, conditions) give the plain number. Two things are left out on
purpose, because they would turn one number into another text: the grouping of thousands, and the
decimals of a whole number (a roll number in the format ``0.00`` stays 101).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from booking_core.domain.validation import InvalidRequest

# A quote or bracket without an end reaches to the end of the format: a search for its end from each
# of many would take quadratic time.
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)(?:"|\Z)|\\(?P<escaped>.)|[_*].'
    r"|\[\$(?P<currency>[^\]-]*)[^\]]*(?:\]|\Z)|\[[^\]]*(?:\]|\Z)"
    r"|(?P<digit>[0#?])|(?P<point>\.)|,|(?P<percent>%)|(?P<literal>.)",
    re.DOTALL,
)
_UNQUOTED = re.compile(r'"[^"]*(?:"|\Z)|\\.|\[\$[^\]]*(?:\]|\Z)')
_PLAIN = re.compile(r"general|@|[#0?]\s*/|/\s*[#0?\d]|e[+-]", re.IGNORECASE)
_CONDITION = re.compile(r"\[[<>=]")
_TIMES = re.compile(r"[hs]", re.IGNORECASE)
_DATES = re.compile(r"[dy]", re.IGNORECASE)
_EXACT = 10**15  # a sheet keeps fifteen digits
_LONGEST = 255  # characters of a format, in Excel
_CONTEXT = Context(prec=1000)  # digits: more than a number with such a format can have


class _Section(NamedTuple):
    """``whole`` is literals, and None for each digit before the point.

    ``least`` is how many digits are shown at least, ``decimals`` how many after the point.
    """

    whole: tuple[str | None, ...]
    least: int
    decimals: int
    after: str
    percents: int


def check_format(number_format: str) -> None:
    """Raises InvalidRequest for a format that is longer than those of Excel."""
    if len(number_format) > _LONGEST:
        raise InvalidRequest(
            "file", f"has a number format of more than {_LONGEST} characters, unlike those of Excel"
        )


def shown_number(value: float, number_format: str) -> str:
    """``value`` as a cell with ``number_format`` shows it; raises InvalidRequest."""
    check_format(number_format)
    if not abs(value) < _EXACT:  # also what is no number at all
        return _plain(value)
    number = Decimal(repr(value))
    sections = _sections(number_format)
    place = 0
    if number < 0 and len(sections) > 1:
        place, number = 1, -number
    elif number == 0 and len(sections) > 2:
        place = 2
    section = sections[place]
    if section is None:
        return _plain(value)
    if None not in section.whole:
        return section.after
    number = number.scaleb(2 * section.percents, _CONTEXT)
    whole_number = number == number.to_integral_value() and not section.percents
    decimals = 0 if whole_number else section.decimals
    number = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _CONTEXT)
    digits, _, rest = f"{abs(number):f}".partition(".")
    text = _filled(section.whole, digits.zfill(section.least)) + (f".{rest}" if rest else "")
    return ("-" if number < 0 else "") + text + section.after


def shown_moment(value: datetime | date | time | timedelta, number_format: str) -> str:
    """``2026-11-24``, ``09:00`` or both: the parts that ``number_format`` shows, in this order.

    The order and the names of months are not those of the format: dates in files are read as ISO.
    Raises InvalidRequest.
    """
    check_format(number_format)
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    if isinstance(value, time):
        return value.isoformat("minutes")
    if not isinstance(value, datetime):
        return value.isoformat()
    form = _UNQUOTED.sub("", number_format)
    if not _TIMES.search(form) or (_DATES.search(form) and value.time() == time()):
        return value.date().isoformat()
    if not _DATES.search(form):
        return value.time().isoformat("minutes")
    return value.isoformat(" ", "minutes")


@lru_cache(maxsize=256)
def _sections(number_format: str) -> tuple[_Section | None, ...]:
    """The parts of a format for positive and negative numbers and for zero; None: plain."""
    texts = [""]
    for token in _TOKEN.finditer(number_format):
        if token["literal"] == ";":
            texts.append("")
        else:
            texts[-1] += token[0]
    if not number_format or (len(texts) > 1 and _CONDITION.search(number_format)):
        return (None,)
    return tuple(None if _PLAIN.search(_UNQUOTED.sub("", t)) else _section(t) for t in texts[:3])


def _section(text: str) -> _Section:
    whole: list[str | None] = []
    after = ""
    least = decimals = percents = 0
    in_decimals = False
    for token in _TOKEN.finditer(text):
        literal = next(
            (t for t in token.group("quoted", "escaped", "currency", "literal") if t), ""
        )
        if token["percent"]:
            percents, literal = percents + 1, "%"
        if token["point"]:
            in_decimals = True
        elif token["digit"] and in_decimals:
            decimals += 1
        elif token["digit"]:
            least += token["digit"] == "0"
            # Text that was read as the end is between two digits.
            whole += [*after, None]
            after = ""
        else:
            after += literal
    return _Section(tuple(whole), least, decimals, after, percents)


def _filled(whole: tuple[str | None, ...], digits: str) -> str:
    """``digits`` in the places for them, from the right; the first place takes what is left."""
    parts: list[str] = []
    places = whole.count(None)
    for part in reversed(whole):
        if part is not None:
            parts.append(part)
            continue
        places -= 1
        parts.append(digits[-1:] if places else digits)
        digits = digits[:-1] if places else ""
    return "".join(reversed(parts))


def _plain(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if abs(value) < _EXACT and value == int(value):
        return str(int(value))
    return f"{value:.15g}"
