"""Builders for tests of the job path: deps on real servers, a seller, listings, a worker."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from core.clock import wait_until
from core.ids import new_id
from core.settings import Settings, load_settings
from domain.brief import EngineChoice
from domain.listing import Listing
from models import batch as batches
from models import job as jobs
from services.access import Seller, create_seller
from services.deps import Deps, build_worker_deps
from services.dispatch import STALE_S, Rounds, rescue_lost, run_tick
from services.import_options import ImportOptions
from services.import_receive import receive_import
from services.imports import confirm_import
from services.process import Hands, register_process
from services.run import run_job
from services.submit import Order, Wish


@dataclass(slots=True)
class Worker:
    """A worker process as jobs see it, without threads: it runs what it is told to."""

    deps: Deps
    process_id: uuid.UUID = field(default_factory=new_id)
    paying: bool = True
    alone: bool = True
    before_call: Callable[[], None] = lambda: None
    hands: Hands = field(default_factory=Hands)

    def may_call(self) -> bool:
        self.before_call()
        return self.paying

    def run(self, job_id: uuid.UUID) -> None:
        run_job(self.deps, job_id, self, alone=self.alone)


def build_settings(database_url: str, redis_url: str, **more: str) -> Settings:
    """Settings for servers of this test run."""
    return load_settings({"DATABASE_URL": database_url, "REDIS_URL": redis_url, **more})


@contextmanager
def open_deps(database_url: str, redis_url: str, **more: str) -> Iterator[Deps]:
    """A worker's deps, closed at the end."""
    deps = build_worker_deps(build_settings(database_url, redis_url, **more))
    try:
        yield deps
    finally:
        deps.database.dispose()


def make_worker(deps: Deps, *, threads: int = 8) -> Worker:
    """A registered worker of all lanes."""
    worker = Worker(deps)
    lanes = ["interactive", "bulk", "scheduled", "files"]
    register_process(deps, worker.process_id, queues=lanes, threads=threads)
    return worker


def make_seller(deps: Deps, email: str = "seller@example.com") -> Seller:
    """A seller."""
    return create_seller(deps, email)


def make_listing(key: str = "SKU-1", **fields: str) -> Listing:
    """A listing whose title is too long and shouts; other fields as given."""
    title = (
        "FREE SHIPPING!!! Northfold Merino Wool Beanie Hat for Men and Women, Warm Winter"
        " Knitted Cap, Soft Rib Knit, Green, One Size, Great Gift"
    )
    return Listing(
        key=key,
        fields={"title": title, "description": "A rib-knit beanie of merino wool.", **fields},
        attributes={"brand": "Northfold", "color": "Green", "material": "Merino Wool"},
    )


def make_long_listing(key: str = "SKU-1", mark: str = "", **fields: str) -> Listing:
    """A listing that the simulator mends in one call; ``mark`` tells it what to do wrong."""
    title = f"Northfold beanie {mark}, " + "soft rib knit green merino wool warm winter hat " * 3
    return make_listing(key, title=title, **fields)


def make_order(listing: Listing | None = None, *, channel: str = "ebay", **more: object) -> Order:
    """An order for one listing."""
    wish = more.pop("wish", Wish())
    return Order(channel=channel, listing=listing or make_listing(), wish=wish, **more)  # type: ignore[arg-type]


def run_all(deps: Deps, worker: Worker, *, rounds: int = 50) -> int:
    """Dispatch and run everything due, in this thread; how many jobs were run."""
    state, ran = Rounds(), 0
    for _ in range(rounds):
        run_tick(deps, state)
        due = list_claimable(deps)
        if not due:
            return ran
        for job_id in due:
            worker.run(job_id)
            ran += 1
    return ran


def list_claimable(deps: Deps) -> list[uuid.UUID]:
    """Ids of jobs that could be claimed now."""
    with deps.database.transaction(system="test") as session:
        return list(
            session.execute(
                text(
                    "SELECT id FROM app.job WHERE state IN ('available', 'retryable')"
                    " AND scheduled_at <= clock_timestamp() ORDER BY created_at"
                )
            ).scalars()
        )


def query(deps: Deps, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Rows of a query, for assertions on what is really stored."""
    with deps.database.transaction(system="test") as session:
        return [tuple(row) for row in session.execute(text(statement), values)]


def execute(deps: Deps, statement: str, **values: object) -> None:
    """Change what is stored behind the product's back, as a fault would."""
    with deps.database.transaction(system="test") as session:
        session.execute(text(statement), values)


def claim(worker: Worker, job_id: uuid.UUID, *, max_run_s: float = 600.0) -> jobs.JobRow:
    """Only the claim of a job, as a worker does it that then gets no further."""
    job = try_claim(worker, job_id, max_run_s=max_run_s)
    assert job is not None, "the claim was refused"
    return job


def try_claim(worker: Worker, job_id: uuid.UUID, *, max_run_s: float = 600.0) -> jobs.JobRow | None:
    """The claim of a job, None when it is refused."""
    with worker.deps.database.transaction(system="claim") as session:
        claim = jobs.claim_job(
            session,
            job_id,
            pool=worker.deps.pool,
            owner=worker.process_id,
            max_run_s=max_run_s,
            alone=worker.alone,
        )
    return None if claim is None else claim.job


def lose_process(worker: Worker) -> None:
    """Make the worker's last beat an old one, as that of a killed process is."""
    execute(
        worker.deps,
        "UPDATE app.worker_process SET beat_at = beat_at - interval '1 hour' WHERE id = :id",
        id=worker.process_id,
    )


def make_due(deps: Deps) -> None:
    """Let the waiting time of every waiting job pass."""
    execute(
        deps,
        "UPDATE app.job SET scheduled_at = clock_timestamp()"
        " WHERE state IN ('available', 'retryable')",
    )


def sweep(deps: Deps) -> None:
    """One rescue, by a sweeper that has seen the database long enough to judge."""
    wait_for_old_postgres(deps)
    with deps.database.transaction(system="sweep") as session:
        rescue_lost(session, deps)


def wait_for_old_postgres(deps: Deps) -> None:
    """Until Postgres runs for longer than a lease: before that nothing is rescued."""
    age = "SELECT clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => :lease)"
    assert wait_until(lambda: query(deps, age, lease=STALE_S) == [(True,)], timeout_s=STALE_S + 5)


def put_into_batch(deps: Deps, seller: Seller, job_id: uuid.UUID) -> uuid.UUID:
    """Make a job the only one of a new batch; the batch's id."""
    batch_id = new_id()
    with deps.database.transaction(seller=seller.id) as session:
        batches.insert_batch(
            session, seller_id=seller.id, batch_id=batch_id, kind="import", total=1
        )
    execute(
        deps, "UPDATE app.job SET batch_id = :batch WHERE id = :job", batch=batch_id, job=job_id
    )
    return batch_id


def sum_counts(deps: Deps, seller: Seller, batch_id: uuid.UUID) -> dict[str, int]:
    """What a batch has counted."""
    with deps.database.transaction(seller=seller.id) as session:
        return batches.sum_tallies(session, seller.id, batch_id)


def make_wish(engine: str = "auto", **more: Any) -> Wish:
    """A wish for an engine."""
    return Wish(engine=EngineChoice(engine), **more)


def upload(
    deps: Deps, seller: Seller, content: bytes, *, channel: str = "ebay", **options: Any
) -> uuid.UUID:
    """Receive a file; the import's id."""
    return receive_import(
        deps,
        seller.id,
        name="products.csv",
        channel=channel,
        options=ImportOptions(**options),
        body=[content],
    )


def import_all(
    deps: Deps, seller: Seller, content: bytes, *, channel: str = "ebay", **options: Any
) -> uuid.UUID:
    """Upload, read, confirm and work a file off; the import's id."""
    import_id = upload(deps, seller, content, channel=channel, **options)
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    run_all(deps, worker)
    return import_id


def make_csv(count: int, *, columns: str = "sku,title,description") -> bytes:
    """A file of products whose titles are too long for every channel."""
    words = "Northfold beanie soft rib knit green merino wool warm winter hat "
    rows = [f"SKU-{n},{words * 4}{n},A rib-knit beanie of merino wool {n}." for n in range(count)]
    return "\r\n".join([columns, *rows, ""]).encode()
