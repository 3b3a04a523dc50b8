"""What a look of re-optimization costs: time, and memory that does not grow with the catalogue.

``python -m bench.reoptimize [listings]``: one seller with very many listings, a tenth of which
break a rule, on the first look, which reads every text; in a process of its own, beside the same
on a tenth of the listings.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import Final

from sqlalchemy import text

from bench.page import format_table, write_section
from core.clock import monotonic_s
from core.ids import new_id
from core.settings import process_environ
from services.access import create_seller
from services.reoptimize import RunWish, reoptimize
from tests.support.jobs import open_deps
from tests.support.servers import create_database, drop_database, open_servers

BAD_EVERY: Final = 10
TIMEOUT_S: Final = 7200.0
LIMIT: Final = 1000

ADD: Final = """
WITH st AS (
  INSERT INTO app.store (seller_id, id, channel) VALUES (:seller, gen_random_uuid(), 'ebay')
  RETURNING id),
p AS (
  INSERT INTO app.product (seller_id, id, source_store_id, source_key, facts, facts_hash)
  SELECT :seller, gen_random_uuid(), st.id, 'SKU-' || n,
    jsonb_build_object('brand', 'Northfold', 'color', 'Green', 'price', '24.00'), n::text
  FROM st, generate_series(1, :listings) n RETURNING id, source_store_id, source_key),
l AS (
  INSERT INTO app.listing (seller_id, id, product_id, store_id, title, state, hard, advice, score,
    value_minor, current_revision_id)
  SELECT :seller, gen_random_uuid(), p.id, p.source_store_id, p.source_key, 'good',
    (n % :every = 0)::int, 0, 90, 2400, gen_random_uuid()
  FROM (SELECT *, row_number() OVER () AS n FROM p) p
  RETURNING id, current_revision_id, hard, title)
INSERT INTO app.revision (seller_id, id, listing_id, origin, fields, hash)
SELECT :seller, l.current_revision_id, l.id, 'import', jsonb_build_object(
    'title', 'Northfold Merino Wool Beanie Green ' || l.title
      || repeat(' soft rib knit warm winter hat', l.hard * 4),
    'description', repeat('A rib-knit beanie of merino wool for cold days. ', 20)), l.title
FROM l
"""


def fill(database_url: str, redis_url: str, listings: int) -> None:
    """Store so many listings of one seller."""
    with open_deps(database_url, redis_url) as deps:
        seller = create_seller(deps, "many@example.com")
        with deps.database.transaction(system="bench") as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            values = {"seller": seller.id, "listings": listings, "every": BAD_EVERY}
            session.execute(text(ADD), values)
        with deps.database.statements(system="bench") as session:
            session.connection().exec_driver_sql("VACUUM ANALYZE app.listing, app.revision")


def run_once(database_url: str, redis_url: str) -> None:
    """One run in this process; prints what it took as JSON."""
    with open_deps(database_url, redis_url, GROQ_API_KEY="simulated") as deps:
        from_s = monotonic_s()
        wish = RunWish(everything=True, limit=LIMIT, timeout_s=TIMEOUT_S, dry_run=True)
        summary = reoptimize(deps, wish)
    took = {
        "s": monotonic_s() - from_s,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **summary.to_json(),
    }
    sys.stderr.write(json.dumps(took))


def measure(database_url: str, redis_url: str) -> dict[str, float]:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "bench.reoptimize", "--once", database_url, redis_url]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    took: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return took


def run(listings: int) -> None:
    """Measure, print and write the table."""
    rows = []
    with open_servers(process_environ()) as servers:
        for count in (listings // 10, listings):
            name = f"bench_{new_id().hex[-12:]}"
            url = create_database(servers.admin_url, name=name, template=servers.template)
            fill(url, servers.redis_url, count)
            took = measure(url, servers.redis_url)
            rows.append(
                [
                    f"{count:,}",
                    f"{took['due']:,}",
                    f"{took['submitted']:,}",
                    f"{took['s']:.1f}",
                    f"{count / took['s']:,.0f}",
                    f"{took['mb']:.0f}",
                ]
            )
            drop_database(servers.admin_url, name=name)
    head = ["listings", "due", "chosen", "s", "listings/s", "peak MB"]
    table = format_table(head, rows)
    print(table)
    what = (
        f"`flask reoptimize --all --dry-run --limit {LIMIT}` over one seller's listings, a"
        " tenth of which break a rule, on the first look: every text is read, checked and,"
        " where it breaks a rule, its call estimated. Other work ran on the machine."
    )
    write_section("reoptimize", "Looking for what is worth a proposal", f"{what}\n\n{table}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        run_once(*sys.argv[2:])
    else:
        run(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
