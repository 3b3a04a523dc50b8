"""Measures `flask audit`: its time beside that of csv.reader alone, and its memory.

    python -m bench.audit            print the figures
    python -m bench.audit --write    and put them into docs/benchmarks.md

The file is the 20,000-row sample where it stands beside the repository, else a made one. The whole
command is measured, start of the interpreter included. Exit code 1 when the goal is missed.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.page import format_table, write_section
from core.clock import monotonic_s

ROOT: Final = Path(__file__).resolve().parents[1]
SAMPLE: Final = ROOT.parent / "shared" / "samples" / "retail_titles_cp1252_20k.csv"

ROWS: Final = 20_000
MANY_ROWS: Final = 200_000
RUNS: Final = 5
CSV_FACTOR: Final = 8
START_S: Final = 3.0
"""The goal: at most CSV_FACTOR times what csv.reader needs, plus START_S."""

BYTES_PER_ROW: Final = 200
"""What each further row may add to the memory: its key is remembered, nothing else."""

_BRANDS: Final = ("Northfold", "Halden & Mira", "QUILLBRIDGE", "Tern Outdoor", "Pell")
_KINDS: Final = ("Wool Beanie", "Canvas Tote Bag", "Garlic Press", "LED Desk Lamp", "Oak Shelf")
_WORDS: Final = ("soft", "warm", "PREMIUM", "for women", "with lid", "2 Pack", "30 cm", "FREE GIFT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the command: time of the processor and of the clock, peak resident memory."""

    cpu_s: float
    clock_s: float
    rss_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured; times are the best of RUNS, of the processor but for ``clock_s``."""

    channel: str
    file: str
    csv_s: float
    audit_s: float
    clock_s: float
    rss_mb: float
    rss_many_mb: float

    @property
    def goal_s(self) -> float:
        """The time that the audit may take."""
        return CSV_FACTOR * self.csv_s + START_S

    @property
    def bytes_per_row(self) -> float:
        """How much memory each row beyond ROWS has taken."""
        return (self.rss_many_mb - self.rss_mb) * 2**20 / (MANY_ROWS - ROWS)

    @property
    def good(self) -> bool:
        """Whether time and memory are within their goals."""
        return self.audit_s <= self.goal_s and self.bytes_per_row <= BYTES_PER_ROW


def main() -> int:
    """Measure, print, and write where that was asked for."""
    parser = argparse.ArgumentParser(description="Measure flask audit.")
    parser.add_argument("--channel", default="amazon")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    given = parser.parse_args()
    figures = measure(given.channel)
    body = describe(figures)
    sys.stdout.write(f"{body}\n")
    if given.write:
        write_section("audit", "Audit: time beside csv.reader, memory", body)
    return 0 if figures.good else 1


def measure(channel: str) -> Figures:
    """All figures of one channel."""
    with tempfile.TemporaryDirectory() as scratch:
        few, many = Path(scratch) / "few.csv", Path(scratch) / "many.csv"
        write_made_file(few, ROWS)
        write_made_file(many, MANY_ROWS)
        file = SAMPLE if SAMPLE.is_file() else few
        runs = [run_audit(file, channel) for _ in range(RUNS)]
        return Figures(
            channel=channel,
            file="the 20,000-row sample" if file == SAMPLE else "a made file of 20,000 rows",
            csv_s=min(read_by_csv_reader(file) for _ in range(RUNS)),
            audit_s=min(run.cpu_s for run in runs),
            clock_s=min(run.clock_s for run in runs),
            rss_mb=run_audit(few, channel).rss_mb,
            rss_many_mb=run_audit(many, channel).rss_mb,
        )


def write_made_file(path: Path, rows: int) -> None:
    """A catalogue in which about every third product breaks something."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sku", "title", "description", "brand", "price", "quantity"])
        for n in range(rows):
            brand, kind = _BRANDS[n % 5], _KINDS[n // 5 % 5]
            words = ", ".join(_WORDS[(n + shift) % 8] for shift in range(n % 4))
            text = f"{kind} made by {brand}. Number {n} of its series; {words or 'plain'}."
            title = f"{brand} {kind} {words}".strip()
            out.writerow([f"S-{n}", title, text, brand, f"{n % 90}.50", n % 7])


def read_by_csv_reader(path: Path) -> float:
    """Seconds of the processor that csv.reader alone needs to read the file."""
    began_s = time.process_time()
    with path.open(encoding="cp1252", errors="replace", newline="") as file:
        for _ in csv.reader(file):
            pass
    return time.process_time() - began_s


def run_audit(path: Path, channel: str) -> Run:
    """One run of the whole command; its output goes nowhere."""
    arguments = ["-m", "flask", "--app", "app.py", "audit", str(path), "--channel", channel]
    began_s = monotonic_s()
    process = subprocess.Popen(
        [sys.executable, *arguments, "--json"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    clock_s = monotonic_s() - began_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"the audit ended with {process.returncode}"
        raise RuntimeError(message)
    cpu_s = used.ru_utime + used.ru_stime
    return Run(cpu_s=cpu_s, clock_s=clock_s, rss_mb=used.ru_maxrss / 1024)


def describe(figures: Figures) -> str:
    """The figures as a Markdown page's section."""
    verdict = "met" if figures.good else "missed"
    goal = f"{CSV_FACTOR} times csv.reader and {START_S:.0f} s"
    rows = [
        (f"csv.reader alone, {figures.file}", f"{figures.csv_s:.3f} s"),
        (
            f"`flask audit --channel {figures.channel} --json`, same file",
            f"{figures.audit_s:.2f} s",
        ),
        (f"goal for it: {goal}", f"{figures.goal_s:.2f} s"),
        ("its time by the clock", f"{figures.clock_s:.2f} s"),
        (f"peak memory, {ROWS:,} made rows", f"{figures.rss_mb:.0f} MB"),
        (f"peak memory, {MANY_ROWS:,} made rows", f"{figures.rss_many_mb:.0f} MB"),
        ("memory for each further row", f"{figures.bytes_per_row:.0f} bytes"),
        ("goal for it", f"{BYTES_PER_ROW} bytes"),
    ]
    return f"{_INTRODUCTION}\n\n{format_table(('figure', 'value'), rows)}\n\nGoals {verdict}."


_INTRODUCTION: Final = f"""\
The best of {RUNS} runs of the whole command, start of the interpreter included, in seconds of the
processor, so that other work on the machine does not count. Peak resident memory of its process."""

if __name__ == "__main__":
    sys.exit(main())
