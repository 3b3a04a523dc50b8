"""What a finding says: what is wrong, with its numbers, and what to do about it."""

from __future__ import annotations

import regex

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

_PHRASE = ('has the phrase "{found}"', 'Remove "{found}".')
_CAPITALS = (
    "shouts in capitals: {found}",
    "Write it in ordinary capitals; acronyms and brand names may stay.",
)
_PATTERNS = {
    "url": "a web address",
    "email": "an e-mail address",
    "phone": "a telephone number",
    "price": "a price",
    "asin": "an ASIN",
    "active_content": "a script, form or other active part",
    "hidden_text": "text that shoppers cannot see",
}


def _forbidden_patterns() -> dict[str, tuple[str, str]]:
    return {
        f"{kind}.{name}": (f'has {thing}: "{{found}}"', f"Remove {thing}.")
        for kind in ("forbidden", "forbidden_pattern", "forbidden_topic")
        for name, thing in _PATTERNS.items()
    }


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
    "min_depth": ("{n} levels, at least {limit}", "Name a more precise category."),
    "min_words": ("{n} words, at least {limit}", "Say more about what the row states."),
    "forbidden_chars": ("has characters that are not allowed: {found}", "Remove {found}."),
    "context_chars": (
        "has {found} outside an identifier or a measure",
        "Remove {found}, or use it only as in #8 or ~5 cm.",
    ),
    "allowed_charset": ("has characters that are not allowed: {found}", "Remove {found}."),
    "forbidden_regex": ("has what does not belong here: {found}", "Remove {found}."),
    "max_char_repeat": (
        "has {found} more than {limit} times",
        "Use {found} at most {limit} times.",
    ),
    "language": ("has letters of another script: {found}", "Write it in English."),
    "forbidden_phrases.phrase": _PHRASE,
    "forbidden_topic.phrase": _PHRASE,
    "forbidden.phrase": _PHRASE,
    "forbidden.own_brand": (
        'repeats the brand "{found}", which is searched anyway',
        "Remove the brand from here.",
    ),
    "forbidden_words": ("has words that are ignored: {found}", "Leave them out: {found}."),
    "max_word_repeat": (
        "repeats a word more than {limit} times: {found}",
        "Use each word at most {limit} times.",
    ),
    "no_keyword_repeat": ("repeats keywords: {found}", "Say each of them once."),
    "title_case": (
        "has words that begin with a small letter: {found}",
        'Begin each word with a capital, except small ones such as "and", "for", "with".',
    ),
    "use_numerals": ('spells a number out: "{found}"', "Write the number in digits."),
    "max_words_before_delimiter": (
        "{n} words before the first comma or dash, at most {limit}",
        "Put the details after a comma.",
    ),
    "front_load": (
        'names "{found}" only after the first {limit} characters',
        'Move "{found}" to the front.',
    ),
    "no_all_caps": _CAPITALS,
    "no_gimmicky_caps": _CAPITALS,
    "style.starts_with_capital": ("begins with a small letter: {found}", "Begin with a capital."),
    "style.end_punctuation": ('ends with "{found}"', "Leave out the mark at the end."),
    "style.lower_case": ("has capitals: {found}", "Write in lower case."),
    "style.punctuation": ("has punctuation: {found}", "Separate words by spaces alone."),
    "style.no_repeats": ("repeats words: {found}", "Say each word once, singular or plural."),
    "style.no_price_shipping_sale": (
        'speaks of price, shipping or sale: "{found}"',
        'Remove "{found}".',
    ),
    "style.gift_phrases": (
        'has a gift phrase: "{found}"',
        "Say it in the tags or the description.",
    ),
    "html_policy.tag": ("has tags that are not allowed: {found}", "Allowed tags: {allowed}."),
    "html_policy.attribute": ("has a tag with attributes: {found}", "Keep the tag alone."),
    "html_policy.entity": ("has an HTML entity: {found}", "Write the character itself."),
    "unique_items": ('says "{found}" twice', "Replace the second one."),
    "no_overlap_with": (
        '"{found}" only repeats the category or an attribute',
        "Use the place for another term.",
    ),
    "not_starting_with_field": (
        "begins by repeating the {other}",
        "Begin with what the {other} does not say.",
    ),
    "one_of": ("none of these is given: {wanted}", "Fill in {wanted}."),
    "gtin.digits": ("is not a number of digits alone", "Enter the digits printed below the bars."),
    "gtin.length": ("has {n} digits; a GTIN has {lengths}", "Enter all digits, zeros included."),
    "gtin.check_digit": (
        "ends with {found}, but its check digit is {right}",
        "Compare it with the code on the package.",
    ),
    **_forbidden_patterns(),
    "max_words": ("{n} words, at most {limit}", "Drop words that do not name the product."),
}


_LONGEST_QUOTE = 80
_ONE = regex.compile(r"\b(1) (item|character|byte|word|level|value|time)s\b")


def word_breach(rule: Rule, breach: Breach) -> tuple[str, str]:
    """Message and remedy of a breach; a rule's own templates go before its kind's."""
    code = f"{rule.kind}.{breach.code}" if breach.code else rule.kind
    message, remedy = WORDING[code]
    values = {"limit": rule.limit, **{name: _clip(value) for name, value in breach.values.items()}}
    said = (rule.message or message).format(**values), (rule.remedy or remedy).format(**values)
    return _ONE.sub(r"\1 \2", said[0]), _ONE.sub(r"\1 \2", said[1])


def _clip(value: object) -> object:
    if isinstance(value, str) and len(value) > _LONGEST_QUOTE:
        return value[: _LONGEST_QUOTE - 1] + "…"
    return value
