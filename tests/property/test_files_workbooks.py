"""Whatever a workbook says, it comes back cell for cell, with edits the edited cells alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.writer import write_full
from tests.unit.files.streams import stream_of
from tests.unit.files.workbooks import build_workbook, read_cells

TEXT = st.text(alphabet="ab <>&\"'\n\t\u00e9\U0001f3fa;,", min_size=1, max_size=12).map(
    lambda text: f"T{text}"
)
CELL = st.none() | TEXT | st.integers(-5, 10**9) | st.booleans() | st.floats(-1e6, 1e6)
ROW = st.tuples(TEXT, st.none() | TEXT, CELL, CELL)


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(ROW, min_size=1, max_size=5), drawn=st.data())
def test_only_edited_cells_differ(rows, drawn):
    header: list[object] = ["title", "description", "note", "stock"]
    content = build_workbook({"First": [["x"]], "Table": [header, *map(list, rows)]})
    stream = stream_of(content)
    shape = inspect_file(stream)
    assert shape.dialect.sheet == "Table"
    assert b"".join(write_full(stream, shape, [])) == content
    edits = []
    for product in iter_products(stream, shape):
        names = drawn.draw(st.sets(st.sampled_from(["title", "description"])))
        edits.append((product.row_no, {name: drawn.draw(TEXT) for name in sorted(names)}))
    written = b"".join(write_full(stream, shape, edits))
    after = read_cells(written)
    expected = read_cells(content)
    for row_no, fields in edits:
        for name, text in fields.items():
            place = f"{'A' if name == 'title' else 'B'}{row_no + 1}"
            expected["Table", place] = (text, "General", False)
    assert after == expected
    again = [p.listing.fields["title"] for p in iter_products(stream_of(written), shape)]
    assert again == [
        fields.get("title", row[0]) for (_, fields), row in zip(edits, rows, strict=True)
    ]
