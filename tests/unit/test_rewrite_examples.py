"""The examples we show are what the engine does."""

from __future__ import annotations

import pytest

from domain.brief import Mode
from domain.listing import Channel
from domain.rewrite import propose
from tests.support.briefs import make_brief
from tests.support.examples import Example, read_examples

ALL = read_examples()


def test_there_are_sixty_over_all_channels() -> None:
    assert len(ALL) >= 60
    assert {example.channel for example in ALL} == {channel.value for channel in Channel}


@pytest.mark.parametrize(
    "example", ALL, ids=lambda e: f"{e.channel}-{e.listing.text('title')[:30]}"
)
def test_the_engine_does_what_we_show(example: Example) -> None:
    brief, rules = make_brief(example.listing, example.channel, mode=Mode(example.mode))
    assert propose(brief, rules) == example.after
