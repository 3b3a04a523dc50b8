"""What a seller says about columns, as JSON and as lines, and the header it was said of before."""

import pytest

from core.errors import InvalidFieldError
from domain.files.choices import EarlierChoice, find_earlier, parse_columns, parse_pairs
from domain.files.source import DEFAULT_LIMITS
from tests.unit.files.streams import stream_of

BOTH = {"title": ("Produkt Name",), "bullets": ("Punkt 1", "Punkt 2"), "tags": ()}


def test_json_and_lines_say_the_same():
    as_json = '{"title": "Produkt Name", "bullets": ["Punkt 1", "Punkt 2"], "tags": ""}'
    as_lines = "title=Produkt Name\n\nbullets = Punkt 1\r\nbullets=Punkt 2\ntags="
    assert parse_columns(as_json) == parse_columns(as_lines) == BOTH


def test_a_header_may_hold_an_equals_sign():
    assert parse_pairs(["title=Name = EN"]) == {"title": ("Name = EN",)}


def test_nothing_said_is_not_the_same_as_automatic():
    assert parse_columns("  ") is None
    assert parse_pairs([]) is None
    assert parse_columns("auto") == parse_columns("{}") == parse_pairs(["auto"]) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"title": 3}', "'title'"),
        ('{"title": ["a", null]}', "'title'"),
        ('{"title": "' + "[" * 10, "not JSON"),
        ('{"titel": "Name"}', "'titel'"),
        ("title", "'title'"),
        ("titel=Name", "'titel'"),
        ("title=", "title"),
        ("title=A\ntitle=B", "one column"),
    ],
)
def test_a_choice_no_file_could_follow_is_refused_with_a_remedy(text, says):
    with pytest.raises(InvalidFieldError) as caught:
        parse_columns(text)
    assert says in caught.value.message
    assert (caught.value.field, bool(caught.value.remedy)) == ("mapping", True)


def test_the_newest_choice_for_the_same_header_is_found_whatever_stands_above_it():
    said = [
        EarlierChoice(header=("sku", "Other"), columns={"title": ("Other",)}, origin="a"),
        EarlierChoice(header=("sku", "Name"), columns={"title": ("Name",)}, origin="b"),
        EarlierChoice(header=("sku", "Name"), columns={}, origin="c"),
    ]
    stream = stream_of(b"# my shop\nsku,Name\nA,Red mug\n")
    found = find_earlier(stream, said, limits=DEFAULT_LIMITS)
    assert found is not None
    assert found.origin == "b"
    assert find_earlier(stream_of(b"sku,Names\nA,b\n"), said, limits=DEFAULT_LIMITS) is None
