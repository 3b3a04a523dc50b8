"""Google feeds: text of a language model stands in marked columns, other text in plain ones."""

from __future__ import annotations

import csv
import io

import pytest

from domain.files.inspection import inspect_file
from domain.files.structured import build_structured, parse_structured
from domain.files.subset import write_changes, write_revert
from domain.files.writer import write_full
from tests.unit.files.streams import read_all, stream_of

PLAIN = (
    "id\ttitle\tdescription\tlink\tprice\tavailability\tcondition\timage_link\r\n"
    "A\tMug\tFine\tu\t1\tx\ty\tz\r\n"
    "\r\n"
    "B\tCup\tGood\tu\t1\tx\ty\tz\r\n"
    "C\tPot\r\n"
)
MARKED = (
    "id\ttitle\tstructured_title\tdescription\tlink\tprice\tavailability\tcondition\timage_link\n"
    'A\t\t"trained_algorithmic_media:""Mug, 5"""" wide"""\tFine\tu\t1\tx\ty\tz\n'
    "B\tCup\t\tGood\tu\t1\tx\ty\tz\n"
    "C\tPot\t:Kettle\tGood\tu\t1\tx\ty\tz\n"
    "D\t\t:Pan\tGood\tu\t1\tx\ty\tz\n"
)
GROQ = ("title", "description")
RULES = ()


def write(content: str, edits, writer=write_full) -> list[list[str]]:
    stream = stream_of(content)
    written = b"".join(writer(stream, inspect_file(stream), edits)).decode()
    return list(csv.reader(io.StringIO(written, newline=""), delimiter="\t"))


@pytest.mark.parametrize(
    ("cell", "parsed"),
    [
        ('trained_algorithmic_media:"a ""b"": c"', ("trained_algorithmic_media", 'a "b": c')),
        ("trained_algorithmic_media:a", ("trained_algorithmic_media", "a")),
        (":plain: text", ("", "plain: text")),
        ("default:text", ("default", "text")),
        ("Mug: blue", ("", "Mug: blue")),
        ("mug", ("", "mug")),
        ("", ("", "")),
    ],
)
def test_marked_cells(cell, parsed):
    assert parse_structured(cell) == parsed


def test_marks_round_trip():
    for text in ("a", 'a "b"', "a: b", '"', "a\nb", ""):
        assert parse_structured(build_structured(text, "trained_algorithmic_media"))[1] == text


def test_a_title_standing_in_the_marked_column_alone_is_the_title():
    shape, products = read_all(MARKED)
    assert shape.profile == "google_feed"
    titles = [p.listing.text("title") for p in products]
    assert titles == ['Mug, 5" wide', "Cup", "Pot", "Pan"]


def test_a_feed_without_the_plain_column():
    content = "\n".join(
        "\t".join(cell for i, cell in enumerate(line.split("\t")) if i != 1)
        for line in MARKED.splitlines()
        if not line.startswith(("B", "C"))
    )
    shape, products = read_all(content)
    assert shape.profile == "google_feed"
    assert shape.column_name("title") == "structured_title"
    assert [p.listing.text("title") for p in products] == ['Mug, 5" wide', "Pan"]
    rows = write(content, [(1, {"title": "Big mug"}, RULES), (2, {"title": "Big pan"}, GROQ)])
    assert [row[1] for row in rows[1:]] == [
        'trained_algorithmic_media:"Big mug"',
        'trained_algorithmic_media:"Big pan"',
    ]


def test_text_is_written_where_its_writer_demands():
    edits = [
        (1, {"title": "Big mug"}, RULES),
        (2, {"title": "Big cup"}, GROQ),
        (3, {"title": "Big pot"}, RULES),
        (4, {"title": "Big pan"}),
    ]
    rows = write(MARKED, edits)
    assert [row[1:3] for row in rows[1:]] == [
        ["", 'trained_algorithmic_media:"Big mug"'],
        ["", 'trained_algorithmic_media:"Big cup"'],
        ["Big pot", ":Kettle"],
        ["", 'default:"Big pan"'],
    ]


def test_an_absent_column_is_appended_only_where_it_is_needed():
    assert write(PLAIN, [(1, {"title": "Big mug"}, RULES)])[0][-1] == "image_link"
    rows = write(PLAIN, [(1, {"title": "Big mug"}, GROQ), (2, {"title": "Big cup"}, RULES)])
    assert rows[0][-2:] == ["image_link", "structured_title"]
    assert [row[1:] and row[1] for row in rows[1:]] == ["", [], "Big cup", "Pot"]
    assert [row[-1] for row in rows if row] == [
        "structured_title",
        'trained_algorithmic_media:"Big mug"',
        "",
        "",
    ]
    assert {len(row) for row in rows} == {0, 9}


def test_each_field_is_marked_for_its_own_author():
    edits = [
        (1, {"title": "Big mug", "description": "Best"}, {"title"}),
        (2, {"title": "Big cup", "description": "Better"}, {"description"}),
    ]
    header, first, _, second, third = write(PLAIN, edits)
    assert header[-2:] == ["structured_title", "structured_description"]
    assert (first[1:3], first[-2:]) == (["", "Best"], ['trained_algorithmic_media:"Big mug"', ""])
    assert second[1:3] == ["Big cup", ""]
    assert second[-2:] == ["", 'trained_algorithmic_media:"Better"']
    assert third[-2:] == ["", ""]


def test_only_the_columns_that_a_model_s_text_needs_are_appended():
    edits = [(1, {"title": "Big mug", "description": "Best"}, {"description"})]
    assert write(PLAIN, edits)[0][-2:] == ["image_link", "structured_description"]


def test_changes_and_revert_carry_the_appended_column():
    edits = [(2, {"title": "Big cup", "description": "Best"}, GROQ)]
    header = ["id", "title", "description", "structured_title", "structured_description"]
    assert write(PLAIN, edits, write_changes) == [
        header,
        ["B", "", "", *(f'trained_algorithmic_media:"{text}"' for text in ("Big cup", "Best"))],
    ]
    assert write(PLAIN, edits, write_revert) == [header, ["B", "Cup", "Good", "", ""]]


def test_an_unchanged_text_stays_where_it_is():
    stream = stream_of(PLAIN)
    shape = inspect_file(stream)
    assert b"".join(write_full(stream, shape, [(1, {"title": "Mug"}, RULES)])) == PLAIN.encode()


def test_other_files_are_never_widened():
    content = "id,title,brand\nA,Mug,x\n"
    stream = stream_of(content)
    written = b"".join(write_full(stream, inspect_file(stream), [(1, {"title": "Cup"}, GROQ)]))
    assert written.decode() == content.replace("Mug", "Cup")
