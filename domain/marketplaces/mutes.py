"""Rules that a seller overrides: which ones, why, and since when."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from core.errors import InvalidFieldError
from domain.marketplaces.rulebook import Rule, load_rulebook

MAX_MUTES: Final = 100
MAX_REASON_CHARS: Final = 500

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """One rule that does not hold for a seller's store, their reason, and the day they said so."""

    rule: str
    reason: str
    since: dt.date

    def to_json(self) -> dict[str, str]:
        """Plain values for storage; ``from_json`` is the inverse."""
        return {**asdict(self), "since": self.since.isoformat()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Mute:
        """Rebuild what ``to_json`` stored."""
        since = dt.date.fromisoformat(stored["since"])
        return cls(rule=stored["rule"], reason=stored["reason"], since=since)


def build_mutes(
    wanted: Sequence[tuple[str, str]],
    *,
    channel: str,
    earlier: Iterable[Mute] = (),
    day: dt.date,
) -> tuple[Mute, ...]:
    """A channel's mutes from (rule id, reason), checked; one that was there before keeps its day.

    Raises InvalidFieldError naming the entry: an unknown rule, one that may not be muted, one of
    another channel, one named twice, or no reason.
    """
    if len(wanted) > MAX_MUTES:
        raise InvalidFieldError(
            f"{len(wanted)} rules are too many.",
            field="mutes",
            remedy=f"Mute at most {MAX_MUTES}.",
        )
    since = {one.rule: one.since for one in earlier}
    made: dict[str, Mute] = {}
    for number, (rule_id, said) in enumerate(wanted):
        reason = check_mute(rule_id, said, channel=channel, field=f"mutes.{number}")
        if rule_id in made:
            raise InvalidFieldError(
                f"{rule_id} is named twice.",
                field=f"mutes.{number}.rule",
                remedy="Name each rule once.",
            )
        made[rule_id] = Mute(rule=rule_id, reason=reason, since=since.get(rule_id, day))
    return tuple(made.values())


def check_mute(rule_id: str, reason: str, *, channel: str = "", field: str = "mutes") -> str:
    """The reason in its plain form; raises InvalidFieldError where the rule may not be muted.

    ``channel`` "" takes rules of every channel; ``field`` is what errors name.
    """
    rule = load_rulebook().find_rule(rule_id)
    if rule is None or (channel and rule.channel != channel):
        where = f" of {channel}" if channel else ""
        raise InvalidFieldError(
            f"there is no rule {_quote(rule_id)}{where}.",
            field=f"{field}.rule",
            remedy=f"Use one of: {', '.join(list_mutable(channel))}."
            if channel
            else "A finding names its rule; docs/rules.md lists all.",
        )
    if not rule.can_be_muted:
        raise InvalidFieldError(
            f"{rule_id} cannot be muted: {_say_why(rule)}.",
            field=f"{field}.rule",
            remedy="Only advice and rules that judge words can be.",
        )
    return _check_reason(rule_id, reason, field=field)


def _say_why(rule: Rule) -> str:
    if rule.checkable != "yes":
        return "no program checks it"
    return "the marketplace's own machine enforces it"


def _check_reason(rule_id: str, reason: str, *, field: str) -> str:
    plain = reason.strip()
    if not plain:
        raise InvalidFieldError(
            f"{rule_id} is muted without a reason.",
            field=f"{field}.reason",
            remedy="Say why its breaches are none; the reason is kept and shown.",
        )
    if len(plain) > MAX_REASON_CHARS or _CONTROL.search(plain):
        raise InvalidFieldError(
            f"a reason is one line of at most {MAX_REASON_CHARS} characters.",
            field=f"{field}.reason",
            remedy="Say it shorter, on one line.",
        )
    return plain


def _quote(text: str) -> str:
    return repr(text if len(text) <= MAX_REASON_CHARS else f"{text[:40]}…")


def read_mutes(stored: Sequence[Mapping[str, Any]]) -> tuple[Mute, ...]:
    """Stored mutes; those of rules that are gone, or may not be muted any more, are left out."""
    found = (load_rulebook().find_rule(one["rule"]) for one in stored)
    return tuple(
        Mute.from_json(one)
        for one, rule in zip(stored, found, strict=True)
        if rule is not None and rule.can_be_muted
    )


def list_mutable(channel: str) -> list[str]:
    """The ids of a channel's rules that may be muted."""
    return [rule.id for rule in load_rulebook().rules_by_channel[channel] if rule.can_be_muted]


def parse_ignores(pairs: Iterable[str]) -> dict[str, str]:
    """Reasons by rule from ``RULE=REASON`` texts of a command line; raises InvalidFieldError."""
    reasons = {}
    for pair in pairs:
        rule_id, separator, reason = pair.partition("=")
        if not separator:
            raise InvalidFieldError(
                f"{_quote(pair)} has no reason.",
                field="--ignore",
                remedy='Write it as RULE=REASON: amz.title.promo="Best is our brand".',
            )
        reasons[rule_id.strip()] = check_mute(rule_id.strip(), reason, field="--ignore")
    return reasons


def parse_reasons(text: str) -> dict[str, str]:
    """Reasons by rule from a JSON object, {} for ""; raises InvalidFieldError."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    is_plain = isinstance(found, dict) and all(isinstance(one, str) for one in found.values())
    if not is_plain or len(found) > MAX_MUTES:
        raise InvalidFieldError(
            "this is no JSON object of reasons by rule.",
            field="mutes",
            remedy='Send it as {"amz.title.promo": "Best is our brand"}.',
        )
    return {rule_id: check_mute(rule_id, reason) for rule_id, reason in found.items()}


def choose_reasons(reasons: Mapping[str, str], channels: Collection[str]) -> dict[str, str]:
    """Those of the reasons whose rules belong to one of the channels."""
    found = {rule_id: load_rulebook().find_rule(rule_id) for rule_id in reasons}
    return {
        rule_id: reason
        for rule_id, reason in reasons.items()
        for rule in (found[rule_id],)
        if rule is not None and rule.channel in channels
    }


def require_channel(reasons: Mapping[str, str], channel: str) -> None:
    """Raises InvalidFieldError where a rule to be muted is none of this channel's."""
    for rule_id, reason in reasons.items():
        check_mute(rule_id, reason, channel=channel)
