"""What a finding says: what is wrong, with its numbers, and what to do about it."""

from __future__ import annotations

from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach

_LONG = (
    "{n} {unit}, at most {limit}",
    "Shorten it to {limit} {unit}; keep what names the product.",
)
_SHORT = ("{n} {unit}, at least {min}", "Say more: at least {min} {unit}.")
_MANY = ("{n} items, at most {limit}", "Keep the {limit} most useful ones.")
_FEW = ("{n} items, at least {min}", "Add items until there are {min}.")
_UNUSUAL_LENGTH = (
    "{n} {unit}; {low} to {high} work best",
    "Aim for {low} to {high} {unit}.",
)

WORDING: dict[str, tuple[str, str]] = {
    "required": ("is empty", "Fill it in; a listing without it cannot be published."),
    "max_length.long": _LONG,
    "max_length.values": ("{n} values, at most {limit}", "Keep the {limit} main ones."),
    "max_length.value": ("one value has {n} characters, at most {limit}", "Shorten that value."),
    "min_length.short": _SHORT,
    "length_range.empty": ("is empty, at least {min} {unit}", "Fill it in."),
    "length_range.short": _SHORT,
    "length_range.long": _LONG,
    "length_range.unusual": _UNUSUAL_LENGTH,
    "max_total_length.long": (
        "{n} {unit} in all, at most {limit}",
        "Shorten the items to {limit} {unit} in all.",
    ),
    "min_count.few": _FEW,
    "max_count.many": _MANY,
    "count_range.few": _FEW,
    "count_range.many": _MANY,
    "count_range.unusual": ("{n} items; {low} to {high} work best", "Aim for {low} to {high}."),
    "min_depth": ("{n} level(s), at least {limit}", "Name a more precise category."),
    "min_words": ("{n} words, at least {limit}", "Say more about what the row states."),
    "max_words": ("{n} words, at most {limit}", "Drop words that do not name the product."),
}


def word_breach(rule: Rule, breach: Breach) -> tuple[str, str]:
    """Message and remedy of a breach; a rule's own templates go before its kind's."""
    code = f"{rule.kind}.{breach.code}" if breach.code else rule.kind
    message, remedy = WORDING[code]
    values = {"limit": rule.limit, **breach.values}
    return (rule.message or message).format(**values), (rule.remedy or remedy).format(**values)
