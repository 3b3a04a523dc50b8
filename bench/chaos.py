"""The fault table: what is lost, what is billed again, how soon the rest goes on.

``python -m bench.chaos [--row 1 --row 2a] [--jobs 1000] [--minutes 30]`` (``make chaos``): every
row does its harm to real processes, and is judged by the provider's books against Postgres. Only a
run of all rows in their full size writes the page.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.page import format_table, write_section
from core.clock import monotonic_s, utc_now
from core.errors import AppError
from tests.chaos.stage import Stage, open_stage
from tests.chaos.table import ROWS, Row
from tests.chaos.verdict import Verdict, find_percentile

HEAD: Final = (
    *("fault", "injected", "jobs", "lost", "billed again (in flight)", "recovery p50 / p99, s"),
    *("said", "target", "kept", "peers"),
)
SPARE_S: Final = 180.0
NOT_HERE: Final = (
    "Not here: the provider's outages, overload and the scaler (4a to 4c, 12, 15), which have tests"
    " of their own; the whole behind PgBouncer, for which no row was written because there was none"
    " to try it on; packets dropped below TCP, which needs a right over the machine's network:"
    " row 13 holds back what was sent instead."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row and what came of it; None when it was not run."""

    row: Row
    verdict: Verdict | None
    took_s: float = 0.0
    reason: str = ""


def run_row(stage: Stage, row: Row, jobs: int | None) -> Entry:
    """Run one row; a fault of the harness itself is said in its place, and the rest goes on."""
    size = row.full if jobs is None else replace(row.full, jobs=jobs)
    started_s = monotonic_s()
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(int(2 * size.longest_s + SPARE_S))
    try:
        verdict = row.run(stage, size)
    except (AssertionError, AppError, OSError, RuntimeError) as fault:
        stage.postgres.restore()
        stage.valkey.restore()
        return Entry(row, None, monotonic_s() - started_s, f"{type(fault).__name__}: {fault}"[:200])
    finally:
        signal.alarm(0)
    return Entry(row, verdict, monotonic_s() - started_s)


def give_up(*_: object) -> None:
    """End a row that hangs; what it has started ends with it."""
    raise TimeoutError


def run_rows(rows: Sequence[Row], *, jobs: int | None, minutes: float) -> list[Entry]:
    """All rows in turn, none begun after that many minutes."""
    entries, end_s = [], monotonic_s() + minutes * 60
    with open_stage() as stage:
        for row in rows:
            if monotonic_s() > end_s:
                entries.append(Entry(row, None, reason=f"not run: {minutes:.0f} minutes were over"))
                continue
            entries.append(run_row(stage, row, jobs))
            print(" | ".join(build_line(entries[-1])), f"({entries[-1].took_s:.0f} s)", flush=True)
    return entries


def build_line(entry: Entry) -> list[str]:
    """One line of the table."""
    row, verdict = entry.row, entry.verdict
    name = f"{row.number}: {row.fault}"
    if verdict is None:
        return [name, entry.reason, *[""] * 5, row.target, "not measured", row.peers]
    times = verdict.recovery_s
    recovery = " / ".join(f"{find_percentile(times, share):.1f}" for share in (0.5, 0.99))
    return [
        name,
        verdict.injected,
        f"{verdict.jobs:,}",
        str(verdict.lost),
        f"{verdict.rebilled} ({verdict.in_flight})",
        recovery if times else "",
        verdict.said,
        row.target,
        "yes" if not verdict.breaches else f"**no**: {'; '.join(verdict.breaches)}",
        row.peers,
    ]


def read_load() -> str:
    """How busy the machine was, in words."""
    return f"load average of the last minutes {os.getloadavg()[1]:.1f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and write the page after a full run; 1 when something was not as promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--row", action="append", choices=[row.number for row in ROWS])
    parser.add_argument("--jobs", type=int, help="instead of the row's own number")
    parser.add_argument("--minutes", type=float, default=30.0, help="begin no row after so many")
    asked = parser.parse_args(argv)
    rows = [row for row in ROWS if asked.row is None or row.number in asked.row]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    before, began = read_load(), utc_now()
    entries = run_rows(rows, jobs=asked.jobs, minutes=asked.minutes)
    lines = [build_line(entry) for entry in entries]
    took_min = (utc_now() - began).total_seconds() / 60
    told = (
        f"Real worker processes on a Postgres that waits for its disk, a Valkey without files and"
        f" the simulated Groq; {took_min:.0f} minutes in all; {before} before, {read_load()} at the"
        " end. *Billed again* are calls the provider billed whose answer is not kept; at most those"
        " in flight when something was killed may be. *Recovery* runs from the fault to the next"
        " claim of each job it struck, or as the row says. Figures of peers are from their sources"
        f" and from bare runs of Dramatiq.\n\n{NOT_HERE}"
    )
    if asked.row is None and asked.jobs is None:
        write_section("chaos", "Faults", f"{told}\n\n{format_table(HEAD, lines)}")
    else:
        print(format_table(HEAD, lines))
    return int(any(entry.verdict is None or entry.verdict.breaches for entry in entries))


if __name__ == "__main__":
    sys.exit(main())
