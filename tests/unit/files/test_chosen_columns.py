"""The seller's own choice of columns goes before what is recognised."""

from __future__ import annotations

import json

import pytest

from core.errors import InvalidFieldError
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import FileShape
from domain.files.writer import write_full
from tests.unit.files.streams import stream_of

CONTENT = "sku,title,artname,fact a,fact b,brand\nA,internal,Mug,blue,round,Acme\n"
CHOICE = {"title": "artname", "bullets": ["fact b", "Fact_A"], "brand": ""}


def test_chosen_columns_are_read_stored_and_written():
    stream = stream_of(CONTENT)
    shape = inspect_file(stream, mapping=CHOICE)
    assert shape.mapping == {"title": (2,), "bullets": (4, 3), "sku": (0,)}
    assert shape.chosen == ("title", "bullets", "brand")
    assert FileShape.from_json(json.loads(json.dumps(shape.to_json()))) == shape
    (product,) = iter_products(stream, shape)
    assert product.listing.fields == {"title": "Mug", "bullets": ("round", "blue")}
    assert product.listing.attributes["title (column 2)"] == "internal"
    written = b"".join(write_full(stream, shape, [(1, {"title": "Cup"})]))
    assert written.decode() == CONTENT.replace("Mug", "Cup")


def test_a_chosen_title_makes_a_header_that_was_none():
    content = "Report of today,,\ncode,what it is,colour\nA,Mug,red\n"
    stream = stream_of(content)
    shape = inspect_file(stream, mapping={"title": "what it is"})
    assert (shape.profile, shape.header_line, shape.rows) == ("generic", 2, 1)
    assert shape.column_name("title") == "what it is"


def test_a_choice_with_a_format():
    content = "Handle,Name,Body (HTML)\nmug,Mug,Fine\nmug,,\n"
    stream = stream_of(content)
    shape = inspect_file(stream, profile="shopify", mapping={"title": "Name"})
    assert shape.profile == "shopify"
    assert len(list(iter_products(stream, shape))) == 1


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"nosuch": "title"}, "no field 'nosuch'"),
        ({"title": "nosuch"}, "no column 'nosuch', chosen for 'title'"),
        ({"title": ""}, "cannot be without"),
        ({"title": ["sku", "artname"]}, "has one column, not 2"),
        ({"title": "artname", "description": "artname"}, "chosen for another field"),
        ({"bullets": ["fact a", "fact a"]}, "no column 'fact a'"),
    ],
)
def test_a_choice_that_cannot_be_followed(choice, said):
    with pytest.raises(InvalidFieldError) as caught:
        inspect_file(stream_of(CONTENT), mapping=choice)
    assert caught.value.field == "mapping"
    assert said in caught.value.message
    assert caught.value.remedy


def test_the_same_header_twice_may_be_chosen_for_a_list():
    stream = stream_of("title,note,note\nMug,a,b\n")
    shape = inspect_file(stream, mapping={"bullets": ["note", "note"]})
    assert shape.mapping["bullets"] == (1, 2)
