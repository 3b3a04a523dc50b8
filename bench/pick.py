"""What the dispatcher's fair pick costs with many sellers and a long backlog.

``python -m bench.pick [jobs]``: 1,000 sellers; once one of them has nearly all the jobs, once all
have as many. Each pick marks 256 jobs as sent and is committed; one every 250 ms, as the dispatcher
does it, which looks for the active sellers anew once a second when they are so many.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from sqlalchemy import text

from bench.page import format_table, write_section
from core.clock import monotonic_s, sleep
from core.ids import new_id
from core.settings import process_environ
from domain.job import Lane
from services.deps import Deps
from services.dispatch import KnownSellers, pick_lane
from tests.support.jobs import execute, open_deps
from tests.support.servers import create_database, drop_database, open_servers

SELLERS: Final = 1_000
FEW: Final = 20
ROOM: Final = 256
PICKS: Final = 40
GOAL_MS: Final = 25
TICK_S: Final = 0.25

ADD_SELLERS: Final = (
    "INSERT INTO app.seller (id, email) SELECT gen_random_uuid(), n || '@example.com'"
    " FROM generate_series(1, :sellers) n"
)
ADD_JOBS: Final = """
INSERT INTO app.job (id, seller_id, kind, lane, work_hash, est_tokens, scheduled_at)
SELECT gen_random_uuid(), s.id, 'optimize', 'bulk', n::text, 1500,
       clock_timestamp() - interval '1 hour'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM app.seller) s,
LATERAL generate_series(1, CASE WHEN s.place = 1 THEN :most ELSE :rest END) n
"""


def measure(deps: Deps, *, most: int, rest: int) -> list[float]:
    """Milliseconds of each pick."""
    execute(deps, ADD_SELLERS, sellers=SELLERS)
    with deps.database.transaction(system="bench") as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(ADD_JOBS), {"most": most, "rest": rest})
    with deps.database.statements(system="bench") as session:
        session.connection().exec_driver_sql("VACUUM ANALYZE app.job")
    times_ms = []
    known: dict[Lane, KnownSellers] = {}
    for _ in range(PICKS):
        from_s = monotonic_s()
        with deps.database.transaction(system="bench") as session:
            picked = pick_lane(session, deps.pool, known, lane=Lane.BULK, room=ROOM)
        times_ms.append((monotonic_s() - from_s) * 1000)
        sleep(max(0.0, from_s + TICK_S - monotonic_s()))
        if len(picked) != ROOM:
            message = f"{len(picked)} picked of {ROOM}"
            raise AssertionError(message)
    return times_ms


def run(jobs: int) -> None:
    """Measure both shapes, print and write the table."""
    shapes: Mapping[str, tuple[int, int]] = {
        "one seller has nearly all": (jobs - FEW * (SELLERS - 1), FEW),
        "every seller has as many": (jobs // SELLERS, jobs // SELLERS),
    }
    rows = []
    with open_servers(process_environ()) as servers:
        for shape, (most, rest) in shapes.items():
            name = f"bench_{new_id().hex[-12:]}"
            url = create_database(servers.admin_url, name=name, template=servers.template)
            with open_deps(url, servers.redis_url) as deps:
                times_ms = sorted(measure(deps, most=most, rest=rest))
            drop_database(servers.admin_url, name=name)
            median, worst = times_ms[len(times_ms) // 2], times_ms[-1]
            rows.append(
                [shape, f"{median:.1f}", f"{times_ms[int(0.9 * PICKS)]:.1f}", f"{worst:.1f}"]
            )
    table = format_table(["the backlog", "p50, ms", "p90, ms", "worst, ms"], rows)
    print(table)
    what = (
        f"{jobs:,} pending jobs of {SELLERS:,} sellers; {PICKS} picks of {ROOM} jobs, each marked"
        f" and committed, one every {1000 * TICK_S:.0f} ms; every fourth or so looks for the active"
        f" sellers anew. Goal: {GOAL_MS} ms. Other work ran on the machine."
    )
    write_section("pick", "What the fair pick costs", f"{what}\n\n{table}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
