"""How many inventions grounding catches, how often it errs: ``python -m bench.grounding [rows]``.

Mutates titles of the real sample rows so that each says something the whole row does not, and
rewords them so that each says the same. Prints a table per kind; run from the checkout.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator

import regex

from domain.facts import find_unsupported
from domain.facts_lexicon import get_lexicon
from domain.listing import Listing
from tests.support.sample_rows import list_sample_listings

_SEED = 20261122
_KINDS = ("material", "color", "certification", "country", "claim", "audience", "size")
_UNITS = ("oz", "ml", "cm", "kg", "W", "inch", "GB")
_NUMBER = regex.compile(r"(?<![\w.,/])\d+(?![\w.,/])")
_UNIT_GAP = regex.compile(r"(\d)\s?(ml|cm|mm|kg|g|W|V)\b")

Variant = tuple[str, str]
"""Kind and text."""


def list_mutations(
    listing: Listing, brands: list[str], names: dict[str, list[str]], rng: random.Random
) -> Iterator[Variant]:
    """Titles with one fact that stands nowhere in the row."""
    title, row = listing.text("title"), str(listing.to_json()).lower()
    yield from _mutate_number(title, row, rng)
    for kind in _KINDS:
        name = rng.choice(names[kind])
        if name.split()[-1][:4] not in row:
            yield kind, f"{title} {name.title()}"
    brand = rng.choice(brands)
    if not any(part in row for part in brand.lower().split()):
        yield "brand first", f"{brand} {title}"
        yield "brand last", f"{title} {brand}"
    yield "model", f"{title} KX{rng.randint(100, 9999)}Z"
    yield "compatibility", f"{title} for Zenfone"
    count = rng.randint(13, 400)
    if str(count) not in row:
        yield "count", f"{title}, pack of {count}"


def _mutate_number(title: str, row: str, rng: random.Random) -> Iterator[Variant]:
    found = list(_NUMBER.finditer(title))
    if not found:
        return
    match = rng.choice(found)
    other, unit = str(int(match.group()) + rng.randint(1, 60)), rng.choice(_UNITS)
    if other not in row:
        yield "number", title[: match.start()] + other + title[match.end() :]
    if unit.lower() not in row and '"' not in row:
        yield "unit", f"{title[: match.start()]}{match.group()} {unit} {title[match.end() :]}"


def list_rewordings(title: str, rng: random.Random) -> Iterator[Variant]:
    """The same title said otherwise."""
    words, parts = title.split(), regex.split(r"\s*[,|]\s+", title)
    rng.shuffle(parts)
    yield "lower case", title.lower()
    yield "upper case", title.upper()
    yield "title case", title.title()
    yield "reordered", " ".join(parts)
    yield "shortened", " ".join(words[: max(2, len(words) * 2 // 3)])
    yield "hyphens as spaces", title.replace("-", " ")
    yield "unit apart", _UNIT_GAP.sub(r"\1 \2", title)
    yield "unit joined", _UNIT_GAP.sub(r"\1\2", title)


def run(per_file: int) -> None:
    """Print caught mutations and false alarms per kind."""
    rng = random.Random(_SEED)  # noqa: S311 - a repeatable choice, no secret
    listings = list_sample_listings(per_file=per_file)
    brands = [row.brand for row in listings if row.brand]
    names: dict[str, list[str]] = defaultdict(list)
    for entries in get_lexicon().phrases.values():
        for entry in entries:
            names[entry.kind].append(entry.name)
    flagged: dict[str, Counter[str]] = {"mutation caught": Counter(), "false alarm": Counter()}
    total: dict[str, Counter[str]] = {"mutation caught": Counter(), "false alarm": Counter()}
    for listing in listings:
        variants = {
            "mutation caught": list_mutations(listing, brands, names, rng),
            "false alarm": list_rewordings(listing.text("title"), rng),
        }
        for group, made in variants.items():
            for kind, text in made:
                total[group][kind] += 1
                flagged[group][kind] += bool(find_unsupported({"title": text}, listing))
    for group, counts in total.items():
        _print_table(group, counts, flagged[group])


def _print_table(group: str, total: Counter[str], flagged: Counter[str]) -> None:
    print(f"\n{group:<24}{'of':>8}{'share':>10}")  # noqa: T201 - a program for people
    rows = [*((kind, flagged[kind], n) for kind, n in total.items())]
    for kind, hits, n in [*rows, ("all", flagged.total(), total.total())]:
        print(f"{kind:<18}{hits:>6}{n:>8}{hits / max(n, 1):>10.2%}")  # noqa: T201


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
