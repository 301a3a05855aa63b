"""Tables as schools export them: titles, totals, odd delimiters and encodings, several sheets."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from workbook_files import HEADER, repacked, saved, workbook

from booking_core import InvalidRequest, Limits, read_table
from booking_core.school.roster import COLUMNS
from booking_core.tables.class_sheets import are_classes
from booking_core.tables.encodings import GUESSES
from booking_core.tables.table import RawTable, read_sheet, table_of

ASHA = {"id": "S1", "name": "Asha Rao", "class": "8-A"}


def read(data: bytes | str, name: str = "list.csv") -> list[dict[str, str]]:
    table = read_table(data.encode() if isinstance(data, str) else data, name, COLUMNS)
    return [row.values for row in table.rows]


def sheet_of(data: bytes | str, name: str = "list.csv", **options: Any) -> RawTable:
    return read_sheet(data.encode() if isinstance(data, str) else data, name, **options)


# Lines that are no rows


def test_titles_above_the_headings_are_not_read_and_said() -> None:
    text = "St. Mary's School, Pune\nClass list, 2026\n\nAdm No,Name,Std\nS1,Asha Rao,8-A\n"

    assert read(text) == [ASHA]
    assert sheet_of(text).notes == (
        "Line 1 is not read, above the headings: “St. Mary's School Pune”.",
        "Line 2 is not read, above the headings: “Class list 2026”.",
    )


def test_totals_footers_and_repeated_headings_are_no_students() -> None:
    head = "id,name,class\n"
    text = f"{head}S1,Asha Rao,8-A\nTotal,1,8-A\n{head}S1,Asha Rao,8-A\nGrand Total: 2,,\n\n"

    assert read(f"{text}Printed on 3 May,,\n") == [ASHA, ASHA]
    assert [note.partition(":")[0] for note in sheet_of(f"{text}Printed on 3 May,,\n").notes] == [
        "Line 3 is not read, a total",
        "Line 4 is not read",
        "Line 6 is not read, a total",
        "Line 8 is not read, under the table",
    ]


def test_a_student_whose_name_was_forgotten_stays_a_row() -> None:
    assert read("id,name,class\nS1,Asha Rao,8-A\nS2\n\nS 3,,\nYog,Yog,8-A\n")[1:] == [
        {"id": "S2", "name": "", "class": ""},
        {"id": "S 3", "name": "", "class": ""},
        {"id": "Yog", "name": "Yog", "class": "8-A"},
    ]


def test_headings_may_have_two_lines_and_last_empty_cells_no_delimiter() -> None:
    text = '"Adm\nNo",Name of Student,"Class/\nSection",E-mail\nS1,Asha Rao,8-A\n'

    assert read(text) == [{**ASHA, "email": ""}]
    assert read("id,name,class\nS1,Asha Rao,8-A\n\nS2,,\n")[1]["id"] == "S2"


# Delimiters and encodings


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^"])
def test_a_stated_delimiter_is_used(delimiter: str) -> None:
    lines = [delimiter.join(row) for row in (["id", "name", "class"], ["S1", "Asha Rao", "8-A"])]

    assert read("\n".join([f"sep={delimiter}", *lines])) == [ASHA]


def test_delimiters_within_quotes_do_not_count() -> None:
    text = '"List; of; all; students; 2026"\nid,name,class\nS1,"Rao; Asha; K; L",8-A\n'

    assert read(text) == [{**ASHA, "name": "Rao; Asha; K; L"}]
    assert read("id|name|class\nS1|Rao, Asha|8-A\n") == [{**ASHA, "name": "Rao, Asha"}]


NAMES = {
    "Windows-1252 (Western)": ["José", "Müller", "Zoë", "Françoise", "O’Brien", "Núñez"],
    "Windows-1254 (Turkish)": ["Ayşe", "Yağmur", "Işıl", "Müjde", "Çağla"],
    "Mac Roman": ["José", "Müller", "Zoë", "Françoise", "Núñez", "Martín"],
}


@pytest.mark.parametrize("encoding", NAMES)
def test_an_encoding_is_guessed_from_the_letters_and_said(encoding: str) -> None:
    text = "id,name,class\n" + "\n".join(f"S,{name},8-A" for name in NAMES[encoding])

    found = sheet_of(text.encode(GUESSES[encoding]))

    assert (found.encoding, found.guessed) == (encoding, True)
    assert [row.cells[1] for row in found.rows] == NAMES[encoding]


def test_a_person_may_say_another_encoding() -> None:
    data = "id,name,class\nS1,Þór,8-A\n".encode("cp1252")

    [turkish] = sheet_of(data).rows
    [row] = sheet_of(data, encoding="Windows-1252 (Western)").rows

    assert (turkish.cells[1], row.cells[1]) == ("Şór", "Þór")
    with pytest.raises(InvalidRequest, match="encoding: must be one of"):
        sheet_of(data, encoding="koi8-r")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read(codec: str) -> None:
    data = "id,name,class\nS1,Aşa Ráo,8-A\n".encode(codec)

    assert read(data) == [{**ASHA, "name": "Aşa Ráo"}]
    assert sheet_of(data).guessed == codec.endswith("e")  # without a mark


# Workbooks


def book_of(*sheets: tuple[str, list[list[Any]]]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book


def test_the_first_sheet_with_a_table_is_read_and_others_are_named() -> None:
    rows = [["id", "name", "class"], ["S1", "Asha Rao", "8-A"]]
    data = saved(book_of(("Empty", []), ("Cover", [["Class lists"]]), ("All", rows)))

    assert read(data, "list.xlsx") == [ASHA]
    assert sheet_of(data, "list.xlsx").notes == (
        "The sheet “Cover” is not read: it has other headings.",
    )


def test_sheets_with_the_same_headings_are_one_list() -> None:
    head = ["id", "name", "class"]
    first, second = [head, ["S1", "Asha Rao", "8-A"]], [["8-B"], head, ["S2", "Ravi", "8-B"]]
    data = saved(book_of(("8-A", first), ("8-B", second)))

    table = read_table(data, "list.xlsx", COLUMNS)

    assert [(row.sheet, row.line, row.values["id"]) for row in table.rows] == [
        ("8-A", 2, "S1"),
        ("8-B", 3, "S2"),
    ]
    assert table.notes == (
        "The sheets “8-A”, “8-B” are read as one list.",
        "Sheet “8-B”: Line 1 is not read, above the headings: “8-B”.",
    )


def test_a_sheet_for_each_class_gives_its_rows_their_class() -> None:
    head = ["Roll No", "Name"]
    sheets = [("8-A", [head, ["S1", "Asha"]]), ("VIII B", [head, ["S2", "Ravi", "", "x"]])]
    table = read_table(saved(book_of(*sheets)), "list.xlsx", COLUMNS)

    assert [(row.values["class"], row.cell("id"), row.cell("class")) for row in table.rows] == [
        ("8-A", "A2", ""),
        ("VIII B", "A2", ""),
    ]
    assert [row.problem for row in table.rows] == ["", "has 4 columns, the header 2"]
    assert table.notes == (
        "The sheets “8-A”, “VIII B” are read as one list.",
        "The class of a row is the name of its sheet.",
    )


def test_a_section_is_joined_to_the_class_of_its_sheet() -> None:
    head = ["Roll No", "Name", "Section"]
    sheets = [("8", [head, ["S1", "Asha", "A"]]), ("9", [head, ["S2", "Ravi", ""]])]
    table = read_table(saved(book_of(*sheets)), "list.xlsx", COLUMNS)

    assert [row.values["class"] for row in table.rows] == ["8-A", "9"]


@pytest.mark.parametrize(
    "names", [("Sheet1", "Sheet2"), ("2024", "2025"), ("8-A", "Staff"), ("8-A",)]
)
def test_other_sheets_are_no_classes(names: tuple[str, ...]) -> None:
    head = ["Roll No", "Name"]
    data = saved(book_of(*((name, [head, [f"S{name}", "Asha"]]) for name in names)))

    with pytest.raises(InvalidRequest, match="has no column class"):
        read_table(data, "list.xlsx", COLUMNS)


@pytest.mark.parametrize("heads", [["id", "name", "Form"], ["ground", "date", "student"]])
def test_a_column_for_the_class_and_a_history_need_no_names_of_sheets(heads: list[str]) -> None:
    sheets = [("8-A", [heads, ["1", "2", "3"]]), ("8-B", [heads, ["4", "5", "6"]])]

    assert list(sheet_of(saved(book_of(*sheets)), "list.xlsx").headings) == heads


@pytest.mark.parametrize(
    "name",
    ["8-A", "8A", "8 – a", "X", "XII Science", "Class 8-B", "Std. 9", "10th C", "UKG", "KG 1",
     "Nursery", "12-COMMERCE", "6ème", "कक्षा 5"],
)  # fmt: skip
def test_a_name_of_a_class_is_known(name: str) -> None:
    assert are_classes(["id", "name"], [name, "8-Z"])


@pytest.mark.parametrize(
    "name",
    ["Sheet1", "Term 1", "2024", "Total", "Page 2", "Victor", "100", "10 Jan", "5 May", "10(A"],
)
def test_a_name_of_no_class_is_known(name: str) -> None:
    assert not are_classes(["id", "name"], [name, "8-Z"])


def test_merged_cells_within_the_table_are_named_and_those_around_it_are_not() -> None:
    rows = [["Class list"], ["id", "name", "class"], ["S1", "Asha Rao", "8-A"], ["S2", "Ravi"]]
    book = book_of(("All", [*rows, ["S3", "Uma", "8-B"], ["Printed on 3 May"]]))
    for merged in ("A1:C1", "C3:C4", "E5:F5", "A6:C6"):
        book.active.merge_cells(merged)

    assert [row.problem for row in sheet_of(saved(book), "list.xlsx").rows] == [
        "has merged cells (C3:C4)",
        "has merged cells (C3:C4)",
        "",
    ]


def test_characters_that_a_workbook_escapes_are_read() -> None:
    data = workbook(
        ["S1", "Asha_x0020_Rao_x000D_", "8_x002D_A", None], ["S_x005F_x0041_", "U", "8"]
    )

    found = read(data, "list.xlsx")

    assert (found[0]["name"], found[0]["class"]) == ("Asha Rao", "8-A")
    assert found[1]["id"] == "S_x0041_"


def test_a_workbook_in_strict_open_xml_is_read() -> None:
    data = workbook(["S1", "Asha Rao", "8-A", None])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            for usual, strict in (
                (b"schemas.openxmlformats.org/spreadsheetml/2006/", b"spreadsheetml/"),
                (b"schemas.openxmlformats.org/officeDocument/2006/", b"officeDocument/"),
            ):
                content = content.replace(usual, b"purl.oclc.org/ooxml/" + strict)
            new.writestr(part.filename, content)

    assert read(file.getvalue(), "list.xlsx") == [{**ASHA, "email": ""}]


def test_rows_beyond_the_limit_are_refused_however_many_lines_are_no_rows() -> None:
    rows = [[f"S{n}", "Asha", "8-A"] for n in range(21_000)]
    with pytest.raises(InvalidRequest, match="has more than 20000 rows"):
        read(saved(book_of(("All", [["id", "name", "class"], *rows]))), "list.xlsx")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_lines_that_are_no_rows_are_limited_too(ending: str) -> None:
    rows = [["id", "name", "class"], *[["Total", "1", "8-A"]] * 600, ["S1", "Asha", "8-A"]]
    text = "\n".join(map(",".join, rows)).encode()
    data = text if ending == "csv" else saved(book_of(("All", rows)))

    with pytest.raises(InvalidRequest, match="has more than 3 rows"):
        sheet_of(data, f"list.{ending}", limits=Limits(rows=3))


def test_a_part_with_very_many_merged_cells_is_refused() -> None:
    data = workbook(["S1", "Asha", "8-A"])
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    merged = b"".join(b'<mergeCell ref="A%d:B%d"/>' % (n, n) for n in range(2, 10_100))
    many = sheet.replace(b"</sheetData>", b"</sheetData><mergeCells>" + merged + b"</mergeCells>")

    with pytest.raises(InvalidRequest, match="unpacks to far more"):
        read(repacked(data, sheet1=many), "list.xlsx")


# Any table

TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Sc", "Zs")), min_size=1, max_size=12
).map(str.strip)
STUDENTS = st.lists(
    st.tuples(st.from_regex(r"[A-Z]\d{1,5}", fullmatch=True), TEXT, TEXT).filter(
        lambda row: all(row) and not row[1].startswith("'") and not row[2].startswith("'")
    ),
    min_size=1,
    max_size=8,
)
TITLES = st.lists(st.sampled_from(["St. Mary's", "List; of, all", "", "2026/27"]), max_size=4)


@given(
    STUDENTS,
    TITLES,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_every_table_is_read_as_it_was_written(
    students: list[tuple[str, str, str]],
    titles: list[str],
    delimiter: str,
    codec: str,
    line_end: str,
    footer: bool,
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end)
    writer.writerows([[title] for title in titles])
    writer.writerow(HEADER[:3])
    writer.writerows(students)
    if footer:
        writer.writerows([[], ["Printed on 3 May"], ["Total", len(students)]])

    sheet = read_sheet(file.getvalue().encode(codec), "list.csv")
    rows = table_of(sheet, {"id": (0,), "name": (1,), "class": (2,)}).rows

    assert [tuple(row.values.values()) for row in rows] == students
