"""`flask groq batches`: the files of calls under way, and whether the provider takes them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from embedded.operator import open_deps
from services.batch_lane_show import reopen_lane, show_lane


def run_batches(environ: Mapping[str, str], *, again: bool, as_json: bool) -> int:
    """Print the batch lane; ``again`` forgets a refusal of the plan first."""
    with open_deps(environ) as deps:
        if again:
            reopen_lane(deps)
        shown = show_lane(deps)
    if as_json:
        sys.stdout.write(json.dumps(shown, default=str, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in describe_lane(shown))
    return 0


def describe_lane(shown: Mapping[str, Any]) -> list[str]:
    """The lane in lines for people."""
    lines = ["The batch lane is open." if shown["open"] else "The batch lane is closed."]
    if shown["refusal"]:
        lines.append(f"{shown['refusal']} Then: flask groq batches --again.")
    lines.append(f"{shown['waiting']} jobs wait to be put into a file.")
    lines += [_describe_batch(batch) for batch in shown["batches"]]
    return lines


def _describe_batch(batch: Mapping[str, Any]) -> str:
    name = batch["provider_id"] or "not submitted yet"
    text = f"{batch['planned_at']:%Y-%m-%d %H:%M} {batch['state']:<9} {batch['lines']:>6} lines"
    text += f", {batch['answered']} answered, {batch['unanswered']} sent on demand; {name}"
    status = f" ({batch['provider_status']})" if batch["provider_status"] else ""
    return f"{text}{status}{': ' + batch['error'] if batch['error'] else ''}"
