"""What the provider answers: unusable, refused, invented; and one job that is delivered often."""

from __future__ import annotations

from core.clock import wait_until
from domain.job import Lane
from domain.ports import Dispatch
from tests.chaos.load import Size, submit_all, wait_for_all
from tests.chaos.programs import running
from tests.chaos.rows.killed import build_fleet
from tests.chaos.stage import Scene, Stage, open_scene
from tests.chaos.verdict import Verdict, judge

KINDS = (
    "cut", "empty", "prose", "length", "refusal", "invent", "leak", "cut:1", "empty:1", "prose:1",
    "html:1", "json_failed:1",
)  # fmt: skip
MOST_CALLS = 3
MESSAGES = 100


def run_malformed(stage: Stage, size: Size) -> Verdict:
    """Row 4d: every way in which an answer can be useless; none is stored as good."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        with running(*build_fleet(scene, size)):
            submit_all(
                scene, size.jobs, mark=lambda number: f"[[fault:{KINDS[number % len(KINDS)]}]]"
            )
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        injected = f"{len(KINDS)} kinds of bad answers"
        verdict = judge(scene, injected=injected, jobs=size.jobs, asks_again=True)
        worse = scene.count("app.suggestion WHERE hard_after > hard_before")
        unread = scene.count("app.job WHERE error_code = 'internal_error'")
        billed = scene.query(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM app.llm_call"
            " WHERE state = 'answered' GROUP BY job_id) c"
        )
        how = "SELECT coalesce(outcome, error_code), count(*) FROM app.job GROUP BY 1"
        ended = scene.query(how)
    said = ", ".join(f"{count} {what}" for what, count in sorted(ended, key=str))
    most = int(billed[0][0] or 0)
    return (
        verdict.require(holds=worse == 0, else_=f"{worse} suggestions break more rules than before")
        .require(holds=unread == 0, else_=f"{unread} jobs met a fault of ours")
        .require(holds=most <= MOST_CALLS, else_=f"{most} calls of one job")
        .say(said)
    )


def run_repeated(stage: Stage, size: Size) -> Verdict:
    """Row 6: the same message a hundred times, to all workers at once."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        submit_all(scene, size.jobs)
        jobs = [row[0] for row in scene.query("SELECT id FROM app.job")]
        for number in range(MESSAGES):
            scene.deps.queue.push([Dispatch(one, 1000 + number, Lane.BULK) for one in jobs])
        with running(*build_fleet(scene, size)):
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
            left = wait_for_empty(scene, longest_s=size.longest_s)
        injected = f"{MESSAGES} × each message to {size.processes} workers"
        verdict = judge(scene, injected=injected, jobs=size.jobs)
        claims = scene.count("app.job WHERE claim_no <> 1")
    return verdict.require(holds=claims == 0, else_=f"{claims} jobs claimed again").require(
        holds=left == 0, else_=f"{left} messages never went away"
    )


def wait_for_empty(scene: Scene, *, longest_s: float) -> int:
    """Until no message is left; how many are."""
    queue = scene.deps.queue

    def count() -> int:
        return sum(queue.count_messages().values())

    wait_until(lambda: count() == 0, timeout_s=longest_s, poll_s=0.1)
    return count()
