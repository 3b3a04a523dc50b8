"""The seller's own file back: byte for byte but for what was approved."""

from __future__ import annotations

import csv
import io

import pytest

from core.errors import ConflictError, InvalidFieldError, NotFoundError
from domain.files.forms import Form
from services.accept import accept_import
from services.export import export_import, parse_form
from services.imports import confirm_import
from services.review import Decision, decide
from tests.support.jobs import (
    execute,
    import_all,
    make_csv,
    make_seller,
    make_worker,
    query,
    run_all,
    upload,
)
from tests.unit.files.workbooks import build_workbook, read_cells

pytestmark = pytest.mark.servers

ODD = b'\xef\xbb\xbfsku;title;note\r\nA;"Red ""big"" mug";=1+1\r\n\r\nB;Blue mug;"two\nlines"\r\n'


def read(deps, seller, import_id, form=None):
    return b"".join(export_import(deps, seller.id, import_id, form=form).body)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("content", [ODD, make_csv(3)], ids=["odd", "plain"])
def test_what_was_not_approved_comes_back_byte_for_byte(deps, seller, content):
    import_id = import_all(deps, seller, content)
    assert read(deps, seller, import_id, Form.FULL) == content


def test_only_approved_cells_differ(deps, seller):
    content = make_csv(3)
    import_id = import_all(deps, seller, content)
    accept_import(deps, seller.id, import_id, actor="test")
    before, after = rows_of(content), rows_of(read(deps, seller, import_id))
    assert [row["sku"] for row in after] == [row["sku"] for row in before]
    assert [row["description"] for row in after] == [row["description"] for row in before]
    assert all(len(row["title"]) <= 80 for row in after)
    assert all(new["title"] != old["title"] for new, old in zip(after, before, strict=True))


def test_changes_and_their_revert_name_the_same_products(deps, seller):
    content = make_csv(3)
    import_id = import_all(deps, seller, content)
    assert rows_of(read(deps, seller, import_id, Form.CHANGES)) == []
    accept_import(deps, seller.id, import_id, actor="test")
    changes = rows_of(read(deps, seller, import_id, Form.CHANGES))
    revert = rows_of(read(deps, seller, import_id, Form.REVERT))
    assert [row["sku"] for row in changes] == [row["sku"] for row in revert]
    assert [row["title"] for row in revert] == [row["title"] for row in rows_of(content)]
    assert all(len(row["title"]) <= 80 for row in changes)


def test_a_supplement_holds_keys_and_new_fields(deps, seller):
    import_id = import_all(deps, seller, make_csv(2), channel="google")
    accept_import(deps, seller.id, import_id, actor="test")
    found = rows_of(read(deps, seller, import_id, Form.SUPPLEMENT))
    assert len(found) == 2
    assert all(any("SKU-" in cell for cell in row.values()) for row in found)


def test_nothing_is_handed_out_before_it_is_ready(deps, seller):
    import_id = upload(deps, seller, make_csv(2))
    with pytest.raises(ConflictError, match="received"):
        export_import(deps, seller.id, import_id)
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    with pytest.raises(ConflictError, match="confirmed"):
        export_import(deps, seller.id, import_id)


def test_an_export_of_a_failed_import_or_of_another_seller_is_refused(deps, seller):
    import_id = upload(deps, seller, b"")
    run_all(deps, make_worker(deps))
    with pytest.raises(ConflictError, match="failed"):
        export_import(deps, seller.id, import_id)
    with pytest.raises(NotFoundError):
        export_import(deps, make_seller(deps, "other@example.com").id, import_id)


def test_fields_left_out_of_this_run_are_not_in_its_file(deps, seller):
    """What an earlier run of the same file changed elsewhere is not this run's."""
    content = make_csv(2)
    accept_import(deps, seller.id, import_all(deps, seller, content), actor="test")
    second = import_all(deps, seller, content, fields=("description",))
    accept_import(deps, seller.id, second, actor="test")
    assert read(deps, seller, second, Form.FULL) == content
    assert rows_of(read(deps, seller, second, Form.CHANGES)) == []


def test_an_unknown_form_is_refused_by_name():
    assert parse_form("") is None
    assert parse_form("full") is Form.FULL
    with pytest.raises(InvalidFieldError, match="fulll"):
        parse_form("fulll")


def test_text_to_paste_is_for_etsy_alone(deps, seller):
    import_id = import_all(deps, seller, make_csv(2), channel="etsy")
    accept_import(deps, seller.id, import_id, actor="test")
    export = export_import(deps, seller.id, import_id, form=Form.PASTE)
    text = b"".join(export.body).decode()
    assert export.name.endswith("-paste.txt")
    assert "Listing 2: SKU-1" in text
    assert "TITLE\nNorthfold" in text
    other = import_all(deps, seller, make_csv(1), channel="ebay")
    with pytest.raises(InvalidFieldError, match="paste"):
        export_import(deps, seller.id, other, form=Form.PASTE)


def test_a_workbook_comes_back_as_a_workbook_and_its_changes_as_text(deps, seller):
    title = "Northfold beanie soft rib knit green merino wool warm winter hat " * 4
    content = build_workbook({"Products": [["sku", "title", "stock"], ["A", title, 3]]})
    import_id = import_all(deps, seller, content)
    assert read(deps, seller, import_id, Form.FULL) == content
    accept_import(deps, seller.id, import_id, actor="test")
    after = read_cells(read(deps, seller, import_id, Form.FULL))
    assert {place for place, cell in read_cells(content).items() if after[place] != cell} == {
        ("Products", "B2")
    }
    changes = export_import(deps, seller.id, import_id, form=Form.CHANGES)
    assert changes.name == "products-changes.txt"
    assert b"".join(changes.body).startswith(b"sku\ttitle\r\nA\tNorthfold")


def test_a_google_feed_lacking_marked_columns_says_that_it_may_get_them(deps, seller):
    header = "id\ttitle\tdescription\tlink\tprice\tavailability\tcondition\timage_link\n"
    content = (header + "A\tMug\tFine\tu\t1\tx\ty\tz\n").encode()
    import_id = import_all(deps, seller, content, channel="google")
    export = export_import(deps, seller.id, import_id)
    assert "structured_title, structured_description" in export.notes[0]
    assert b"".join(export.body) == content


def test_each_text_of_a_google_feed_is_marked_for_its_own_author(deps, seller):
    """Only what a language model wrote is: not what rules mended, nor the seller's own edit."""
    header = "id\ttitle\tdescription\tlink\tprice\tavailability\tcondition\timage_link\n"
    long = "Northfold beanie of soft green merino wool " * 5
    row = f"\t{long}\t<b>Fine</b> <table>x</table>\tu\t1\tx\ty\tz\n"
    content = (header + f"A{row}" + f"B{row}").encode()
    import_id = import_all(deps, seller, content, channel="google")
    execute(deps, "UPDATE app.suggestion_field SET engine = 'groq' WHERE field = 'title'")
    [first, second] = query(deps, "SELECT id FROM app.suggestion ORDER BY id")
    for name in ("title", "description"):
        decide(deps, seller.id, first[0], {name: Decision(action="accept")}, actor="test")
    own = Decision(action="edit", text="Northfold beanie of merino wool")
    decide(deps, seller.id, second[0], {"title": own}, actor="test")
    text = read(deps, seller, import_id).decode()
    accepted, edited = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
    assert accepted["title"] == ""
    assert accepted["structured_title"].startswith('trained_algorithmic_media:"Northfold')
    assert accepted["description"].startswith("Fine")
    assert "structured_description" not in accepted
    assert (edited["title"], edited["structured_title"]) == (own.text, "")


def test_an_edit_that_changes_nothing_is_still_the_language_model_s_text(deps, seller):
    header = "id\ttitle\tdescription\tlink\tprice\tavailability\tcondition\timage_link\n"
    long = "Northfold beanie of soft green merino wool " * 5
    content = (header + f"A\t{long}\tFine\tu\t1\tx\ty\tz\n").encode()
    import_id = import_all(deps, seller, content, channel="google")
    execute(deps, "UPDATE app.suggestion_field SET engine = 'groq'")
    [(suggestion_id, after)] = query(deps, "SELECT suggestion_id, after FROM app.suggestion_field")
    same = Decision(action="edit", text=after)
    decide(deps, seller.id, suggestion_id, {"title": same}, actor="test")
    assert b"trained_algorithmic_media" in read(deps, seller, import_id)


def test_keys_that_we_made_up_are_told_where_they_would_be_used(deps, seller):
    header = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Variant SKU\n"
    rows = "".join(f"{handle},Mug {n},Fine,N,Mug,a,TRUE,S{n}\n" for n, handle in enumerate("aba"))
    content = (header + rows).encode()
    own = import_all(deps, seller, content, channel="shopify")
    assert not any("made up" in note for note in export_import(deps, seller.id, own).notes)
    other = import_all(deps, seller, content, channel="google")
    export = export_import(deps, seller.id, other)
    assert export.form is Form.SUPPLEMENT
    [note] = [note for note in export.notes if "made up" in note]
    assert note.startswith("We made up a key for 1 of the products")
    assert "'a#2', line 4" in note
    [(notes,)] = query(deps, "SELECT notes FROM app.import_file WHERE id = :id", id=other)
    assert note in notes


def test_a_key_of_the_seller_s_that_only_looks_made_up_is_theirs(deps, seller):
    content = b"sku,title\nrow-7,Mug\nB#2,Cup\nC,Pot\n,Pan\n"
    import_id = import_all(deps, seller, content, channel="ebay")
    form = Form.SUPPLEMENT
    [note] = export_import(deps, seller.id, import_id, form=form).notes
    assert note.startswith("We made up a key for 1 of")
    assert "'row-4', line 5" in note
