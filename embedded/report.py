"""What a run tells at its end: one object for programs, a table for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

from domain.catalogue import format_usd
from domain.files.choices import AUTOMATIC
from domain.files.forms import Form

OUTCOMES: Final = ("improved", "already_good", "partly_refused", "refused", "rules_fallback")
NOTES_SHOWN: Final = 12
TOO_LONG: Final = "too_long_"
LEFT_ALONE_SHOWN: Final = 3
LEFT_ALONE: Final = {
    "no_text": "it is no text that we write",
    "locked": "your voice locks it",
    "not_asked": "--fields does not name it",
    "other_shop": "it is the page of another shop",
}


def build_object(
    done: Mapping[str, Any],
    *,
    form: Form,
    out: str,
    notes: Sequence[str],
    failures: Sequence[Mapping[str, Any]],
    duration_s: float,
) -> dict[str, Any]:
    """The run as one object; its fields are part of the command's interface."""
    progress = done["progress"]
    counts: Mapping[str, float] = progress["counts"]
    jobs = {
        name: int(counts.get(name, 0)) for name in ("completed", "reused", "discarded", "cancelled")
    }
    calls, most_pico = done.get("unanswered", (0, 0))
    refused = int((done.get("estimate") or {}).get("refused", 0))
    failed = bool(jobs["discarded"] or jobs["cancelled"])
    return {
        "channel": done["channel"],
        "format": done["format"],
        "confidence": done["confidence"],
        "profile_chosen": done["options"]["profile"] not in ("", AUTOMATIC),
        "rows": done["rows"],
        "products": done["products"],
        "refused_products": refused,
        "limited_to": done["options"]["limit"],
        "form": form.value,
        "mode": done["options"]["mode"],
        "jobs": jobs,
        "outcomes": {name: int(counts.get(name, 0)) for name in OUTCOMES},
        "engine": {name: int(counts.get(f"engine_{name}", 0)) for name in ("groq", "rules")},
        "findings_before": int(counts.get("hard_before", 0)),
        "findings_after": int(counts.get("hard_after", 0)),
        "findings_muted": int(counts.get("muted", 0)),
        "score_before": progress.get("score_before") or 0.0,
        "score_after": progress.get("score_after") or 0.0,
        "left_alone": list(done["left_alone"]),
        "refused_fields": int(counts.get("refused_fields", 0)),
        "cost_microusd": round(counts.get("cost_pico", 0) / 1_000_000),
        "unanswered_calls": calls,
        "unanswered_most_microusd": -(-most_pico // 1_000_000),
        "duration_s": round(duration_s, 2),
        "out": out,
        "failures": [dict(one) for one in failures],
        "notes": [*_list_notes(done, counts), *done["notes"], *notes],
        "exit_code": int(failed),
    }


SAID: Final = {
    "hopped": "written by another language model than the configured one, which could not be asked"
    " just then.",
    "partial": "done in part: a field that did not pass stays as you wrote it.",
    "simulated": "answered by a simulator.",
}
"""What is said of the listings of a count that is not 0."""


def count_listings(number: int) -> str:
    """How many were, for the beginning of a sentence."""
    return "1 listing was" if number == 1 else f"{number} listings were"


def _list_too_long(counts: Mapping[str, float]) -> list[str]:
    """Which fields no model was asked for, and in how many listings."""
    return [
        f"{count_listings(int(number))} not rewritten by the language model in one field,"
        f" {name.removeprefix(TOO_LONG)}: it is too long to be shown whole; rules mend it, or it"
        " stays as you wrote it."
        for name, number in counts.items()
        if name.startswith(TOO_LONG) and number
    ]


def _list_money_notes(done: Mapping[str, Any]) -> list[str]:
    calls, most_pico = done.get("unanswered", (0, 0))
    if not calls:
        return []
    noun = "1 call" if calls == 1 else f"{calls} calls"
    most = format_usd(most_pico)
    return [f"{noun} may have been billed without an answer (at most ${most}, not counted above)."]


def _list_notes(done: Mapping[str, Any], counts: Mapping[str, float]) -> list[str]:
    notes = []
    if counts.get("hard_left_alone"):
        notes.append(
            f"{int(counts['hard_left_alone'])} rule breaches stand in fields this run was not to"
            " touch: fields it does not write, those left out of --fields, and HTML descriptions"
            " of a file from another platform (name them: --fields title,description)."
        )
        notes += [
            f"{one['listing']}: {one['field']} breaks {one['rule']}; left alone:"
            f" {LEFT_ALONE[one['reason']]}."
            for one in done["left_alone"][:LEFT_ALONE_SHOWN]
        ]
    for rule, reason in done["muted"].items():
        notes.append(f"{rule} is muted: {reason}")
    if done["problems_total"]:
        first = done["problems"][0]
        notes.append(
            f"{done['problems_total']} row problems; the first: line {first['line']},"
            f" {first['column'] or 'the row'}: {first['message']}"
        )
    if done["progress"]["halt_reason"]:
        notes.append(f"The run was ended early: {done['progress']['halt_reason']}")
    if counts.get("rules_fallback"):
        notes.append(
            f"{count_listings(int(counts['rules_fallback']))} written by the rules engine in the"
            f" language model's place: {done.get('fallback_reason') or 'it gave nothing usable.'}"
        )
    notes += [
        f"{count_listings(int(counts[name]))} {what}"
        for name, what in SAID.items()
        if counts.get(name)
    ]
    return notes + _list_too_long(counts) + _list_money_notes(done)


def print_object(result: Mapping[str, Any]) -> None:
    """The object alone on standard output."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_table(result: Mapping[str, Any], stream: TextIO) -> None:
    """The run for people."""
    rows = build_rows(result)
    width = max(len(label) for label, _ in rows)
    lines = [f"{label:<{width}}  {value}" for label, value in rows]
    notes: list[str] = list(result["notes"])
    lines += [f"note: {one}" for one in notes[:NOTES_SHOWN]]
    if len(notes) > NOTES_SHOWN:
        lines.append(f"note: … and {len(notes) - NOTES_SHOWN} more")
    lines += _list_failures(result["failures"])[:NOTES_SHOWN]
    stream.write("\n".join(lines) + "\n")


def _list_failures(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each reason, with the first listing it befell."""
    befell: dict[str, list[str]] = {}
    for one in failures:
        reason = one["message"] or one["state"]
        befell.setdefault(reason, []).append(one["listing"])
    return [
        f"failed: {keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {reason}"
        for reason, keys in befell.items()
    ]


def describe_format(profile: str, confidence: float, *, chosen: bool = False) -> str:
    """The file's format, and how sure we are of it."""
    return f"{profile} (as you said)" if chosen else f"{profile} ({confidence:.0%} sure)"


def _describe_format(result: Mapping[str, Any]) -> str:
    chosen = result["profile_chosen"]
    return describe_format(result["format"], result["confidence"], chosen=chosen)


def _describe_listings(result: Mapping[str, Any]) -> str:
    jobs, refused = result["jobs"], result["refused_products"]
    failed = jobs["discarded"] + jobs["cancelled"]
    text = f"{jobs['completed']} done ({jobs['reused']} reused), {failed} failed"
    return f"{text}, {refused} refused as they stand in the file" if refused else text


def _list_measures(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What only listings have that are done."""
    return [
        ("score", f"{result['score_before']} → {result['score_after']}"),
        ("rule breaches", f"{result['findings_before']} → {result['findings_after']}"),
    ]


def build_rows(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of each line of the table."""
    jobs, outcomes, engine = result["jobs"], result["outcomes"], result["engine"]
    failed = jobs["discarded"] + jobs["cancelled"]
    return [
        (
            "file",
            f"{_describe_format(result)}, {result['rows']} rows, {result['products']} products",
        ),
        ("channel", f"{result['channel']}, mode {result['mode']}"),
        ("listings", _describe_listings(result)),
        (
            "outcome",
            ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in outcomes.items() if n)
            or ("nothing was done" if failed else "nothing to do"),
        ),
        *(_list_measures(result) if jobs["completed"] or not failed else []),
        *([("muted", str(result["findings_muted"]))] if result["findings_muted"] else []),
        ("refused fields", str(result["refused_fields"])),
        ("written by", ", ".join(f"{name} {n}" for name, n in engine.items() if n) or "nobody"),
        ("cost", f"${result['cost_microusd'] / 1_000_000:.6f}"),
        ("time", f"{result['duration_s']} s"),
        ("result", f"{result['out']} ({result['form']})"),
    ]
