"""The rules of a channel in words for a language model, made from the data the checker uses.

The lines keep a fixed form ("at most 80 characters", "never these characters: …"), so that the
simulated model can read them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.findings import Level
from domain.listing import TEXT_FIELDS
from domain.marketplaces.checker import EVERY_TEXT
from domain.marketplaces.rule import Rule, RuleSet

_PATTERNS = {
    "url": "web addresses",
    "email": "e-mail addresses",
    "phone": "telephone numbers",
    "price": "prices",
    "asin": "ASINs",
    "emoji": "emoji",
    "active_content": "scripts or forms",
    "hidden_text": "hidden text",
}
_CLASSES = {
    r"\p{L}": "letters",
    r"\p{Nd}": "digits",
    r"\p{P}": "punctuation",
    r"\p{Sm}": "mathematical signs",
    r"\p{Zs}": "spaces",
}
_STYLES = {
    "lower_case": "lower case",
    "starts_with_capital": "begin with a capital letter",
    "no_repeats": "no word twice",
    "name_item_once": "name the item once",
    "objective_traits_first": "objective traits first",
    "no_gift_phrases": "no gift phrases",
    "no_price_shipping_sale": "nothing about price, shipping or sales",
    "singular_or_plural_not_both": "singular or plural, not both",
}
_STYLES_OFF = {"end_punctuation": "no full stop at the end", "punctuation": "no punctuation"}


def describe_rules(rules: RuleSet) -> str:
    """One section a field, those for every text first; the same rules give the same text."""
    fields = (EVERY_TEXT, *TEXT_FIELDS)
    sections = (_describe_field(name, rules) for name in fields)
    return "\n\n".join(section for section in sections if section)


def _describe_field(name: str, rules: RuleSet) -> str:
    told = (rule for rule in rules.for_field(name) if not _is_slack(rule, rules))
    ranked = sorted(told, key=lambda rule: rule.level is not Level.HARD)
    lines = dict.fromkeys(line for rule in ranked for line in _describe_rule(rule))
    heading = "all" if name == EVERY_TEXT else name
    return "\n".join([f"## {heading}", *lines]) if lines else ""


def _is_slack(rule: Rule, rules: RuleSet) -> bool:
    """Whether a rule adds nothing: a looser length, or phrases that the model can translate."""
    if rule.text("translates"):
        return True
    if rule.kind != "max_length" or rule.unit != "chars" or rule.per or rule.limit is None:
        return False
    tightest = rules.max_length(rule.field)
    return tightest is not None and tightest < rule.limit


def _describe_rule(rule: Rule) -> Iterator[str]:
    describe = _KINDS.get(rule.kind)
    if describe is None:
        return
    prefix = "" if rule.level is Level.HARD else "preferably "
    each = "each item " if rule.per == "item" else ""
    for text in describe(rule):
        yield f"- {prefix}{each}{text}"


def _unit(rule: Rule) -> str:
    return {"chars": "characters"}.get(rule.unit, rule.unit or "items")


def _size(rule: Rule) -> Iterator[str]:
    bounds = []
    if rule.minimum:
        bounds.append(f"at least {rule.minimum}")
    if rule.limit is not None:
        bounds.append(f"at most {rule.limit}")
    if bounds:
        yield f"{' and '.join(bounds)} {_unit(rule)}"


def _at_least(rule: Rule) -> Iterator[str]:
    least = rule.minimum if rule.minimum is not None else rule.limit
    yield f"at least {least} {_unit(rule)}"


def _total(rule: Rule) -> Iterator[str]:
    yield f"all items together {rule.limit} {_unit(rule)} or fewer"


def _characters(rule: Rule) -> Iterator[str]:
    if rule.text("chars"):
        but = " (the brand's own name excepted)" if "brand" in rule.text("exception") else ""
        yield f"never these characters{but}: {' '.join(rule.text('chars'))}"
    yield from _patterns(rule)


def _charset(rule: Rule) -> Iterator[str]:
    """From ``[^...]``, the characters that are not forbidden."""
    allowed = rule.text("regex_forbidden").removeprefix("[^").removesuffix("]")
    named = [words for name, words in _CLASSES.items() if name in allowed]
    for name in _CLASSES:
        allowed = allowed.replace(name, "")
    signs = " ".join(allowed.replace("\\", ""))
    yield f"only {', '.join([*named, signs] if signs else named)}"


def _measures_only(rule: Rule) -> Iterator[str]:
    yield f"only in an identifier or a measure: {' '.join(rule.text('chars'))}"


def _patterns(rule: Rule) -> Iterator[str]:
    found = [_PATTERNS[name] for name in rule.params.get("patterns", {}) if name in _PATTERNS]
    if found:
        yield f"no {', '.join(found)}"


def _phrases(rule: Rule) -> Iterator[str]:
    if rule.texts("phrases"):
        yield f"never these words or phrases: {'; '.join(rule.texts('phrases'))}"
    if "own_brand" in rule.texts("content"):
        yield "not the listing's own brand"
    yield from _patterns(rule)


def _topics(rule: Rule) -> Iterator[str]:
    if rule.texts("topics"):
        yield f"nothing about: {', '.join(t.replace('_', ' ') for t in rule.texts('topics'))}"
    yield from _phrases(rule)


def _style(rule: Rule) -> Iterator[str]:
    wanted = [text for name, text in _STYLES.items() if rule.flag(name)]
    wanted += [text for name, text in _STYLES_OFF.items() if not rule.flag(name, default=True)]
    if wanted:
        yield f"style: {', '.join(wanted)}"
    yield from _phrases(rule)


def _markup(rule: Rule) -> Iterator[str]:
    tags = " ".join(f"<{tag}>" for tag in rule.texts("allow"))
    yield f"HTML: only {tags}" if tags else "plain text without HTML"


def _language(rule: Rule) -> Iterator[str]:
    yield f"written in: {', '.join(rule.texts('allow'))}"


def _repeats(rule: Rule) -> Iterator[str]:
    yield f"no word more than {rule.limit} times (small words such as of, the, and excepted)"


def _char_repeats(rule: Rule) -> Iterator[str]:
    yield f"each of these at most {rule.limit} time(s): {' '.join(rule.text('chars'))}"


def _front(rule: Rule) -> Iterator[str]:
    yield f"what the product is within the first {rule.limit} {_unit(rule)}"


def _before_delimiter(rule: Rule) -> Iterator[str]:
    yield f"the first comma, dash or colon within {rule.limit} words"


def _overlap(rule: Rule) -> Iterator[str]:
    yield f"do not repeat the {' or the '.join(rule.texts('other'))}"


def _not_starting(rule: Rule) -> Iterator[str]:
    yield f"do not begin with the {rule.text('other')}"


def _say(text: str) -> Callable[[Rule], Iterator[str]]:
    def describe(_rule: Rule) -> Iterator[str]:
        yield text

    return describe


_KINDS: dict[str, Callable[[Rule], Iterator[str]]] = {
    "required": _say("never empty"),
    "max_length": _size,
    "length_range": _size,
    "min_length": _at_least,
    "max_count": _size,
    "min_count": _at_least,
    "count_range": _size,
    "max_words": _size,
    "min_words": _at_least,
    "max_total_length": _total,
    "forbidden_chars": _characters,
    "context_chars": _measures_only,
    "forbidden_pattern": _patterns,
    "forbidden_phrases": _phrases,
    "forbidden_words": _phrases,
    "forbidden": _phrases,
    "forbidden_topic": _topics,
    "style": _style,
    "html_policy": _markup,
    "language": _language,
    "max_word_repeat": _repeats,
    "no_keyword_repeat": _say("no word repeated to gain attention"),
    "max_char_repeat": _char_repeats,
    "no_all_caps": _say("no words in capitals (acronyms and brand names excepted)"),
    "no_gimmicky_caps": _say("no words in capitals (acronyms and brand names excepted)"),
    "title_case": _say("Title Case, small words in lower case"),
    "use_numerals": _say("numerals rather than number words"),
    "allowed_charset": _charset,
    "unique_items": _say("no item twice"),
    "must_identify_product": _say("says what the product is"),
    "must_distinguish_variants": _say("keeps what tells this variant from the others"),
    "variant_attributes_in_child_only": _say("colour and size only if the listing is a variant"),
    "front_load": _front,
    "max_words_before_delimiter": _before_delimiter,
    "no_overlap_with": _overlap,
    "not_starting_with_field": _not_starting,
    "standalone_prefix": _front,
}
