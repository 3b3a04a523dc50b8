"""Writes docs/rules.md: every rule with what it demands, its source and when it was checked.

``python -m domain.marketplaces.document > docs/rules.md`` after a change of the rule files.
"""

from __future__ import annotations

import sys
from collections import Counter

from domain.findings import Level
from domain.marketplaces.rule import Rule
from domain.marketplaces.rule_files import read_yaml
from domain.marketplaces.rulebook import Rulebook, load_rulebook

_SHOWN_PHRASES = 6
_DECIDED_BY = {"yes": "the text", "file": "the file or account", "no": "the seller"}

_DEMANDS = {
    "required": "is filled in",
    "max_length": "at most {limit} {unit}{each}{parts}",
    "min_length": "at least {limit} {unit}",
    "length_range": "{minimum} to {limit} {unit}{each}{best}",
    "max_total_length": "at most {limit} {unit} in all",
    "min_count": "at least {limit} items",
    "max_count": "at most {limit} items",
    "count_range": "{minimum} to {limit} items{best}",
    "min_depth": "a category at least {limit} levels deep",
    "min_words": "at least {limit} words",
    "max_words": "at most {limit} words",
    "max_size": "at most {limit} MB",
    "max_revisions_per_day": "at most {limit} changes a day",
    "forbidden_chars": "none of {chars}{patterns}{exception}",
    "context_chars": "{chars} only in an identifier or a measure",
    "allowed_charset": "no character outside the channel's alphabet",
    "forbidden_regex": "no match of {regex}{exception}",
    "max_char_repeat": "each of {chars} at most {limit} times",
    "language": "written in English",
    "forbidden_phrases": "none of {phrases}{exception}",
    "forbidden_pattern": "no {patterns}",
    "forbidden_topic": "nothing about {topics}; a program looks for {found}",
    "forbidden": "no {patterns}, own brand, other brands, profanity; none of {phrases}",
    "forbidden_words": "none of {phrases}",
    "max_word_repeat": "no word more than {limit} times; small words are free",
    "no_keyword_repeat": "no word three times, no pair of words twice",
    "title_case": "each word begins with a capital, small words do not",
    "use_numerals": "counts in digits: 2, not two",
    "max_words_before_delimiter": "at most {limit} words before the first comma or dash",
    "front_load": "brand and product type within the first {limit} characters",
    "no_all_caps": "not in capitals; acronyms, models and brands may be",
    "no_gimmicky_caps": "no capitals for effect",
    "style": "{switches}",
    "html_policy": "only the tags {allow}{strict}",
    "unique_items": "no item twice",
    "no_overlap_with": "no item that repeats category or attributes",
    "not_starting_with_field": "does not begin by repeating the {other}",
    "one_of": "at least one of {options}",
    "gtin": "8, 12, 13 or 14 digits with a right check digit",
    "must_identify_product": "names the product by itself",
    "variant_attributes_in_child_only": "colour and size only in the variant's title",
    "must_distinguish_variants": "tells variants apart",
    "standalone_prefix": "the first {limit} characters stand by themselves",
    "unique_in_store": "occurs once in the store",
    "no_documented_limit": "the channel documents no limit",
    "ai_text_attribute": "text written by a language model goes into {use}",
}

_INTRO = """# The rules

Generated from `domain/marketplaces/*.yaml` by `python -m domain.marketplaces.document`;
do not edit it here.

**Level.** *hard*: the marketplace rejects, hides, cuts or rewrites a listing that breaks it.
*advice*: it recommends it, or we only remember it: what nobody has read is never enforced.
**Muting.** A seller may mute advice, and hard rules that judge words (*can be muted*), with a
reason that is kept: only they can tell a name from a promotion. What the marketplace's own machine
counts or refuses cannot be muted: the listing would be refused whatever anybody says of it.
**Decided by.** *the text*: our checker finds it. *the file or account*: it takes more than one
listing to tell. *the seller*: no program can tell.
**Evidence.** *official*: the marketplace's own page or API text. *secondary*: another page reports
it. *remembered*: not read; among these are our own translations (`….translated`) of phrases that a
source names in English. A rule checked more than 90 days ago says so wherever it is shown.
**Counting.** Characters are Unicode code points after NFC, bytes are UTF-8. Text fields are counted
as they stand, markup included.
"""


def build_rules_page(book: Rulebook) -> str:
    """The whole page as Markdown."""
    sections = [_build_section(channel, rules) for channel, rules in book.rules_by_channel.items()]
    return "\n".join([_INTRO, _build_summary(book), *sections])


def describe_rule(rule: Rule) -> str:
    """What a rule demands, in a few words."""
    return _DEMANDS[rule.kind].format(**_list_values(rule))


def _list_values(rule: Rule) -> dict[str, object]:
    patterns = ", ".join(name.replace("_", " ") for name in rule.params.get("patterns", {}))
    phrases = _show_phrases(rule.texts("phrases"))
    exception = rule.text("exception")
    return {
        "limit": rule.limit,
        "minimum": rule.minimum,
        "unit": {"chars": "characters"}.get(rule.unit, rule.unit),
        "each": " each" if rule.per == "item" else "",
        "best": _show_range(rule),
        "parts": _show_parts(rule),
        "chars": f"`{rule.text('chars')}`",
        "patterns": (f", {patterns}" if rule.kind == "forbidden_chars" else patterns)
        if patterns
        else "",
        "exception": f" (except: {exception})" if exception else "",
        "regex": f"`{rule.text('regex')}`".replace("|", "\\|"),
        "phrases": phrases,
        "topics": ", ".join(topic.replace("_", " ") for topic in rule.texts("topics")),
        "found": patterns or phrases,
        "switches": _show_switches(rule),
        "allow": ", ".join(f"`<{tag}>`" for tag in rule.texts("allow")) or "none",
        "strict": _show_strictness(rule),
        "other": rule.text("other"),
        "options": " or ".join(" with ".join(option) for option in rule.params.get("options", ())),
        "use": f"`{rule.text('use')}`",
    }


def _show_phrases(phrases: tuple[str, ...]) -> str:
    shown = ", ".join(f'"{phrase}"' for phrase in phrases[:_SHOWN_PHRASES])
    more = len(phrases) - _SHOWN_PHRASES
    return f"{shown} and {more} more" if more > 0 else shown


def _show_range(rule: Rule) -> str:
    best = rule.params.get("recommended")
    return f", best {best[0]} to {best[1]}" if best else ""


def _show_parts(rule: Rule) -> str:
    per_value, values = rule.number("per_value"), rule.number("max_values")
    return f", {values} values of at most {per_value}" if per_value else ""


def _show_switches(rule: Rule) -> str:
    return ", ".join(
        name.replace("_", " ") if value else f"no {name.replace('_', ' ')}"
        for name, value in rule.params.items()
        if isinstance(value, bool)
    )


def _show_strictness(rule: Rule) -> str:
    strict = [name for name in ("attributes", "entities") if not rule.flag(name, default=True)]
    return "".join(f", no {name}" for name in strict)


def _build_summary(book: Rulebook) -> str:
    lines = ["| channel | rules | hard | the text decides |", "|---|---|---|---|"]
    for channel, rules in book.rules_by_channel.items():
        counts = Counter(rule.checkable for rule in rules)
        hard = sum(rule.level == "hard" for rule in rules)
        lines.append(f"| [{channel}](#{channel}) | {len(rules)} | {hard} | {counts['yes']} |")
    return "\n".join(lines) + "\n"


def _build_section(channel: str, rules: tuple[Rule, ...]) -> str:
    head = [
        f"## {channel}",
        "",
        "| rule | field | demand | level | decided by | in force | source | checked |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return (
        "\n".join([*head, *(_build_row(rule) for rule in rules), *_build_structures(channel)])
        + "\n"
    )


def _build_structures(channel: str) -> list[str]:
    """The order of a title's parts by category, where the channel documents one."""
    structures = read_yaml(f"{channel}.yaml").get("title_structures", ())
    lines = [
        f"- {entry['category'].replace('_', ' ')}: "
        + ", ".join(part.replace("_", " ") for part in entry["order"])
        for entry in structures
    ]
    return ["", "Documented order of a title's parts:", "", *lines] if lines else []


def _build_row(rule: Rule) -> str:
    sources = "; ".join(f"{source.title} ({source.how})" for source in rule.sources)
    remarks = ". ".join(part for part in (rule.consequence, rule.note) if part)
    demand = describe_rule(rule) + (f"<br>*{remarks}*" if remarks else "")
    cells = (
        f"`{rule.id}`",
        "every text" if rule.field == "*" else rule.field,
        demand,
        _show_level(rule),
        _DECIDED_BY[rule.checkable],
        _show_scope(rule),
        sources.replace("|", "\\|"),
        str(rule.checked_on or "never"),
    )
    return f"| {' | '.join(cells)} |"


def _show_level(rule: Rule) -> str:
    if rule.level is rule.stated_level:
        is_choice = rule.can_be_muted and rule.level is Level.HARD
        return f"{rule.level.value}, can be muted" if is_choice else rule.level.value
    return f"{rule.level.value} ({rule.stated_level.value} once somebody has read it)"


def _show_scope(rule: Rule) -> str:
    parts = (
        f"from {rule.effective_from}" if rule.effective_from else "",
        f"until {rule.effective_to}" if rule.effective_to else "",
        f"only {', '.join(sorted(rule.only_category))}" if rule.only_category else "",
        f"not {', '.join(sorted(rule.except_category))}" if rule.except_category else "",
        f"not in {', '.join(sorted(rule.except_store))}" if rule.except_store else "",
    )
    return ", ".join(part for part in parts if part) or "always"


def main() -> None:
    """Print the page."""
    sys.stdout.write(build_rules_page(load_rulebook()))


if __name__ == "__main__":
    main()
