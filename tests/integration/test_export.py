"""The seller's own file back: byte for byte but for what was approved."""

from __future__ import annotations

import csv
import io

import pytest

from core.errors import ConflictError, InvalidFieldError, NotFoundError
from domain.files.forms import Form
from services.export import export_import, parse_form
from services.imports import confirm_import
from services.review import accept_import
from tests.support.jobs import import_all, make_csv, make_seller, make_worker, run_all, upload

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
