"""The operator's commands for the queue: figures, dead letters, retry, cancel."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from embedded.operator import open_deps
from services.intervene import (
    cancel_any_import,
    cancel_job,
    cancel_seller,
    list_dead_letters,
    retry_dead_letters,
    retry_job,
)
from services.numbers import Numbers, read_numbers

COLUMNS = ("due", "sent", "running", "scheduled", "retrying", "held", "orphaned", "suspect")


def run_stats(environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print the numbers of the queue."""
    with open_deps(environ) as deps:
        numbers = read_numbers(deps)
    if as_json:
        _print_json(numbers.to_json())
    else:
        _print(*format_numbers(numbers))
    return 0


def format_numbers(numbers: Numbers) -> list[str]:
    """The numbers as lines for a person."""
    lines = ["lane        " + "".join(f"{name:>11}" for name in (*COLUMNS, "oldest"))]
    for lane, counts in numbers.lanes.items():
        figures = "".join(f"{getattr(counts, name):>11}" for name in COLUMNS)
        lines.append(f"{lane:<12}{figures}{counts.oldest_s:>9.0f} s")
    dead = ", ".join(f"{reason or 'no reason'} {n}" for reason, n in numbers.dead.items())
    messages = "unknown" if numbers.messages is None else str(sum(numbers.messages.values()))
    stranded = "unknown" if numbers.stranded is None else str(numbers.stranded)
    return [
        *lines,
        f"dead letters {sum(numbers.dead.values())}" + (f" ({dead})" if dead else ""),
        f"workers {numbers.workers}, ending {numbers.workers_draining}",
        f"messages on the road {messages}, stranded {stranded}",
    ]


def run_dead(environ: Mapping[str, str], *, reason: str | None, limit: int, as_json: bool) -> int:
    """Print the newest dead letters."""
    with open_deps(environ) as deps:
        found = list_dead_letters(deps, reason=reason, limit=limit)
    if as_json:
        _print_json({"counts": found.counts, "items": found.jobs})
        return 0
    for job in found.jobs:
        error = job["error"] or {"code": "", "message": ""}
        ended = f"{job['finalized_at']:%Y-%m-%d %H:%M}"
        _print(f"{job['id']}  {ended}  {job['kind']}  {error['code']}: {error['message']}")
    total = sum(found.counts.values())
    _print(f"{len(found.jobs)} shown of {total} dead letters")
    return 0


def run_retry(environ: Mapping[str, str], *, job_id: uuid.UUID | None, reason: str | None) -> int:
    """Retry one dead letter, those of one reason, or (neither given) all."""
    with open_deps(environ) as deps:
        if job_id is None:
            count = retry_dead_letters(deps, reason=reason)
        else:
            retry_job(deps, job_id)
            count = 1
    _print(f"retried {count}")
    return 0


def run_cancel(
    environ: Mapping[str, str],
    *,
    job_id: uuid.UUID | None,
    email: str | None,
    import_id: uuid.UUID | None,
) -> int:
    """Cancel a job, everything of a seller, or an import."""
    with open_deps(environ) as deps:
        if job_id is not None:
            _print(f"the job is {cancel_job(deps, job_id)}")
        elif email is not None:
            _print(f"cancelled {cancel_seller(deps, email)} jobs, and the imports under way")
        elif import_id is not None:
            cancel_any_import(deps, import_id)
            _print("the import is cancelled")
    return 0


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, default=str, indent=2) + "\n")
