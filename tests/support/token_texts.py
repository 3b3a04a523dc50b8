"""Texts of many kinds with the tokens that o200k, the vocabulary of gpt-oss, makes of them.

We wrote them; they were counted with bpe-openai 0.1.4, which has the vocabulary inside. Some are of
random characters: what a hostile file may hold.
"""

from __future__ import annotations

import json
from pathlib import Path

_FILE = Path(__file__).with_suffix(".json")

TEXTS: dict[str, tuple[str, int]] = {
    row["name"]: (row["text"], row["tokens"]) for row in json.loads(_FILE.read_text("utf-8"))
}
