"""Makes false titles of true ones: each says one thing that stands nowhere in its row."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import regex
import yaml

from domain.facts.extract import list_facts
from domain.listing import Listing
from domain.scoring.title import NO_BRAND
from domain.text import fold

_WORDS_FILE: Final = Path(__file__).parents[1] / "domain" / "facts" / "words.yaml"
_WORD_KINDS: Final = ("material", "color", "certification", "country", "claim", "audience", "size")
_UNITS: Final = ("oz", "ml", "cm", "kg", "W", "inch", "GB", "mAh")
_NUMBER = regex.compile(r"(?<![\w.,/:-])\d+(?![\w.,/:-])")
_MEASURE = regex.compile(r"(?<![\w.,/-])(\d+)(\s?)(ml|cm|mm|kg|g|W|L|m|oz|GB)(?![\w-])")
_CODE = regex.compile(r"\b(?=\w*\d)(?=\w*\p{L})\p{L}[\w-]{3,}\b")
_TELLING: Final = 4
_SHORTEST_BRAND: Final = 3

_UNLISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "material not listed": (
        "Ramie", "Tyvek", "Gore-Tex", "Bakelite", "Onyx", "Jade", "Pashmina", "Lurex", "Sisal",
        "Chenille", "Seersucker", "Soapstone", "Obsidian", "Balsa", "Ebony", "Cambric",
    ),
    "color not listed": (
        "Ochre", "Cerulean", "Mauve", "Vermilion", "Puce", "Chartreuse", "Sienna", "Umber",
        "Amaranth", "Periwinkle", "Celadon", "Saffron",
    ),
    "certification not listed": (
        "BIFMA", "Intertek", "WRAS", "KEMA", "VDE", "BSCI", "GRS", "RWS", "ECARF", "TCO", "EPEAT",
    ),
    "claim not listed": (
        "Unscented", "Crease-Free", "Self-Cleaning", "Tarnish-Free", "Odorless", "Fog-Proof",
        "Noiseless", "Probiotic", "Anti-Glare", "Non-GMO", "Preservative-Free", "Crashworthy",
    ),
}  # fmt: skip
"""Words that the grounding's own lists do not hold: what a reader finds, not what we wrote down."""

_DEVICES: Final = (
    "Zenfone", "Galaxy S24", "Kindle", "PlayStation", "Roomba", "Thermomix", "Vespa", "Fitbit",
    "ThinkPad", "GoPro", "Sonos", "Ducati",
)  # fmt: skip


_COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (", Pack of {}", ", Set of {}", " {} Pcs", ", {} Pack", " x{}"),
    "de": (", {} Stück", ", {}er Pack", ", {}er Set", " x{}", ", Packung mit {}"),
    "fr": (", lot de {}", ", {} pièces", " x{}", ", jeu de {}", ", {} unités"),
    "es": (", {} unidades", ", {} piezas", " x{}", ", paquete de {}", ", juego de {}"),
    "ms": (", isi {}", " {} pcs", " x{}", ", set {}", ", {} keping"),
}
_FITS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("for", "compatible with", "fits"),
    "de": ("für", "passend für", "kompatibel mit"),
    "fr": ("pour", "compatible avec"),
    "es": ("para", "compatible con"),
    "ms": ("untuk", "sesuai untuk"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A title made of another, and how."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A listing under mutation, its whole text folded once."""

    listing: Listing
    title: str
    whole: str
    rng: random.Random
    language: str

    def lacks(self, *words: str) -> bool:
        """Whether the row has none of these words, nor one that begins as they do."""
        return not any(fold(word)[:_TELLING] in self.whole for word in words)


def list_mutations(
    listing: Listing, *, brands: Sequence[str], rng: random.Random, language: str = "en"
) -> Iterator[Variant]:
    """One title of each kind that the row leaves room for; counts and fits in its language."""
    row = _Row(
        listing=listing,
        title=listing.text("title"),
        whole=fold(str(listing.to_json())),
        rng=rng,
        language=language,
    )
    for mutate in (_swap_numbers, _state_words, _state_unlisted, _name_codes):
        yield from mutate(row)
    yield from _name_brands(row, brands)


def list_brands(listings: Sequence[Listing]) -> list[str]:
    """The brands of real rows that name one."""
    found = {row.brand.strip() for row in listings}
    return sorted(brand for brand in found if _is_name(brand))


def _is_name(brand: str) -> bool:
    """Whether a brand column's value names anybody, in letters that a reader can tell apart."""
    folded = fold(brand)
    is_nothing = folded in NO_BRAND or folded.startswith("no ")
    return len(brand) >= _SHORTEST_BRAND and folded.isascii() and not is_nothing


def _swap_numbers(row: _Row) -> Iterator[Variant]:
    """Another number, another unit, another count."""
    if found := _pick(_NUMBER, row):
        other = str(int(found.group()) + row.rng.randint(1, 60))
        if other not in row.whole:
            yield Variant(kind="number", text=_replace(row.title, found, other))
    if found := _pick(_MEASURE, row):
        unit = row.rng.choice([u for u in _UNITS if fold(u) != fold(found.group(3))])
        if _lacks_unit(row, unit):
            yield Variant(kind="unit", text=_replace(row.title, found, f"{found.group(1)} {unit}"))
        value = str(int(found.group(1)) * 10 + row.rng.randint(1, 9))
        if value not in row.whole:
            text = _replace(row.title, found, "".join((value, *found.groups()[1:])))
            yield Variant(kind="measure", text=text)
    count, side = row.rng.randint(13, 400), row.rng.randint(101, 999)
    if str(count) not in row.whole:
        form = row.rng.choice(_COUNTS[row.language])
        yield Variant(kind="count", text=row.title + form.format(count))
    if str(side) not in row.whole:
        yield Variant(kind="dimension", text=f"{row.title}, {side} x {side + 7} mm")


def _lacks_unit(row: _Row, unit: str) -> bool:
    return not regex.search(rf"\d\s?{fold(unit)}", row.whole) and '"' not in row.title


def _state_words(row: _Row) -> Iterator[Variant]:
    """Another material, colour, country, …: in place of the title's own where it has one."""
    lines = _read_lines()
    for kind in _WORD_KINDS:
        spellings = row.rng.choice(lines[kind])
        if row.lacks(*(word for spelling in spellings for word in spelling.split()[-1:])):
            name = _spell(row.rng.choice(spellings))
            own = [f for f in list_facts(row.title) if f.kind == kind]
            if own:
                text = row.title[: own[0].start] + name + row.title[own[0].end :]
            else:
                text = _insert(name, row)
            yield Variant(kind=kind, text=text)


def _spell(spelling: str) -> str:
    return spelling.upper() if len(spelling) < _TELLING else spelling.title()


def _state_unlisted(row: _Row) -> Iterator[Variant]:
    for kind, words in _UNLISTED.items():
        word = row.rng.choice(words)
        if row.lacks(word):
            shown = row.rng.choice([word, word.lower()]) if "claim" in kind else word
            yield Variant(kind=kind, text=_insert(shown, row))


def _name_codes(row: _Row) -> Iterator[Variant]:
    """Another model, another device it fits."""
    invented = f"{row.rng.choice('KQXZ')}{row.rng.choice('BVX')}{row.rng.randint(100, 9999)}Z"
    found = _pick(_CODE, row)
    text = _replace(row.title, found, invented) if found else f"{row.title} {invented}"
    yield Variant(kind="model", text=text)
    device = row.rng.choice(_DEVICES)
    if row.lacks(*device.split()):
        lead = row.rng.choice(_FITS[row.language])
        yield Variant(kind="compatibility", text=f"{row.title} {lead} {device}")


def _name_brands(row: _Row, brands: Sequence[str]) -> Iterator[Variant]:
    """A stranger's brand before the title, after it, and in place of its own."""
    brand = row.rng.choice(brands)
    if not row.lacks(*(part for part in brand.split() if len(part) > 1)):
        return
    yield Variant(kind="brand first", text=f"{brand} {row.title}")
    yield Variant(kind="brand last", text=f"{row.title} {brand}")
    own = row.listing.brand.strip()
    if own and fold(own) in fold(row.title):
        pattern = regex.compile(regex.escape(own), regex.IGNORECASE)
        swapped = pattern.sub(lambda _: brand, row.title, count=1)
        if swapped != row.title:
            yield Variant(kind="brand swapped", text=swapped)


def _insert(word: str, row: _Row) -> str:
    words = row.title.split()
    words.insert(row.rng.randint(0, len(words)), word)
    return " ".join(words)


def _pick(pattern: regex.Pattern[str], row: _Row) -> regex.Match[str] | None:
    found = list(pattern.finditer(row.title))
    return row.rng.choice(found) if found else None


def _replace(text: str, found: regex.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]


@cache
def _read_lines() -> dict[str, list[tuple[str, ...]]]:
    """Kind to facts, each with its spellings in every language."""
    stored = yaml.safe_load(_WORDS_FILE.read_text("utf-8"))
    return {
        kind: [tuple(s.strip() for s in str(line).split(",")) for line in stored[kind]]
        for kind in _WORD_KINDS
    }
