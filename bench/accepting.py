"""How fast a whole import's suggestions are accepted, beside deciding on them one by one.

``python -m bench.accepting [suggestions]``: the same suggestions, written by the rules engine, in
two copies of one database. In the one each is decided upon by itself, as a page or the API does it
(a sample of them); in the other the whole import is accepted at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import Final

from bench.page import format_table, write_section
from core.clock import monotonic_s
from core.ids import new_id
from core.log import configure_logging
from core.settings import process_environ
from services.accept import accept_import
from services.deps import Deps
from services.imports import confirm_import
from services.review import Decision, decide, get_suggestion
from tests.support.jobs import (
    execute,
    make_seller,
    make_worker,
    open_deps,
    query,
    run_all,
    upload,
)
from tests.support.servers import create_database, drop_database, open_servers

SAMPLE: Final = 500
COLUMNS: Final = "sku,title,description,color,material,price"
COLORS: Final = ("Green", "Red", "Blue", "Charcoal", "Sand")
OPEN: Final = "SELECT seller_id, id FROM app.suggestion WHERE status = 'open' ORDER BY id"


@dataclass(frozen=True, slots=True)
class Way:
    """A way of accepting: how many, seconds by the clock, and seconds of our own process."""

    name: str
    count: int
    clock_s: float
    cpu_s: float


def make_file(rows: int) -> bytes:
    """Products whose texts all differ; every title is too long for eBay."""
    lines = [
        f"SKU-{n},Northfold beanie style {n} soft rib knit for cold days and long hikes and open"
        f' markets,"A rib-knit beanie of merino wool, style {n}. Knitted in {2 + n % 7} gauge,'
        f" for heads of {50 + n % 9} to {59 + n % 5} cm. Wash by hand at {20 + n % 20}"
        f' degrees.",{COLORS[n % len(COLORS)]},Merino Wool,{10 + n % 90}.50'
        for n in range(rows)
    ]
    return "\r\n".join([COLUMNS, *lines, ""]).encode()


def fill(deps: Deps, suggestions: int) -> None:
    """Import a file and have the rules engine propose something for each of its products."""
    seller, worker = make_seller(deps), make_worker(deps)
    import_id = upload(deps, seller, make_file(suggestions), engine="rules")
    run_all(deps, worker, rounds=suggestions)
    confirm_import(deps, seller.id, import_id)
    run_all(deps, worker, rounds=suggestions)
    # The copies begin as a database does that has been at work for a while.
    execute(deps, "ANALYZE")


def accept_one_by_one(deps: Deps) -> int:
    """Accept what is offered, a suggestion at a time."""
    some = query(deps, f"{OPEN} LIMIT {SAMPLE}")
    for seller_id, suggestion_id in some:
        fields = get_suggestion(deps, seller_id, suggestion_id)["fields"]
        accept = {
            one["field"]: Decision(action="accept") for one in fields if one["after"] is not None
        }
        decide(deps, seller_id, suggestion_id, accept, actor="bench")
    return len(some)


def accept_whole(deps: Deps) -> int:
    """Accept the whole import at once."""
    [(seller_id, import_id)] = query(deps, "SELECT seller_id, id FROM app.import_file")
    return accept_import(deps, seller_id, import_id, actor="bench")


def time_way(name: str, deps: Deps, way: Callable[[Deps], int]) -> Way:
    """Do it once."""
    from_s, cpu_s = monotonic_s(), process_time()
    count = way(deps)
    return Way(name, count, monotonic_s() - from_s, process_time() - cpu_s)


def measure(suggestions: int) -> list[Way]:
    """Both ways, each on its own copy."""
    ways = {"one by one": accept_one_by_one, "the whole import": accept_whole}
    with open_servers(process_environ()) as servers:

        @contextmanager
        def open_copy(template: str) -> Iterator[tuple[str, Deps]]:
            name = f"bench_{new_id().hex[-12:]}"
            url = create_database(servers.admin_url, name=name, template=template)
            with open_deps(url, servers.redis_url) as deps:
                yield name, deps
            if template != servers.template:
                drop_database(servers.admin_url, name=name)

        with open_copy(servers.template) as (filled, deps):
            fill(deps, suggestions)
        times = []
        for name, way in ways.items():
            with open_copy(filled) as (_, deps):
                times.append(time_way(name, deps, way))
        drop_database(servers.admin_url, name=filled)
    return times


def run(suggestions: int) -> None:
    """Measure, print and write the table."""
    configure_logging(level="error", json_lines=True)
    times = measure(suggestions)
    each_s = [one.clock_s / one.count for one in times]
    lines = [
        [
            one.name,
            f"{one.count:,}",
            f"{one.clock_s:.1f}",
            f"{1000 * each:.2f}",
            f"{each_s[0] / each:.1f}",
            f"{1000 * one.cpu_s / one.count:.2f}",
        ]
        for one, each in zip(times, each_s, strict=True)
    ]
    head = ["way", "suggestions", "s", "ms each", "times as fast", "own CPU each, ms"]
    table = format_table(head, lines)
    print(table)
    what = (
        "A person's click each, beside the job that accepts an import; in one process, on Postgres"
        " beside it, while other work ran on the machine. Titles and descriptions are short; what"
        " the end of each job measured is not measured again."
    )
    write_section("accepting", "Accepting a whole import", f"{what}\n\n{table}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
