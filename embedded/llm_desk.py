"""The operator's commands for language models: compare with the provider's list, enable again."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from core.errors import SettingsError
from domain.llm_check import CheckState
from embedded.operator import open_deps
from services.deps import open_model_list
from services.llm_check import CheckReport, check_models, enable_llm

DRIFTED: int = 1


def run_groq_check(environ: Mapping[str, str], *, as_json: bool) -> int:
    """Compare and print; 0 all as catalogued, 1 something drifted.

    Raises AppError (the commands' exit code 2) when the provider could not be asked.
    """
    with open_deps(environ) as deps:
        if not deps.has_llm:
            raise SettingsError(
                "no key of the Groq API is set.",
                field="GROQ_API_KEY",
                remedy="Set one.",
            )
        with open_model_list(deps.settings) as models:
            report = check_models(deps, models)
    code = DRIFTED if report.has_drifted else 0
    sys.stdout.write(_to_json(report, code) if as_json else "".join(_to_lines(report)))
    return code


def run_groq_enable(environ: Mapping[str, str], model: str) -> int:
    """Let a model be used again."""
    with open_deps(environ) as deps:
        was_out = enable_llm(deps, model)
    sys.stdout.write(f"{model} {'may be used again' if was_out else 'was not out of use'}\n")
    return 0


def _to_json(report: CheckReport, code: int) -> str:
    content = {
        "exit_code": code,
        "primary": report.primary,
        "models": [
            {"model": one.model, "state": one.state, "message": one.message}
            for one in report.checks
        ],
        "newly_disabled": report.newly_disabled,
        "not_in_catalogue": report.others_listed,
    }
    return json.dumps(content, indent=2) + "\n"


def _to_lines(report: CheckReport) -> list[str]:
    lines = [
        f"{'' if one.state is CheckState.OK else '! '}{one.model}"
        f"{' (configured)' if one.model == report.primary else ''}: {one.state}, {one.message}\n"
        for one in report.checks
    ]
    lines += [f"{model} is out of use from now on\n" for model in report.newly_disabled]
    if report.others_listed:
        lines.append(f"not in the catalogue: {', '.join(report.others_listed)}\n")
    return lines
