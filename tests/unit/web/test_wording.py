"""Messages as pages say them."""

from __future__ import annotations

import pytest

from web.dashboard.wording import name_place, write_sentence


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("there is no file", "There is no file."),
        ("wmt.title.max cannot be muted.", "wmt.title.max cannot be muted."),
        ("llm_top is below 0", "llm_top is below 0."),
        ("the file is large. Split it", "The file is large. Split it."),
    ],
)
def test_a_message_becomes_a_sentence_and_an_id_stays_as_it_is(message, said):
    assert write_sentence(message) == said


@pytest.mark.parametrize(("column", "said"), [("title", "column “title”"), ("cell 2", "cell 2")])
def test_a_place_is_a_column_or_a_cell(column, said):
    assert name_place(column) == said
