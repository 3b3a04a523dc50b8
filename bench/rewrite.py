"""What the rules engine leaves behind: ``python -m bench.rewrite``.

Repairs every real sample row for every channel, and counts hard findings before and after on the
fields it may touch, facts lost and invented, scores that fell, and second passes that changed
anything; times each step. Prints a table and writes it to docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from time import process_time

import regex

from bench.page import format_table, write_section
from domain.facts import find_lost_among, find_unsupported
from domain.findings import Finding, Level
from domain.gate import judge, list_kept_facts
from domain.listing import Channel, Listing
from domain.marketplaces.checker import check_listing
from domain.rewrite import propose
from domain.scoring import score_listing
from domain.touchable import find_touchable
from tests.support.briefs import make_brief
from tests.support.sample_rows import SAMPLES, list_sample_listings

_PER_FILE = 250
_TYPE_LAST = "retail_titles"
_PLAIN_WORD = regex.compile(r"\p{L}{3,}")
_TRAILING = regex.compile(r"\s+-\s+\d|\s*\(")


@dataclass(slots=True, kw_only=True)
class Account:
    """What happened to the rows of one channel; times in milliseconds, of rows worked on."""

    rows: int = 0
    changed: int = 0
    hard_before: int = 0
    hard_after: int = 0
    lost: int = 0
    invented: int = 0
    fallen: int = 0
    restless: int = 0
    retail_cut: int = 0
    last_word_kept: int = 0
    times_ms: list[float] = field(default_factory=list)
    refused: int = 0
    refused_findings: int = 0
    left: list[str] = field(default_factory=list)

    @property
    def share_mended(self) -> float:
        """Of the hard findings outside titles that no true cut makes fit."""
        mendable = self.hard_before - self.refused_findings
        return 1 - (self.hard_after - self.refused_findings) / mendable if mendable else 1.0

    @property
    def share_gone(self) -> float:
        """Of the hard findings on fields that might be touched."""
        return 1 - self.hard_after / self.hard_before if self.hard_before else 1.0


def measure(listings: Iterable[Listing], channel: str) -> Account:
    """Repair each listing for one channel and book what came of it."""
    account = Account()
    for listing in listings:
        _book(account, listing, channel)
    return account


def _book(account: Account, listing: Listing, channel: str) -> None:
    brief, rules = make_brief(listing, channel)
    findings = check_listing(listing, rules)
    touchable = find_touchable(brief, findings)
    account.rows += 1
    account.hard_before += sum(f.level is Level.HARD and f.field in touchable for f in findings)
    if not touchable:
        return
    start = process_time()
    proposed = propose(brief, rules)
    judge(proposed, brief, rules)
    account.times_ms.append((process_time() - start) * 1000)
    fixed = listing.with_fields(proposed)
    left = [f for f in check_listing(fixed, rules) if f.level is Level.HARD]
    account.hard_after += sum(f.field in touchable for f in left)
    account.left += [f"{f.rule}: {fixed.text(f.field)[:120]}" for f in left if f.field in touchable]
    _book_refused(account, left, kept="title" in touchable and "title" not in proposed)
    if not proposed:
        return
    account.changed += 1
    account.invented += len(find_unsupported(proposed, listing))
    account.lost += len(find_lost_among(list_kept_facts(listing, rules), fixed))
    account.fallen += score_listing(fixed, rules).total < score_listing(listing, rules).total
    account.restless += bool(propose(replace(brief, listing=fixed), rules))
    _book_last_word(account, listing, fixed.text("title"))


def _book_refused(account: Account, left: Sequence[Finding], *, kept: bool) -> None:
    """A title that stays as it is, since no cut of it within the limit would be true."""
    found = [f for f in left if f.level is Level.HARD and f.field == "title"] if kept else []
    account.refused += bool(found)
    account.refused_findings += len(found)


def _book_last_word(account: Account, listing: Listing, title: str) -> None:
    """Whether a cut title still has its last plain word, in a catalogue that ends with the type.

    Counted without grounding's own idea of what names a product.
    """
    before = listing.text("title")
    words = _PLAIN_WORD.findall(_TRAILING.split(before)[0])
    if words and len(title) < len(before) and listing.key.startswith(_TYPE_LAST):
        account.retail_cut += 1
        account.last_word_kept += words[-1].casefold().removesuffix("s") in title.casefold()


def _describe(accounts: dict[str, Account]) -> str:
    head = ["channel", "rows", "changed", "hard before", "after", "gone",
            "titles refused", "facts lost", "invented",
            "scores fallen", "second pass changed", "median ms", "p95 ms"]  # fmt: skip
    lines = [_list_cells(channel, account) for channel, account in accounts.items()]
    before = sum(account.hard_before for account in accounts.values())
    after = sum(account.hard_after for account in accounts.values())
    cut = sum(account.retail_cut for account in accounts.values())
    kept = sum(account.last_word_kept for account in accounts.values())
    return (
        "Mode fix, hard findings on the fields it may touch. A fact is lost when the title told it,"
        " the channel's limit has room for it, and no text of the row tells it afterwards."
        " A title is refused when every cut that fits would say something untrue or lose its name:"
        " it stays as the seller wrote it, and its findings count as not gone."
        " Times are processor time for rows with something to do: proposing, judging once more.\n\n"
        f"{format_table(head, lines)}\n\nAll channels: {before} before, {after} after,"
        f" {1 - after / max(before, 1):.1%} gone.\n\nOf {cut} shortened titles of the retail"
        f" catalogue, which has no column for the product's type, {kept / max(cut, 1):.0%} still"
        " tell their last plain word, mostly the type; others name the product earlier."
    )


def _list_cells(channel: str, account: Account) -> list[object]:
    times = sorted(account.times_ms) or [0.0]
    return [
        channel, account.rows, account.changed, account.hard_before, account.hard_after,
        f"{account.share_gone:.1%}", account.refused, account.lost, account.invented,
        account.fallen, account.restless, f"{statistics.median(times):.1f}",
        f"{times[int(len(times) * 0.95)]:.1f}",
    ]  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run the bench; 0 when it could."""
    parser = argparse.ArgumentParser(prog="python -m bench.rewrite", description=__doc__)
    parser.add_argument("--rows", type=int, default=_PER_FILE, help="rows of each sample file")
    parser.add_argument("--show", type=int, default=0, help="how many findings left per channel")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md alone")
    chosen = parser.parse_args(arguments)
    if not SAMPLES.is_dir():
        print("the sample files do not stand beside the repository")
        return 2
    listings = list_sample_listings(per_file=chosen.rows)
    accounts = {channel.value: measure(listings, channel.value) for channel in Channel}
    page = _describe(accounts)
    print(page)
    for channel, account in accounts.items():
        for line in account.left[: chosen.show]:
            print(f"{channel}: {line}")
    if not chosen.no_write:
        write_section("rewrite", "The rules engine: findings gone, facts kept", page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
