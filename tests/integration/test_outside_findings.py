"""What people met who knew only the README; each test fails when its fault is planted again."""

from __future__ import annotations

import pytest

from domain.brief import Mode
from domain.files.forms import Form
from services.accept import accept_import
from services.export import export_import
from services.import_options import ImportOptions
from services.import_receive import receive_import
from services.import_show import get_import
from services.imports import confirm_import
from tests.support.jobs import make_worker, query, run_all

pytestmark = pytest.mark.servers

LONG = "Wool Blanket for Sofa and Bed in Autumn Colours with Fringes at both Ends in Grey"


def run_import(deps, seller, text, *, channel="ebay", **options):
    import_id = receive_import(
        deps,
        seller.id,
        name="file.csv",
        channel=channel,
        options=ImportOptions(**options),
        body=[text.encode()],
    )
    worker = make_worker(deps)
    run_all(deps, worker)
    assert get_import(deps, seller.id, import_id)["error"] is None
    confirm_import(deps, seller.id, import_id)
    run_all(deps, worker)
    accept_import(deps, seller.id, import_id, actor="test")
    return import_id


@pytest.mark.parametrize(
    ("price", "quantity"),
    [("26299000", "1"), ("5", "3000000000"), ("9999999999999", "99999999999")],
)
def test_prices_and_stocks_of_any_currency_are_taken(deps, seller, price, quantity):
    text = f"sku,title,price,quantity\nA-1,Grey Wool Blanket,{price},{quantity}\n"
    run_import(deps, seller, text)
    assert query(deps, "SELECT value_minor > 0 FROM app.listing") == [(True,)]


def test_a_run_gives_back_its_own_work_and_not_an_earlier_run_s(deps, seller):
    text = f"sku,title,description,tags\nA-1,Grey Wool Blanket,{LONG}.,\n"
    earlier = run_import(deps, seller, text, channel="etsy", mode=Mode.IMPROVE)
    later = run_import(deps, seller, text, channel="etsy")
    changed, same = (
        b"".join(export_import(deps, seller.id, one, form=Form.FULL, own_work=True).body).decode()
        for one in (earlier, later)
    )
    assert changed != text
    assert same == text


def test_no_call_is_spent_on_a_field_that_the_result_cannot_carry(deps, seller):
    text = (
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Variant Price,SEO Title,"
        "SEO Description\nblanket,Grey Wool Blanket,<p>Warm. Made of wool.</p>,Acme,Blanket,,"
        "TRUE,5,,\n"
    )
    run_import(deps, seller, text, channel="google", mode=Mode.IMPROVE)
    written = {field for (field,) in query(deps, "SELECT field FROM app.suggestion_field")}
    assert not written & {"seo_title", "seo_description", "tags"}
