"""CSV files with every usual delimiter, line end and encoding; other files are refused."""

from __future__ import annotations

import pytest

from booking_core import InvalidRequest, Table, read_table
from booking_core.operations.history_import import STUDENT_COLUMNS


def students(text: str) -> Table:
    return read_table(text.encode(), "students.csv", STUDENT_COLUMNS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf  \r\n", "is empty"),
        (b"PK\x03\x04rest of a workbook", r"is a workbook or an archive, .* \.xlsx"),
        ("id,name,class".encode("utf-16")[:-1], "is no text in UTF-16"),
        (b"id,name\0,class", "is no text file"),
        (b"id,name,class\nS1,Jos\x81,8-A\n", r"is no text that can be read \(line 2\)"),
        (b"id,name,class\nS1,Jos\xe9\x01,8-A\n", r"is no text that can be read \(line 2\)"),
        (b"id;name\nS1;Asha\n", "has no column class in line 1"),
        (b"one\ntwo\n", "has no columns id, name, class in line 1"),
        (
            b"id,name,class,Name\nS1,Asha,8-A,Asha\n",
            "is not clear: “name” or “Name” could be the name",
        ),
        (b"id,name,class\n\n", "has a header and no rows under it"),
        (b'id,name,class\nS1,"Asha,8-A\n', "cannot be read from line 2 on"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=f"file: {problem}") as caught:
        read_table(data, "students.csv", STUDENT_COLUMNS)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_delimiter_line_end_and_byte_order_mark_reads_the_same(
    delimiter: str, line_end: str, mark: str
) -> None:
    rows = [["Roll No", "NAME", "Class"], ["S900", "Asha Rao", "8-A"], ["S901", "Ravi", "8-B"]]
    text = mark + line_end.join(delimiter.join(row) for row in rows) + line_end

    found = read_table(text.encode(), "students.csv", STUDENT_COLUMNS)

    assert [(row.line, row.values) for row in found.rows] == [
        (2, {"id": "S900", "name": "Asha Rao", "class": "8-A"}),
        (3, {"id": "S901", "name": "Ravi", "class": "8-B"}),
    ]


def test_lines_are_numbered_as_in_an_editor() -> None:
    text = 'id,name,class\n\nS1,"Rao, ""Asha""",8-A\nS2,"two\nlines",8-A\nS3,Ravi,8-A\n'

    found = students(text)

    assert [row.line for row in found.rows] == [3, 4, 6]
    assert found.rows[0].values["name"] == 'Rao, "Asha"'
