"""What 1,000 listings cost: on demand, with the prompt cache, and through the batch lane.

``python -m bench.groq_costs [listings a file]``: real sample files through the whole path (import,
jobs, calls, gate, ledger) against the simulated Groq, whose bill is compared with our books.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.page import format_table, write_section
from core.ids import new_id
from core.settings import process_environ
from domain.batch_lane import Speed
from domain.brief import Mode
from services.access import Seller
from services.deps import Deps
from services.imports import confirm_import
from tests.support.batch_lane import finish, open_lane_deps, sum_ledger, work
from tests.support.groq_sim import GroqSimulator, running_groq
from tests.support.jobs import make_seller, make_worker, query, run_all, upload
from tests.support.servers import (
    ROOT,
    TestServers,
    create_database,
    drop_database,
    flush_redis,
    open_servers,
)

SAMPLES: Final = ROOT.parent / "shared" / "samples"
OWN: Final = ROOT / "docs" / "samples"
FILES: Final = (
    SAMPLES / "shopify_partner_apparel.csv",
    SAMPLES / "shopify_partner_home-and-garden.csv",
    SAMPLES / "shopify_partner_jewelery.csv",
    SAMPLES / "shopify_bicycles_export.csv",
    SAMPLES / "woocommerce_sample_products.csv",
    OWN / "shopify_catalog.csv",
    OWN / "woocommerce_catalog.csv",
    OWN / "etsy_download.csv",
)
RUNS: Final = (("amazon", "fix"), ("amazon", "rewrite"), ("ebay", "rewrite"))
"""Channel and mode."""

WAYS: Final = ("on demand, no cache", "on demand, cached", "batch lane", "again, unchanged")
PICO: Final = 1_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """One way's figures: listings of the files, those that needed a call, and the bill."""

    listings: int
    asked: int
    ledger: dict[str, Any]
    ours_picousd: int

    @property
    def per_thousand_usd(self) -> float:
        """Dollars for 1,000 listings that need a call."""
        return float(self.ledger["cost_picousd"]) / PICO * 1000 / max(1, self.asked)

    @property
    def differs_picousd(self) -> int:
        """What our books say more or less than the provider's."""
        return self.ours_picousd - int(self.ledger["cost_picousd"])


def list_files() -> list[Path]:
    """The sample files that are here."""
    return [path for path in FILES if path.exists()]


@contextmanager
def open_way(servers: TestServers, *, caching: bool) -> Iterator[tuple[Deps, GroqSimulator]]:
    """A database and a provider of their own; limits that never bind."""
    name = f"bench_{new_id().hex[-12:]}"
    flush_redis(servers.redis_url)
    url = create_database(servers.admin_url, name=name, template=servers.template)
    free = {"requests_per_minute": 10**9, "tokens_per_minute": 10**9, "requests_per_day": 10**9}
    limits = {"GROQ_REQUESTS_PER_MINUTE": "1000000", "GROQ_TOKENS_PER_MINUTE": "1000000000"}
    with (
        running_groq(caching=caching, **free) as groq,
        open_lane_deps(url, servers.redis_url, groq, LOG_LEVEL="error", **limits) as deps,
    ):
        yield deps, groq
    drop_database(servers.admin_url, name=name)


def import_files(
    deps: Deps, seller: Seller, run: tuple[str, str], *, limit: int, speed: str = "now"
) -> int:
    """Every file through the whole path; how many listings they hold."""
    worker, products = make_worker(deps), 0
    for path in list_files():
        import_id = upload(
            deps,
            seller,
            path.read_bytes(),
            channel=run[0],
            limit=limit,
            mode=Mode(run[1]),
            speed=Speed(speed),
        )
        run_all(deps, worker, rounds=10_000)
        confirm_import(deps, seller.id, import_id)
        run_all(deps, worker, rounds=10_000)
        [(count,)] = query(
            deps, "SELECT products_total FROM app.import_file WHERE id = :id", id=import_id
        )
        products += min(count, limit)
    return products


def read_costs(deps: Deps, groq: GroqSimulator, listings: int) -> Costs:
    """The figures of what was done since the provider's books were emptied."""
    [(asked,)] = query(deps, "SELECT count(DISTINCT job_id) FROM app.llm_call")
    return Costs(
        listings=listings,
        asked=int(asked),
        ledger=groq.ledger(),
        ours_picousd=sum_ledger(deps),
    )


def measure_ways(servers: TestServers, run: tuple[str, str], *, limit: int) -> dict[str, Costs]:
    """Every way of one channel and mode."""
    costs = {}
    for way, caching, speed in (
        (WAYS[0], False, "now"),
        (WAYS[1], True, "now"),
        (WAYS[2], True, "batch"),
    ):
        with open_way(servers, caching=caching) as (deps, groq):
            seller = make_seller(deps)
            listings = import_files(deps, seller, run, limit=limit, speed=speed)
            if speed == "batch":
                work(deps)
                finish(deps, groq)
            costs[way] = read_costs(deps, groq, listings)
            if way == WAYS[1]:
                groq.reset()
                before = sum_ledger(deps)
                import_files(deps, seller, run, limit=limit)
                ours = sum_ledger(deps) - before
                costs[WAYS[3]] = Costs(
                    listings=listings,
                    asked=costs[way].asked,
                    ledger=groq.ledger(),
                    ours_picousd=ours,
                )
    return costs


def build_row(run: tuple[str, str], way: str, costs: Costs) -> list[object]:
    """A line of the table."""
    told = costs.ledger
    calls = told["billed_calls"]
    prompt, cached = told["prompt_tokens"], told["cached_tokens"]
    return [
        f"{run[0]}, {run[1]}: {way}",
        costs.asked,
        calls,
        told["by_tier"].get("on_demand", 0),
        f"{prompt / max(1, calls):.0f}",
        f"{100 * cached / max(1, prompt):.0f} %",
        f"{told['completion_tokens'] / max(1, calls):.0f}",
        f"${costs.per_thousand_usd:.4f}",
        costs.differs_picousd,
    ]


HEAD: Final = (
    "channel, mode: way",
    "listings asked for",
    "calls billed",
    "of them single",
    "prompt tokens a call",
    "cached",
    "answer tokens a call",
    "USD per 1,000 asked for",
    "our books less theirs, picodollars",
)


def measure(limit: int) -> None:
    """Measure, print and write the table."""
    rows: list[list[object]] = []
    listings = 0
    with open_servers(process_environ()) as servers:
        for run in RUNS:
            ways = measure_ways(servers, run, limit=limit)
            for way in WAYS:
                rows.append(build_row(run, way, ways[way]))
                listings = ways[way].listings
                print(rows[-1], flush=True)
    table = format_table(HEAD, rows)
    names = ", ".join(f"`{path.name}`" for path in list_files())
    what = (
        f"The first {limit} products of each of {names} ({listings} listings in all),"
        " `openai/gpt-oss-20b` at the prices of 2026-06, through the whole path against the"
        " simulated Groq. Listings that need no call cost nothing and are left out of the price."
        " Prompts are ours, counted at 3.5 bytes a token; answers are the simulator's texts and 60"
        " tokens of reasoning each: a real model may write more, and need more repairs. Answers are"
        " short because HTML descriptions of another channel's file are left alone. The cache"
        " is as Groq describes it, with blocks of 128 tokens from 1,024 on (assumed: a shorter"
        " prompt finds nothing), and one worker asks for one listing after the other: the best case"
        " for a cache. In the batch lane the cache saves nothing (assumed), and repairs are single"
        " calls at the full price."
    )
    print(table)
    write_section("groq_costs", "What 1,000 listings cost", f"{what}\n\n{table}")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
