"""What a seller notices of another's 100,000 rows.

``python -m bench.fairness [rows]``: the two worker processes of production (lanes interactive and
files, 8 threads; bulk and scheduled, 32 threads) on the simulated Groq without latency. First
alone, then while the rows of another seller are under way: how soon an interactive job starts after
it is sent, and how long an import of ten rows takes from the upload to its last job.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import text

from bench.jobs import MANY, make_own_listing, running_simulator
from bench.page import format_table, write_section
from bench.start_latency import NotingQueue, find_percentile
from core.clock import monotonic_s, sleep, wait_until
from core.ids import new_id
from core.settings import process_environ
from services.access import Seller
from services.deps import Deps
from services.imports import confirm_import
from services.submit import submit_job
from tests.support.jobs import make_csv, make_order, make_seller, open_deps, query, upload
from tests.support.servers import create_database, drop_database, open_servers
from tests.support.workers import build_worker_process, running_workers

OWN_TEXTS: Final = 500
IMPORTS: Final = 5
IMPORT_ROWS: Final = 10
SEED: Final = 7
GOAL_START_MS: Final = 100
GOAL_RATIO: Final = 3
LONGEST_S: Final = 120.0
COPY_JOBS: Final = """
INSERT INTO app.job (id, seller_id, kind, lane, pool, subject_id, revision_id, brief_hash,
                     work_hash, as_of, est_tokens, scheduled_at)
SELECT gen_random_uuid(), j.seller_id, j.kind, 'bulk', j.pool, j.subject_id, j.revision_id,
       j.brief_hash, gen_random_uuid()::text, j.as_of, j.est_tokens,
       clock_timestamp() - interval '1 hour' + make_interval(secs => 0.001 * (n * :texts + j.no))
FROM generate_series(1, :each) n,
     (SELECT *, row_number() OVER (ORDER BY id) AS no FROM app.job WHERE seller_id = :seller) j
"""
"""Copies of one listing stand far apart: no two rows of a real file want the same lock."""

HOLD: Final = (
    "UPDATE app.seller SET paused_at = CASE WHEN :held THEN clock_timestamp() END WHERE id = :id"
)
ENDED: Final = (
    "SELECT count(*) FROM app.job WHERE seller_id = :id AND lane = 'bulk' AND state = 'completed'"
)


@dataclass(frozen=True, slots=True)
class Felt:
    """Milliseconds until interactive jobs start, and seconds that small imports take."""

    starts_ms: Sequence[float]
    imports_s: Sequence[float]


def insert_rows(deps: Deps, seller: Seller, rows: int) -> None:
    """A long bulk backlog: jobs of a few hundred listings, each many times over, held for now."""
    hold(deps, seller, held=True)
    for number in range(OWN_TEXTS):
        submit_job(deps, seller.id, make_order(make_own_listing(number)))
    with deps.database.transaction(system="bench") as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        each = rows // OWN_TEXTS
        keys = {"each": each, "seller": seller.id, "texts": OWN_TEXTS}
        session.execute(text(COPY_JOBS), keys)


def hold(deps: Deps, seller: Seller, *, held: bool) -> None:
    """Pause a seller, or let them go."""
    with deps.database.transaction(system="bench") as session:
        session.execute(text(HOLD), {"held": held, "id": seller.id})


def feel(deps: Deps, jobs: int) -> Felt:
    """What a new seller meets."""
    seller = make_seller(deps, f"{new_id().hex}@example.com")
    imports_s = [time_import(deps, seller, turn) for turn in range(IMPORTS)]
    return Felt(time_starts(deps, seller, jobs), imports_s)


def time_starts(deps: Deps, seller: Seller, jobs: int) -> list[float]:
    """Interactive jobs, one every 50 to 250 ms, and when each was claimed after it was sent."""
    queue = NotingQueue(deps.settings.redis_url)
    noting, rng = replace(deps, queue=queue), random.Random(SEED)
    for number in range(jobs):
        submit_job(noting, seller.id, make_order(make_own_listing(10_000 + number)))
        sleep(rng.uniform(0.05, 0.25))
    of_sent = "FROM app.job WHERE id = ANY(:ids)"
    waiting = f"SELECT count(*) {of_sent} AND attempted_at IS NULL"
    wait_for(deps, waiting, 0, ids=list(queue.sent))
    rows = query(deps, f"SELECT id, attempted_at {of_sent}", ids=list(queue.sent))
    return [(at - queue.sent[i]).total_seconds() * 1000 for i, at in rows]


def time_import(deps: Deps, seller: Seller, turn: int) -> float:
    """From the upload of a small file until its last job has ended."""
    content = make_csv(IMPORT_ROWS).replace(b"SKU-", b"T%d-" % turn)
    from_s = monotonic_s()
    import_id = upload(deps, seller, content)
    state = "SELECT state FROM app.import_file WHERE id = :id"
    wait_for(deps, state, "ready", id=import_id)
    confirm_import(deps, seller.id, import_id)
    wait_for(deps, state, "done", id=import_id)
    return monotonic_s() - from_s


def wait_for(deps: Deps, statement: str, wanted: object, **values: object) -> None:
    """Until a query gives this one value."""
    if not wait_until(
        lambda: query(deps, statement, **values) == [(wanted,)], timeout_s=LONGEST_S, poll_s=0.02
    ):
        message = f"{statement}: {query(deps, statement, **values)}, not {wanted}"
        raise TimeoutError(message)


def measure(deps: Deps, folder: Path, rows: int, keys: dict[str, str]) -> tuple[Felt, Felt, float]:
    """Alone, then beside the rows; and how many of those a second were done meanwhile."""
    big = make_seller(deps, "big@example.com")
    insert_rows(deps, big, rows)
    front = build_worker_process(deps, folder, queues=["interactive", "files"], threads=8, **keys)
    back = build_worker_process(deps, folder, queues=["bulk", "scheduled"], threads=32, **keys)
    with running_workers(deps, front, back):
        feel(deps, 5)
        alone = feel(deps, 60)
        hold(deps, big, held=False)
        wait_until(lambda: query(deps, ENDED, id=big.id)[0][0] > 0, timeout_s=LONGEST_S)
        [(before,)], from_s = query(deps, ENDED, id=big.id), monotonic_s()
        beside = feel(deps, 200)
        [(after,)] = query(deps, ENDED, id=big.id)
        return alone, beside, (after - before) / (monotonic_s() - from_s)


def run(rows: int) -> None:
    """Measure, print and write the table."""
    with (
        open_servers(process_environ()) as servers,
        running_simulator() as groq,
        tempfile.TemporaryDirectory() as folder,
    ):
        keys = {"GROQ_API_KEY": "any", "GROQ_BASE_URL": groq, "LOG_LEVEL": "error"}
        keys |= {"GROQ_REQUESTS_PER_MINUTE": "1000000", "GROQ_TOKENS_PER_MINUTE": MANY}
        name = f"bench_{new_id().hex[-12:]}"
        url = create_database(servers.admin_url, name=name, template=servers.template)
        with open_deps(url, servers.redis_url, **keys) as deps:
            alone, beside, rate = measure(deps, Path(folder), rows, keys)
        drop_database(servers.admin_url, name=name)
    lines = [build_row("alone", alone), build_row(f"beside {rows:,} rows", beside)]
    head = ["another seller's", "start p50, ms", "p99, ms", "worst, ms", "import of 10 rows, s"]
    table = format_table(head, lines)
    ratio = median(beside.imports_s) / median(alone.imports_s)
    print(table, f"import ratio {ratio:.2f}, {rate:.0f} of the rows a second", sep="\n")
    what = (
        f"Two worker processes as in production, the simulated Groq without latency, {rows:,} bulk"
        f" jobs of one seller (of {OWN_TEXTS} texts), of which {rate:.0f} a second were done"
        f" meanwhile. Starts: {len(beside.starts_ms)} interactive jobs, from the send to the claim;"
        f" imports: the middle of {IMPORTS}, {ratio:.1f} times what they take alone. Goals: p99"
        f" {GOAL_START_MS} ms, {GOAL_RATIO} times. Everything shared the cores with other work."
    )
    write_section("fairness", "What a seller notices of another's rows", f"{what}\n\n{table}")


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return find_percentile(values, 0.5)


def build_row(name: str, felt: Felt) -> list[str]:
    """A line of the table."""
    figures = [find_percentile(felt.starts_ms, share) for share in (0.5, 0.99, 1.0)]
    return [name, *(f"{one:.1f}" for one in figures), f"{median(felt.imports_s):.2f}"]


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
