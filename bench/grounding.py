"""How many inventions grounding catches, how often it errs: ``python -m bench.grounding``.

Mutates titles of the real sample rows, and of rows written in German, French and Spanish, so that
each says something the whole row does not; rewords them so that each says the same. Prints a table
per kind and writes it to docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.mutations import Variant, list_brands, list_mutations
from bench.page import format_table, write_section
from bench.rewordings import list_rewordings
from domain.facts import find_unsupported
from domain.language import find_language
from domain.listing import Listing
from tests.support.sample_rows import SAMPLES, list_sample_listings

ROWS = Path(__file__).with_name("grounding_rows.txt")
LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "ms": "Malay, Indonesian",
}  # fmt: skip
_SEED = 20261122
_PER_FILE = 110


@dataclass(slots=True)
class Tally:
    """How many variants of each kind there were, how many were flagged, and which ones were not."""

    total: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    surprises: list[Variant] = field(default_factory=list)

    def add(self, variant: Variant, *, flagged: bool, expected: bool) -> None:
        """Count one variant."""
        self.total[variant.kind] += 1
        self.flagged[variant.kind] += flagged
        if flagged is not expected:
            self.surprises.append(variant)

    @property
    def share(self) -> float:
        """Flagged ones among all."""
        return self.flagged.total() / max(self.total.total(), 1)

    def worst(self) -> float:
        """The lowest share of any kind."""
        return min(self._list_shares())

    def highest(self) -> float:
        """The highest share of any kind."""
        return max(self._list_shares())

    def _list_shares(self) -> list[float]:
        return [self.flagged[kind] / n for kind, n in self.total.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run found, in all and by the language of the rows."""

    mutations: Tally = field(default_factory=Tally)
    rewordings: Tally = field(default_factory=Tally)
    by_language: dict[str, Result] = field(default_factory=dict)

    def add(self, variant: Variant, language: str, *, flagged: bool, expected: bool) -> None:
        """Count one variant for its kind and for its language."""
        own = self.by_language.setdefault(language, Result()) if language else self
        tally = own.mutations if expected else own.rewordings
        tally.add(variant, flagged=flagged, expected=expected)
        if language:
            self.add(variant, "", flagged=flagged, expected=expected)


def list_written() -> list[tuple[Listing, str]]:
    """The rows written for this bench, each with its language."""
    lines = (line for line in ROWS.read_text("utf-8").splitlines() if not line.startswith("#"))
    return [_parse(line) for line in lines if line]


def _parse(line: str) -> tuple[Listing, str]:
    language, brand, product_type, title, description, *more = line.split(" | ")
    fields = {"title": title, "description": description}
    named = [part.split(": ", 1) for part in more[0].split("; ")] if more else []
    attributes = {"brand": brand, "product_type": product_type, **dict(named)}
    return Listing(key=title, fields=fields, attributes=attributes), language


def measure(rows: Sequence[tuple[Listing, str]], *, seed: int = _SEED, rounds: int = 1) -> Result:
    """Mutate and reword every row ``rounds`` times, and count what grounding says of each."""
    rng = random.Random(seed)
    brands = list_brands([listing for listing, _ in rows])
    result = Result()
    for listing, language in [row for _ in range(rounds) for row in rows]:
        for variant in list_mutations(listing, brands=brands, rng=rng, language=language):
            flagged = _is_flagged(variant, listing)
            result.add(variant, language, flagged=flagged, expected=True)
        for variant in list_rewordings(listing.text("title"), language=language, rng=rng):
            flagged = _is_flagged(variant, listing)
            result.add(variant, language, flagged=flagged, expected=False)
    return result


def _is_flagged(variant: Variant, listing: Listing) -> bool:
    return bool(find_unsupported({"title": variant.text}, listing))


def list_rows(per_file: int) -> list[tuple[Listing, str]]:
    """Real rows and written ones, each with its language."""
    real = list_sample_listings(per_file=per_file)
    return [*((row, find_language(row.text("title"))) for row in real), *list_written()]


def _list_table(tally: Tally) -> Iterator[tuple[str, int, int, str]]:
    for kind in sorted(tally.total):
        n = tally.total[kind]
        yield kind, tally.flagged[kind], n, f"{tally.flagged[kind] / n:.2%}"
    yield "**all**", tally.flagged.total(), tally.total.total(), f"{tally.share:.2%}"


def _list_languages(result: Result) -> Iterator[tuple[str, int, str, str, int, str, str]]:
    for language, found in sorted(result.by_language.items()):
        caught, alarms = found.mutations, found.rewordings
        yield (
            LANGUAGES[language],
            caught.total.total(),
            f"{caught.share:.2%}",
            f"{caught.worst():.2%}",
            alarms.total.total(),
            f"{alarms.share:.2%}",
            f"{alarms.highest():.2%}",
        )


def _describe(result: Result, rows: int) -> str:
    caught = format_table(["mutation", "caught", "of", "share"], [*_list_table(result.mutations)])
    alarms = format_table(
        ["rewording", "flagged", "of", "share"], [*_list_table(result.rewordings)]
    )
    head = ["language", "mutations", "caught", "worst kind", "rewordings", "flagged", "worst kind"]
    languages = format_table(head, [*_list_languages(result)])
    intro = (
        f"Titles of {rows} rows: the sample files (English, Malay, Indonesian) and rows written in"
        " German, French and Spanish. A mutation says one thing that stands nowhere in the row and"
        " should be caught; a rewording says the same and should not. Words “not listed” stand in"
        " none of grounding's own lists."
    )
    return f"{intro}\n\n{caught}\n\n{alarms}\n\n{languages}"


def main(arguments: Sequence[str]) -> int:
    """Run the bench; 0 when it could."""
    parser = argparse.ArgumentParser(prog="python -m bench.grounding", description=__doc__)
    parser.add_argument("--rows", type=int, default=_PER_FILE, help="rows of each sample file")
    parser.add_argument("--show", type=int, default=0, help="how many surprises to print")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md alone")
    chosen = parser.parse_args(arguments)
    if not SAMPLES.is_dir():
        print("the sample files do not stand beside the repository")
        return 2
    rows = list_rows(chosen.rows)
    result = measure(rows)
    page = _describe(result, len(rows))
    print(page)
    for tally in (result.mutations, result.rewordings):
        for variant in tally.surprises[: chosen.show]:
            print(f"{variant.kind}: {variant.text}")
    if not chosen.no_write:
        write_section("grounding", "Grounding: inventions caught, false alarms", page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
