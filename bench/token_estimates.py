"""How far above the truth token estimates are, by language and kind of text.

``python -m bench.token_estimates``: the texts of ``tests/support/token_texts.json`` with the counts
that stand there, and rows of the sample files where they stand beside the repository. With
``bpe_openai`` installed (it has the vocabulary inside, 75 MB) everything is counted anew.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Final

from bench.page import format_table, write_section
from domain.brief import canonical_json
from domain.estimates import estimate_own_words, estimate_tokens
from domain.listing import Listing
from simulators.groq.tokens import count_tokens
from tests.support.golden_prompts import GOLDEN
from tests.support.sample_rows import SAMPLES, list_sample_listings
from tests.support.token_texts import TEXTS

PER_FILE: Final = 60
OLD_BYTES: Final = 2.6
Row = tuple[str, list[str]]


def find_counter() -> Callable[[str], int] | None:
    """The vocabulary's own count; None where it is not installed."""
    try:
        library = importlib.import_module("bpe_openai")
    except ImportError:
        return None
    encoding = library.get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text))


def compare(name: str, texts: Sequence[str], real: Sequence[int]) -> list[str]:
    """One row: tokens, our estimate over them at least and in all, the old rule, the simulator."""
    pairs = [(text, count) for text, count in zip(texts, real, strict=True) if count]
    total = sum(count for _, count in pairs)
    estimate = own_or_foreign(name)
    least = min(estimate(text) / count for text, count in pairs)
    old = min(math.ceil(len(text.encode()) / OLD_BYTES) / count for text, count in pairs)
    return [
        name,
        f"{len(pairs)}",
        f"{total:,}",
        f"{least:.2f}",
        f"{sum(estimate(text) for text, _ in pairs) / total:.2f}",
        f"{old:.2f}",
        f"{sum(count_tokens(text) for text, _ in pairs) / total:.2f}",
    ]


def own_or_foreign(name: str) -> Callable[[str], int]:
    """Instructions are our own words; all else is anybody's."""
    return estimate_own_words if name == INSTRUCTIONS else estimate_tokens


INSTRUCTIONS: Final = "our instructions, eight channels"


def write_as_data(listing: Listing) -> str:
    """A row about as the prompt shows it."""
    fields = {name: listing.fields[name] for name in listing.fields}
    return canonical_json({"fields": fields, "attributes": dict(listing.attributes)})


def list_rows(count: Callable[[str], int] | None) -> list[list[str]]:
    """The table; without a counter only the texts whose count is known."""
    rows = [
        compare(name, [text], [count(text) if count else real])
        for name, (text, real) in TEXTS.items()
        if text
    ]
    if count is None:
        return rows
    prompts = [path.read_text("utf-8") for path in sorted(GOLDEN.glob("prompt_*.txt"))]
    rows.append(compare(INSTRUCTIONS, prompts, [count(text) for text in prompts]))
    if SAMPLES.is_dir():
        groups: dict[str, list[str]] = {}
        for listing in list_sample_listings(per_file=PER_FILE):
            groups.setdefault(listing.key.partition(":")[0], []).append(write_as_data(listing))
        rows += [
            compare(name, texts, [count(text) for text in texts]) for name, texts in groups.items()
        ]
    return rows


def run() -> None:
    """Compare, print and write the table."""
    count = find_counter()
    head = (
        *("text", "texts", "tokens (o200k)", "estimate / tokens, least", "all"),
        *("bytes / 2.6, least", "simulator"),
    )
    table = format_table(head, list_rows(count))
    print(table)
    what = (
        "Tokens as o200k, the vocabulary of gpt-oss, counts them (bpe-openai 0.1.4); what Groq adds"
        " around messages is unknown and allowed for apart. An estimate below 1.00 would be low."
        " bytes / 2.6 was the rule before. The last column is how the simulated Groq counts:"
        " about 3.5 bytes each. The rows of the sample files (English, Malay, Indonesian) are"
        " written as the prompt shows them; the other texts are ours, the random ones stand for"
        " what a hostile file may hold."
    )
    if count is not None:
        write_section("token_estimates", "Token estimates", f"{what}\n\n{table}")


if __name__ == "__main__":
    run()
