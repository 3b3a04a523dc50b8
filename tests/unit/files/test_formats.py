"""Headers as platforms really write them, and what becomes of cells that are no text."""

from __future__ import annotations

import json

import pytest

from core.errors import InvalidFieldError
from domain.files.inspection import inspect_file
from domain.files.subset import write_changes
from domain.files.writer import write_full
from tests.unit.files.streams import read_all, stream_of

FIELDS = "feed_product_type\titem_sku\titem_name\tbullet_point1\tbullet_point2\tupdate_delete"
ROW = "hat\tH-1\tWool hat\tWarm\t\t"
LABELS = "Produkttyp\tSKU\tProduktname\tAufz\u00e4hlung\tAufz\u00e4hlung\tAktion"
TEMPLATE = "TemplateType=fptcustom\tVersion=2026.0714\tThe top 3 rows are Amazon's.\t\t\t"
GROUPS = "Pflicht\tPflicht\tPflicht\tSuche\tSuche\t"


@pytest.mark.parametrize(
    "above",
    [
        [TEMPLATE, LABELS],
        [TEMPLATE, GROUPS, LABELS],
        [TEMPLATE, GROUPS, "\t\t\t\t\t", LABELS],
    ],
    ids=["3", "4", "5"],
)
def test_amazon_with_several_header_rows(above):
    content = "\r\n".join([*above, FIELDS, ROW, ""])
    shape, (product,) = read_all(content)
    assert (shape.profile, shape.header_line) == ("amazon_flat_file", len(above) + 1)
    assert product.listing.fields["bullets"] == ("Warm",)
    assert product.line == len(above) + 2
    stream = stream_of(content)
    assert b"".join(write_full(stream, shape, [])) == content.encode()
    changes = b"".join(write_changes(stream, shape, [(1, {"title": "Hat"})])).decode()
    lines = changes.split("\r\n")
    assert lines[0] == TEMPLATE
    assert lines[len(above) - 1] == "Produkttyp\tSKU\tProduktname\tAktion"
    assert lines[len(above) + 1 :] == ["hat\tH-1\tHat\tPartialUpdate", ""]


@pytest.mark.parametrize("row", [4, 5])
def test_amazon_settings_say_where_rows_begin(row):
    names = (
        "contribution_sku#1.value\titem_name[marketplace_id=X][language_tag=de_DE]#1.value\t"
        "bullet_point[marketplace_id=X]#1.value\tbullet_point[marketplace_id=X]#2.value\t"
        "feed_product_type"
    )
    example = ["EXAMPLE\tAn example\t\t\t"] * (row - 4)
    settings = f"settings=attributeRow=3&contentLanguageTag=de_DE&dataRow={row}&labelRow=2\t\t\t\t"
    labels = "SKU\tName\tPunkt\tPunkt\tTyp"
    lines = [settings, labels, names, *example, "H-1\tWool hat\tWarm\tSoft\that", ""]
    shape, products = read_all("\n".join(lines))
    assert (shape.profile, shape.header_line, shape.rows_from) == ("amazon_flat_file", 3, row)
    assert [(p.key, p.line, p.row_no) for p in products] == [("H-1", row, 1)]
    assert products[0].listing.fields == {"title": "Wool hat", "bullets": ("Warm", "Soft")}
    with pytest.raises(InvalidFieldError, match="update_delete"):
        write_changes(stream_of("\n".join(lines)), shape, [(1, {"title": "Hat"})])


def test_woocommerce_headers_with_units():
    content = (
        "ID,Type,SKU,Name,Published,Weight (lbs),Length (in),Regular price\n"
        "7,simple,A,Mug,1,1.2,4,9\n"
    )
    shape, (product,) = read_all(content)
    assert shape.profile == "woocommerce"
    assert product.listing.attributes["Weight (lbs)"] == "1.2"
    assert product.listing.attributes["Length (in)"] == "4"


def test_walmart_is_read_by_its_names():
    content = (
        "sku,productName,brand,shortDescription,longDescription,keyFeatures1,keyFeatures2\n"
        "A,Mug,Acme,Short,Long,One,Two\n"
    )
    shape, (product,) = read_all(content)
    assert shape.profile == "generic"
    assert product.listing.fields == {
        "title": "Mug",
        "bullets": ("One", "Two"),
        "description": "Long",
        "short_description": "Short",
    }
    _, (product,) = read_all("sku,productName,keyFeatures\nA,Mug,One|Two\n")
    assert product.listing.fields["bullets"] == ("One", "Two")


def test_json_in_a_cell_stays_raw_and_a_long_one_is_cut_at_a_whole_word():
    images = json.dumps([f"https://example.com/{n}.jpg" for n in range(900)])
    quoted = images.replace('"', '""')
    content = f'sku,title,images,spec,blob\nA,Mug,"{quoted}","[{{""w"": 12}}]",{"9" * 5000}\n'
    _, (product,) = read_all(content)
    found = product.listing.attributes
    assert found["spec"] == '[{"w": 12}]'
    assert len(found["images"]) <= 4000
    assert images.startswith(found["images"])
    assert found["images"].endswith('.jpg"')
    assert "blob" not in found
    stream = stream_of(content)
    assert b"".join(write_full(stream, inspect_file(stream), [])) == content.encode()


EBAY = (
    "*Action(SiteID=US|Version=745),ItemID,*Category,*Title,*StartPrice,PicURL,CustomLabel,"
    "Relationship,RelationshipDetails\n"
    "Add,11,1,Wool hat,9,u,H,,Color=Green\n,,,,9,,H-1,Variation,Color=Green\n"
)


def test_ebay_changes_revise():
    stream = stream_of(EBAY)
    shape = inspect_file(stream)
    assert shape.profile == "ebay_file_exchange"
    changes = b"".join(write_changes(stream, shape, [(1, {"title": "Hat"})])).decode()
    assert changes == (
        "*Action(SiteID=US|Version=745),ItemID,*Title,CustomLabel,Relationship,RelationshipDetails\n"
        "Revise,11,Hat,H,,Color=Green\n"
    )


def test_lines_above_the_header_stay_in_changes():
    content = (
        "# ref_application_id 1\n# ref_asset_id 2\n"
        "id,title,description,availability,condition,price,link,image_link,rich_text_description\n"
        "A,Mug,Fine,in stock,new,1,u,z,\n"
    )
    stream = stream_of(content)
    shape = inspect_file(stream)
    assert shape.profile == "meta_catalog"
    changes = b"".join(write_changes(stream, shape, [(1, {"title": "Cup"})])).decode()
    assert changes == "# ref_application_id 1\n# ref_asset_id 2\nid,title\nA,Cup\n"


def test_changes_need_a_key():
    stream = stream_of("title,price\nMug,1\n")
    with pytest.raises(InvalidFieldError, match="no SKU"):
        write_changes(stream, inspect_file(stream), [(1, {"title": "Cup"})])
