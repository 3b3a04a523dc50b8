"""What the rows of each format become: products, texts, attributes, keys."""

from __future__ import annotations

import json

import pytest

from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import FileShape
from tests.unit.files.streams import read_all, shared_sample, stream_of

SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Price,"
    "Variant Inventory Qty,Image Src,SEO Title\n"
    'mug,Clay mug,<p>Fine.</p>,Acme,"kitchen, clay",Colour,Blue,M-1,9.50,3,http://x/1.jpg,\n'
    "mug,,,,,,Red,M-2,11.00,-1,,\n"
    ",,,,,,,,,,http://x/2.jpg,\n"
    "cup,Cup,,Acme,,Title,Default Title,C-1,5,0,,Nice cup\n"
)


def test_shopify_rows_of_one_handle_are_one_product():
    shape, (mug, cup) = read_all(SHOPIFY)
    assert (shape.profile, shape.channel) == ("shopify", "shopify")
    assert (mug.key, mug.row_no, mug.line, mug.row_nos) == ("mug", 1, 2, (1, 2, 3))
    assert mug.listing.fields == {
        "title": "Clay mug",
        "description": "<p>Fine.</p>",
        "tags": ("kitchen", "clay"),
        "seo_title": "",
    }
    assert mug.listing.html_fields == {"description"}
    assert mug.listing.attributes == {
        "handle": "mug",
        "brand": "Acme",
        "sku": "M-1, M-2",
        "price": "9.50",
        "Variant Price": "9.50, 11.00",
        "quantity": "2",
        "Variant Inventory Qty": "3, -1",
        "image_url": "http://x/1.jpg",
        "Image Src": "http://x/1.jpg, http://x/2.jpg",
        "color": "Blue, Red",
    }
    assert (cup.key, cup.row_nos, cup.line) == ("cup", (4,), 5)
    assert "Title" not in cup.listing.attributes
    assert cup.listing.fields["tags"] == ()


def test_shopify_rows_that_stand_apart_are_told():
    content = SHOPIFY + "mug,,,,,,Green,M-3,9,1,,\n"
    _, products = read_all(content)
    assert [p.key for p in products] == ["mug", "cup", "mug#2"]
    assert [x.code for x in products[2].problems] == ["scattered_rows"]
    assert not products[2].usable


WOO = (
    "ID,Type,SKU,Name,Published,Short description,Description,Stock,Regular price,Categories,Tags,"
    "Parent,Attribute 1 name,Attribute 1 value(s)\n"
    '7,variable,tee,Tee,1,,"<p>Soft\\ntee</p>",,,Shirts,"a\\, b, c",,Size,"S, M"\n'
    "8,simple,cap,Cap,1,,,4,9,Hats,,,,\n"
    '9,"variation, virtual",tee-s,Tee - S,1,,,3,12,,,tee,Size,S\n'
    "10,variation,tee-m,Tee - M,1,,,2,13,,,id:7,Size,M\n"
    "11,variation,lost,Lost - S,1,,,2,13,,,nobody,Size,S\n"
)


def test_woocommerce_variations_join_their_parent_wherever_they_stand():
    shape, (tee, cap, lost) = read_all(WOO)
    assert (shape.profile, shape.channel) == ("woocommerce", "woocommerce")
    assert (tee.key, tee.row_no, tee.row_nos) == ("tee", 1, (1, 3, 4))
    assert tee.listing.attributes["sku"] == "tee, tee-s, tee-m"
    assert tee.listing.attributes["size"] == "S, M"
    assert tee.listing.attributes["price"] == "12"
    assert tee.listing.attributes["quantity"] == "5"
    assert tee.listing.fields["description"] == "<p>Soft\ntee</p>"
    assert tee.listing.fields["tags"] == ("a, b", "c")
    assert tee.listing.html_fields == {"description", "short_description"}
    assert cap.row_nos == (2,)
    assert lost.row_nos == (5,)
    assert [x.code for x in lost.problems] == ["missing_parent"]


def test_column_names_in_other_languages():
    content = (
        "Artikelnummer;Produktname;Beschreibung;Marke;Größe;Farbe;Preis;Schlagwörter;Sonstiges\n"
        "A-1;Gürtel;<p>Echtes Leder</p>;Müller;95;braun;39,90;leder|gürtel;x\n"
    )
    _, (belt,) = read_all(content)
    assert belt.listing.fields == {
        "title": "Gürtel",
        "description": "<p>Echtes Leder</p>",
        "tags": ("leder", "gürtel"),
    }
    assert belt.listing.html_fields == {"description"}
    assert belt.listing.attributes == {
        "sku": "A-1",
        "brand": "Müller",
        "size": "95",
        "color": "braun",
        "price": "39,90",
        "Sonstiges": "x",
    }


@pytest.mark.parametrize(
    "header",
    [
        "référence,nom du produit,description",
        "referencia,Nombre del producto,Descripción",
        "kode produk,nama_produk,deskripsi",
        "SKU,item_name,Product-Description",
        "sku,Product Title,body",
    ],
)
def test_titles_are_found_under_many_names(header):
    _, (product,) = read_all(f"{header}\nA,Mug,Fine\n")
    assert product.key == "A"
    assert product.listing.text("title") == "Mug"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_dialects(delimiter, encoding):
    rows = [["sku", "title", "price"], ["A", "Caf\u00e9, 2; x", "3,50"], ["B", 'Mug "x"', "1|2"]]
    text = "\r\n".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows
    )
    shape, products = read_all(text.encode(encoding))
    assert shape.dialect.delimiter == delimiter
    assert shape.dialect.newline == "\r\n"
    assert [p.listing.text("title") for p in products] == ["Caf\u00e9, 2; x", 'Mug "x"']
    assert any("Windows-1252" in note for note in shape.notes) == (encoding == "cp1252")


def test_a_first_foreign_byte_far_down_decides_the_encoding():
    content = "sku,title\n" + "A,mug\n" * 200_000
    shape = inspect_file(stream_of(content.encode() + b"B,caf\xe9\n"))
    assert shape.dialect.encoding == "windows-1252"
    assert str(len(content) + 5) in shape.notes[0]


def test_mojibake_is_noted():
    shape, _ = read_all("sku,title\nA,Caf\u00c3\u00a9\n")
    assert "Caf\u00c3\u00a9" in shape.notes[0]


def test_excel_hint_and_preamble_are_skipped():
    shape, products = read_all("sep=;\nsku;title\nA;Mug, blue\n")
    assert shape.header_line == 2
    assert products[0].line == 3
    assert "above the header (line 2)" in shape.notes[0]


def test_the_shape_survives_storage():
    shape, _ = read_all(WOO)
    stored = json.loads(json.dumps(shape.to_json()))
    assert FileShape.from_json(stored) == shape


@pytest.mark.parametrize(
    ("name", "profile", "rows", "products"),
    [
        ("shopify_bicycles_export.csv", "shopify", 1399, 284),
        ("shopify_partner_apparel.csv", "shopify", 22, 20),
        ("woocommerce_sample_products.csv", "woocommerce", 25, 18),
        ("brightdata_lazada_1k.csv", "generic", 1000, 1000),
        ("templates/shopify_new_headers.csv", "shopify_new", 4, 2),
        ("templates/etsy_listings_download_2var.csv", "etsy_download", 2, 2),
        ("templates/etsy_listings_download_3var.csv", "etsy_download", 1, 1),
        ("templates/ebay_file_exchange_add.csv", "ebay_file_exchange", 3, 1),
        ("templates/ebay_draft_listings_template.csv", "ebay_drafts", 1, 1),
        ("templates/ebay_active_listings_report.csv", "ebay_active", 2, 1),
        ("templates/amazon_flat_file_hat.txt", "amazon_flat_file", 2, 2),
        ("templates/google_merchant_feed.tsv", "google_feed", 2, 2),
        ("templates/meta_catalog.csv", "meta_catalog", 1, 1),
        ("templates/generic_excel_utf16.txt", "generic", 3, 3),
        ("templates/generic_semicolon_cp1252.csv", "generic", 3, 3),
    ],
)
def test_shared_samples_are_recognised(name, profile, rows, products):
    shape, found = read_all(shared_sample(name))
    assert (shape.profile, shape.rows, len(found)) == (profile, rows, products)
    assert shape.confidence >= (0.5 if profile == "generic" else 0.7)
    assert all(p.usable for p in found)


def test_the_retail_sample_reads_every_row():
    shape, products = read_all(shared_sample("retail_titles_cp1252_20k.csv"))
    assert shape.dialect.encoding == "windows-1252"
    assert len(products) == len({p.key for p in products}) == 19_999
    assert products[0].listing.brand == "Alisha"


def test_the_lazada_sample_maps_its_columns():
    shape, _ = read_all(shared_sample("brightdata_lazada_1k.csv"))
    names = {name: shape.column_name(name) for name in ("title", "description", "sku", "brand")}
    assert names == {
        "title": "title",
        "description": "product_description",
        "sku": "sku",
        "brand": "brand",
    }


def test_etsy_tags_are_read_without_underscores():
    _, products = read_all(shared_sample("templates/etsy_listings_download_2var.csv"))
    assert products[0].listing.fields["tags"][0] == "stoneware mug"
    assert products[0].listing.attributes["Glaze"] == "Blue, Sand"


def test_one_column_of_titles_is_enough():
    shape, products = read_all("Title\nMug, blue\nCup\n")
    assert [p.key for p in products] == ["row-1", "row-2"]
    assert "No SKU" in shape.notes[0]
    assert not products[1].problems


def test_a_platform_needs_more_than_two_of_its_names():
    shape, _ = read_all("Handle,Title\nmug,Mug\n")
    assert (shape.profile, shape.channel) == ("generic", "")


def test_the_seller_may_name_the_format():
    content = "Handle,Title,Body (HTML)\nmug,Mug,Fine\nmug,,\n"
    shape, products = read_all(content, profile="shopify")
    assert (shape.profile, shape.channel, shape.confidence) == ("shopify", "shopify", 1.0)
    assert len(products) == 1


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_the_size_of_chunks_changes_nothing(chunk):
    content = SHOPIFY.replace("Clay", "Clay \U0001f3fa").encode("utf-16")
    whole = read_all(content)
    stream = stream_of(content, chunk=chunk)
    shape = inspect_file(stream)
    assert (shape, list(iter_products(stream, shape))) == whole


def test_a_variation_above_its_parent_still_joins_it():
    header, parent, cap, variation, *_ = WOO.splitlines(keepends=True)
    _, products = read_all(header + variation + parent + cap)
    assert [(p.key, p.row_no, p.row_nos) for p in products] == [
        ("tee", 2, (1, 2)),
        ("cap", 3, (3,)),
    ]
