"""The seller's voice: what it can say, what the gate makes of it, what the model is told."""

import dataclasses
import json
from typing import Any

import pytest

from core.errors import InvalidFieldError
from domain.brief import Brief, Mode
from domain.findings import Check
from domain.gate import judge
from domain.listing import Listing
from domain.prompts.request import build_messages
from domain.voice import Voice, find_spellings, find_word, parse_wishes
from tests.support.briefs import make_brief

LISTING = Listing(
    key="1",
    fields={"title": "GoPro HERO camera case, cheap and sturdy, black" + ", black" * 6},
    attributes={"brand": "GoPro", "colour": "Black"},
)


def judge_title(title: str, *, mode: Mode = Mode.REWRITE, **voice: Any):
    brief, rules = make_brief(LISTING, "ebay", mode=mode)
    return judge({"title": title}, dataclasses.replace(brief, **voice), rules)


@pytest.mark.parametrize(
    ("word", "text", "count"),
    [
        ("cheap", "Cheap, CHEAP and cheapest", 2),
        ("must have", "a must-have, must  have", 2),
        ("günstig", "GÜNSTIG", 1),
        ("c++", "c++ and C+", 1),
        ("", "anything", 0),
    ],
)
def test_a_word_is_found_as_a_whole_in_any_case(word, text, count):
    assert len(find_word(word, text)) == count


def test_a_brand_is_found_however_it_is_divided_where_it_divides():
    assert find_spellings("GoPro", "GOPRO go-pro Go Pro gopros") == ["GOPRO", "go-pro", "Go Pro"]
    assert find_spellings("Canon", "you can on Sunday, CANON") == ["CANON"]
    assert find_spellings("3M", "a 3 m cable") == []


def test_a_word_to_avoid_is_refused_with_the_word():
    verdict = judge_title("GoPro HERO camera case, cheap, black", avoid=("cheap",))
    [refusal] = verdict.refused
    assert (refusal.check, refusal.excerpt) == (Check.VOICE, "cheap")
    assert judge_title("GoPro HERO sturdy camera case, black", avoid=("cheap",)).accepted


def test_the_smallest_edit_may_leave_such_a_word_but_not_add_one():
    text = "GoPro HERO camera case, cheap and sturdy, black"
    brief = {"avoid": ("cheap", "case")}
    assert not [r for r in judge_title(text, mode=Mode.FIX, **brief).refused if r.check == "voice"]
    more = judge_title(f"{text} cheap", mode=Mode.FIX, **brief).refused
    assert [r.excerpt for r in more if r.check is Check.VOICE] == ["cheap"]


@pytest.mark.parametrize("spelling", ["Gopro", "GO PRO", "Go-Pro"])
def test_a_known_brand_keeps_its_spelling(spelling):
    verdict = judge_title(f"{spelling} HERO camera case, black", brands=("GoPro",))
    assert Check.VOICE in {one.check for one in verdict.refused}
    assert judge_title("GoPro HERO camera case, black", brands=("GoPro",)).accepted


def test_a_search_term_is_no_evidence():
    verdict = judge_title("GoPro HERO camera case, waterproof", keywords=("waterproof case",))
    assert Check.FACT in {one.check for one in verdict.refused}


def test_the_model_is_told_in_the_user_s_part_alone():
    brief, rules = make_brief(LISTING, "ebay")
    said = dataclasses.replace(
        brief, tone="calm", prefer=("sturdy",), avoid=("cheap",), brands=("GoPro",)
    )
    plain, told = (build_messages(one, rules, ["title"]) for one in (brief, said))
    assert plain[0] == told[0]
    assert '"voice"' not in plain[1]["content"]
    block = json.loads(told[1]["content"].splitlines()[1])
    assert block["voice"] == {
        "tone": "calm",
        "prefer": ["sturdy"],
        "avoid": ["cheap"],
        "brands": ["GoPro"],
    }


def test_other_wishes_are_other_work_and_an_old_brief_has_none():
    brief, _ = make_brief(LISTING, "ebay")
    assert dataclasses.replace(brief, avoid=("cheap",)).digest != brief.digest
    stored = brief.to_json()
    for name in ("tone", "brands", "prefer", "avoid"):
        del stored[name]
    assert Brief.from_json(stored) == brief
    full = dataclasses.replace(brief, avoid=("a",), tone="b", prefer=("c",), brands=("d",))
    assert Brief.from_json(full.to_json()) == full


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"tine": "calm"}',
        '{"tone": 3}',
        '{"tone": "' + "x" * 201 + '"}',
        '{"tone": "a\\nb"}',
        '{"avoid": "cheap"}',
        '{"avoid": [1]}',
        '{"avoid": ["\\u0000"]}',
        '{"avoid": ' + json.dumps(["w"] * 51) + "}",
        '{"locks": ["colour"]}',
        '{"version": 3}',
    ],
)
def test_what_no_voice_can_say_is_refused(text):
    with pytest.raises(InvalidFieldError) as caught:
        parse_wishes(text)
    assert caught.value.field == "voice"


def test_the_wishes_of_one_order_replace_only_what_they_name():
    voice = Voice(version=3, tone="calm", avoid=("cheap",))
    changed = voice.with_wishes(parse_wishes('{"avoid": [" best ", "best", ""]}'))
    assert changed == dataclasses.replace(voice, avoid=("best",))
    assert Voice.from_json(changed.to_json()) == changed
