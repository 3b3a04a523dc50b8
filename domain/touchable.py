"""Which fields a job may touch, by its mode, its findings and the seller's wishes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from domain.brief import Brief, Mode
from domain.files.supplement import load_supplement_format
from domain.findings import Finding, Level
from domain.listing import TEXT_FIELDS, Listing, is_blank

FILLABLE = frozenset({"tags", "bullets", "seo_title", "seo_description", "search_terms"})
"""Fields that may be written where the seller left them empty."""


def find_touchable(brief: Brief, findings: Iterable[Finding]) -> tuple[str, ...]:
    """The fields that may change, in reading order.

    ``fix``: fields with a hard finding. ``improve``: also those with advice, and empty ones that
    the row's own words can fill. ``rewrite``: all. Always limited to the columns of the file, to
    ``brief.touch`` and by ``brief.locks``. A description in HTML that belongs to a shop of its own
    (a Shopify or WooCommerce file, known by its handle or short description) is left alone on
    another channel unless ``brief.touch`` names it.
    """
    chosen = _list_by_mode(brief, tuple(findings))
    return tuple(name for name in TEXT_FIELDS if name in chosen and _is_open(name, brief))


def _list_by_mode(brief: Brief, findings: tuple[Finding, ...]) -> set[str]:
    hard = {finding.field for finding in findings if finding.level is Level.HARD}
    if brief.mode is Mode.FIX:
        return hard
    if brief.mode is Mode.REWRITE:
        return set(brief.listing.fields)
    fields = brief.listing.fields
    empty = {name for name, value in fields.items() if name in FILLABLE and is_blank(value)}
    return hard | {finding.field for finding in findings} | empty


class Untouched(StrEnum):
    """Why a field stays as it is, whatever stands in it."""

    NO_TEXT = "no_text"
    """It is no text that we write: an attribute, or a field the row does not have."""
    LOCKED = "locked"
    NOT_ASKED = "not_asked"
    OTHER_SHOP = "other_shop"
    """It is the page of another shop, and the channel's own file has no place for it."""


def _is_open(name: str, brief: Brief) -> bool:
    return find_untouched(name, brief) is None


def find_untouched(name: str, brief: Brief) -> Untouched | None:
    """Why a field may not be touched; None where it may."""
    if name not in brief.listing.fields:
        return Untouched.NO_TEXT
    if name in brief.locks:
        return Untouched.LOCKED
    if brief.touch:
        return None if name in brief.touch else Untouched.NOT_ASKED
    if not _is_of_another_shop(brief):
        return None
    # What comes back is a file in the channel's own form: a field that has no place in it, or the
    # HTML of the shop's own page, is not worth a word.
    carried = load_supplement_format(brief.channel).columns
    is_written = name in carried and name not in brief.listing.html_fields
    return None if is_written else Untouched.OTHER_SHOP


def _is_of_another_shop(brief: Brief) -> bool:
    home = find_home_channel(brief.listing)
    return bool(home) and home != brief.channel


def find_home_channel(listing: Listing) -> str:
    """The shop whose own page the listing's HTML is, "" when the row does not tell."""
    if "handle" in listing.attributes:
        return "shopify"
    return "woocommerce" if "short_description" in listing.fields else ""
