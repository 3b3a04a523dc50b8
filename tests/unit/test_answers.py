"""Reading answers: the exact shape or an error, nothing repaired in silence."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LlmOutputError
from domain.answers import parse_answer

FIELDS = ("title", "bullets")
GOOD = {"title": " Steel Mug ", "bullets": ["Holds 300 ml", "Steel"]}


def test_a_good_answer_becomes_fields_in_the_wanted_order():
    answer = parse_answer(json.dumps(dict(reversed(GOOD.items()))), FIELDS)
    assert list(answer.items()) == [
        ("title", "Steel Mug"),
        ("bullets", ("Holds 300 ml", "Steel")),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        (json.dumps(GOOD)[:-9], "no whole JSON"),
        (f"Here you are: {json.dumps(GOOD)}", "no whole JSON"),
        (f"```json\n{json.dumps(GOOD)}\n```", "no whole JSON"),
        (json.dumps(GOOD) * 2, "no whole JSON"),
        ("[1]", "no JSON object"),
        ('"title"', "no JSON object"),
        ("null", "no JSON object"),
        ('{"title": "x"}', "lacks bullets"),
        (json.dumps({**GOOD, "price": "1"}), "nobody asked for"),
        (json.dumps({**GOOD, "title": None}), "title is no text"),
        (json.dumps({**GOOD, "title": ["x"]}), "title is no text"),
        (json.dumps({**GOOD, "bullets": "x"}), "bullets is no list"),
        (json.dumps({**GOOD, "bullets": ["x", 1]}), "bullets is no text"),
        (json.dumps({**GOOD, "bullets": ["x"] * 201}), "more than 200 items"),
        (json.dumps({**GOOD, "title": "a\x00b"}), "NUL"),
        (json.dumps({**GOOD, "title": "a\ud83d"}), "half a character"),
        ('{"title": "a", "title": "b", "bullets": []}', "same field twice"),
        ('{"title": NaN, "bullets": []}', "NaN"),
        (json.dumps({**GOOD, "title": "x" * 1_000_001}), "larger than 1,000,000 bytes"),
        ("[" * 200_000, "no whole JSON"),
        ('{"title": ' + "9" * 5_000 + ', "bullets": []}', "no whole JSON"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text, reason):
    with pytest.raises(LlmOutputError, match=reason) as caught:
        parse_answer(text, FIELDS)
    assert len(str(caught.value)) < 400


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_it_fail_in_another_way(text):
    try:
        answer = parse_answer(text, FIELDS)
    except LlmOutputError:
        return
    assert set(answer) == set(FIELDS)


@settings(max_examples=100, deadline=None)
@given(
    title=st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    bullets=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"))),
    cut=st.integers(min_value=1),
)
def test_no_cut_of_a_good_answer_is_taken_for_whole(title, bullets, cut):
    text = json.dumps({"title": title, "bullets": bullets})
    with pytest.raises(LlmOutputError):
        parse_answer(text[: -(1 + cut % (len(text) - 1))], FIELDS)
