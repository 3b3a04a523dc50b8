"""Measures how fast files are read and written, beside csv.reader alone, and the memory it takes.

    python -m bench.files [--rows 500000]    print the figures
    python -m bench.files --write            and put them into docs/benchmarks.md

A made table of so many rows is looked over, grouped into products, and written back with every
tenth title changed; the same for a workbook of 20,000 rows. Each runs in a process of its own, so
that peak memory is its own, with csv.reader over the same rows just before. Exit code 1 when
memory misses its goal.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from openpyxl import Workbook

from bench.page import format_table, write_section
from core.clock import monotonic_s
from domain.files.edits import Edit
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import ByteStream, FileShape
from domain.files.writer import write_full

ROOT: Final = Path(__file__).resolve().parents[1]
ROWS: Final = 500_000
WORKBOOK_ROWS: Final = 20_000
MAX_RSS_MB: Final = 300
CHUNK_BYTES: Final = 1 << 20
HEADER: Final = ("sku", "title", "description", "brand", "color", "price", "tags", "image url")


def iter_rows(count: int) -> Iterator[list[str]]:
    """Rows as sellers have them: commas, quotes and line breaks in every fourth description."""
    plain = "Rib-knit beanie of soft merino wool, made to last for many winters. " * 4
    rich = plain.replace(". ", '.\n"Warm", ')
    for number in range(count):
        text = rich if number % 4 == 0 else plain
        title = f"Northfold Merino Wool Beanie Green {number}"
        image = f"https://example.com/images/{number}.jpg"
        yield [f"SKU-{number}", title, text, "Northfold", "Green", "29.00", "wool, hat", image]


def make_text(path: Path, rows: int) -> None:
    """A CSV as Python writes it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(HEADER)
        csv.writer(file).writerows(iter_rows(rows))


def make_workbook(path: Path, rows: int) -> None:
    """A workbook as openpyxl writes it."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Products")
    sheet.append(HEADER)
    for row in iter_rows(rows):
        sheet.append(row)
    book.save(path)


def open_stream(path: Path) -> ByteStream:
    """The file in chunks, as the database keeps it."""

    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    return read


def measure(path: Path, rows: int) -> dict[str, float]:
    """Seconds of each step, and this process's peak memory in MB."""
    stream = open_stream(path)
    figures = {"csv": _time_csv(path, rows)}
    began_s = monotonic_s()
    shape = inspect_file(stream)
    figures["inspect"] = monotonic_s() - began_s
    began_s = monotonic_s()
    products = _count(iter_products(stream, shape))
    figures["products"] = monotonic_s() - began_s
    began_s = monotonic_s()
    written = sum(map(len, write_full(stream, shape, _iter_edits(shape))))
    figures["write"] = monotonic_s() - began_s
    if products != rows or written < path.stat().st_size // 2:
        message = f"{products} products of {rows} rows, {written} bytes written"
        raise SystemExit(message)
    figures["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def _time_csv(path: Path, rows: int) -> float:
    began_s = monotonic_s()
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            _count(csv.reader(file))
        return monotonic_s() - began_s
    out = io.StringIO(newline="")
    csv.writer(out).writerows(iter_rows(rows))
    out.seek(0)
    began_s = monotonic_s()
    _count(csv.reader(out))
    return monotonic_s() - began_s


def _count(things: Iterable[object]) -> int:
    return sum(1 for _ in things)


def _iter_edits(shape: FileShape) -> Iterator[Edit]:
    for row_no in range(1, shape.rows + 1, 10):
        yield row_no, {"title": f"Merino wool beanie by Northfold, green, no. {row_no}"}


def run_apart(kind: str, rows: int) -> dict[str, float]:
    """Make a file of that kind and measure it in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table.{kind}"
        (make_text if kind == "csv" else make_workbook)(path, rows)
        command = [sys.executable, "-m", "bench.files", "--measure", str(path), "--rows", str(rows)]
        found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        figures: dict[str, float] = json.loads(found.stdout)
        return {**figures, "size_mb": path.stat().st_size / 1e6}


def describe(kind: str, rows: int, figures: dict[str, float]) -> list[list[object]]:
    """The rows of the table for one file."""
    name = f"{rows:,} rows, {figures['size_mb']:.0f} MB {kind}"
    steps = {"csv": "csv.reader alone", "inspect": "inspect", "products": "products"}
    steps["write"] = "write, every 10th title changed"
    return [
        [
            f"{name}: {label}",
            f"{figures[step]:.2f}",
            f"{rows / figures[step]:,.0f}",
            f"{figures[step] / figures['csv']:.1f}",
            f"{figures['rss_mb']:.0f}" if step == "write" else "",
        ]
        for step, label in steps.items()
    ]


def main() -> int:
    """Print the table; exit code 1 when memory misses its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        sys.stdout.write(json.dumps(measure(given.measure, given.rows)))
        return 0
    found = {
        ("csv", given.rows): run_apart("csv", given.rows),
        ("xlsx", WORKBOOK_ROWS): run_apart("xlsx", WORKBOOK_ROWS),
    }
    rows = [row for (kind, count), one in found.items() for row in describe(kind, count, one)]
    table = format_table(["step", "s", "rows/s", "times csv.reader", "peak MB"], rows)
    sys.stdout.write(table + "\n")
    if given.write:
        goal = f"Goal: peak memory under {MAX_RSS_MB} MB, whatever the number of rows."
        write_section("files", "Files", f"{goal}\n\n{table}")
    return int(any(one["rss_mb"] > MAX_RSS_MB for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
