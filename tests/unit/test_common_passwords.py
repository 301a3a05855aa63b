"""Passwords that are guessed first are refused, and few others."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core import InvalidRequest
from booking_core.access import passwords
from booking_core.access.common_passwords import _ALL_ROWS, _WORDS, is_common

NAMES = ("ravi.k", "Ravi Kumar", "St. Mary's High School")
# Of ten characters and more, from the published lists of the most common ones.
PUBLISHED = """
1234567890 qwertyuiop 0123456789 1q2w3e4r5t q1w2e3r4t5 qwerty1234 qwerty12345 password12
password123 password1234 passw0rd12 P@ssw0rd123 P@$$w0rd2024 iloveyou12 iloveyou123 Welcome@123
welcome2025 letmein1234 1qaz2wsx3edc qazwsxedcrfv zaq12wsxcde asdfghjkl1 asdfghjkl; zxcvbnm123
1111111111 0000000000 aaaaaaaaaa 9876543210 0987654321 1212121212 1231231231 123123123123
abcdefghij abcdefghijk abc123abc123 abcd123456 a123456789 1234567891 12345678910 123456789a
qwerty123456 qwertyqwerty passwordpassword password!! Admin@123456 administrator changeme123
sunshine123 princess123 football123 football2024 cricket123 basketball basketball1 manchester
manchester1 liverpool1 liverpool123 barcelona1 superman123 spiderman1 batman1234 starwars123
michael123 jennifer12 jessica123 charlie123 jordan1234 daniel1234 butterfly1 chocolate1
strawberry1 computer123 internet123 samsung123 trustno1234 monkey12345 dragon12345 master1234
shadow12345 killer12345 summer2024! Winter2025!! Spring2026! december2024 India@12345 krishna123
ganesh12345 lakshmi123 sairam1234 srinivas123 mumbai2026 Teacher2026! student2026 school1234
Classroom12 test123456 test1234567 guest12345 secret1234 google12345 facebook12 pokemon123
minecraft1 naruto1234 iloveyou<3<3 loveyou1234 babygirl123 lovelove12 q1w2e3r4t5y6
zxcvbnmasdfghjkl asdfasdfasdf qweqweqwe1 poiuytrewq mnbvcxzlkj 10101990aa 15.08.1947!
"""
OWN = """
ravikumar1 RaviKumar@1 12ravi3456 r4v1kum4r! kumar.ravi ravi.k2026 stmarys2026 St.Mary's1
highschool1 High-School-2026 maryshigh1 ravi_school_1 ravipassword
"""
GOOD = """
correct horse battery
four horses in a field
my own password
caf\u00e9 au lait
tr0ub4dor&3 x
mango-lamp-river
k7pm-x2qd-vw9h
never the twain meets
\u0939\u092e\u093e\u0930\u0947 \u0906\u0902\u0917\u0928 \u092e\u0947\u0902 \u0928\u0940\u092e
summer cricket holiday
""".strip().splitlines()


@pytest.mark.parametrize("password", [*PUBLISHED.split(), *OWN.split()])
def test_what_is_guessed_first_is_refused(password):
    with pytest.raises(InvalidRequest, match="easy to guess"):
        passwords.check(password, *NAMES)


@pytest.mark.parametrize("password", GOOD)
def test_a_few_words_together_are_taken(password):
    assert passwords.check(password, *NAMES) == password


def test_names_of_others_are_taken_in_passwords():
    assert not is_common("farahsheikh", NAMES)
    assert is_common("farahsheikh", ("Farah Sheikh",))


SEVERAL = {"a": "a4@", "e": "e3", "i": "i1!", "o": "o0", "s": "s5$", "t": "t7"}
around = st.text("0123456789!.-_ @#", max_size=6)


@given(st.sampled_from(sorted(_WORDS)), around, around, st.randoms())
def test_no_digits_capitals_or_look_alikes_make_a_common_word_good(word, before, after, chance):
    written = "".join(
        chance.choice([c for like in SEVERAL.get(c, c) for c in (like, like.upper())]) for c in word
    )
    assert is_common(f"{before}{written}{after}")


@given(
    st.lists(
        st.sampled_from(_ALL_ROWS).flatmap(
            lambda row: st.tuples(st.integers(0, len(row) - 3), st.integers(3, 10)).map(
                lambda cut: row[cut[0] : cut[0] + cut[1]]
            )
        ),
        min_size=1,
        max_size=5,
    )
)
def test_rows_of_keys_in_either_direction_are_refused(rows):
    assert is_common("".join(rows))


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=5), st.integers(2, 40))
def test_a_short_block_repeated_is_refused(block, times):
    assert is_common(block * times)


def test_no_random_password_is_refused():
    chance = random.Random(19)
    letters = "abcdefghijklmnopqrstuvwxyz"

    for _ in range(2000):
        assert not is_common("".join(chance.choices(letters, k=14)), NAMES)
        passwords.check(passwords.one_time_password(*NAMES), *NAMES)


@pytest.mark.parametrize("text", ["a1" * 100, "password" * 25, "\u0301" * 200, "1l!|" * 50])
def test_the_longest_password_is_judged_at_once(text):
    began = time.perf_counter()
    is_common(text + "\u00e9", ["Long Name " * 20] * 3)

    assert time.perf_counter() - began < 0.5
