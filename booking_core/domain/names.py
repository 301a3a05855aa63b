"""One form for text that people type, one key for names and ids that people cannot tell apart.

Two spellings that look the same must be one value: a composed and a decomposed accent, a no-break
and a plain space. Characters that show nothing are refused, except where a script needs them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MAX_ID = 64
MAX_INPUT = 2000  # characters of a text that are normalised: four times the longest that is kept

_SPACES = re.compile(r"[\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_SPACES_IN_LINE = re.compile(r"[\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINE_ENDS = re.compile(r" ?(?:\r\n?|\u2028|\u2029|\n) ?")
# Characters that show nothing although Unicode counts them as letters, marks or symbols: joiner of
# graphemes, Hangul and Khmer fillers, blank Braille, selectors, and a range kept for such ones.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_ZWNJ, _ZWJ, _KEYCAP = "\u200c", "\u200d", "\u20e3"
_TEXT_STYLE, _EMOJI_STYLE = "\ufe0e", "\ufe0f"
# Signs that enclose the digits after them: they show, although their category is that of controls.
_SHOWN_CONTROLS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Blocks of the scripts in which a joiner or non-joiner between letters changes what is seen:
# Arabic (Persian, Urdu), Syriac, N'Ko, Mandaic; Devanagari to Sinhala; Tibetan, Myanmar, Khmer,
# Mongolian; Balinese to Batak; supplements, presentation forms, and the later Indic scripts.
_JOINING = (
    (0x0600, 0x07FF), (0x0840, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x18AF), (0x1B00, 0x1BFF),
    (0xA8E0, 0xA8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE), (0x11000, 0x11FFF),
)  # fmt: skip
_DOTTED_I = re.compile("i\u0307+")  # a capital with a dot in lower case
_ANY_I = re.compile("[i\u0131]\u0307*")  # also the Turkish one without a dot
_IGNORED_IN_KEYS = re.compile("[\u200c\u200d\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def normal_form(text: str, *, lines: bool = False) -> str:
    """``text`` composed (NFC), each run of spaces made one space, without spaces around.

    With ``lines``, line ends stay, each as a newline. Of a text that is not ASCII, the first
    MAX_INPUT characters count: composing takes quadratic time for a run of combining marks, and
    stops every other thread meanwhile.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text[:MAX_INPUT])
    if not lines:
        return _SPACES.sub(" ", text).strip()
    return _LINE_ENDS.sub("\n", _SPACES_IN_LINE.sub(" ", text)).strip()


def key_of(text: str) -> str:
    """What two names or ids have in common when people cannot tell them apart.

    Equal for texts of one normal form that differ in capitals, joiners or selectors only.
    """
    text = _IGNORED_IN_KEYS.sub("", normal_form(text))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def sign_in_name(text: str) -> str:
    """The normal form of a sign-in name: ``text`` in lower case, the Turkish ``İ`` as an ``i``.

    In Unicode, ``İ`` in lower case is an ``i`` and a combining dot, which an id may not hold.
    """
    lower = unicodedata.normalize("NFC", normal_form(text, lines=True).lower())
    return unicodedata.normalize("NFC", _DOTTED_I.sub("i", lower))


def sign_in_key(text: str) -> str:
    """What two sign-in names have in common when they differ in letter case only, in any language.

    Turkish has an ``i`` with and one without a dot, and elsewhere both have the capital ``I``.
    They are one letter here: a keyboard may begin a name with either capital.
    """
    decomposed = unicodedata.normalize("NFD", key_of(text))
    return unicodedata.normalize("NFC", _ANY_I.sub("i", decomposed))


def find_unusable(text: str) -> str | None:
    """The first character of a normal form that cannot be used in it; None for none.

    Such are controls, lone surrogates, bidirectional controls (with one, a name could change the
    line that it is shown in), and characters that show nothing.
    """
    if text.isprintable() and not _HIDDEN.search(text):
        return None
    for place, character in enumerate(text):
        if character == "\n" or character in _SHOWN_CONTROLS:
            continue
        if character in (_ZWNJ, _ZWJ):
            usable = _may_join(text, place)
        elif _is_selector(character):
            usable = _may_select(text, place)
        else:
            category = unicodedata.category(character)
            usable = category not in ("Cc", "Cf", "Cs") and not _HIDDEN.match(character)
        if not usable:
            return character
    return None


def _may_join(text: str, place: int) -> bool:
    """Whether the joiner or non-joiner at ``place`` changes what is seen."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before:
        return False
    if text[place] == _ZWJ and after:
        # Of several pictures one: a woman and a ball are a woman who plays.
        drawn = unicodedata.category(before) in ("So", "Sk") or before == _EMOJI_STYLE
        if drawn and unicodedata.category(after) == "So":
            return True
    if not _joins(before):
        return False
    # After a virama also at the end of a word: it chooses the form of the letter before.
    return unicodedata.combining(before) == 9 or bool(after and _joins(after))


def _joins(character: str) -> bool:
    code = ord(character)
    in_script = any(first <= code <= last for first, last in _JOINING)
    return in_script and unicodedata.category(character)[0] in "LM"


def _is_selector(character: str) -> bool:
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
        or "\u180b" <= character <= "\u180d"
        or character == "\u180f"
    )


def _may_select(text: str, place: int) -> bool:
    """Whether the variation selector at ``place`` follows a character that has variants."""
    character, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if not before:
        return False
    category = unicodedata.category(before)
    if character in (_TEXT_STYLE, _EMOJI_STYLE):
        symbol = category in ("So", "Sm") or (category == "Po" and not before.isascii())
        return symbol or after == _KEYCAP
    return category == "Lo"


def new_id(name: str, taken: Iterable[str], otherwise: str) -> str:
    """An id of the words of ``name`` that none of ``taken`` could be mistaken for.

    Such as ``tennis-court-2``; of the word ``otherwise`` where ``name`` has no letter or digit.
    """
    keys = {key_of(id) for id in taken}
    stem = re.sub(r"[\W_]+", "-", key_of(name[:MAX_INPUT]))[: MAX_ID - 6].strip("-") or otherwise
    id, number = stem, 2
    while key_of(id) in keys:
        id, number = f"{stem}-{number}", number + 1
    return id


# Every dash of Unicode (category Pd), the minus sign, and the bullet in the form of a hyphen.
_DASH = re.compile(
    " ?[-\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    "\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead] ?"
)


def label_key(text: str) -> str:
    """What all spellings of one class, or of one game, have in common.

    Equal for texts that differ only in capitals, width and other compatibility forms (NFKC), kinds
    of spaces, kinds of dashes, or spaces around a dash. The first MAX_INPUT characters count.
    """
    return _label_key(text[:MAX_INPUT])  # the cache keeps its keys: no long ones


@lru_cache(maxsize=4096)
def _label_key(text: str) -> str:
    # Case folding makes new compatibility forms, and NFKC makes new capitals.
    text = key_of(unicodedata.normalize("NFKC", key_of(text)))
    return _DASH.sub("-", key_of(unicodedata.normalize("NFKC", text)))
