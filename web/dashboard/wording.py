"""The words in which pages speak to sellers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

_CELL: Final = re.compile(r"cell \d+")

CHANNELS: Final[Mapping[str, str]] = {
    "amazon": "Amazon",
    "ebay": "eBay",
    "etsy": "Etsy",
    "shopify": "Shopify",
    "walmart": "Walmart",
    "google": "Google Shopping",
    "woocommerce": "WooCommerce",
    "meta": "Meta",
}

FIELDS: Final[Mapping[str, str]] = {
    "title": "Title",
    "subtitle": "Subtitle",
    "short_title": "Short title",
    "highlights": "Highlights",
    "bullets": "Bullet points",
    "description": "Description",
    "short_description": "Short description",
    "tags": "Tags",
    "materials": "Materials",
    "search_terms": "Search terms",
    "seo_title": "SEO title",
    "seo_description": "SEO description",
}

LISTING_STATES: Final[Mapping[str, str]] = {
    "new": "New",
    "suggested": "To review",
    "hard": "Breaks a rule",
    "good": "Passes",
}

IMPORT_STATES: Final[Mapping[str, str]] = {
    "receiving": "Arriving",
    "received": "Waiting to be read",
    "parsing": "Being read",
    "ready": "Waiting for you",
    "confirmed": "Starting",
    "running": "Working",
    "done": "Done",
    "failed": "Could not be read",
    "cancelled": "Cancelled",
}

JOB_STATES: Final[Mapping[str, str]] = {
    "available": "Waiting for its turn",
    "running": "Being worked on",
    "retryable": "Waiting to try again",
    "completed": "Done",
    "discarded": "Did not succeed",
    "cancelled": "Cancelled",
}

OUTCOMES: Final[Mapping[str, str]] = {
    "improved": "A new suggestion is ready.",
    "already_good": "Nothing to fix: this listing keeps every rule we can check.",
    "partly_refused": "A suggestion is ready; some of what was proposed was refused.",
    "refused": "What was proposed was refused, so your own texts stay.",
    "rules_fallback": "A suggestion is ready, written by rules alone.",
}

LEFT_ALONE: Final[Mapping[str, str]] = {
    "no_text": "Yours to mend: it is no text that we write",
    "locked": "Left alone: you locked this field",
    "not_asked": "Left alone: the order did not name this field",
    "other_shop": "Left alone: it is the page of your other shop",
}

NOTHING_MENDABLE: Final = (
    "Nothing that we may change: what breaks a rule stands in fields that stay as they are. Each"
    " says why below."
)

ACTIONS: Final[Mapping[str, str]] = {
    "accept": "Accepted",
    "edit": "Edited by you",
    "reject": "Rejected",
}

SUGGESTION_STATES: Final[Mapping[str, str]] = {
    "open": "To review",
    "accepted": "Accepted",
    "partly_accepted": "Partly accepted",
    "rejected": "Rejected",
    "refused": "Refused",
    "stale": "Out of date",
    "superseded": "Replaced by a newer one",
}

ORIGINS: Final[Mapping[str, str]] = {
    "api": "Sent through the API",
    "import": "From a file",
    "accepted": "Approved in review",
}

ENGINES: Final[Mapping[str, str]] = {"groq": "language model", "rules": "rules, no language model"}

CHECKS: Final[Mapping[str, str]] = {
    "shape": "Not in the form we asked for",
    "rule": "Breaks a rule of the channel",
    "fact": "Says something your listing does not",
    "lost_fact": "Loses something your listing says",
    "refusal_text": "Is no product text",
    "locked": "You locked this field",
    "voice": "Is not in your voice",
}

FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "changes": (
        "Only the changes",
        "Key columns and changed texts. The safe one to import: prices and stock stay as they are.",
    ),
    "revert": (
        "The way back",
        "The same rows with your former texts, in case you want them again.",
    ),
    "full": ("Your whole file", "Byte for byte as you sent it, but for the cells you approved."),
    "supplement": (
        "A file for the other channel",
        "Product keys with the new texts, laid out for the channel you chose.",
    ),
    "paste": (
        "Text to paste",
        "Listing by listing, for shops that take no file back.",
    ),
}

MODES: Final[Mapping[str, str]] = {
    "fix": "Fix what breaks a rule (smallest edits)",
    "improve": "Also follow advice and fill empty fields",
    "rewrite": "Write every field anew",
}

SPEEDS: Final[Mapping[str, str]] = {
    "now": "Now",
    "batch": "Within a day, for half the price",
}
ENGINE_CHOICES: Final[Mapping[str, str]] = {
    "auto": "The best there is",
    "groq": "Language model (Groq)",
    "rules": "Rules only (free)",
}

CADENCES: Final[Mapping[str, str]] = {
    "off": "Never",
    "weekly": "Every week",
    "monthly": "Every month",
    "rules": "Only when a rule begins or changes",
}

LANES: Final[Mapping[str, str]] = {
    "interactive": "Interactive",
    "bulk": "Bulk (imports)",
    "scheduled": "Scheduled",
    "files": "Files",
}

RUN_OUTCOMES: Final[Mapping[str, str]] = {
    "done": "Done",
    "trouble": "Some trouble",
    "lost": "Lost on the way",
    "under_way": "Under way",
}

NOTICES: Final[Mapping[str, str]] = {
    "accepted": "Accepted. The text is now the listing's own here; your file has it when you"
    " download it.",
    "rejected": "Rejected. Your text stays.",
    "edited": "Your own words were saved.",
    "undone": "Taken back. The former text stands again.",
    "confirmed": "The work has begun.",
    "cancelled": "Cancelled. Nothing more will be started.",
    "bulk": "Every open suggestion of this file is being accepted. You may close this page.",
    "scheduled": "Saved. Every look only proposes; you decide.",
    "retried": "They run again as soon as there is room.",
    "signed_out": "You are signed out.",
    "voice_saved": "Saved. It holds for what you ask for from now on.",
    "muted": "Muted, with your reason. All your listings on this channel are being measured anew.",
    "unmuted": "The rule holds again. Your listings on this channel are being measured anew.",
}


def name_of(words: Mapping[str, str], code: str | None) -> str:
    """The words for a code; an unknown code is shown as it is, readably."""
    if not code:
        return ""
    return words.get(code) or code.replace("_", " ").capitalize()


def write_sentence(message: str) -> str:
    """A message as a sentence of its own; what begins with a rule's or a field's id keeps it."""
    first = message.partition(" ")[0].rstrip(".,:;")
    begun = message if "." in first or "_" in first else message[:1].upper() + message[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def name_place(column: str) -> str:
    """The column of a file's fault; "cell 2" is where no header names it."""
    return column if _CELL.fullmatch(column) else f"column “{column}”"


def format_time(moment: dt.datetime) -> str:
    """A time as people read it, in UTC."""
    return f"{moment.astimezone(dt.UTC):%d %b %Y, %H:%M} UTC".lstrip("0")


def format_day(day: dt.date) -> str:
    """A day as people read it."""
    return f"{day:%d %B %Y}".lstrip("0")


def format_span(seconds: float) -> str:
    """A length of time in the unit that says most."""
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"


def format_wait(seconds: float) -> str:
    """A short time, to a tenth of a second where it counts."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 10 else format_span(seconds)  # noqa: PLR2004


def format_cost(microusd: float) -> str:
    """Money in dollars; small sums keep the digits that matter."""
    if not microusd:
        return "nothing"
    dollars = microusd / 1_000_000
    return f"${dollars:,.2f}" if dollars >= 1 else f"${dollars:.4f}"


def format_size(size_bytes: int) -> str:
    """A file's size."""
    if size_bytes < 10_000:  # noqa: PLR2004 - below 10 kB bytes are the clearer unit
        return f"{size_bytes} bytes"
    kilobytes = size_bytes / 1000
    return f"{kilobytes:,.0f} kB" if kilobytes < 1000 else f"{kilobytes / 1000:,.1f} MB"  # noqa: PLR2004


def count_of(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 product, 2 products."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


WORDS: Final[Mapping[str, Any]] = {
    "name_of": name_of,
    "name_place": name_place,
    "write_sentence": write_sentence,
    "format_time": format_time,
    "format_day": format_day,
    "format_span": format_span,
    "format_wait": format_wait,
    "format_cost": format_cost,
    "format_size": format_size,
    "count_of": count_of,
    "CHANNELS": CHANNELS,
    "FIELDS": FIELDS,
    "LISTING_STATES": LISTING_STATES,
    "IMPORT_STATES": IMPORT_STATES,
    "JOB_STATES": JOB_STATES,
    "OUTCOMES": OUTCOMES,
    "LEFT_ALONE": LEFT_ALONE,
    "ACTIONS": ACTIONS,
    "SUGGESTION_STATES": SUGGESTION_STATES,
    "ORIGINS": ORIGINS,
    "ENGINES": ENGINES,
    "CHECKS": CHECKS,
    "FORMS": FORMS,
    "MODES": MODES,
    "ENGINE_CHOICES": ENGINE_CHOICES,
    "SPEEDS": SPEEDS,
    "CADENCES": CADENCES,
    "LANES": LANES,
    "RUN_OUTCOMES": RUN_OUTCOMES,
    "NOTICES": NOTICES,
}
"""What templates may say, by name."""
