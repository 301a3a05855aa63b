"""The search for students tolerates accents, order, case and typos. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core import InvalidRequest, Student, find_students
from booking_core.school.search import StudentIndex
from booking_core.storage.school.data import Reference

OBRIEN = Student("S001", "Seán O’Brien", "10-A", "sean.obrien@school.example")
GUPTA = Student("S002", "Sana Gupta", "8-A")
JOSE = Student("S003", "José García", "8-B")
LUKASZ = Student("S004", "Łukasz Żółć", "9-A")
MULLER = Student("S005", "Jürgen Müller", "9-B")
NGUYEN = Student("S006", "Nguyễn Văn Đức", "11-A")
ILKER = Student("S007", "İlker Işık", "11-B")
OSTER = Student("S008", "Søren Ågård", "12-A")
BERG = Student("R4711", "Anne-Marie van den Berg", "VIII B", active=False)
ASHA = Student("S010", "आशा राव", "8-A")
KUMAR = Student("S011", "Rajkumar Das", "7-A")
SCHOOL = (OBRIEN, GUPTA, JOSE, LUKASZ, MULLER, NGUYEN, ILKER, OSTER, BERG, ASHA, KUMAR)


@pytest.mark.parametrize(
    ("typed", "student"),
    [
        *((text, OBRIEN) for text in ("o'brien", "obrien", "O’BRIEN", "o`brien", "brien", "sean")),
        *((text, GUPTA) for text in ("gupta sana", "sana gupta", "GUPTA, Sana", "gup sa", "gupt")),
        *((text, JOSE) for text in ("jose", "garcia", "jose\u0301", "garcía jose")),
        *((text, LUKASZ) for text in ("lukasz", "zolc", "łukasz", "LUKASZ ZOLC")),
        *((text, MULLER) for text in ("muller", "mueller", "müller", "juergen", "mu\u0308ller")),
        *((text, NGUYEN) for text in ("nguyen", "nguyễn", "duc van", "nguyen van duc")),
        *((text, ILKER) for text in ("ilker", "İLKER", "Ilker", "ISIK", "ışık", "isik")),
        *((text, OSTER) for text in ("soren", "soeren", "agard", "aagaard")),
        *((text, BERG) for text in ("anne marie", "annemarie", "anne-marie", "vandenberg")),
        *((text, BERG) for text in ("viii b", "VIIIB", "r4711", "R47", "van berg")),
        *((text, ASHA) for text in ("आशा", "राव आशा", "आ")),
        *((text, KUMAR) for text in ("kumar", "rajkumar", "das rajk")),
        # One letter wrong, missing, extra, or two in the wrong order.
        *((text, MULLER) for text in ("mullor", "muler", "mulller", "mluler", "juregn")),
        *((text, GUPTA) for text in ("gupts", "guptta sana", "gpta", "sanna guptta")),
        ("sean.obrien@school.example", OBRIEN),
        ("sean.obrien@sch", OBRIEN),
    ],
)
def test_a_student_is_found_by_usual_ways_of_typing(typed, student):
    assert student in find_students(SCHOOL, typed)


@pytest.mark.parametrize("typed", ["8 a", "8a", "8-A", "8–a"])
def test_a_class_is_found_first_with_and_without_its_hyphen(typed):
    assert set(find_students(SCHOOL, typed)[:2]) == {GUPTA, ASHA}


def test_whole_words_rank_first_then_beginnings_then_parts_then_typos():
    exact, beginning, part, typo = (
        Student("1", "Asha Das", "12-A"),
        Student("2", "Ashanti Das", "11-A"),
        Student("3", "Natasha Das", "10-A"),
        Student("4", "Usha Das", "9-A"),
    )
    other = Student("5", "Uma Das", "8-A")

    assert find_students([other, typo, part, beginning, exact], "asha") == [
        exact,
        beginning,
        part,
        typo,
    ]


def test_equal_matches_are_ordered_by_class_and_name():
    found = find_students(SCHOOL, "s0")

    assert [s.class_name for s in found] == [
        "7-A", "8-A", "8-A", "8-B", "9-A", "9-B", "10-A", "11-A", "11-B", "12-A",
    ]  # fmt: skip


def test_a_roll_number_matches_whole_or_by_its_beginning_without_typos():
    assert find_students(SCHOOL, "s001")[0] == OBRIEN
    assert find_students(SCHOOL, "R4712") == []
    assert find_students(SCHOOL, "711") == []
    assert find_students(SCHOOL, "R4711") == [BERG]


@pytest.mark.parametrize(
    ("id", "typed"),
    [
        *(("0042", text) for text in ("42", "0042", "004")),
        *(("R00107", text) for text in ("107", "00107", "r107", "R00107", "10", "0010", "r10")),
        *(("8/R-0107", text) for text in ("107", "r-107", "8 107", "0107")),
    ],
)
def test_a_roll_number_is_found_without_its_letters_and_leading_zeros(id, typed):
    student = Student(id, "Uma Das", "12-A")

    assert find_students([Student("S555", "Asha Rao", "11-A"), student], typed) == [student]


def test_a_whole_roll_number_ranks_before_a_shortened_one_and_both_before_beginnings():
    whole, shortened, lettered, beginning, short_beginning = (
        Student("42", "E", "12-A"),
        Student("0042", "D", "11-A"),
        Student("R042", "C", "11-B"),
        Student("420", "B", "9-A"),
        Student("R00421", "A", "9-B"),
    )

    found = find_students([short_beginning, beginning, lettered, shortened, whole], "42")

    assert found == [whole, shortened, lettered, beginning, short_beginning]


def test_filters_by_class_and_state_and_without_a_text():
    assert find_students(SCHOOL, active=False) == [BERG]
    assert find_students(SCHOOL, "a", class_name="8-B") == []
    assert find_students(SCHOOL, "jo", class_name="8-B", active=True) == [JOSE]
    assert len(find_students(SCHOOL)) == len(find_students(SCHOOL, "  ")) == len(SCHOOL)


@pytest.mark.parametrize(
    "typed", ["xyzzy", "sana xyzzy", "xyzzy sana gupta", "(.*", "$gt", "\x00", "\u200b", "' ’"]
)
def test_text_that_no_student_has_finds_none(typed):
    assert find_students(SCHOOL, typed) == []


def test_a_text_of_another_type_is_refused():
    with pytest.raises(InvalidRequest) as refused:
        find_students(SCHOOL, 5)

    assert refused.value.field == "text"


def test_a_reference_keeps_one_search_index_while_its_students_are_the_same():
    known = Reference(students={s.id: s for s in SCHOOL})
    made = []

    assert find_students(known, "jose") == [JOSE]
    known.of_students("search", lambda students, before: made.append(students))

    assert made == []
    assert find_students(Reference(students={GUPTA.id: GUPTA}), "jose") == []


def test_an_index_is_renewed_by_the_students_that_changed():
    index = StudentIndex(SCHOOL)
    renamed, new = replace(GUPTA, name="Sana Rao"), Student("S042", "Asha Gupta", "8-A")

    renewed = StudentIndex(
        [renamed if s == GUPTA else s for s in SCHOOL if s != JOSE] + [new], index
    )

    def found(text):
        return [renewed.students[place] for place in renewed.find(text)]

    assert renewed.first_part is index.first_part
    assert found("gupta") == [new]
    assert found("sana") == [renamed]
    assert found("rao") == [renamed]
    assert found("jose") == []
    assert renewed.students == StudentIndex(renewed.students).students
    assert StudentIndex(SCHOOL, renewed).students == index.students


STUDENTS = st.lists(
    st.builds(
        Student,
        st.sampled_from(["S1", "S02", "R3", "4", "5"]),
        st.sampled_from(["Asha Rao", "Sana Gupta", "Ashanti Das"]),
        st.sampled_from(["8-A", "9-A"]),
    ),
    unique_by=lambda student: student.id,
)


@given(st.lists(STUDENTS, min_size=2, max_size=5), st.sampled_from(["", "asha", "s", "8 a", "2"]))
def test_a_renewed_index_finds_what_a_new_one_finds(lists, text):
    index = None
    for students in lists:
        index = StudentIndex(students, index)
        new = StudentIndex(students)

        assert [index.students[n] for n in index.find(text)] == [
            new.students[n] for n in new.find(text)
        ]


def test_an_index_is_built_anew_where_many_students_changed():
    many = [Student(f"S{n}", "Asha Rao", "Blue") for n in range(3000)]
    index = StudentIndex(many)

    renewed = StudentIndex([replace(s, class_name="Red") for s in many], index)

    assert renewed.first_part is not index.first_part
    assert len(renewed.find("Red")) == len(many)
    assert renewed.find("Blue") == []


LETTERS = "aäáàâãåbcçćdeéèêëęfghiíîïklłmnñńoöóôõøpqrsśştuüúûvwxyýzžżß"
NAME = st.lists(
    st.text(st.sampled_from(LETTERS + "'’-"), min_size=1, max_size=12).filter(
        lambda word: any(c.isalpha() for c in word)
    ),
    min_size=1,
    max_size=4,
).map(" ".join)
PLAIN = {"ł": "l", "ø": "o", "ß": "ss"}


@st.composite
def typed_name(draw):
    """A name, and a way to type it: any order, case, spaces; perhaps without accents."""
    name = draw(NAME)
    words = draw(st.permutations(name.split()))
    text = draw(st.sampled_from([" ", "  ", "\u00a0", "\t", ", "])).join(words)
    if draw(st.booleans()):
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(PLAIN.get(c, c) for c in decomposed if not unicodedata.combining(c))
    change = draw(st.sampled_from([str.upper, str.lower, str.title, str]))
    spelling = draw(st.sampled_from(["NFC", "NFD"]))
    for apostrophe in "'’":
        text = text.replace(apostrophe, draw(st.sampled_from(["'", "’", "", "ʼ", "´"])))
    text = text.replace("-", draw(st.sampled_from(["-", " ", ""])))
    return name, unicodedata.normalize(spelling, change(text))


@given(typed_name(), st.lists(NAME, max_size=5))
def test_a_student_is_found_however_the_name_is_typed(typed, others):
    name, text = typed
    students = [Student(f"R{n}", other, "1-A") for n, other in enumerate([name, *others])]

    assert students[0] in find_students(students, text)


@given(NAME, st.data())
def test_a_word_with_one_wrong_letter_still_finds_its_student(name, data):
    words = [word for word in name.split() if len(word) > 4 and word.isalpha() and "ß" not in word]
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    place = data.draw(st.integers(0, len(word) - 1))
    wrong = (
        word[:place] + data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz")) + word[place + 1 :]
    )

    assert [s.id for s in find_students([Student("R1", name, "1-A")], wrong)] == ["R1"]
