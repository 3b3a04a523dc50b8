"""One passing and one failing listing for every rule that a listing's text decides.

Adding a rule means adding a line here; a test asserts that none is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.listing import TEXT_FIELDS, Listing, TextValue

Cases = dict[str, tuple[Listing, Listing]]


def listing(*, extra: Mapping[str, str] | None = None, **values: str | list[str]) -> Listing:
    """A listing from texts and attributes by name; other columns go into ``extra``."""
    return build(values, extra=extra or {})


def build(values: Mapping[str, str | list[str]], *, extra: Mapping[str, str]) -> Listing:
    """The same, from a mapping."""
    texts: dict[str, TextValue] = {}
    attributes = dict(extra)
    for name, value in values.items():
        if isinstance(value, list):
            texts[name] = tuple(value)
        elif name in TEXT_FIELDS:
            texts[name] = value
        else:
            attributes[name] = value
    return Listing(key="1", fields=texts, attributes=attributes)


def _texts(name: str, good: str | list[str], bad: str | list[str]) -> tuple[Listing, Listing]:
    return build({name: good}, extra={}), build({name: bad}, extra={})


def _lengths(name: str, limit: int) -> tuple[Listing, Listing]:
    return _texts(name, "a" * limit, "a" * (limit + 1))


def _items(name: str, good: int, bad: int) -> tuple[Listing, Listing]:
    return _texts(
        name, [f"item number {n}" for n in range(good)], [f"item number {n}" for n in range(bad)]
    )


AMAZON: Cases = {
    "amz.title.required": _texts("title", "Kettle", " "),
    "amz.title.max": _lengths("title", 75),
    "amz.title.max.pre2026": _lengths("title", 200),
    "amz.title.max.media": _lengths("title", 200),
    "amz.title.field_capacity": _lengths("title", 200),
    "amz.title.banned_chars": (
        listing(title="Yahoo! Desk Mug 5 cm Ø", brand="Yahoo!"),
        listing(title="Desk Mug! 5 cm", brand="Yahoo!"),
    ),
    "amz.title.context_chars": _texts(
        "title", "Wood Screw #8 ~5 cm 10*20 mm", "Screw #wood * steel"
    ),
    "amz.title.word_repeat": _texts(
        "title", "Box for Box and a Lid for it for Us", "Box, Boxes and a box"
    ),
    "amz.title.promo.translated": _texts(
        "title", "Handtuch 100 % Baumwolle", "Handtuch aus Baumwolle, versandkostenfrei"
    ),
    "amz.title.subjective.translated": _texts(
        "title", "Chaise pliante en toile", "La meilleure chaise pliante"
    ),
    "amz.bullets.claims.translated": _texts(
        "bullets", ["Schneidebrett mit Griff"], ["Antibakterielles Brett, umweltfreundlich"]
    ),
    "amz.bullets.guarantee.translated": _texts(
        "bullets", ["Mit Garantiekarte"], ["Geld-zurück-Garantie"]
    ),
    "amz.terms.prohibited.translated": _texts(
        "search_terms", "sartén antiadherente", "sartén barata nueva"
    ),
    "amz.title.promo": _texts("title", "100% Cotton Towel", "Cotton Towel Free Shipping"),
    "amz.title.subjective": (
        listing(title="Best Made Company Axe", brand="Best Made Company"),
        listing(title="Amazing Axe"),
    ),
    "amz.title.caps": _texts("title", "USB LED HDMI Cable WH-1000XM4", "AMAZING Cable"),
    "amz.title.titlecase": _texts("title", "Cup for Tea with Lid 5 cm", "Cup with glass Lid"),
    "amz.title.numerals": _texts("title", "Seven Seas Oil, Pack of 2", "Towels, Pack of two"),
    "amz.title.non_language_ascii": _texts("title", "Desk Lamp", "Desk Lamp™"),
    "amz.highlights.max": _lengths("highlights", 125),
    "amz.bullets.count_min": _items("bullets", 3, 2),
    "amz.bullets.count_max": _items("bullets", 5, 6),
    "amz.bullets.len": _texts("bullets", ["Ten chars."], ["Nine char"]),
    "amz.bullets.total": _texts("bullets", ["a" * 250] * 4, ["a" * 251] * 4),
    "amz.bullets.schema_hint": _texts("bullets", ["a" * 100], ["a" * 101]),
    "amz.bullets.banned_chars": _texts("bullets", ["Vin du château"], ["Costs 5 €"]),
    "amz.bullets.placeholders": _texts("bullets", ["Rio na Lagoa"], ["Material: N/A"]),
    "amz.bullets.claims": _texts("bullets", ["Bacteria of yoghurt"], ["Eco friendly cloth"]),
    "amz.bullets.guarantee": _texts("bullets", ["Guarantee card in box"], ["Full refund for all"]),
    "amz.bullets.no_asin": _texts("bullets", ["Fits BOXWOOD123"], ["Fits B07XJ8C8F5"]),
    "amz.bullets.style": _texts("bullets", ["Holds 2 l of water"], ["holds 2 l of water"]),
    "amz.desc.max": _lengths("description", 2000),
    "amz.desc.html": _texts("description", "One.<br>Two.<br/>", "<p>One.</p>"),
    "amz.all.contact": _texts(
        "description", "EAN 4006381333931, 120 x 200 x 30 cm, 2024-11-22", "Call +49 30 901820 now"
    ),
    "amz.all.price_time": _texts("description", "Weighs 20 kg", "Only $20"),
    "amz.terms.max": _texts("search_terms", "ä" * 124 + "a", "ä" * 125),
    "amz.terms.prohibited": (
        listing(search_terms="new york pot", brand="Acme"),
        listing(search_terms="acme pot", brand="Acme"),
    ),
    "amz.terms.form": _texts("search_terms", "tea pot iron", "Tea, pot"),
    "amz.terms.stopwords": _texts("search_terms", "tea pot", "pot for tea"),
}

EBAY: Cases = {
    "ebay.title.required": _texts("title", "Kettle", ""),
    "ebay.title.max": _lengths("title", 80),
    "ebay.subtitle.max": _lengths("subtitle", 55),
    "ebay.desc.max": _lengths("description", 500_000),
    "ebay.product_desc.max": _lengths("product_description", 4000),
    "ebay.desc.mobile": _lengths("description_mobile_summary", 800),
    "ebay.aspect.name": (
        listing(extra={"aspect:" + "a" * 40: "x"}),
        listing(extra={"aspect:" + "a" * 41: "x"}),
    ),
    "ebay.aspect.value": (
        listing(extra={"aspect:Color": "a" * 50}),
        listing(extra={"aspect:Color": "a" * 51}),
    ),
    "ebay.aspect.trading": (
        listing(extra={"C:Color": "a" * 65}),
        listing(extra={"C:Color": "a" * 66}),
    ),
    "ebay.brand.max": _lengths("brand", 65),
    "ebay.mpn.max": _lengths("mpn", 65),
    "ebay.sku.max": _lengths("sku", 50),
    "ebay.condition_note.max": _lengths("condition_description", 1000),
    "ebay.desc.active": _texts("description", "<p>on sale = yes</p>", "<p onclick='x()'>Hi</p>"),
    "ebay.all.spam": _texts(
        "description", "<p style='color:red'>a</p>", "<p style='display:none'>a</p>"
    ),
    "ebay.desc.links": _texts("description", "Fits 10-12 mm", "See www.example.com"),
}

ETSY: Cases = {
    "etsy.title.required": _texts("title", "Kettle", ""),
    "etsy.title.max": _lengths("title", 140),
    "etsy.title.charset": _texts("title", "Café Mug™ + แก้วน้ำ", "Mug ☕"),
    "etsy.title.once": _texts("title", "Salt & Pepper", "Salt & Pepper & Oil"),
    "etsy.title.words": _texts("title", "word " * 14, "word " * 15),
    "etsy.title.style": _texts("title", "Oak Bowl, Hand Turned", "Oak Bowl, Bowl of Wood"),
    "etsy.title.style.translated": _texts(
        "title", "Vase en grès bleu", "Vase en grès bleu, livraison gratuite"
    ),
    "etsy.tags.count": _items("tags", 13, 14),
    "etsy.tags.len": _texts("tags", ["a" * 20], ["a" * 21]),
    "etsy.tags.charset": _texts("tags", ["mother's day", "t-shirt"], ["salt & pepper"]),
    "etsy.tags.unique": _texts("tags", ["oak", "bowl"], ["oak", "Oak "]),
    "etsy.tags.use_all": _items("tags", 13, 12),
    "etsy.tags.not_attributes": (
        listing(tags=["fruit bowl"], color="Red"),
        listing(tags=["red"], color="Red"),
    ),
    "etsy.materials.charset": _texts("materials", ["Stainless steel"], ["Stainless-steel"]),
    "etsy.materials.count": _items("materials", 13, 14),
    "etsy.materials.len": _texts("materials", ["a" * 45], ["a" * 46]),
    "etsy.desc.not_title": (
        listing(title="Oak Bowl", description="A bowl of oak."),
        listing(title="Oak Bowl", description="<b>Oak  bowl</b> of wood."),
    ),
    "etsy.images.count": (
        listing(images=",".join("a" * 20)),
        listing(images=",".join("a" * 21)),
    ),
}

SHOPIFY: Cases = {
    "shop.title.required": _texts("title", "Kettle", ""),
    "shop.title.max": _lengths("title", 255),
    "shop.seo_title.max": _lengths("seo_title", 70),
    "shop.seo_title.rec": _lengths("seo_title", 60),
    "shop.seo_desc.max": _lengths("seo_description", 320),
    "shop.seo_desc.rec": _lengths("seo_description", 160),
    "shop.handle.charset": _texts("handle", "oak-bowl-2", "Oak_bowl"),
    "shop.handle.max": _lengths("handle", 255),
    "shop.vendor.min": _texts("brand", "HP", "H"),
    "shop.alt.max": _lengths("image_alt", 512),
    "shop.tags.count": _items("tags", 250, 251),
    "shop.tags.len": _texts("tags", ["a" * 255], ["a" * 256]),
}

WALMART: Cases = {
    "wmt.title.required": _texts("title", "Kettle", ""),
    "wmt.title.max": _lengths("title", 150),
    "wmt.title.rec": _texts("title", "a" * 50, "a" * 49),
    "wmt.title.chars": _texts("title", "Bowl (Oak)", "Bowl ~ Oak"),
    "wmt.title.caps": _texts("title", "HDMI Cable by SAMSUNG", "SOLID WOODEN Bowl"),
    "wmt.title.promo": _texts("title", "Ground Clearance Lift Kit", "Clearance Lift Kit"),
    "wmt.title.retailer": _texts("title", "Amazon Parrot Perch", "Perch as seen on Etsy"),
    "wmt.title.irrelevant": _texts("title", "Stock Pot", "Pot, out of stock"),
    "wmt.title.url": _texts("title", "Oak Bowl", "Oak Bowl www.example.com"),
    "wmt.title.year": _texts("title", "CR2032 Battery, Floor Mat 2014-2018", "Wall Calendar 2027"),
    "wmt.title.language": _texts("title", "Café Cup 5 Ω", "Чашка Cup"),
    "wmt.title.repeat": _texts("title", "Oak Bowl with Oak Lid", "Oak Bowl, Big Oak Bowl"),
    "wmt.title.authenticity": _texts("title", "Genuine Leather Belt", "Belt 100% Authentic"),
    "wmt.features.count": _items("bullets", 3, 2),
    "wmt.features.len": _texts("bullets", ["a" * 80], ["a" * 81]),
    "wmt.desc.max": _lengths("description", 4000),
    "wmt.desc.min": _texts("description", "word " * 150, "word " * 149),
    "wmt.brand.max": _lengths("brand", 60),
}

WOOCOMMERCE: Cases = {
    "woo.name.required": _texts("title", "Kettle", ""),
    "woo.seo_title.rec": _lengths("seo_title", 60),
    "woo.seo_desc.rec": _lengths("seo_description", 160),
}

GOOGLE: Cases = {
    "gmc.title.len": _texts("title", "a" * 150, ""),
    "gmc.title.visible": (
        listing(title="Acme " + "a" * 80, brand="Acme"),
        listing(title="a" * 80 + " Acme", brand="Acme"),
    ),
    "gmc.title.promo.translated": _texts(
        "title", "Caja de envío 30 x 20 cm", "Caja 30 x 20 cm, envio gratis"
    ),
    "gmc.title.promo": _texts("title", "Shipping Box", "Box, Best Price"),
    "gmc.title.caps": _texts("title", "iPhone HDMI Cable", "SOFT COTTON Towel"),
    "gmc.title.exclamation": _texts("title", "Oak Bowl", "Oak Bowl!"),
    "gmc.title.private_use": _texts("title", "Oak Bowl", "Oak Bowl \ue001"),
    "gmc.title.delimiter": _texts("title", "word " * 10 + ", word", "word " * 11 + ", word"),
    "gmc.desc.len": _texts("description", "a" * 5000, "a" * 5001),
    "gmc.desc.html": _texts("description", "<ul><li>a</li></ul>", "<ul class='x'><li>a</li></ul>"),
    "gmc.highlight.len": _texts("bullets", ["a" * 150] * 4, ["a" * 151] * 4),
    "gmc.highlight.count": _texts("bullets", ["a"] * 4, ["a"]),
    "gmc.short_title": _texts("short_title", "a" * 65, "a" * 151),
    "gmc.color": _texts("color", "Red/Green/Blue", "a" * 101),
    "gmc.size": _lengths("size", 100),
    "gmc.product_type": _texts("product_type", ",".join("a" * 10), ",".join("a" * 11)),
    "gmc.gtin": _texts("gtin", "4006381333931", "4006381333932"),
    "gmc.brand": _lengths("brand", 70),
}

META: Cases = {
    "meta.title.required": _texts("title", "Kettle", ""),
    "meta.title.max": _lengths("title", 200),
    "meta.title.rec": _lengths("title", 65),
    "meta.desc.max": _lengths("description", 9999),
    "meta.desc.html": _texts("description", "3 < 5 & 7", "Salt &amp; pepper"),
    "meta.id.max": _lengths("id", 100),
    "meta.brand.max": _lengths("brand", 100),
    "meta.ident": (listing(mpn="1", brand="Acme"), listing(mpn="1")),
    "meta.category.depth": _texts("google_product_category", "Home > Bowls", "Home"),
    "meta.images": (
        listing(additional_images=",".join("a" * 20)),
        listing(additional_images=",".join("a" * 21)),
    ),
}

CASES: Cases = {
    **AMAZON,
    **EBAY,
    **ETSY,
    **SHOPIFY,
    **WALMART,
    **WOOCOMMERCE,
    **GOOGLE,
    **META,
}
