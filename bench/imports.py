"""How fast a file's rows are taken in, beside a plain COPY of the same rows.

``python -m bench.imports [rows]``: the same rows are copied into a bare table of their columns,
received as an upload (after which the seller has their answer), read into the catalogue
(recognised, checked, scored, stored as products, listings and texts), and turned into jobs.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Final

import psycopg

from bench.page import format_table, write_section
from core.clock import monotonic_s
from core.ids import new_id
from core.log import configure_logging
from core.settings import process_environ
from services.deps import Deps
from services.imports import confirm_import
from tests.support.jobs import Worker, make_due, make_seller, make_worker, open_deps, query, upload
from tests.support.servers import create_database, drop_database, open_servers

GOAL: Final = 0.5
COLUMNS: Final = "sku,title,description,color,material,price"
COLORS: Final = ("Green", "Red", "Blue", "Charcoal", "Sand")
BARE_TABLE: Final = (
    "CREATE TABLE app.bare (sku text, title text, description text, color text, material text,"
    " price text)"
)
STATE: Final = "SELECT state FROM app.import_file"
READING: Final = "SELECT id FROM app.job WHERE kind = 'import' AND state = 'available'"


@dataclass(frozen=True, slots=True)
class Step:
    """A step's name, seconds by the clock, and seconds of our own process."""

    name: str
    clock_s: float
    cpu_s: float


def make_file(rows: int) -> bytes:
    """Products whose texts all differ; every second title is too long for eBay."""
    lines = [COLUMNS]
    for n in range(rows):
        more = " soft rib knit for cold days and long hikes and markets" * (n % 2)
        lines.append(
            f"SKU-{n},Northfold beanie style {n}{more},"
            f'"A rib-knit beanie of merino wool, style {n}. Knitted in {2 + n % 7} gauge, for heads'
            f' of {50 + n % 9} to {59 + n % 5} cm. Wash by hand at {20 + n % 20} degrees.",'
            f"{COLORS[n % len(COLORS)]},Merino Wool,{10 + n % 90}.50"
        )
    return "\r\n".join([*lines, ""]).encode()


def copy_plainly(deps: Deps, content: bytes) -> None:
    """The rows as they are into a table without a key."""
    with psycopg.connect(deps.settings.database_url) as connection:
        connection.execute(BARE_TABLE)
        with connection.cursor().copy("COPY app.bare FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(content)


def work_off(deps: Deps, worker: Worker, *, until: str) -> None:
    """Run the import's own job, claim by claim, until its file is in that state."""
    while query(deps, STATE) != [(until,)]:
        make_due(deps)
        [(job_id,)] = query(deps, READING)
        worker.run(job_id)


def time_step(name: str, step: Callable[[], object]) -> Step:
    """Do it once."""
    from_s, cpu_s = monotonic_s(), process_time()
    step()
    return Step(name, monotonic_s() - from_s, process_time() - cpu_s)


def measure(deps: Deps, rows: int) -> list[Step]:
    """All steps on one file."""
    content = make_file(rows)
    seller, worker = make_seller(deps), make_worker(deps)
    imported: list[uuid.UUID] = []

    def confirm() -> None:
        confirm_import(deps, seller.id, imported[0])
        work_off(deps, worker, until="running")

    steps: dict[str, Callable[[], object]] = {
        "plain COPY": lambda: copy_plainly(deps, content),
        "received: stored and answered": lambda: imported.append(upload(deps, seller, content)),
        "read: products, listings, texts, findings, scores": lambda: work_off(
            deps, worker, until="ready"
        ),
        "confirmed: every job waits": confirm,
    }
    return [time_step(name, step) for name, step in steps.items()]


def run(rows: int) -> None:
    """Measure, print and write the table."""
    configure_logging(level="error", json_lines=True)
    with open_servers(process_environ()) as servers:
        name = f"bench_{new_id().hex[-12:]}"
        url = create_database(servers.admin_url, name=name, template=servers.template)
        with open_deps(url, servers.redis_url) as deps:
            steps = measure(deps, rows)
        drop_database(servers.admin_url, name=name)
    plain = steps[0]
    lines = [
        [
            step.name,
            f"{step.clock_s:.1f}",
            f"{rows / step.clock_s:,.0f}",
            f"{plain.clock_s / step.clock_s:.3f}",
            f"{1000 * step.cpu_s / rows:.2f}",
        ]
        for step in steps
    ]
    table = format_table(["step", "s", "rows/s", "rate ÷ COPY's", "own CPU per row, ms"], lines)
    print(table)
    size_mb = len(make_file(rows)) / 1e6
    what = (
        f"{rows:,} rows, {size_mb:.0f} MB, one after the other in one process; other work ran on"
        f" the machine. Goal: staged at {GOAL} of the rate of COPY. What is staged at once is the"
        f" file; a product in the catalogue costs a parse, about a hundred checks, a score and rows"
        f" in four tables."
    )
    write_section("imports", "Taking in a file, beside COPY", f"{what}\n\n{table}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
