"""The messages of each channel, word for word as they are stored."""

import pytest

from domain.listing import Channel
from domain.prompts.request import PROMPT_VERSION
from tests.support import golden_prompts
from tests.support.golden_prompts import GOLDEN, build_text, find_path, read_version, write_all


@pytest.mark.parametrize("channel", list(Channel))
def test_the_messages_are_as_stored(channel):
    stored = find_path(channel).read_text(encoding="utf-8")
    assert read_version(stored) == PROMPT_VERSION, "python -m tests.support.golden_prompts"
    assert build_text(channel) == stored, golden_prompts.__doc__


def test_every_stored_text_has_a_channel():
    stored = {path.name for path in GOLDEN.glob("prompt_*.txt")}
    assert stored == {find_path(channel).name for channel in Channel}


def test_changed_words_are_not_stored_under_the_same_version(tmp_path, monkeypatch):
    monkeypatch.setattr(golden_prompts, "GOLDEN", tmp_path)
    assert write_all(rules_changed=False) == []
    path = tmp_path / "prompt_ebay.txt"
    path.write_text(path.read_text(encoding="utf-8") + "more", encoding="utf-8")
    assert write_all(rules_changed=False) == ["ebay"]
    assert path.read_text(encoding="utf-8").endswith("more")
    assert write_all(rules_changed=True) == []
    assert not path.read_text(encoding="utf-8").endswith("more")
