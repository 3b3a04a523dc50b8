"""Whether a title scores above what careless sellers make of it: ``python -m bench.scoring``.

Degrades titles of the real sample rows, one fault at a time, and compares the scores of the row
with the one title and with the other. Prints a table per kind and writes it to docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import process_time
from typing import Final

import regex

from bench.page import format_table, write_section
from domain.findings import Finding, Level
from domain.listing import Listing
from domain.marketplaces.checker import check_field, check_listing
from domain.marketplaces.rulebook import load_rulebook
from domain.marketplaces.words import fold_word, iter_content_words, list_words
from domain.scoring import score_listing
from domain.scoring.title import NO_BRAND
from tests.support.sample_rows import SAMPLES, list_sample_listings

_SEED: Final = 20261122
_PER_FILE: Final = 250
_DAY: Final = dt.date(2026, 11, 22)
_PLAIN: Final = ("Gift", "Home", "Kitchen", "Office", "Garden", "Travel", "Outdoor", "Holiday")
_STUFFING: Final = (*_PLAIN[:4], "Men", "Women", "Kids", "Birthday", "Cheap", "Best", "Quality")
_PROMOTION: Final = ("Free Shipping", "Best Price", "Hot Sale", "Buy Now", "Best Seller")
_NUMBER = regex.compile(r"(?<![\w.,/:-])\d{1,4}(?:(?![\w.,/:-])|(?=[a-zA-Z]{1,2}\b))")
_HEAD_END = regex.compile(r"\s(?:with|for|in|by|from|untuk|dengan|-|–|&)\s|[,(|/\[]", regex.I)
_LEVEL_END = regex.compile(r"[>\"]")
_MOST_NAMING: Final = 2
_TYPE_COLUMNS: Final = ("product_type", "category", "breadcrumb")

Degrade = Callable[[Listing, random.Random], str]


def _stuff(row: Listing, rng: random.Random) -> str:
    return " ".join([row.text("title"), *rng.sample(_STUFFING, 6)])


def _stuff_plainly(row: Listing, rng: random.Random) -> str:
    return " ".join([row.text("title"), *rng.sample(_PLAIN, 5)])


def _repeat(row: Listing, _rng: random.Random) -> str:
    words = [word.text for _, word in iter_content_words(list_words(row.text("title")))]
    return " ".join([row.text("title"), *words[-2:], *words[-2:]])


def _shout(row: Listing, _rng: random.Random) -> str:
    return row.text("title").upper()


def _promote(row: Listing, rng: random.Random) -> str:
    return f"{row.text('title')} {rng.choice(_PROMOTION)}"


def _drop_brand(row: Listing, _rng: random.Random) -> str:
    title, brand = row.text("title"), row.brand.strip()
    if brand.casefold() in NO_BRAND:
        return title
    bounded = rf"(?<!\w){regex.escape(brand)}(?!\w)"
    return " ".join(regex.sub(bounded, " ", title, flags=regex.IGNORECASE).split())


def _cut_type(row: Listing, _rng: random.Random) -> str:
    """Without the word for the thing, where the rest of the row has that word too."""
    title = row.text("title")
    naming = _find_naming(row)
    cut = [word for word in list_words(title) if fold_word(word.text) in naming]
    if not 0 < len(cut) <= _MOST_NAMING:
        return title
    for word in reversed(cut):
        title = f"{title[: word.start]} {title[word.end :]}"
    return " ".join(title.split())


def _find_naming(row: Listing) -> set[str]:
    """The title's words that its type or category has, else its last one before "with" or "for".

    That one only where the row's handle and another text have it too: elsewhere nobody could know.
    """
    title = row.text("title")
    levels = [_LEVEL_END.split(row.attributes.get(n, "").strip('"] '))[-1] for n in _TYPE_COLUMNS]
    wanted = {folded for folded, _ in iter_content_words(list_words(" ".join(levels)))}
    found = {folded for folded, _ in iter_content_words(list_words(title))} & wanted
    if found:
        return found
    first = _HEAD_END.split(title)[0]
    content = [f for f, word in iter_content_words(list_words(first)) if word.text.isalpha()]
    handle = row.attributes.get("handle", "").replace("-", " ")
    brand, named, others = (
        {fold_word(word.text) for word in list_words(text)}
        for text in (row.brand, handle, _read_others(row))
    )
    return {content[-1]} & (named & others - brand) if content else set()


def _read_others(row: Listing) -> str:
    return "\n".join(row.text(name) for name in row.fields if name not in {"title", "seo_title"})


def _swap_number(row: Listing, rng: random.Random) -> str:
    """Another number in place of one that the rest of the row has too."""
    title, others = row.text("title"), _read_others(row)
    known = [m for m in _NUMBER.finditer(title) if _has_number(others, m.group())]
    if not known:
        return title
    found = rng.choice(known)
    other = str(int(found.group()) + rng.randint(1, 60))
    whole = str(row.to_json())
    return title if other in whole else title[: found.start()] + other + title[found.end() :]


def _has_number(text: str, number: str) -> bool:
    return regex.search(rf"(?<![\w.,/]){number}(?![\d.,/]*\d)", text) is not None


KINDS: Final[Mapping[str, Degrade]] = {
    "stuffed with keywords": _stuff,
    "stuffed with plain words": _stuff_plainly,
    "words repeated": _repeat,
    "ALL CAPS": _shout,
    "promotion added": _promote,
    "product type cut": _cut_type,
    "number swapped": _swap_number,
    "brand dropped": _drop_brand,
}


def list_pairs(rows: Sequence[Listing], *, seed: int = _SEED) -> Iterator[tuple[str, Listing, str]]:
    """Kind, row and degraded title, for each row whose title the kind changes."""
    rng = random.Random(seed)
    for row in rows:
        for kind, degrade in KINDS.items():
            worse = degrade(row, rng)
            if worse.strip() and worse != row.text("title"):
                yield kind, row, worse


def measure(
    rows: Sequence[Listing], *, channel: str = "amazon"
) -> dict[str, list[tuple[bool, str]]]:
    """For each kind, whether the original scored above each degraded title, and that title."""
    won: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    own = {row.key: _score(row, channel) for row in rows}
    for kind, row, worse in list_pairs(rows):
        if kind == "product type cut" and _heals(row, worse, channel):
            continue
        beaten = own[row.key] > _score(row.with_fields({"title": worse}), channel)
        won[kind].append((beaten, f"{row.text('title')} -> {worse}"))
    return won


def _heals(row: Listing, worse: str, channel: str) -> bool:
    """Whether a shorter title breaks fewer hard rules, which is worth more than a word."""
    rules = load_rulebook().select(channel, as_of=_DAY, category=row.category)
    texts = (row.text("title"), worse)
    hard = [_count_hard(check_field("title", text, row, rules)) for text in texts]
    return hard[1] < hard[0]


def _count_hard(findings: Sequence[Finding]) -> int:
    return sum(finding.level is Level.HARD for finding in findings)


def _score(row: Listing, channel: str) -> float:
    rules = load_rulebook().select(channel, as_of=_DAY, category=row.category)
    return score_listing(row, rules).total


def measure_cost_ms(rows: Sequence[Listing], *, channel: str = "amazon") -> list[float]:
    """Milliseconds to check and score each row once, in order of cost."""
    rules = load_rulebook().select(channel, as_of=_DAY)
    costs = []
    for row in rows:
        start = process_time()
        score_listing(row, rules, findings=check_listing(row, rules))
        costs.append((process_time() - start) * 1000)
    return sorted(costs)


def main(arguments: Sequence[str]) -> int:
    """Run the bench; 0 when it could."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=_PER_FILE, help="rows of each sample file")
    parser.add_argument("--show", type=int, default=0, help="how many lost pairs of each kind")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md alone")
    chosen = parser.parse_args(arguments)
    if not SAMPLES.is_dir():
        print("the sample files do not stand beside the repository")
        return 2
    rows = list_sample_listings(per_file=chosen.rows)
    costs = measure_cost_ms(rows)
    won = measure(rows)
    page = _describe(won, costs, rows)
    print(page)
    for kind, pairs in won.items():
        for _, pair in [pair for pair in pairs if not pair[0]][: chosen.show]:
            print(f"{kind}: {pair}")
    if not chosen.no_write:
        write_section("scoring", "Scores: the original beats the degraded", page)
    return 0


def _describe(
    won: Mapping[str, list[tuple[bool, str]]], costs: Sequence[float], rows: Sequence[Listing]
) -> str:
    late = costs[int(len(costs) * 0.95)]
    counted = [(kind, sum(beaten for beaten, _ in won[kind]), len(won[kind])) for kind in KINDS]
    lines = [(kind, hits, n, f"{hits / max(n, 1):.1%}") for kind, hits, n in counted]
    table = format_table(["title made worse", "original scores higher", "pairs", "share"], lines)
    return (
        f"{len(rows)} rows of the sample files under Amazon's rules. A product type is cut"
        " only where type, category or handle have the word too, a number swapped only where"
        " another text has it: elsewhere nobody could know. A cut that brings a title under the"
        " length limit is left out."
        f"\n\n{table}\n\nProcessor time to check and score a row: median"
        f" {statistics.median(costs):.2f} ms, 95th percentile {late:.2f} ms."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
