"""Where work comes in: repeated requests, crashes before the message, a full disk."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from core.clock import wait_until
from embedded.postgres import connect_admin
from tests.chaos.load import Size, wait_for_all
from tests.chaos.programs import pick_environ, running
from tests.chaos.proxy import running_proxy
from tests.chaos.rows.killed import build_fleet
from tests.chaos.stage import Scene, Stage, open_scene
from tests.chaos.submitter import EMAIL
from tests.chaos.verdict import Verdict, find_percentile, judge
from tests.chaos.web import Reply, WebProcess, running_web
from tests.support.jobs import make_seller
from tests.support.servers import ROOT

POSTS = 50
JOBS = "/api/v1/jobs"
CRASH_SHARE = 0.3
LATE_S = 20.0


def build_body(key: str) -> dict[str, object]:
    """A listing whose title is too long, as the API takes it."""
    title = f"Northfold beanie {key}, " + "soft rib knit green merino wool warm winter hat " * 3
    words = {"title": title, "description": "A rib-knit beanie of merino wool."}
    more = {"brand": "Northfold", "attributes": {"color": "Green", "material": "Merino Wool"}}
    return {"channel": "ebay", "listing": {"sku": key, **words, **more}}


def run_idempotent(stage: Stage, size: Size) -> Verdict:
    """Row 7: one key in many requests at once, with another body, and after a lost reply."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene, running_web(scene) as web:
        with running(*build_fleet(scene, size)):
            same = post_at_once(web)
            other = web.ask(JOBS, build_body("B"), Idempotency_Key="one")
            lost, replayed = post_unheard(web)
            web.program.kill()
            web.program.start()
            wait_until(lambda: web.ask("/readyz").status == 200, timeout_s=60)
            later = web.ask(JOBS, build_body("C"), Idempotency_Key="two")
            wait_for_all(scene, 2, longest_s=size.longest_s)
        verdict = judge(scene, injected=f"{POSTS} parallel POSTs with one key", jobs=2)
        made = scene.count("app.job")
    ids = {reply.body.get("id") for reply in same if reply.status == 202}
    statuses = sorted({reply.status for reply in same})
    return (
        verdict.require(holds=made == 2, else_=f"{made} jobs of two keys")
        .require(holds=len(ids) == 1, else_=f"{len(ids)} different answers")
        .require(holds=set(statuses) <= {202, 409}, else_=f"answers {statuses}")
        .require(holds=other.status == 422, else_=f"another body got {other.status}")
        .require(
            holds=lost.status == 0 and replayed.body == later.body and later.status == 202,
            else_="the lost answer was not repeated",
        )
        .say(f"{made - 1} job of {POSTS} POSTs; another body {other.status}")
    )


def post_at_once(web: WebProcess) -> list[Reply]:
    """Many requests with one key, at the same time."""
    with ThreadPoolExecutor(POSTS) as pool:
        return list(
            pool.map(lambda _: web.ask(JOBS, build_body("A"), Idempotency_Key="one"), range(POSTS))
        )


def post_unheard(web: WebProcess) -> tuple[Reply, Reply]:
    """A request whose answer is lost after the commit, and the same one again."""
    with running_proxy(("127.0.0.1", web.port)) as proxy:
        proxy.change(deaf_to=b"POST", deaf_times=1)
        lost = web.ask(JOBS, build_body("C"), port=proxy.port, Idempotency_Key="two")
    return lost, web.ask(JOBS, build_body("C"), Idempotency_Key="two")


def run_outbox(stage: Stage, size: Size) -> Verdict:
    """Row 11: the process that submits dies between its commit and the push of the message."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        make_seller(scene.deps, EMAIL)
        with running(*build_fleet(scene, size)):
            killed = submit_with_crashes(scene, size)
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        injected = f"{killed} of {size.jobs} submissions killed before the push"
        verdict = judge(scene, injected=injected, jobs=size.jobs)
        unsent = scene.count("app.job WHERE claim_no = 0")
        late = [float(row[0]) for row in scene.query(_WAITED)]
    p99 = find_percentile(late, 0.99)
    return (
        verdict.recover(late)
        .require(holds=killed > 0, else_="nobody was killed")
        .require(holds=unsent == 0, else_=f"{unsent} rows never sent")
        .require(holds=p99 <= LATE_S, else_=f"started after {p99:.1f} s at the 99th")
    )


_WAITED = """
SELECT extract(epoch FROM min(m.at) - j.created_at)::float8 FROM app.job j
JOIN app.chaos_move m ON m.job_id = j.id AND m.became = 'running' GROUP BY j.id, j.created_at
"""


def submit_with_crashes(scene: Scene, size: Size) -> int:
    """Submit all jobs in a program that dies again and again; how often it has."""
    settings = scene.deps.settings
    argv = [sys.executable, "-m", "tests.chaos.submitter", str(size.jobs), str(CRASH_SHARE)]
    addresses = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    ended = subprocess.run(
        [*argv, str(size.seed)],
        env={**pick_environ(), **scene.keys, **addresses, "LOG_LEVEL": "error"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=size.longest_s,
        check=True,
    )
    return ended.stdout.count("killed")


def run_read_only(stage: Stage, size: Size) -> Verdict:
    """Row 16: Postgres takes no writes for a while, as a hosted one does whose disk is full."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene, running_web(scene) as web:
        accepted = [post(web, number) for number in range(size.jobs // 2)]
        with running(*build_fleet(scene, size)):
            set_read_only(scene, wanted=True)
            refused = [post(web, size.jobs + number) for number in range(5)]
            read = web.ask(JOBS)
            set_read_only(scene, wanted=False)
            accepted += [post(web, number) for number in range(size.jobs // 2, size.jobs)]
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        verdict = judge(scene, injected="default_transaction_read_only", jobs=size.jobs)
        made = scene.count("app.job")
        partial = scene.count(
            "app.brief b WHERE NOT EXISTS (SELECT FROM app.job j WHERE j.brief_hash = b.hash)"
        )
    answers = sorted({reply.status for reply in refused})
    problems = {reply.headers.get("Content-Type") for reply in refused}
    taken = [reply.status for reply in accepted].count(202)
    return (
        verdict.require(holds=answers == [503], else_=f"writes were answered with {answers}")
        .require(holds=problems == {"application/problem+json"}, else_=f"{problems}")
        .require(holds=read.status == 200, else_=f"a read was answered with {read.status}")
        .require(holds=made == taken == size.jobs, else_=f"{made} jobs, {taken} accepted")
        .require(holds=partial == 0, else_=f"{partial} half writes")
        .say(f"writes {answers}, reads {read.status} meanwhile")
    )


def post(web: WebProcess, number: int) -> Reply:
    """Submit one job over HTTP."""
    return web.ask(JOBS, build_body(f"SKU-{number}"))


def set_read_only(scene: Scene, *, wanted: bool) -> None:
    """Let new transactions of everybody be read-only, or no longer."""
    name = scene.deps.settings.database_url.rpartition("/")[2].partition("?")[0]
    with connect_admin(scene.stage.admin_url, database="postgres") as admin:
        value = "on" if wanted else "off"
        admin.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        admin.execute("SELECT pg_reload_conf()")
        setting = "SELECT setting FROM pg_settings WHERE name = 'default_transaction_read_only'"

        def is_set() -> bool:
            with connect_admin(scene.stage.admin_url, database=name) as fresh:
                return fresh.execute(setting).fetchone() == (value,)

        assert wait_until(is_set, timeout_s=10)
