"""Passwords that are guessed first: common words, names, rows of keys, repetitions, and digits.

Lists of stolen passwords are mostly such words with digits around them, so the patterns are
recognised and no list of whole passwords is kept.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

MOST_WORDS = 2  # three common words together are guessed much later
_FEWEST_CHARACTERS = 5  # different ones
_LONGEST_BLOCK = 5  # that is repeated
_SHORTEST_ROW = 3
# What people write in place of a letter.
_LIKE = {
    "@": "a",
    "4": "a",
    "8": "b",
    "(": "c",
    "3": "e",
    "6": "g",
    "9": "g",
    "1": "il",
    "!": "il",
    "|": "il",
    "0": "o",
    "5": "s",
    "$": "s",
    "7": "t",
    "+": "t",
    "2": "z",
}
_COMMON_WORDS = """
abc access account admin administrator adobe airplane alex alexander amanda america amit
anand ananya andrea andrew android angel angels anthony apple april arjun arsenal ashley
august austin autumn baby babygirl ball banana bangalore barcelona baseball basketball
batman beautiful bengaluru bharat bike bitch blink blue blueberry bollywood book booking
books boomer boston brandon british brother buster butterfly california captain car carlos
cars cat change changeme charlie cheese chelsea chennai cherry chicken chocolate christ
christmas class classroom coach coffee college computer cookie cool cowboy cricket cricketer
crystal dad daddy dallas daniel darling david dear december deepak default delhi demo
desktop dhoni diamond divya diwali dog dolphin donald dragon dubai durga eagle eagles easy
elephant email eminem england enter everton facebook family father february ferrari field
fire fish flower flowers football forever forget forgot freedom friday friend friends fuck
fuckyou games ganesh garden george ginger girl gmail goal god gold golden google grade
ground grounds guest hannah happy hari harley harry heart hearts heaven hello hi hind
hindustan hockey holiday home hotmail house hunter hyderabad i india indian instagram
internet iphone is jai january jasmine jennifer jessica jesus jordan joseph joshua july june
junior justin kerala keyboard killer king kohli krishna kumar lakers lakshmi laptop letmein
life linkedin lion liverpool login london love lovely loveme lover loveyou lucky madrid
maggie mahesh manager manchester march maria marina martin master match matrix matthew me
megan mercedes merlin messi michael michelle mickey microsoft midnight minecraft mobile mom
monday money monkey moon morning mother mountain mumbai murugan music mustang my namaste
naruto new neymar nicole ninja nintendo nokia november number october office ok old om one
online orange pakistan pass passcode passw password pasword patrick peanut pepper phone
pikachu play player playground please pokemon pooja power prince princess principal private
priya public pumpkin purple qwe qwer qwerty radha rahul rainbow raj raja ram ramesh ranger
real red river robert ronaldo root rose sachin sai sairam sakura samsung samuel sarah
saturday school secret secure security september server service shadow shiva silver sister
sky smile snoopy soccer sophie spider spiderman sport sports spring srinivas staff star
stars starwars strawberry student stupid summer sun sunday sunflower sunshine super superman
superstar support suresh sweet sweetheart sweety swimming system teacher teaching team temp
temporary tennis test tester testing thank the thomas three thursday tiger tigger tinkerbell
today together train tree trustno tuesday twitter two unknown user username vanilla venkat
victoria virat volleyball water webmaster wednesday welcome whatever windows winner winter
wizard wolf work world yahoo year yellow you your zaq zidane
"""
_WORDS = frozenset(_COMMON_WORDS.split())
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    # Columns of keys, and the zigzag between two rows.
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
)


def is_common(password: str, names: Iterable[str] = ()) -> bool:
    """Whether ``password`` consists of common parts alone, which are guessed first.

    That is: at most two common words or single letters, and any number of ``names`` and their
    parts, rows of keys, repetitions, digits and punctuation, in either case of letters and with
    digits in place of letters.
    """
    text = unicodedata.normalize("NFKC", password).casefold()
    if len(set(text)) < _FEWEST_CHARACTERS or _repeats_a_block(text):
        return True
    return _fewest_words(text, _parts(names)) <= MOST_WORDS


def _fewest_words(text: str, names: set[str]) -> float:
    """The fewest common words with which the other patterns cover ``text``; infinite for none."""
    looks = [{c, *_LIKE.get(c, "")} for c in text]
    by_first = defaultdict(list)
    for word in _WORDS | names:
        by_first[word[0]].append((word, 0 if word in names else 1))
    # At each place: the fewest words of a cover of the text before it.
    fewest = [0.0] + [float("inf")] * len(text)
    for start in range(len(text)):
        if (before := fewest[start]) > MOST_WORDS:
            continue
        # Digits and punctuation add nothing; a letter of its own is as good as a word.
        cost = 1 if text[start].isalpha() else 0
        fewest[start + 1] = min(fewest[start + 1], before + cost)
        for end in range(start + _SHORTEST_ROW, _end_of_row(text, start) + 1):
            fewest[end] = min(fewest[end], before)
        for first in looks[start]:
            for word, cost in by_first[first]:
                end = start + len(word)
                if end <= len(text) and all(
                    c in look for c, look in zip(word, looks[start:end], strict=True)
                ):
                    fewest[end] = min(fewest[end], before + cost)
    return fewest[-1]


def _end_of_row(text: str, start: int) -> int:
    """Where the longest row of keys, or of one character, that begins at ``start`` ends."""
    longest = start
    for row in _ALL_ROWS:
        end = start + 1
        while end < len(text) and text[start : end + 1] in row:
            end += 1
        longest = max(longest, end)
    end = start + 1
    while end < len(text) and text[end] == text[start]:
        end += 1
    return max(longest, end)


_ALL_ROWS = tuple(line for row in _ROWS for line in (row, row[::-1]))


def _repeats_a_block(text: str) -> bool:
    """Whether ``text`` is one short block of characters, again and again."""
    return any(
        text == (text[:length] * len(text))[: len(text)] and 2 * length <= len(text)
        for length in range(1, _LONGEST_BLOCK + 1)
    )


def _parts(names: Iterable[str]) -> set[str]:
    """The names without spaces and punctuation, and each of their words."""
    parts = set()
    for name in names:
        plain = unicodedata.normalize("NFKC", name).casefold()
        words = "".join(c if c.isalnum() else " " for c in plain).split()
        parts |= {"".join(words), *(word for word in words if len(word) > 1)}
    return parts - {""}
