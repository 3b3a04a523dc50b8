"""``flask reoptimize``: one run, one summary line first, then why."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from embedded.operator import open_deps
from services.reoptimize import RunWish, reoptimize
from services.reoptimize_report import Summary


def run_reoptimize(environ: Mapping[str, str], given: Mapping[str, Any], *, as_json: bool) -> int:
    """Submit what is due; the exit code: 0 done, 1 some trouble, 3 another run is under way.

    ``given`` are the wishes by name; None takes the setting's.
    """
    with open_deps(environ) as deps:
        timeout_s = given["timeout_s"] or deps.settings.reoptimize_timeout_s
        wish = RunWish(**{**given, "timeout_s": float(timeout_s)})
        summary = reoptimize(deps, wish)
    sys.stdout.write(json.dumps(summary.to_json()) if as_json else format_summary(summary))
    sys.stdout.write("\n")
    return summary.exit_code


def format_summary(summary: Summary) -> str:
    """The summary line, then why each listing and store was chosen or left alone."""
    return "\n".join([f"reoptimize: {summary}", *summary.list_lines()])
