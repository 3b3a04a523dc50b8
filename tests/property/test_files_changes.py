"""Changes put onto a seller's texts and then their revert give the seller's texts back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidFieldError
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.profile import list_profile_names, load_profile, normalize_header
from domain.files.source import ByteStream
from domain.files.subset import write_changes, write_revert
from domain.files.tokens import Tokenizer

AUTHORED = ["title", "description"]
TEXT = st.text(alphabet='ab ;,:"\n', min_size=1, max_size=8).map(lambda text: f"T{text}")


@dataclass(frozen=True, kw_only=True)
class Form:
    """A profile's header, the columns of key and texts, and cells that stand in every row."""

    header: str
    key: str
    title: str
    description: str = ""
    delimiter: str = ","
    above: str = ""
    fixed: dict[str, str] = field(default_factory=dict)


FORMS = {
    "shopify": Form(
        header="Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Tags",
        key="Handle",
        title="Title",
        description="Body (HTML)",
    ),
    "shopify_new": Form(
        header="Title,URL handle,Description,Vendor,Option1 name,Option1 value,SKU,Tags",
        key="URL handle",
        title="Title",
        description="Description",
    ),
    "woocommerce": Form(
        header="ID,Type,SKU,Name,Description,Categories,Published,Tags",
        key="ID",
        title="Name",
        fixed={"Type": "simple"},
    ),
    "ebay_file_exchange": Form(
        header="*Action(SiteID=US|CC=UTF-8),ItemID,*Title,*Description,PicURL,StartPrice,"
        "CustomLabel,Relationship,RelationshipDetails",
        key="ItemID",
        title="*Title",
        description="*Description",
        fixed={"*Action(SiteID=US|CC=UTF-8)": "Add"},
    ),
    "amazon_flat_file": Form(
        header="feed_product_type,item_sku,item_name,product_description,update_delete,quantity",
        key="item_sku",
        title="item_name",
        description="product_description",
        delimiter="\t",
        above="TemplateType=x\tVersion=1\nType\tSKU\tName\tText\tUpdate\tQuantity\n",
        fixed={"feed_product_type": "hat"},
    ),
    "google_feed": Form(
        header="id,title,description,link,image_link,availability,price,condition",
        key="id",
        title="title",
        description="description",
        delimiter="\t",
    ),
    "meta_catalog": Form(
        header="id,title,description,availability,condition,price,link,image_link,brand,"
        "rich_text_description",
        key="id",
        title="title",
        description="description",
        above="# ref_application_id 1\n",
    ),
    "generic": Form(
        header="sku,title,description,brand,tags",
        key="sku",
        title="title",
        description="description",
    ),
}
NONE = {"etsy_download", "ebay_drafts", "ebay_active", "amazon_active"}


def build_file(form: Form, texts: list[tuple[str, str]]) -> bytes:
    lines = [form.header.replace(",", form.delimiter)]
    for number, (title, description) in enumerate(texts):
        known = {**form.fixed, form.key: f"K{number}", form.title: title}
        if form.description:
            known[form.description] = description
        cells = (known.get(name, "").replace('"', '""') for name in form.header.split(","))
        lines.append(form.delimiter.join(f'"{cell}"' for cell in cells))
    return (form.above + "\n".join(lines) + "\n").encode()


def read_table(content: bytes, form: Form) -> dict[str, dict[str, str]]:
    """Rows by key, each by column name."""
    tokenizer = Tokenizer(form.delimiter)
    records = list(tokenizer.iter_records([content.decode()]))[form.above.count("\n") :]
    rows = [[tokenizer.value(cell) for cell in tokenizer.split(one.raw)] for one in records]
    return {row[rows[0].index(form.key)]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def apply(table: dict[str, dict[str, str]], patch: dict[str, dict[str, str]]) -> None:
    """What the platform does: overwrite the cells that the patch has."""
    for key, row in patch.items():
        table[key].update(row)


def test_every_profile_takes_changes_or_says_why_not():
    assert {*FORMS, *NONE} == {*list_profile_names()}
    assert {name for name in list_profile_names() if load_profile(name).no_changes} == NONE


@pytest.mark.parametrize("profile", FORMS)
@settings(deadline=None, max_examples=20)
@given(drawn=st.data())
def test_changes_then_revert(profile, drawn):
    form = FORMS[profile]
    texts = drawn.draw(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
    content = build_file(form, texts)

    def stream():
        return iter([content])

    shape = inspect_file(stream)
    assert shape.profile == profile
    edits = draw_edits(drawn, stream, described=bool(form.description))
    original = read_table(content, form)
    patch = b"".join(write_changes(stream, shape, edits))
    back = b"".join(write_revert(stream, shape, edits))
    if patch.count(b"\n") <= form.above.count("\n") + 1:
        return
    changed, reverted = read_table(patch, form), read_table(back, form)
    assert changed.keys() == reverted.keys()
    live = {key: dict(row) for key, row in original.items()}
    apply(live, changed)
    for row_no, fields, by_llm in edits:
        if "title" not in by_llm or profile != "google_feed":
            assert live[f"K{row_no - 1}"][form.title] == fields["title"]
    apply(live, reverted)
    verbs = {name for name in form.header.split(",") if is_verb(profile, name)}
    for key, row in original.items():
        kept = {name: cell for name, cell in live[key].items() if name not in verbs}
        added = {name: "" for name in kept if name not in row}
        assert kept == {**{n: cell for n, cell in row.items() if n not in verbs}, **added}
    assert {row[n] for row in changed.values() for n in verbs} <= {"Revise", "PartialUpdate"}


def draw_edits(drawn, stream: ByteStream, *, described: bool):
    edits = []
    for product in iter_products(stream, inspect_file(stream)):
        fields = {"title": drawn.draw(TEXT)}
        if described and drawn.draw(st.booleans()):
            fields["description"] = drawn.draw(TEXT)
        edits.append((product.row_no, fields, drawn.draw(st.sets(st.sampled_from(AUTHORED)))))
    return edits


def is_verb(profile: str, name: str) -> bool:
    names = load_profile(profile).update_verb
    return any(normalize_header(name).startswith(normalize_header(v.rstrip("*"))) for v in names)


@pytest.mark.parametrize("profile", sorted(NONE))
def test_profiles_without_changes_say_what_to_do(profile):
    shape = inspect_file(lambda: iter([b"title,item_name,item-name,sku\nMug,Mug,Mug,A\n"]))
    with pytest.raises(InvalidFieldError) as caught:
        write_changes(lambda: iter([]), replace(shape, profile=profile), [])
    assert "form" in caught.value.remedy
