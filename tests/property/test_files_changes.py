"""Changes put onto a seller's texts and then their revert give the seller's texts back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.reader import build_tokenizer
from domain.files.subset import write_changes, write_revert

HEADERS = {
    "shopify": "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Tags",
    "shopify_new": "Title,URL handle,Description,Vendor,Option1 name,Option1 value,SKU,Tags",
    "woocommerce": "ID,Type,SKU,Name,Description,Categories,Published,Tags",
    "generic": "sku,title,description,brand,tags",
}
KEYS = {"shopify": "Handle", "shopify_new": "URL handle", "woocommerce": "ID", "generic": "sku"}
TITLES = {"shopify": "Title", "shopify_new": "Title", "woocommerce": "Name", "generic": "title"}
TEXT = st.text(alphabet='ab ;,"\n', min_size=1, max_size=8).map(lambda text: f"T{text}")


def read_table(content: bytes, key: str) -> dict[str, dict[str, str]]:
    """Rows by key, each by column name."""
    shape = inspect_file(lambda: iter([content]), profile="generic")
    tokenizer = build_tokenizer(shape)
    rows = [
        [tokenizer.value(cell) for cell in tokenizer.split(record.raw)]
        for record in tokenizer.iter_records([content.decode()])
    ]
    return {row[rows[0].index(key)]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


@pytest.mark.parametrize("profile", HEADERS)
@settings(deadline=None, max_examples=25)
@given(titles=st.lists(TEXT, min_size=1, max_size=4), drawn=st.data())
def test_changes_then_revert(profile, titles, drawn):
    columns = HEADERS[profile].split(",")
    key, title = KEYS[profile], TITLES[profile]
    lines = [HEADERS[profile]]
    for number, text in enumerate(titles):
        quoted = '"' + text.replace('"', '""') + '"'
        lines.append(",".join({key: f"K{number}", title: quoted}.get(name, "") for name in columns))
    content = ("\n".join(lines) + "\n").encode()

    def stream():
        return iter([content])

    shape = inspect_file(stream)
    assert shape.profile == profile
    products = list(iter_products(stream, shape))
    new = [drawn.draw(TEXT) for _ in products]
    edits = [(p.row_no, {"title": text}) for p, text in zip(products, new, strict=True)]
    if new == titles:
        return
    original = read_table(content, key)
    changed = read_table(b"".join(write_changes(stream, shape, edits)), key)
    reverted = read_table(b"".join(write_revert(stream, shape, edits)), key)
    assert changed.keys() == reverted.keys()
    assert {k: row[title] for k, row in changed.items()} == {
        f"K{n}": text for n, text in enumerate(new) if text != titles[n]
    }
    assert reverted == {k: {name: original[k][name] for name in row} for k, row in reverted.items()}
